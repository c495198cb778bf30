//! `carnet token`: step 5 of the article, as a user or as the application; and `token decode`.

use super::{Print, place::read};
use crate::{
    args::{As, Token, TokenVerb, Who},
    config,
    failure::Failure,
    output::{self, SecretSource},
};
use carnet_client::{
    Place, Transport,
    acquire::{
        self, Wanted,
        client_credentials::{self, Application, Credential},
        password::{self, User},
    },
    clock,
};
use carnet_wire::{
    ids::AppId,
    jose::{self, ClientKey},
    secret::{ClientSecret, Password, SecretBytes},
    time::Timestamp,
};
use serde_json::{Value, json};
use std::{io::Read, path::PathBuf, sync::Arc};

/// Gets a token, or shows what is in one.
pub async fn run(print: &Print, token: Token) -> Result<(), Failure> {
    if let Some(TokenVerb::Decode { file }) = token.verb {
        return print.data(&decode(file)?);
    }
    let place = token.place.place()?;
    let transport = Transport::new(&place)?;
    let scope = token.scope.unwrap_or_else(|| place.power_platform_scope());
    let got = acquire(&transport, &place, &token.who, &scope).await?;
    let until = clock::now().plus_seconds(got.expires_in);
    print.data(&json!({
        "accessToken": got.access.expose(),
        "expiresOn": until.iso(),
        "expiresIn": got.expires_in,
        "scope": got.scope,
        "tenant": place.tenant,
        "tokenType": "Bearer",
    }))
}

/// A token as the arguments say.
pub async fn acquire(
    transport: &Transport,
    place: &Place,
    who: &Who,
    scope: &str,
) -> Result<acquire::Token, Failure> {
    identify(who)?.token(transport, place, scope.into()).await
}

/// Somebody with what they prove themselves with, read once.
pub enum Identity {
    /// A user, by name and password.
    User(User),
    /// An application, by secret or certificate.
    App(Application),
}

impl Identity {
    /// A token for them.
    pub async fn token(
        &self,
        transport: &Transport,
        place: &Place,
        wanted: Wanted<'_>,
    ) -> Result<acquire::Token, Failure> {
        Ok(match self {
            Self::User(user) => password::acquire(transport, place, user, wanted).await?,
            Self::App(application) => {
                client_credentials::acquire(transport, place, application, wanted).await?
            }
        })
    }
}

/// Who the arguments name.
pub fn identify(who: &Who) -> Result<Identity, Failure> {
    if who.client_secret.is_some() || who.password.is_some() {
        return Err(Failure::asked("a secret on the command line shows in every process list")
            .hint("--secret-file FILE, --secret-env VARIABLE or --secret-stdin; likewise --password-…"));
    }
    let client = match who.client_id {
        Some(id) => id,
        None => client_of_environment()?,
    };
    let name = who.username.clone().or_else(|| config::first(&["CARNET_USERNAME", "AZURE_USERNAME"]));
    let whom = who.whom.unwrap_or(if who.username.is_some() { As::User } else { As::App });
    match whom {
        As::User => {
            let name = name.ok_or_else(|| Failure::asked("--as user wants --username NAME"))?;
            let source = SecretSource {
                file: who.password_file.as_deref(),
                env: who.password_env.as_deref(),
                stdin: who.password_stdin,
                usual: &["CARNET_PASSWORD", "AZURE_PASSWORD"],
                what: "password",
            };
            let password = output::secret(&source)?.ok_or_else(|| {
                Failure::asked("the password is not given")
                    .hint("--password-file FILE, --password-env VARIABLE or --password-stdin")
            })?;
            let secret = if who.proves() { secret(who)? } else { None };
            Ok(Identity::User(User { client, secret, name, password: Password::new(password) }))
        }
        As::App => Ok(Identity::App(Application { client, credential: credential(who)? })),
    }
}

