//! The five setup steps in order. What a step enables is first tried without it.

use super::{
    print::Printer,
    server::{ENVIRONMENT, LocalServer, Person},
};
use crate::failure::Failure;
use carnet_client::{
    Authority, ClientError, Transport,
    acquire::{
        client_credentials::{self, Application, Credential},
        password::{self, User},
    },
    clock::{self, OsEntropy},
    graph::{Graph, text},
    power_platform::{Bap, PowerPlatform},
    setup::{step1, step2, step3, step4},
};
use carnet_wire::{
    catalogue::{AZURE_POWERSHELL, POWER_PLATFORM},
    ids::AppId,
    jose::ClientKey,
    secret::{AccessToken, SecretBytes},
};
use serde_json::Value;
use std::sync::Arc;

const NAME: &str = "Package reader";
const SCOPE: &str = "AppManagement.ApplicationPackages.Read";

/// The state that the steps share.
struct Walk<'a> {
    own: &'a LocalServer,
    printer: &'a Printer,
    transport: Transport,
    authority: &'a Authority,
    graph: Graph,
}

/// Runs all steps and returns the application's client id.
pub async fn walk(own: &LocalServer, printer: &Printer) -> Result<String, Failure> {
    let shown = *printer;
    let transport =
        Transport::new(&own.authority)?.watched(Arc::new(move |exchange| shown.exchange(exchange)));
    printer
        .note("The administrator signs in to Microsoft Graph through the built-in client Azure PowerShell.");
    let authority = &own.authority;
    let token = password::acquire(
        &transport,
        authority,
        &user(own, id(AZURE_POWERSHELL)?, Person::Admin),
        &authority.graph_scope(),
    )
    .await?;
    let graph = Graph::new(transport.clone(), authority, token.access);
    let walk = Walk { own, printer, transport, authority, graph };

    let application = walk.registration().await?;
    let resource = walk.permissions(&application).await?;
    let app = id(text(&application, "appId"))?;
    walk.public_client(&application, &resource, app).await?;
    let (secret, certificate) = walk.credentials(&application, app).await?;
    walk.calls(app, &secret, &certificate).await?;
    Ok(app.to_string())
}

fn id(text: &str) -> Result<AppId, Failure> {
    text.parse().map_err(|_| Failure::bug(format!("`{text}` is not a GUID")))
}

fn user(own: &LocalServer, client: AppId, person: Person) -> User {
    User { client, secret: None, name: person.name().to_owned(), password: own.password(person) }
}

/// Expects an error with this AADSTS number.
fn must_refuse<T>(result: Result<T, ClientError>, number: u32) -> Result<(), Failure> {
    match result {
        Err(ClientError::Refused(refusal)) if refusal.aadsts == Some(number) => Ok(()),
        Err(error) => Err(Failure::bug(format!("expected AADSTS{number}, got: {error}"))),
        Ok(_) => Err(Failure::bug(format!("expected AADSTS{number}, but the request succeeded"))),
    }
}

/// Expects HTTP 403.
fn must_forbid<T>(result: Result<T, ClientError>) -> Result<(), Failure> {
    match result {
        Err(ClientError::Refused(refusal)) if refusal.status == 403 => Ok(()),
        Err(error) => Err(Failure::bug(format!("expected HTTP 403, got: {error}"))),
        Ok(_) => Err(Failure::bug("expected HTTP 403, but the request succeeded")),
    }
}

