//! `carnet api`: calls an API with a new token. If the API sends a claims challenge (continuous access evaluation),
//! the call is repeated with a newer token.

use super::{
    Print,
    session::read,
    token::{self, Identity},
};
use crate::{
    args::{Api, Host},
    failure::Failure,
};
use carnet_client::{
    Authority, ClientError, Refused, Transport,
    acquire::TokenParameters,
    transport::{ApiResponse, Method, Payload},
};
use carnet_wire::token::claims_request::with_cp1;
use serde_json::{Value, json};
use std::io::Read;

/// Sends the request and prints the response.
pub async fn run(print: &Print, api: Api) -> Result<(), Failure> {
    let authority = api.tenant.authority()?;
    let transport = Transport::new(&authority)?;
    let (base, scope) = match api.to {
        Host::PowerPlatform => (authority.power_platform.clone(), authority.power_platform_scope()),
        Host::Bap => (authority.bap.clone(), authority.bap_scope()),
        Host::Graph => (authority.graph.clone(), authority.graph_scope()),
    };
    if !api.path.starts_with('/') || api.path.starts_with("//") {
        return Err(Failure::usage(format!("the path `{}` must begin with a single slash", api.path))
            .hint("for example: carnet api GET /environmentmanagement/environments"));
    }
    let method = api.method.to_uppercase().parse();
    let method = method.map_err(|_| Failure::usage(format!("`{}` is not an HTTP method", api.method)))?;
    let body = body(&api)?;
    let call = ApiCall {
        transport: &transport,
        authority: &authority,
        scope: &scope,
        identity: token::identify(&api.sign_in)?,
        method,
        url: format!("{base}{}", api.path),
        body,
    };
    let answer = call.answer().await?;
    let mut shown = answer.body;
    if let Some(location) = answer.location {
        crate::output::say(&format!("the operation continues at {location}"));
    }
    if shown.is_null() {
        shown = json!({ "status": answer.status });
    }
    print.data(&shown)
}

/// One API call and the identity that makes it.
struct ApiCall<'a> {
    transport: &'a Transport,
    authority: &'a Authority,
    scope: &'a str,
    identity: Identity,
    method: Method,
    url: String,
    body: Option<Value>,
}

impl ApiCall<'_> {
    /// Sends the request. After a claims challenge, it is sent once more: the API refused before it did anything, so
    /// repeating it is safe.
    async fn answer(&self) -> Result<ApiResponse, Failure> {
        let refusal = match self.call(None).await? {
            Ok(answer) => return Ok(answer),
            Err(refusal) => refusal,
        };
        crate::output::say("the API requires a newer sign-in; requesting another token");
        let again = self.call(refusal.claims.as_deref()).await.map_err(|failure| {
            failure.hint(
                "the API rejected the first token with a claims challenge, and no newer token was issued: sign in \
                 again, or ask an administrator to check the account",
            )
        })?;
        again.map_err(|refusal| {
            Failure::from(ClientError::Refused(refusal))
                .hint("the API rejected a new token too: check the account and the tenant's policies")
        })
    }

    /// Sends the request with a token for this claims challenge. The inner error is a claims challenge.
    async fn call(&self, challenge: Option<&str>) -> Result<Result<ApiResponse, Box<Refused>>, Failure> {
        let claims = with_cp1(challenge)
            .ok_or_else(|| Failure::refused("the API's claims challenge is not a JSON object"))?;
        let parameters = TokenParameters { scope: self.scope, claims: Some(&claims) };
        let got = self.identity.token(self.transport, self.authority, parameters).await?;
        let payload = self.body.as_ref().map_or(Payload::None, Payload::Json);
        match self.transport.call(self.method.clone(), &self.url, Some(&got.access), payload).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(ClientError::Refused(refusal)) if refusal.claims.is_some() => Ok(Err(refusal)),
            Err(error) => Err(error.into()),
        }
    }
}

fn body(api: &Api) -> Result<Option<Value>, Failure> {
    let Some(path) = &api.body else { return Ok(None) };
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().take(4 * 1024 * 1024).read_to_end(&mut bytes);
        read.map_err(|error| Failure::usage(format!("standard input: {error}")))?;
        bytes
    } else {
        read(path)?
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Failure::usage(format!("--body {}: {error}", path.display())))
}
