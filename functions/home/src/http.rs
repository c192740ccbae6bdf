//! HTTP as Lambda brings it: an event becomes a request to the router, and its response an answer.
//!
//! `lambda_http` does the same for handlers of its own types; it panics on a body that is not the base64 that its event
//! says, and on one that breaks off. Here the router reads bytes as they are, and answers that too.

use api::NotBase64;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body as Written;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Request, Response, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use http_body_util::channel::Channel;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The stage that is in no path.
const NO_STAGE: &str = "$default";
/// What stays as it is in a path (RFC 3986, section 3.3), escapes included. Gateways have decoded some paths already.
const NOT_IN_PATHS: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'%')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');
/// What stays as it is in a query (section 3.4).
const NOT_IN_QUERIES: AsciiSet = NOT_IN_PATHS.remove(b'?');

/// Makes an event a request.
pub(crate) fn request(event: ApiGatewayV2httpRequest) -> Request<Body> {
    let uri = uri(&event);
    let mut request = Request::new(body(event.body, event.is_base64_encoded));
    *request.method_mut() = event.request_context.http.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = event.headers;
    // Cookies come apart from the headers.
    let cookies = event.cookies.unwrap_or_default().join("; ");
    if let Some(cookies) = HeaderValue::try_from(cookies)
        .ok()
        .filter(|all| !all.is_empty())
    {
        request.headers_mut().insert(COOKIE, cookies);
    }
    request
}

/// The path without its stage, and the query.
fn uri(event: &ApiGatewayV2httpRequest) -> Uri {
    let path = event.raw_path.as_deref().unwrap_or("/");
    let stage = event.request_context.stage.as_deref().unwrap_or(NO_STAGE);
    let path = match path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage))
    {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    };
    let mut text = utf8_percent_encode(path, &NOT_IN_PATHS).to_string();
    if let Some(query) = event
        .raw_query_string
        .as_deref()
        .filter(|query| !query.is_empty())
    {
        text.push('?');
        text.extend(utf8_percent_encode(query, &NOT_IN_QUERIES));
    }
    PathAndQuery::try_from(text).map_or_else(|_| Uri::default(), Uri::from)
}

fn body(body: Option<String>, is_base64: bool) -> Body {
    let text = body.unwrap_or_default();
    if !is_base64 {
        return Body::from(text);
    }
    match STANDARD.decode(text) {
        Ok(bytes) => Body::from(bytes),
        Err(_) => broken(),
    }
}

/// A body that breaks off, and says why.
fn broken() -> Body {
    let (sender, body) = Channel::<Bytes, NotBase64>::new(1);
    sender.abort(NotBase64);
    Body::new(body)
}

/// Makes a response an answer.
///
/// # Errors
/// When the response breaks off: then there is none.
pub(crate) async fn answer(
    response: Response<Body>,
) -> Result<ApiGatewayV2httpResponse, axum::Error> {
    let (head, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = head.status.as_u16().into();
    answer.headers = head.headers;
    // And so do those that are set.
    let cookies = answer.headers.get_all(SET_COOKIE).iter();
    answer.cookies = cookies
        .filter_map(|cookie| Some(cookie.to_str().ok()?.to_owned()))
        .collect();
    answer.headers.remove(SET_COOKIE);
    answer.is_base64_encoded = !is_text(&answer.headers);
    answer.body = Some(if answer.is_base64_encoded {
        Written::Binary(bytes.into())
    } else {
        match String::from_utf8(bytes.into()) {
            Ok(text) => Written::Text(text),
            Err(error) => {
                answer.is_base64_encoded = true;
                Written::Binary(error.into_bytes())
            }
        }
    });
    Ok(answer)
}

fn is_text(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("text/plain");
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.starts_with("text/")
        || media_type == "application/json"
        || media_type.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use axum::response::IntoResponse as _;
    use serde_json::{Value, json};

    use super::*;

    fn event(path: &str, stage: &str, more: Value) -> ApiGatewayV2httpRequest {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {},
            "requestContext": {"stage": stage, "timeEpoch": 0, "http": {"method": "POST", "path": path}},
            "isBase64Encoded": false,
        });
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_stage_is_no_part_of_the_path() {
        for (path, stage, expected) in [
            ("/v1/events", "$default", "/v1/events"),
            ("/prod/v1/events", "prod", "/v1/events"),
            ("/v1/events", "prod", "/v1/events"),
            ("/production/v1", "prod", "/production/v1"),
            ("/prod", "prod", "/"),
            ("", "$default", "/"),
        ] {
            assert_eq!(
                uri(&event(path, stage, json!({}))),
                *expected,
                "{path} at {stage}"
            );
        }
    }

    #[test]
    fn paths_and_queries_are_as_they_were_sent_whoever_decoded_them() {
        let query = json!({"rawQueryString": "at=2026-11-19T02:30:00Z&name=a%20b&name=ü c"});
        let uri = uri(&event("/v1/flows/a b/ü%2Fü?", "$default", query));
        assert_eq!(uri.path(), "/v1/flows/a%20b/%C3%BC%2F%C3%BC%3F");
        assert_eq!(
            uri.query(),
            Some("at=2026-11-19T02:30:00Z&name=a%20b&name=%C3%BC%20c")
        );
    }

    #[tokio::test]
    async fn bodies_headers_and_cookies_arrive() {
        let more = json!({
            "headers": {"accept": "text/plain,application/json", "x-one": "1"},
            "cookies": ["a=1", "b=2"],
            "body": "AP8=",
            "isBase64Encoded": true,
        });
        let request = request(event("/", "$default", more));
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.headers()["accept"], "text/plain,application/json");
        assert_eq!(request.headers()["cookie"], "a=1; b=2");
        assert_eq!(
            request.into_body().collect().await.unwrap().to_bytes(),
            [0, 255].as_slice()
        );
    }

    #[tokio::test]
    async fn a_body_that_is_not_base64_breaks_off() {
        let more = json!({"body": "not base64!", "isBase64Encoded": true});
        let body = request(event("/", "$default", more)).into_body();
        assert!(body.collect().await.is_err());
    }

    #[tokio::test]
    async fn answers_are_text_or_base64() {
        let text = answer(([("set-cookie", "a=1")], "ü").into_response())
            .await
            .unwrap();
        let text = serde_json::to_value(text).unwrap();
        assert_eq!(text["body"], "ü");
        assert_eq!(text["isBase64Encoded"], false);
        assert_eq!(text["statusCode"], 200);
        assert_eq!(text["cookies"], json!(["a=1"]));
        let bytes = answer(
            (
                [(CONTENT_TYPE, "application/octet-stream")],
                [0_u8, 255].to_vec(),
            )
                .into_response(),
        );
        let bytes = serde_json::to_value(bytes.await.unwrap()).unwrap();
        assert_eq!(bytes["body"], "AP8=");
        assert_eq!(bytes["isBase64Encoded"], true);
    }
}
