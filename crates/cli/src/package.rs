//! A policy on its way: out of a journal, into a folder, to and from a registry.

use std::path::{Component, Path};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::EntryHash;
use model::limits::PAYLOAD_BYTES_MAX;
use policy::{PolicyForm, PolicySource};
use recorder::{
    CASES_MEDIA_TYPE, PolicySignature, Publication, SCHEMA_MEDIA_TYPE, SIGNATURE_MEDIA_TYPE,
};
use serde_json::{Map, Value, json};

use crate::answer::text;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::registry::{Artifact, Blob};
use crate::signature;
use crate::upload::{self, Source};

/// What a policy is called among the artifacts of a registry (OCI image manifest 1.1, `artifactType`).
pub(crate) const ARTIFACT_TYPE: &str = "application/vnd.trailmark.policy.v1";
const REGO_MEDIA_TYPE: &str = "application/vnd.trailmark.policy.rego.v1";
const COMPONENT_MEDIA_TYPE: &str = "application/wasm";
const CHECKED_MEDIA_TYPE: &str = "application/vnd.trailmark.policy-check.v1+json";

const SCHEMA_FILE: &str = "parameters.schema.json";
const CASES_FILE: &str = "cases.yaml";
const COMPONENT_FILE: &str = "policy.wasm";

/// A policy, and the signatures that were found with it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) publication: Publication,
    pub(crate) signatures: Vec<Vec<u8>>,
}

/// Reads a published policy from the recorder, and checks that its code is what its digest names.
pub(crate) fn published(client: &Client, entry: &EntryHash) -> Result<Publication> {
    let shown = client.get(&format!("/v1/policies/{entry}"), &[])?;
    let mut code = Vec::new();
    let mut body = client.download(&format!("/v1/policies/{entry}/code"), &[])?;
    std::io::Read::read_to_end(&mut body, &mut code).context("could not read the policy")?;
    let source = match text(&shown, "/language").as_str() {
        "component" => PolicySource::Component(code.into()),
        _ => rego(code)?,
    };
    let digest = text(&shown, "/digest");
    if source.digest().to_string() != digest {
        let said = format!("the recorder's answer is not the policy of digest `{digest}`");
        return Err(Failure::new(Exit::Unverified, said).into());
    }
    let member = |name: &str| shown.get(name).filter(|member| !member.is_null()).cloned();
    let checked = member("checked").map(serde_json::from_value).transpose();
    Ok(Publication {
        name: text(&shown, "/name").parse()?,
        source,
        parameters: member("parameters"),
        cases: member("cases").and_then(|cases| cases.as_str().map(str::to_owned)),
        checked: checked.context("the recorder's answer is not as expected")?,
    })
}

/// Sends a policy to the recorder, and returns what it answers. A large one is uploaded first.
pub(crate) fn publish(client: &Client, publication: &Publication) -> Result<Value> {
    let query = [("name", publication.name.as_str())];
    let (media_type, body) = match (&publication.source, beside(publication)?) {
        (source, mut body) if source.bytes().len() > PAYLOAD_BYTES_MAX => {
            let code = Source::Bytes(source.bytes().to_vec());
            let upload = upload::send(client, None, &code)?;
            body.insert("language".to_owned(), form(source).into());
            body.insert("code".to_owned(), json!({ "upload": upload }));
            ("application/json", Value::Object(body).to_string().into())
        }
        (PolicySource::Component(bytes), others) if others.is_empty() => {
            ("application/wasm", bytes.to_vec())
        }
        (PolicySource::Rego(source), others) if others.is_empty() => {
            ("application/rego", source.as_bytes().to_vec())
        }
        (source, mut body) => {
            let code = match source {
                PolicySource::Component(bytes) => STANDARD.encode(bytes),
                PolicySource::Rego(source) => source.to_string(),
            };
            body.insert("language".to_owned(), form(source).into());
            body.insert("code".to_owned(), code.into());
            ("application/json", Value::Object(body).to_string().into())
        }
    };
    client.post_bytes("/v1/policies", &query, media_type, &body)
}

fn beside(publication: &Publication) -> Result<Map<String, Value>> {
    let mut beside = Map::new();
    if let Some(schema) = &publication.parameters {
        beside.insert("parameters".to_owned(), schema.clone());
    }
    if let Some(cases) = &publication.cases {
        beside.insert("cases".to_owned(), cases.clone().into());
    }
    if let Some(checked) = &publication.checked {
        beside.insert("checked".to_owned(), serde_json::to_value(checked)?);
    }
    Ok(beside)
}

