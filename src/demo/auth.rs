//! Refusing clients without the token, and the metadata that tells them where one could be had.
//!
//! There is no authorization server behind it: scanners read these documents, nobody logs in.

use serde_json::json;

use super::http1::{HttpRequest, Response};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";

/// The refusal, unless the request bears `token` or asks for public metadata.
pub(super) fn refuse(request: &HttpRequest, token: &str, endpoint: &str) -> Option<Response> {
    let given = request.header("authorization");
    if given.and_then(|value| value.strip_prefix("Bearer ")) == Some(token) {
        return None;
    }
    if request.path.starts_with("/.well-known/") {
        return None;
    }
    let metadata = format!("{}{RESOURCE}{endpoint}", origin(request));
    let (code, error) = match given {
        Some(_) => (
            "invalid_token",
            r#", error="invalid_token", error_description="The token is not known, or expired""#,
        ),
        None => ("unauthorized", ""),
    };
    let challenge =
        format!(r#"Bearer realm="hawkeye demo", resource_metadata="{metadata}", scope="mcp:read"{error}"#);
    let body = json!({"error": code, "error_description": "this demo server needs its token"});
    Some(Response::json(401, body.to_string()).with("WWW-Authenticate", challenge))
}

/// The well-known document a path names: RFC 9728 for `endpoint`, RFC 8414 for its issuer.
pub(super) fn well_known(request: &HttpRequest, endpoint: &str) -> Option<Response> {
    let origin = origin(request);
    let path = request.path.as_str();
    let document = if path == SERVER {
        json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "registration_endpoint": format!("{origin}/register"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": ["mcp:read", "mcp:write"],
        })
    } else if path.strip_prefix(RESOURCE).is_some_and(|rest| rest.is_empty() || rest == endpoint) {
        json!({
            "resource": format!("{origin}{endpoint}"),
            "resource_name": "hawkeye demo server",
            "authorization_servers": [origin],
            "scopes_supported": ["mcp:read", "mcp:write"],
            "bearer_methods_supported": ["header"],
        })
    } else {
        return None;
    };
    Some(Response::json(200, document.to_string()))
}

/// As the client spelled it: `resource` has to equal the URL it asked. `Host` was checked before.
fn origin(request: &HttpRequest) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}
