//! The bodies of errors: a denial of the token service, a refusal in the dialect of its host, or a failure of ours.

use super::{Failure, Reply};
use crate::{
    context::{Envelope, Origin},
    route::Surface,
    web::error_page,
};
use bytes::Bytes;
use carnet_tenant::{
    refusal::Refusal,
    token::denial::{Denial, SessionNo},
};
use carnet_wire::{
    aadsts::Row,
    bap, graph, power_platform,
    token::{error::ErrorBody, request::Version},
};
use http::{StatusCode, header};

/// The token service's body for a denial.
#[must_use]
pub fn denial(denial: &Denial, version: Version, envelope: &Envelope) -> Reply {
    let (row, sentence) = denial.entry();
    let error = denial.error_name().unwrap_or_else(|| carnet_wire::aadsts::error_for(row, version));
    let body = ErrorBody::new(row, error, &sentence, envelope.ids(), &envelope.origin.login())
        .challenging(denial.challenge().map(|it| it.json()));
    let status = status(row);
    let reply = Reply::json_with(status, &body).unwrap_or_else(|_| Reply::new(status, Bytes::new()));
    reply.retry_after(denial)
}

pub(super) fn status(row: &Row) -> StatusCode {
    StatusCode::from_u16(row.status).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The body of a failure, in the dialect of its host.
#[must_use]
pub fn failure(failure: Failure, envelope: &Envelope) -> Reply {
    let fault = failure.fault().filter(|_| envelope.surface == Surface::Login).map(Denial::Service);
    // A browser is shown a page, at whichever address of the sign-in host it asks for one.
    let browser = envelope.page && matches!(envelope.surface, Surface::Login | Surface::Health);
    let (status, code, message) = match failure {
        Failure::NoRoute if browser => return error_page::no_page(envelope).not_found(),
        Failure::Refusal(Refusal::MethodNotAllowed) if browser => {
            return error_page::not_by_itself(envelope).wrong_method();
        }
        Failure::Denial(no) if browser => return error_page::refused(&no, envelope, None),
        Failure::Refusal(no) => return refusal(&no, envelope),
        Failure::Denial(no) => return denial(&no, Version::V2, envelope),
        Failure::Misdirected => {
            (421, "Misdirected", "This server does not answer for that host name.".to_owned())
        }
        // Graph reads a path it does not know as a malformed one (`reference/graph.md`, table of errors).
        Failure::NoRoute if envelope.surface == Surface::Graph => {
            (400, "BadRequest", "Resource not found for this path.".to_owned())
        }
        Failure::NoRoute => (404, "NotFound", "There is nothing at this address.".to_owned()),
        Failure::TooLarge => (
            413,
            "RequestTooLarge",
            "The body of the request is larger than this address accepts.".to_owned(),
        ),
        Failure::Cut => (408, "RequestTimeout", "The body of the request did not arrive in time.".to_owned()),
        Failure::Unsupported(wanted) => {
            (415, "UnsupportedMediaType", format!("Send the body of the request as {wanted}."))
        }
        Failure::NotText => (400, "BadRequest", "The body of the request is not UTF-8.".to_owned()),
        Failure::PageUsed => {
            return error_page::refused(&Denial::Session(SessionNo::PageUsed), envelope, None);
        }
        Failure::BadRequest(why) => (400, "BadRequest", why.to_owned()),
        Failure::Busy => (503, "ServiceUnavailable", "Too many requests are waiting. Try again.".to_owned()),
        Failure::Away => {
            (503, "ServiceUnavailable", "Nothing can be stored at the moment. Try again.".to_owned())
        }
        Failure::Broken(cause) => {
            tracing::error!(
                trace.id = %envelope.trace,
                correlation.id = %envelope.correlation,
                cause,
                "a request failed"
            );
            (
                500,
                "InternalServerError",
                "Something went wrong in the service. Its log has the details under the ids of this answer."
                    .to_owned(),
            )
        }
    };
    let reply = match fault {
        Some(no) if envelope.page => return error_page::refused(&no, envelope, None),
        Some(no) => return denial(&no, Version::V2, envelope),
        None if browser => error_page::unanswered(&message, envelope).with_status(status),
        None => plain_error(status, code, &message, envelope),
    };
    match status {
        503 => reply.header(header::RETRY_AFTER, "1"),
        _ => reply,
    }
}

fn plain_error(status: u16, code: &str, message: &str, envelope: &Envelope) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let made = match envelope.surface {
        Surface::Graph => {
            Reply::json_with(status, &graph::error::ErrorBody::new(code, message, &envelope.graph_ids()))
        }
        Surface::PowerPlatform => {
            let code = if status == StatusCode::NOT_FOUND { "RouteNotFound" } else { code };
            Reply::json_with(status, &power_platform::GatewayError::new(code, message))
        }
        Surface::Bap => Reply::json_with(status, &bap::ErrorBody::new(code, message)),
        Surface::Login | Surface::Health => Reply::json_with(
            status,
            &serde_json::json!({
                "error": match code {
                    "invalid_token" | "insufficient_claims" => code,
                    _ if envelope.surface == Surface::Login => "invalid_request",
                    _ => code,
                },
                "error_description": message,
                "trace_id": envelope.trace,
                "correlation_id": envelope.correlation,
                "timestamp": envelope.now.plain(),
            }),
        ),
    };
    made.unwrap_or_else(|_| Reply::new(status, Bytes::new()))
}