impl Walk<'_> {
    async fn registration(&self) -> Result<Value, Failure> {
        self.printer.title("Step 1", "register a single-tenant application without a redirect URI");
        let application = step1::create(&self.graph, NAME).await?;
        self.graph.create_principal(id(text(&application, "appId"))?).await?;
        Ok(application)
    }

    /// Step 2 without consent. Consent is granted after step 3 has shown the error for missing consent.
    async fn permissions(&self, application: &Value) -> Result<Value, Failure> {
        let printer = self.printer;
        printer.title("Step 2", "add permissions of the Power Platform API");
        printer.early(
            "the tenant has no service principal of the API, so no application can get a token for it",
        );
        let object = text(application, "id");
        let (first, secret) = self.graph.add_password(object, "first try", None).await?;
        let client =
            Application { client: id(text(application, "appId"))?, credential: Credential::Secret(secret) };
        must_refuse(self.app_token(&client).await, 500_011)?;
        printer.note(
            "Create the service principal, as New-AzureADServicePrincipal does; then the same request succeeds.",
        );
        let resource = self.graph.create_principal(id(POWER_PLATFORM)?).await?;
        self.app_token(&client).await?;
        self.graph.remove_password(object, text(&first, "keyId")).await?;
        printer.note(&format!("Add {SCOPE} to the registration's API permissions."));
        step2::require(&self.graph, application, &resource, &[SCOPE.to_owned()]).await?;
        Ok(resource)
    }

    async fn public_client(&self, application: &Value, resource: &Value, app: AppId) -> Result<(), Failure> {
        let printer = self.printer;
        printer.title("Step 3", "allow a user name and password (public client)");
        let ada = user(self.own, app, Person::Ada);
        printer.early("the public client switch is off, so a client credential is required too");
        must_refuse(self.user_token(&ada).await, 7_000_218)?;
        step3::set(&self.graph, text(application, "id"), true).await?;
        printer.early("the permission was added in step 2 but has no consent yet");
        must_refuse(self.user_token(&ada).await, 65_001)?;
        printer.note("Second part of step 2: grant admin consent. Then the user gets a token.");
        let principal = self.graph.find_principal(app).await?.unwrap_or_default();
        step2::consent(&self.graph, &principal, resource, &[SCOPE.to_owned()]).await?;
        self.user_token(&ada).await?;
        printer.early("Grace has a second factor, so a password alone is not enough");
        must_refuse(self.user_token(&user(self.own, app, Person::Grace)).await, 50_076)
    }

    async fn credentials(
        &self,
        application: &Value,
        app: AppId,
    ) -> Result<(Application, Application), Failure> {
        let printer = self.printer;
        printer.title("Step 4", "add a secret and a certificate");
        let object = text(application, "id");
        let (_, secret) = self.graph.add_password(object, "quickstart", None).await?;
        printer.note("The certificate is created locally; its private key is not sent.");
        let key = key(NAME)?;
        step4::add_certificate(&self.graph, object, &key.certificate().base64(), NAME).await?;
        let with = |credential| Application { client: app, credential };
        Ok((with(Credential::Secret(secret)), with(Credential::Certificate(Arc::new(key)))))
    }

    async fn calls(
        &self,
        app: AppId,
        secret: &Application,
        certificate: &Application,
    ) -> Result<(), Failure> {
        let printer = self.printer;
        printer.title("Step 5", "get access tokens and call the API");
        printer
            .note("As a user: a Power Platform Administrator, with the delegated permission in the token.");
        let token = self.user_token(&user(self.own, app, Person::Ada)).await?;
        self.platform(token).packages(ENVIRONMENT).await?;
        printer.note("As the application itself, with its secret.");
        let token = self.app_token(secret).await?;
        printer.early("the service principal has to be registered with Power Platform first");
        must_forbid(self.platform(token.clone()).packages(ENVIRONMENT).await)?;
        printer.note("An administrator user registers it; a service principal cannot register itself.");
        let admin = user(self.own, id(AZURE_POWERSHELL)?, Person::Admin);
        let admin =
            password::acquire(&self.transport, self.authority, &admin, &self.authority.bap_scope()).await?;
        Bap::new(self.transport.clone(), self.authority, admin.access).register(app).await?;
        self.platform(token).packages(ENVIRONMENT).await?;
        printer.note("As the application itself, with its certificate.");
        let token = self.app_token(certificate).await?;
        self.platform(token).packages(ENVIRONMENT).await?;
        Ok(())
    }

    async fn user_token(&self, user: &User) -> Result<AccessToken, ClientError> {
        let scope = self.authority.power_platform_scope();
        Ok(password::acquire(&self.transport, self.authority, user, &scope).await?.access)
    }

    async fn app_token(&self, application: &Application) -> Result<AccessToken, ClientError> {
        let scope = self.authority.power_platform_scope();
        Ok(client_credentials::acquire(&self.transport, self.authority, application, &scope).await?.access)
    }

    fn platform(&self, token: AccessToken) -> PowerPlatform {
        PowerPlatform::new(self.transport.clone(), self.authority, token)
    }
}

/// Generates a key with a self-signed certificate.
fn key(name: &str) -> Result<ClientKey, Failure> {
    let wrong = |error: rcgen::Error| Failure::bug(format!("creating the certificate failed: {error}"));
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).map_err(wrong)?;
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.serial_number = Some(carnet_wire::entropy::Entropy::uuid(&OsEntropy).into_bytes().to_vec().into());
    params.not_before = clock::now().plus_seconds(-60).date_time();
    params.not_after = clock::now().plus_seconds(24 * 3600).date_time();
    let certificate = params.self_signed(&pair).map_err(wrong)?;
    let pem = format!("{}{}", certificate.pem(), pair.serialize_pem());
    ClientKey::from_pem(&SecretBytes::new(pem.into_bytes())).map_err(|error| Failure::bug(error.to_string()))
}