/// Makes an artifact of a policy.
pub(crate) fn artifact(publication: &Publication, signatures: &[Vec<u8>]) -> Result<Artifact> {
    let blob = |media_type: &str, title: &str, bytes: Vec<u8>| Blob {
        media_type: media_type.to_owned(),
        bytes,
        title: title.to_owned(),
    };
    let code = publication.source.bytes().to_vec();
    let mut blobs = vec![match publication.source {
        PolicySource::Component(_) => blob(COMPONENT_MEDIA_TYPE, COMPONENT_FILE, code),
        PolicySource::Rego(_) => blob(REGO_MEDIA_TYPE, "policy.rego", code),
    }];
    if let Some(schema) = &publication.parameters {
        blobs.push(blob(
            SCHEMA_MEDIA_TYPE,
            SCHEMA_FILE,
            schema.to_string().into(),
        ));
    }
    if let Some(cases) = &publication.cases {
        blobs.push(blob(CASES_MEDIA_TYPE, CASES_FILE, cases.clone().into()));
    }
    if let Some(checked) = &publication.checked {
        let bytes = model::canonical::to_vec(checked).context("could not write the check")?;
        blobs.push(blob(CHECKED_MEDIA_TYPE, "check.json", bytes));
    }
    for (bundle, name) in signatures.iter().zip(signature_files()) {
        blobs.push(blob(SIGNATURE_MEDIA_TYPE, &name, bundle.clone()));
    }
    Ok(Artifact {
        artifact_type: ARTIFACT_TYPE.to_owned(),
        blobs,
        title: publication.name.to_string(),
    })
}

/// What the files of signatures are called.
fn signature_files() -> impl Iterator<Item = String> {
    (1..).map(|number| format!("signature-{number}.{}", signature::SUFFIX))
}

/// Reads an artifact as a policy. What is of no known media type is left out; there is one code, and its signatures are of
/// it.
pub(crate) fn of_artifact(artifact: Artifact) -> Result<Found> {
    let name = artifact
        .title
        .parse()
        .context("the artifact names no policy")?;
    let mut signatures = Vec::new();
    let (mut source, mut parameters, mut cases, mut checked) = (None, None, None, None);
    for Blob {
        media_type, bytes, ..
    } in artifact.blobs
    {
        let twice = match media_type.as_str() {
            COMPONENT_MEDIA_TYPE => source
                .replace(PolicySource::Component(bytes.into()))
                .is_some(),
            REGO_MEDIA_TYPE => source.replace(rego(bytes)?).is_some(),
            SCHEMA_MEDIA_TYPE => {
                let schema = serde_json::from_slice(&bytes).context("its schema is no JSON")?;
                parameters.replace(schema).is_some()
            }
            CASES_MEDIA_TYPE => {
                let text = String::from_utf8(bytes).context("its cases are no text")?;
                cases.replace(text).is_some()
            }
            CHECKED_MEDIA_TYPE => {
                let found = serde_json::from_slice(&bytes).context("its check cannot be read")?;
                checked.replace(found).is_some()
            }
            SIGNATURE_MEDIA_TYPE => {
                signatures.push(bytes);
                false
            }
            _ => false,
        };
        anyhow::ensure!(!twice, "the artifact holds `{media_type}` twice");
    }
    let publication = Publication {
        name,
        source: source.context("the artifact holds no policy")?,
        parameters,
        cases,
        checked,
    };
    for bundle in &signatures {
        let found = PolicySignature::read(bundle).context("a signature of it cannot be read")?;
        signature::check(&found, &publication.signed())?;
    }
    Ok(Found {
        publication,
        signatures,
    })
}

/// Writes a policy as a folder from which it can be published again: `policy.yaml`, code, schema and cases, and its
/// signatures beside them.
pub(crate) fn write(
    publication: &Publication,
    signatures: &[Vec<u8>],
    folder: &Path,
) -> Result<()> {
    if folder
        .read_dir()
        .is_ok_and(|mut files| files.next().is_some())
    {
        let said = format!("`{}` is not empty", folder.display());
        return Err(Failure::usage(said)
            .with_hint("name another with `--output`")
            .into());
    }
    let mut about = json!({ "name": publication.name });
    let members = about.as_object_mut().context("it is an object")?;
    match &publication.source {
        PolicySource::Component(bytes) => {
            members.insert("language".to_owned(), "wasm".into());
            members.insert("output".to_owned(), COMPONENT_FILE.into());
            file(folder, COMPONENT_FILE, bytes)?;
        }
        PolicySource::Rego(source) => {
            members.insert("language".to_owned(), "rego".into());
            for (path, bytes) in modules(source)? {
                file(folder, &path, &bytes)?;
            }
        }
    }
    if let Some(schema) = &publication.parameters {
        members.insert("parameters".to_owned(), SCHEMA_FILE.into());
        file(folder, SCHEMA_FILE, schema.to_string().as_bytes())?;
    }
    if let Some(cases) = &publication.cases {
        file(folder, CASES_FILE, cases.as_bytes())?;
    }
    for (bundle, name) in signatures.iter().zip(signature_files()) {
        file(folder, &name, bundle)?;
    }
    // JSON is YAML.
    file(folder, "policy.yaml", format!("{about}\n").as_bytes())
}