/// The body of an API's refusal.
fn refusal(no: &Refusal, envelope: &Envelope) -> Reply {
    let (status, code) = codes(no, envelope.surface);
    let message = no.to_string();
    let reply = match (envelope.surface, no) {
        (Surface::PowerPlatform, Refusal::MissingScope { .. } | Refusal::NotRegistered { .. }) => {
            let body = power_platform::GatewayError::forbidden(inner_code(no), &message);
            Reply::json_with(StatusCode::FORBIDDEN, &body)
                .unwrap_or_else(|_| Reply::new(StatusCode::FORBIDDEN, Bytes::new()))
        }
        (Surface::Bap, Refusal::NotRegistered { principal, app }) => {
            let message = format!(
                "The service principal with id '{principal}' for application {app} does not have permission to access the path '{}' in tenant {}.",
                envelope.path,
                envelope.tenant_text()
            );
            plain_error(status, code, &message, envelope)
        }
        _ => plain_error(status, code, &message, envelope),
    };
    match no {
        // Who shows no token is told where to get one, and of no error (RFC 6750, 3.1).
        Refusal::NoToken => reply.header(header::WWW_AUTHENTICATE, &challenge(&envelope.origin, "")),
        Refusal::InvalidToken { .. } => {
            let error = ", error=\"invalid_token\"";
            reply.header(header::WWW_AUTHENTICATE, &challenge(&envelope.origin, error))
        }
        Refusal::InsufficientClaims { challenge: claims, .. } => {
            let error = format!(", error=\"insufficient_claims\", claims=\"{}\"", claims.base64());
            reply.header(header::WWW_AUTHENTICATE, &challenge(&envelope.origin, &error))
        }
        Refusal::Busy { seconds } => reply.header(header::RETRY_AFTER, &seconds.to_string()),
        _ => reply,
    }
}

fn challenge(origin: &Origin, error: &str) -> String {
    format!("Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\"{error}", origin.login())
}

/// The word for a refused token in the body of the token service's own bearer endpoint, userinfo: the one that the
/// challenge has too (RFC 6750, 3.1). Without a token the challenge has none, and the body says what was missing.
const fn bearer_error(no: &Refusal) -> &'static str {
    match no {
        Refusal::InsufficientClaims { .. } => "insufficient_claims",
        Refusal::InvalidToken { .. } => "invalid_token",
        _ => "invalid_request",
    }
}

fn inner_code(no: &Refusal) -> &'static str {
    match no {
        Refusal::NotRegistered { .. } => "ServicePrincipalNotRegistered",
        _ => "InsufficientDelegatedPermissions",
    }
}

/// HTTP status and the host's own code word (`reference/graph.md` 11, `power-platform.md` 7).
fn codes(no: &Refusal, surface: Surface) -> (u16, &'static str) {
    let graph = surface == Surface::Graph;
    match no {
        Refusal::NoToken | Refusal::InvalidToken { .. } | Refusal::InsufficientClaims { .. }
            if surface == Surface::Login =>
        {
            (401, bearer_error(no))
        }
        Refusal::NoToken | Refusal::InvalidToken { .. } | Refusal::InsufficientClaims { .. } => {
            (401, "InvalidAuthenticationToken")
        }
        Refusal::Forbidden { .. } if graph => (403, "Authorization_RequestDenied"),
        Refusal::Forbidden { .. } | Refusal::MissingScope { .. } | Refusal::NotRegistered { .. } => {
            (403, "Forbidden")
        }
        Refusal::QuotaExceeded { .. } if graph => (403, "Directory_QuotaExceeded"),
        Refusal::QuotaExceeded { .. } => (403, "Forbidden"),
        Refusal::NotFound { .. } if graph => (404, "Request_ResourceNotFound"),
        Refusal::NotFound { .. } => (404, "NotFound"),
        Refusal::NoPhoto => (404, "ImageNotFound"),
        Refusal::BadRequest { .. } | Refusal::ObjectConflict { .. } if graph => (400, "Request_BadRequest"),
        Refusal::BadRequest { .. } | Refusal::ObjectConflict { .. } => (400, "BadRequest"),
        Refusal::UnsupportedQuery { .. } => (400, "Request_UnsupportedQuery"),
        Refusal::UnknownEnvironment { .. } => (400, "EndpointInvalid"),
        Refusal::Conflict { .. } if graph => (409, "Request_MultipleObjectsWithSameKeyValue"),
        Refusal::Conflict { .. } => (409, "Conflict"),
        Refusal::MethodNotAllowed => (405, "Request_BadRequest"),
        Refusal::Busy { .. } => (429, "TooManyRequests"),
    }
}
