//! Who calls an API: a bearer token, checked in the order of `security.md`, S1 to S4, and against the
//! directory as it is now. What the caller may do is decided by the rules.

use crate::{
    context::Context,
    own_token,
    reply::Failure,
    route::{Call, Surface},
};
use carnet_tenant::{
    access::Caller,
    directory::Directory,
    evaluation::Shown,
    refusal::Refusal,
    token::{claims::BACKDATED, scope::audience_name},
};
use carnet_wire::{
    catalogue::{GRAPH, POWER_PLATFORM, POWERAPPS_SERVICE},
    ids::{AppId, ObjectId},
    jose::times,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A caller, and the directory in which it was found.
pub struct Called {
    /// Who.
    pub caller: Caller,
    /// The tenant's directory.
    pub directory: Arc<Directory>,
}

fn invalid(reason: &str) -> Refusal {
    Refusal::InvalidToken { reason: reason.to_owned() }
}

fn other_api() -> Refusal {
    invalid("Access token validation failure. Invalid audience: the token is for another API.")
}

impl Context {
    /// The caller of an API of this surface.
    ///
    /// # Errors
    /// [`Refusal::InvalidToken`], or [`Failure`] when the store fails.
    pub async fn caller(&mut self, call: &Call) -> Result<Called, Failure> {
        let token = bearer(call)?.ok_or(Refusal::NoToken)?;
        let called = self.caller_with(token).await?;
        if call.tenant.is_some_and(|tenant| tenant != called.directory.tenant.id) {
            let needs = "the tenant that the path names is not the tenant of the token".to_owned();
            return Err(Refusal::Forbidden { needs }.into());
        }
        Ok(called)
    }

    /// The caller who shows this token to an API of this surface.
    ///
    /// # Errors
    /// As [`Context::caller`].
    pub async fn caller_with(&mut self, token: &str) -> Result<Called, Failure> {
        let own = self.own_token(token).await?.map_err(|why| invalid(&why.to_string()))?;
        let api = self.api(claim(&own.claims, "aud")?).ok_or_else(other_api)?;
        // Microsoft's APIs get tokens of the first edition, and take no others.
        if claim(&own.claims, "ver")? != "1.0" {
            return Err(invalid("the token is of an edition that this API does not take").into());
        }
        self.envelope.known.tenant.get_or_init(|| own.directory.tenant.id);
        let mut directory = own.directory;
        let caller = match self.who((&own.claims, api), &directory).await {
            // Who is not there yet another node may have made: asked again of the newest directory.
            Err(Failure::Refusal(no)) => match self.newer(&own.claims, &directory).await? {
                Some(newer) => {
                    directory = newer;
                    self.who((&own.claims, api), &directory).await?
                }
                None => return Err(no.into()),
            },
            told => told?,
        };
        if let Caller::User { app, .. } | Caller::Application { app, .. } = &caller {
            self.envelope.known.app.get_or_init(|| *app);
        }
        Ok(Called { caller, directory })
    }

    /// The application of this surface's API, if the audience is one of its names, in any letter case and with or
    /// without one slash at the end. Nothing else folds here.
    fn api(&self, audience: &str) -> Option<AppId> {
        let app = match self.envelope.surface {
            // The token service's one bearer endpoint, userinfo, takes Graph's tokens.
            Surface::Graph | Surface::Login => GRAPH,
            Surface::PowerPlatform => POWER_PLATFORM,
            Surface::Bap => POWERAPPS_SERVICE,
            Surface::Health => return None,
        };
        let known = self.state.catalogue.application(app.parse().ok()?)?;
        let audience = audience_name(audience);
        let plain = audience.strip_suffix('/').unwrap_or(audience);
        (audience == app || known.names.iter().any(|name| name.eq_ignore_ascii_case(plain)))
            .then_some(known.app_id)
    }

    /// A directory to ask again before a token is refused.
    async fn newer(
        &self,
        claims: &Map<String, Value>,
        directory: &Directory,
    ) -> Result<Option<Arc<Directory>>, Failure> {
        let store = &self.state.store;
        Ok(match client(claims) {
            Some(app) => store.confirm_client(directory, app).await?,
            None => store.confirm(directory).await?,
        })
    }

    /// Reads who it is, and looks that they still may call anything.
    async fn who(
        &self,
        (claims, api): (&Map<String, Value>, AppId),
        directory: &Directory,
    ) -> Result<Caller, Failure> {
        let tenant = directory.tenant.id;
        // A token is made for the principal that its audience names; that has to be this API's.
        let named = directory.principal_by_name(audience_name(claim(claims, "aud")?));
        if named.is_none_or(|it| it.app_id != api) {
            return Err(other_api().into());
        }
        let app = client(claims).ok_or_else(|| invalid("the token names no client"))?;
        let oid: ObjectId = claim(claims, "oid")?.parse().map_err(|_| invalid("the token names nobody"))?;
        let scp = claims.get("scp").and_then(Value::as_str);
        let kind = claims.get("idtyp").and_then(Value::as_str);
        let capabilities = claims.get("xms_cc").and_then(Value::as_array).into_iter().flatten();
        // The APIs that take part are Microsoft's, whose tokens are of the first edition and tell it.
        let methods = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
        let methods: Vec<String> = methods.filter_map(|it| it.as_str().map(str::to_owned)).collect();
        let shown = Shown {
            directory,
            app,
            issued: times::strict(claims, "iat").unwrap_or(0) + BACKDATED,
            continuous: capabilities.filter_map(Value::as_str).any(|it| it.eq_ignore_ascii_case("cp1")),
            methods: &methods,
            address: self.envelope.address,
            now: self.now(),
        };
        shown.client()?;
        if kind == Some("app") && scp.is_none() {
            shown.principal(oid)?;
            let roles = claims.get("roles").and_then(Value::as_array).into_iter().flatten();
            let roles = roles.filter_map(|role| role.as_str().map(str::to_owned)).collect();
            return Ok(Caller::Application { principal: oid, app, tenant, roles });
        }
        let Some(scp) = scp.filter(|_| kind == Some("user")) else {
            return Err(invalid("the token is neither a user's nor an application's").into());
        };
        let user = self.state.store.user(tenant, oid).await?;
        shown.user(user.as_deref())?;
        Ok(Caller::User { user: oid, app, tenant, scopes: scp.split(' ').map(str::to_owned).collect() })
    }
}

/// The client that a token was issued to.
fn client(claims: &Map<String, Value>) -> Option<AppId> {
    claims.get("appid").or_else(|| claims.get("azp"))?.as_str()?.parse().ok()
}

fn claim<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Refusal> {
    own_token::text(claims, name).map_err(|why| invalid(&why.to_string()))
}

/// The token of the `Authorization` header; `None`: no such header was sent.
///
/// # Errors
/// [`Refusal::InvalidToken`] when the header cannot be read as one with a bearer token.
pub fn bearer(call: &Call) -> Result<Option<&str>, Refusal> {
    let Some(value) = call.head.headers.get("authorization").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let unreadable = || {
        invalid(
            "The Authorization header cannot be read: it has to be the word Bearer, one space and the access token.",
        )
    };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
    match scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        true => Ok(Some(token)),
        false => Err(unreadable()),
    }
}
