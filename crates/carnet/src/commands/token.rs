//! `carnet token`: gets an access token as a user or as an application (step 5), or decodes one.

use super::{Print, session::read};
use crate::{
    args::{As, SignInOptions, Token, TokenVerb},
    config,
    failure::Failure,
    output::{self, SecretSource},
};
use carnet_client::{
    Authority, Transport,
    acquire::{
        self, TokenParameters,
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

/// Gets or decodes a token.
pub async fn run(print: &Print, token: Token) -> Result<(), Failure> {
    if let Some(TokenVerb::Decode { file }) = token.verb {
        return print.data(&decode(file)?);
    }
    let authority = token.tenant.authority()?;
    let transport = Transport::new(&authority)?;
    let scope = token.scope.unwrap_or_else(|| authority.power_platform_scope());
    let got = acquire(&transport, &authority, &token.sign_in, &scope).await?;
    let until = clock::now().plus_seconds(got.expires_in);
    print.data(&json!({
        "accessToken": got.access.expose(),
        "expiresOn": until.iso(),
        "expiresIn": got.expires_in,
        "scope": got.scope,
        "tenant": authority.tenant,
        "tokenType": "Bearer",
    }))
}

/// Requests a token as the options say.
pub async fn acquire(
    transport: &Transport,
    authority: &Authority,
    options: &SignInOptions,
    scope: &str,
) -> Result<acquire::Token, Failure> {
    identify(options)?.token(transport, authority, scope.into()).await
}

/// An identity with its credential, read once.
pub enum Identity {
    /// A user with a password.
    User(User),
    /// An application with a secret or certificate.
    App(Application),
}

impl Identity {
    /// Requests a token.
    pub async fn token(
        &self,
        transport: &Transport,
        authority: &Authority,
        parameters: TokenParameters<'_>,
    ) -> Result<acquire::Token, Failure> {
        Ok(match self {
            Self::User(user) => password::acquire(transport, authority, user, parameters).await?,
            Self::App(application) => {
                client_credentials::acquire(transport, authority, application, parameters).await?
            }
        })
    }
}

/// The identity that the options select.
pub fn identify(options: &SignInOptions) -> Result<Identity, Failure> {
    if options.client_secret.is_some() || options.password.is_some() {
        return Err(Failure::usage("secrets are not accepted as arguments, because process lists show them")
            .hint("use --secret-file FILE, --secret-env VARIABLE or --secret-stdin (or --password-file, --password-env, --password-stdin)"));
    }
    let client = match options.client_id {
        Some(id) => id,
        None => client_of_environment()?,
    };
    let name = options.username.clone().or_else(|| config::first(&["CARNET_USERNAME", "AZURE_USERNAME"]));
    let sign_in_as =
        options.sign_in_as.unwrap_or(if options.username.is_some() { As::User } else { As::App });
    match sign_in_as {
        As::User => {
            let name = name.ok_or_else(|| Failure::usage("--as user requires --username NAME"))?;
            let source = SecretSource {
                file: options.password_file.as_deref(),
                env: options.password_env.as_deref(),
                stdin: options.password_stdin,
                usual: &["CARNET_PASSWORD", "AZURE_PASSWORD"],
                what: "password",
            };
            let password = output::secret(&source)?.ok_or_else(|| {
                Failure::usage("no password specified")
                    .hint("use --password-file FILE, --password-env VARIABLE or --password-stdin")
            })?;
            let secret = if options.has_secret() { secret(options)? } else { None };
            Ok(Identity::User(User { client, secret, name, password: Password::new(password) }))
        }
        As::App => Ok(Identity::App(Application { client, credential: credential(options)? })),
    }
}

impl SignInOptions {
    /// Whether a client secret was given in addition to a user's password.
    const fn has_secret(&self) -> bool {
        self.secret_file.is_some() || self.secret_env.is_some() || self.secret_stdin
    }
}

fn client_of_environment() -> Result<AppId, Failure> {
    let text = config::first(&["CARNET_CLIENT_ID", "AZURE_CLIENT_ID"])
        .ok_or_else(|| Failure::usage("no application specified").hint("use --client-id GUID"))?;
    text.parse().map_err(|_| Failure::usage(format!("the client ID `{text}` is not a GUID")))
}

fn secret(options: &SignInOptions) -> Result<Option<ClientSecret>, Failure> {
    let source = SecretSource {
        file: options.secret_file.as_deref(),
        env: options.secret_env.as_deref(),
        stdin: options.secret_stdin,
        usual: &["CARNET_CLIENT_SECRET", "AZURE_CLIENT_SECRET"],
        what: "client secret",
    };
    Ok(output::secret(&source)?.map(ClientSecret::new))
}

fn credential(options: &SignInOptions) -> Result<Credential, Failure> {
    let usual = || config::variable("AZURE_CLIENT_CERTIFICATE_PATH").map(PathBuf::from);
    let certificate = options.certificate.clone().or_else(|| usual().filter(|_| !options.has_secret()));
    if let Some(path) = certificate {
        let mut pem = read(&path)?;
        if let Some(key) = &options.certificate_key {
            pem.push(b'\n');
            pem.extend(read(key)?);
        }
        let key = ClientKey::from_pem(&SecretBytes::new(pem))
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        return Ok(Credential::Certificate(Arc::new(key)));
    }
    let none = || {
        Failure::usage("no credential specified for the application")
            .hint("use --secret-file FILE, --secret-env VARIABLE, --secret-stdin or --certificate FILE")
    };
    secret(options)?.map(Credential::Secret).ok_or_else(none)
}

/// Decodes the header and claims of a token, without verification.
fn decode(file: Option<PathBuf>) -> Result<Value, Failure> {
    let text = match file {
        Some(path) => String::from_utf8(read(&path)?)
            .map_err(|_| Failure::usage(format!("{} is not UTF-8 text", path.display())))?,
        None => {
            let mut text = String::new();
            let read = std::io::stdin().take(1024 * 1024).read_to_string(&mut text);
            read.map_err(|error| Failure::usage(format!("standard input: {error}")))?;
            text
        }
    };
    let token = token_in(text.trim());
    let wrong = || Failure::usage("not a JSON Web Token: expected three base64url parts with JSON objects");
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

/// The token in the input: the input itself, or a member of a JSON object.
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
