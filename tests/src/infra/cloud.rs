//! The few calls that these tests make, over plain HTTP: nobody here checks a signature, only which service it names.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

/// AWS as moto or DynamoDB Local plays it.
pub struct Cloud {
    url: String,
    agent: Agent,
}

impl Cloud {
    pub fn new(url: String) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        let agent = config.build().into();
        Self { url, agent }
    }

    /// Makes a bucket if there is none of this name, and an object in it.
    pub fn put_object(&self, bucket: &str, key: &str, body: &str) {
        let region = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
        let (status, said) = self.send("PUT", "s3", &format!("/{bucket}"), &[], region);
        assert!([200, 409].contains(&status), "{said}");
        let (status, said) = self.send("PUT", "s3", &format!("/{bucket}/{key}"), &[], body);
        assert_eq!(status, 200, "{said}");
    }

    /// Makes a stack and returns its outputs.
    pub fn create_stack(
        &self,
        name: &str,
        template: &str,
        parameters: &[(&str, &str)],
    ) -> BTreeMap<String, String> {
        let mut form = format!("Action=CreateStack&Version=2010-05-15&StackName={name}");
        write!(form, "&TemplateBody={}", encoded(template)).unwrap();
        for (at, (name, value)) in (1..).zip(parameters) {
            let member = format!("Parameters.member.{at}.Parameter");
            write!(form, "&{member}Key={name}&{member}Value={}", encoded(value)).unwrap();
        }
        let (status, said) = self.form(&form);
        assert_eq!(status, 200, "{said}");
        let (_, said) = self.form(&format!(
            "Action=DescribeStacks&Version=2010-05-15&StackName={name}"
        ));
        assert!(
            said.contains("<StackStatus>CREATE_COMPLETE</StackStatus>"),
            "{said}"
        );
        outputs(&said)
    }

    /// Calls DynamoDB.
    pub fn dynamodb(&self, action: &str, request: &Value) -> Value {
        let target = format!("DynamoDB_20120810.{action}");
        let headers = [
            ("x-amz-target", target.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
        ];
        let (status, said) = self.send("POST", "dynamodb", "/", &headers, &request.to_string());
        assert_eq!(status, 200, "{said}");
        serde_json::from_str(&said).unwrap()
    }

    pub fn json(&self, service: &str, path: &str) -> Value {
        serde_json::from_str(&self.text(service, path)).unwrap()
    }

    pub fn text(&self, service: &str, path: &str) -> String {
        let (status, said) = self.send("GET", service, path, &[], "");
        assert_eq!(status, 200, "{said}");
        said
    }

    fn form(&self, form: &str) -> (u16, String) {
        let header = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", "cloudformation", "/", &[header], form)
    }

    fn send(
        &self,
        method: &str,
        service: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let scope = format!("Credential=test/20260101/eu-west-1/{service}/aws4_request");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"),
            );
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = self
            .agent
            .run(request.body(body.to_owned()).unwrap())
            .unwrap();
        let said = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), said)
    }
}

/// The outputs in a description of a stack.
fn outputs(xml: &str) -> BTreeMap<String, String> {
    let between = |text: &str, name: &str| {
        let rest = text.split_once(&format!("<{name}>")).unwrap().1;
        rest.split_once(&format!("</{name}>")).unwrap().0.to_owned()
    };
    let outputs = xml.split("<OutputKey>").skip(1);
    let whole = outputs.map(|rest| format!("<OutputKey>{rest}"));
    whole
        .map(|one| (between(&one, "OutputKey"), between(&one, "OutputValue")))
        .collect()
}

/// A value of a form: every byte that is not a letter or digit as `%XX`.
fn encoded(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut form, byte| {
            if byte.is_ascii_alphanumeric() {
                form.push(char::from(byte));
            } else {
                write!(form, "%{byte:02X}").unwrap();
            }
            form
        })
}