impl Who {
    /// A client secret was named beside a user's password.
    const fn proves(&self) -> bool {
        self.secret_file.is_some() || self.secret_env.is_some() || self.secret_stdin
    }
}

fn client_of_environment() -> Result<AppId, Failure> {
    let text = config::first(&["CARNET_CLIENT_ID", "AZURE_CLIENT_ID"])
        .ok_or_else(|| Failure::asked("no application is named").hint("--client-id GUID"))?;
    text.parse().map_err(|_| Failure::asked(format!("the client id `{text}` is no GUID")))
}

fn secret(who: &Who) -> Result<Option<ClientSecret>, Failure> {
    let source = SecretSource {
        file: who.secret_file.as_deref(),
        env: who.secret_env.as_deref(),
        stdin: who.secret_stdin,
        usual: &["CARNET_CLIENT_SECRET", "AZURE_CLIENT_SECRET"],
        what: "client secret",
    };
    Ok(output::secret(&source)?.map(ClientSecret::new))
}

fn credential(who: &Who) -> Result<Credential, Failure> {
    let usual = || config::variable("AZURE_CLIENT_CERTIFICATE_PATH").map(PathBuf::from);
    let certificate = who.certificate.clone().or_else(|| usual().filter(|_| !who.proves()));
    if let Some(path) = certificate {
        let mut pem = read(&path)?;
        if let Some(key) = &who.certificate_key {
            pem.push(b'\n');
            pem.extend(read(key)?);
        }
        let key = ClientKey::from_pem(&SecretBytes::new(pem))
            .map_err(|error| Failure::asked(format!("{}: {error}", path.display())))?;
        return Ok(Credential::Certificate(Arc::new(key)));
    }
    let none = || {
        Failure::asked("the application has nothing to prove itself with")
            .hint("--secret-file FILE, --secret-env VARIABLE, --secret-stdin or --certificate FILE")
    };
    secret(who)?.map(Credential::Secret).ok_or_else(none)
}

/// Header and claims of a token. Nothing is verified: whoever has the token can read it.
fn decode(file: Option<PathBuf>) -> Result<Value, Failure> {
    let text = match file {
        Some(path) => String::from_utf8(read(&path)?)
            .map_err(|_| Failure::asked(format!("{} is no text", path.display())))?,
        None => {
            let mut text = String::new();
            let read = std::io::stdin().take(1024 * 1024).read_to_string(&mut text);
            read.map_err(|error| Failure::asked(format!("standard input: {error}")))?;
            text
        }
    };
    let token = token_in(text.trim());
    let wrong = || {
        Failure::asked(
            "this is no token that can be shown: it wants three parts in base64url, with JSON objects",
        )
    };
    let mut parts = token.split('.');
    let mut part = || jose::object(&jose::decode_base64url(parts.next()?).ok()?).ok();
    let (header, claims) = part().zip(part()).ok_or_else(wrong)?;
    let time = |name: &str| {
        claims.get(name).and_then(Value::as_i64).map(|seconds| Timestamp::from_seconds(seconds).iso())
    };
    Ok(json!({
        "header": header,
        "claims": claims,
        "issuedAt": time("iat"),
        "notBefore": time("nbf"),
        "expiresAt": time("exp"),
        "verified": false,
    }))
}

/// The token in what was given: the token itself, or a JSON object that carries it.
fn token_in(text: &str) -> String {
    let member = |name: &str| serde_json::from_str::<Value>(text).ok()?[name].as_str().map(str::to_owned);
    ["accessToken", "access_token", "id_token"]
        .iter()
        .find_map(|name| member(name))
        .unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_plain_or_in_json() {
        assert_eq!(token_in("a.b.c"), "a.b.c");
        assert_eq!(token_in(r#"{"accessToken": "a.b.c"}"#), "a.b.c");
        assert_eq!(token_in(r#"{"other": 1}"#), r#"{"other": 1}"#);
    }
}
