//! `carnet api`: one call of an API with a fresh token, and once more with a fresher one where the API asks for
//! it (continuous access evaluation).

use super::{
    Print,
    place::read,
    token::{self, Identity},
};
use crate::{
    args::{Api, Host},
    failure::Failure,
};
use carnet_client::{
    ClientError, Place, Refused, Transport,
    acquire::Wanted,
    transport::{Answered, Method, Payload},
};
use carnet_wire::token::claims_request::with_cp1;
use serde_json::{Value, json};
use std::io::Read;

/// Makes the call and prints the answer.
pub async fn run(print: &Print, api: Api) -> Result<(), Failure> {
    let place = api.place.place()?;
    let transport = Transport::new(&place)?;
    let (base, scope) = match api.to {
        Host::PowerPlatform => (place.power_platform.clone(), place.power_platform_scope()),
        Host::Bap => (place.bap.clone(), place.bap_scope()),
        Host::Graph => (place.graph.clone(), place.graph_scope()),
    };
    if !api.path.starts_with('/') || api.path.starts_with("//") {
        return Err(Failure::asked(format!("the path `{}` does not begin with one slash", api.path))
            .hint("carnet api GET /environmentmanagement/environments"));
    }
    let method = api.method.to_uppercase().parse();
    let method = method.map_err(|_| Failure::asked(format!("`{}` is no HTTP method", api.method)))?;
    let body = body(&api)?;
    let asking = Asking {
        transport: &transport,
        place: &place,
        scope: &scope,
        who: token::identify(&api.who)?,
        method,
        url: format!("{base}{}", api.path),
        body,
    };
    let answer = asking.answer().await?;
    let mut shown = answer.body;
    if let Some(location) = answer.location {
        crate::output::say(&format!("follow it at {location}"));
    }
    if shown.is_null() {
        shown = json!({ "status": answer.status });
    }
    print.data(&shown)
}

/// One call, and who makes it.
struct Asking<'a> {
    transport: &'a Transport,
    place: &'a Place,
    scope: &'a str,
    who: Identity,
    method: Method,
    url: String,
    body: Option<Value>,
}

impl Asking<'_> {
    /// The call's answer. A claims challenge is answered once: the call was refused before anything was done, so
    /// whatever it does it may be made again.
    async fn answer(&self) -> Result<Answered, Failure> {
        let no = match self.call(None).await? {
            Ok(answer) => return Ok(answer),
            Err(no) => no,
        };
        crate::output::say("the API wants a newer sign-in for this call; asking for another token");
        let again = self.call(no.claims.as_deref()).await.map_err(|failure| {
            failure.hint(
                "the API challenged the first token, and nothing that is at hand gets another one: \
                 somebody has to sign in again, or an administrator has to look at the account",
            )
        })?;
        again.map_err(|no| {
            Failure::from(ClientError::Refused(no)).hint(
                "a token that was just issued is refused too: look at the account and the tenant's rules",
            )
        })
    }

    /// The call with a token that answers this challenge; the inner error is a challenge.
    async fn call(&self, challenge: Option<&str>) -> Result<Result<Answered, Box<Refused>>, Failure> {
        let claims = with_cp1(challenge)
            .ok_or_else(|| Failure::refused("the API's claims challenge is no JSON object"))?;
        let wanted = Wanted { scope: self.scope, claims: Some(&claims) };
        let got = self.who.token(self.transport, self.place, wanted).await?;
        let payload = self.body.as_ref().map_or(Payload::None, Payload::Json);
        match self.transport.call(self.method.clone(), &self.url, Some(&got.access), payload).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(ClientError::Refused(no)) if no.claims.is_some() => Ok(Err(no)),
            Err(error) => Err(error.into()),
        }
    }
}

fn body(api: &Api) -> Result<Option<Value>, Failure> {
    let Some(path) = &api.body else { return Ok(None) };
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().take(4 * 1024 * 1024).read_to_end(&mut bytes);
        read.map_err(|error| Failure::asked(format!("standard input: {error}")))?;
        bytes
    } else {
        read(path)?
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Failure::asked(format!("--body {}: {error}", path.display())))
}