/// Takes a bundle of several Rego files apart: `{"data": …, "modules": {PATH: SOURCE}}`. One module is a file by itself.
fn modules(source: &str) -> Result<Vec<(String, Vec<u8>)>> {
    if !source.starts_with('{') {
        return Ok(vec![("policy.rego".to_owned(), source.as_bytes().to_vec())]);
    }
    let bundle: Value = serde_json::from_str(source).context("the bundle of modules is no JSON")?;
    let mut files = Vec::new();
    if let Some(data) = bundle.get("data").filter(|data| *data != &json!({})) {
        files.push(("data.json".to_owned(), data.to_string().into()));
    }
    let modules = bundle.get("modules").and_then(Value::as_object);
    for (path, module) in modules.context("the bundle names no modules")? {
        let module = module
            .as_str()
            .context("a module of the bundle is no text")?;
        files.push((path.clone(), module.as_bytes().to_vec()));
    }
    Ok(files)
}

/// Writes a file below a folder, never beside it, and never over one that is there.
fn file(folder: &Path, path: &str, bytes: &[u8]) -> Result<()> {
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
    let path = Path::new(path);
    if path.as_os_str().is_empty() || !path.components().all(inside) {
        anyhow::bail!(
            "the policy holds a file `{}`, which is not below it",
            path.display()
        );
    }
    let path = folder.join(path);
    let write = || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = std::fs::File::create_new(&path)?;
        std::io::Write::write_all(&mut file, bytes)
    };
    write().with_context(|| format!("could not write `{}`", path.display()))
}

fn rego(bytes: Vec<u8>) -> Result<PolicySource> {
    let source = String::from_utf8(bytes).context("the policy's Rego is no text")?;
    Ok(PolicySource::Rego(source.into()))
}

/// Says in which form a policy is.
pub(crate) const fn form(source: &PolicySource) -> &'static str {
    match source.form() {
        PolicyForm::Component => "component",
        PolicyForm::Rego => "rego",
    }
}

#[cfg(test)]
mod tests {
    use recorder::{Checked, PolicySigner, sha256, sign};

    use super::*;

    fn publication(source: PolicySource) -> Publication {
        Publication {
            parameters: Some(json!({"type": "object"})),
            cases: Some("[]\n".into()),
            checked: Some(Checked {
                accepted: Vec::new(),
                cases: Some(sha256(b"[]\n")),
                program: "trailmark 0.1.0".into(),
            }),
            ..Publication::new("tested".parse().unwrap(), source)
        }
    }

    fn signer() -> PolicySigner {
        let pem = concat!(
            "-----BEGIN ",
            "PRIVATE KEY-----\n",
            include_str!("../../recorder/tests/keys/ed25519.base64"),
            "-----END ",
            "PRIVATE KEY-----\n"
        );
        PolicySigner::from_pem(pem).unwrap()
    }

    #[test]
    fn a_policy_is_the_same_after_a_registry() {
        for source in [
            PolicySource::Rego("package p".into()),
            PolicySource::Component(b"\0asm"[..].into()),
        ] {
            let sent = publication(source);
            let signatures = [sign(&sent.signed(), &signer()).unwrap()];
            let found = of_artifact(artifact(&sent, &signatures).unwrap()).unwrap();
            assert_eq!(found.signatures, signatures);
            let found = found.publication;
            assert_eq!(found.name, sent.name);
            assert_eq!(found.source, sent.source);
            assert_eq!(found.parameters, sent.parameters);
            assert_eq!(found.cases, sent.cases);
            assert_eq!(found.checked, sent.checked);
        }
        let rego = publication(PolicySource::Rego("package p".into()));
        let mut twice = artifact(&rego, &[]).unwrap();
        twice.blobs.push(twice.blobs[0].clone());
        assert!(of_artifact(twice).is_err());
        let mut none = artifact(&rego, &[]).unwrap();
        none.blobs.remove(0);
        assert!(of_artifact(none).is_err());
        // A signature of something else, and what is none, are no part of it.
        let other = publication(PolicySource::Rego("package q".into()));
        for bundle in [sign(&other.signed(), &signer()).unwrap(), b"{}".to_vec()] {
            assert!(of_artifact(artifact(&rego, &[bundle]).unwrap()).is_err());
        }
    }

    #[test]
    fn a_bundle_is_taken_apart_below_its_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("pulled");
        let bundle =
            r#"{"data":{"a":1},"modules":{"lib/x.rego":"package x","policy.rego":"package p"}}"#;
        write(&publication(PolicySource::Rego(bundle.into())), &[], &to).unwrap();
        let read = |path: &str| std::fs::read_to_string(to.join(path)).unwrap();
        assert_eq!(read("lib/x.rego"), "package x");
        assert_eq!(read("data.json"), r#"{"a":1}"#);
        assert!(read("policy.yaml").contains("rego"));
        assert!(
            write(
                &publication(PolicySource::Rego("package p".into())),
                &[],
                &to
            )
            .is_err()
        );
        for path in ["../out.rego", "/tmp/out.rego", "a/../../out.rego", ""] {
            let bundle = json!({"data": {}, "modules": {path: "package x"}}).to_string();
            let to = folder.path().join("other");
            let source = PolicySource::Rego(bundle.into());
            assert!(
                write(&publication(source), &[], &to).is_err(),
                "wrote `{path}`"
            );
            assert!(!folder.path().join("out.rego").exists());
            let _ = std::fs::remove_dir_all(&to);
        }
    }
}
