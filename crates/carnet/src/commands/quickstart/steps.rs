//! The five steps, in the article's order. What each of them needs is tried before it is there.

use super::{
    print::Printer,
    server::{ENVIRONMENT, Own, Person},
};
use crate::failure::Failure;
use carnet_client::{
    ClientError, Place, Transport,
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

/// What the steps share.
struct Walk<'a> {
    own: &'a Own,
    printer: &'a Printer,
    transport: Transport,
    place: &'a Place,
    graph: Graph,
}

/// Walks through all steps; gives the application's client id.
pub async fn walk(own: &Own, printer: &Printer) -> Result<String, Failure> {
    let shown = *printer;
    let transport = Transport::new(&own.place)?.watched(Arc::new(move |exchange| shown.exchange(exchange)));
    printer.note("The administrator signs in for Microsoft Graph, as the built-in Azure PowerShell client.");
    let place = &own.place;
    let token = password::acquire(
        &transport,
        place,
        &user(own, id(AZURE_POWERSHELL)?, Person::Admin),
        &place.graph_scope(),
    )
    .await?;
    let graph = Graph::new(transport.clone(), place, token.access);
    let walk = Walk { own, printer, transport, place, graph };

    let application = walk.registration().await?;
    let resource = walk.permissions(&application).await?;
    let app = id(text(&application, "appId"))?;
    walk.public_client(&application, &resource, app).await?;
    let (secret, certificate) = walk.credentials(&application, app).await?;
    walk.calls(app, (&secret, &certificate)).await?;
    Ok(app.to_string())
}

fn id(text: &str) -> Result<AppId, Failure> {
    text.parse().map_err(|_| Failure::bug(format!("`{text}` is no GUID")))
}

fn user(own: &Own, client: AppId, person: Person) -> User {
    User { client, secret: None, name: person.name().to_owned(), password: own.password(person) }
}

/// A refusal that had to come, by AADSTS number.
fn must_refuse<T>(result: Result<T, ClientError>, number: u32) -> Result<(), Failure> {
    match result {
        Err(ClientError::Refused(no)) if no.aadsts == Some(number) => Ok(()),
        Err(error) => Err(Failure::bug(format!("AADSTS{number} was expected, and this came: {error}"))),
        Ok(_) => Err(Failure::bug(format!("AADSTS{number} was expected, and it was allowed"))),
    }
}

/// A 403 that had to come.
fn must_forbid<T>(result: Result<T, ClientError>) -> Result<(), Failure> {
    match result {
        Err(ClientError::Refused(no)) if no.status == 403 => Ok(()),
        Err(error) => Err(Failure::bug(format!("a 403 was expected, and this came: {error}"))),
        Ok(_) => Err(Failure::bug("a 403 was expected, and it was allowed")),
    }
}

impl Walk<'_> {
    async fn registration(&self) -> Result<Value, Failure> {
        self.printer.title("Step 1", "application registration, single tenant, no redirect URI");
        let application = step1::create(&self.graph, NAME).await?;
        self.graph.create_principal(id(text(&application, "appId"))?).await?;
        Ok(application)
    }

    /// Step 2 without its consent, which is given once step 3 has shown that it is missing.
    async fn permissions(&self, application: &Value) -> Result<Value, Failure> {
        let printer = self.printer;
        printer.title("Step 2", "API permissions: the Power Platform API by its GUID");
        printer.early("the tenant lacks the API's service principal, so no application gets a token for it");
        let object = text(application, "id");
        let (first, secret) = self.graph.add_password(object, "first try", None).await?;
        let client =
            Application { client: id(text(application, "appId"))?, credential: Credential::Secret(secret) };
        must_refuse(self.app_token(&client).await, 500_011)?;
        printer.note(
            "Make it appear, as New-AzureADServicePrincipal does; then the same request gets its token.",
        );
        let resource = self.graph.create_principal(id(POWER_PLATFORM)?).await?;
        self.app_token(&client).await?;
        self.graph.remove_password(object, text(&first, "keyId")).await?;
        printer.note(&format!("List {SCOPE} in the registration's API permissions."));
        step2::require(&self.graph, application, &resource, &[SCOPE.to_owned()]).await?;
        Ok(resource)
    }

    async fn public_client(&self, application: &Value, resource: &Value, app: AppId) -> Result<(), Failure> {
        let printer = self.printer;
        printer.title("Step 3", "public client, for a user name and a password");
        let ada = user(self.own, app, Person::Ada);
        printer.early("the switch is off, so a user name and password want the application's credential too");
        must_refuse(self.user_token(&ada).await, 7_000_218)?;
        step3::set(&self.graph, text(application, "id"), true).await?;
        printer.early("the permission is listed in step 2, and nobody has consented to it yet");
        must_refuse(self.user_token(&ada).await, 65_001)?;
        printer.note("Step 2, its second half: admin consent for everyone. Then the user gets a token.");
        let principal = self.graph.find_principal(app).await?.unwrap_or_default();
        step2::consent(&self.graph, &principal, resource, &[SCOPE.to_owned()]).await?;
        self.user_token(&ada).await?;
        printer.early("Grace has a second factor, which a password alone never satisfies");
        must_refuse(self.user_token(&user(self.own, app, Person::Grace)).await, 50_076)
    }

    async fn credentials(
        &self,
        application: &Value,
        app: AppId,
    ) -> Result<(Application, Application), Failure> {
        let printer = self.printer;
        printer.title("Step 4", "certificates and secrets");
        let object = text(application, "id");
        let (_, secret) = self.graph.add_password(object, "quickstart", None).await?;
        printer.note("A certificate is made here; its private key stays here.");
        let key = key(NAME)?;
        step4::add_certificate(&self.graph, object, &key.certificate().base64(), NAME).await?;
        let with = |credential| Application { client: app, credential };
        Ok((with(Credential::Secret(secret)), with(Credential::Certificate(Arc::new(key)))))
    }

    async fn calls(
        &self,
        app: AppId,
        (secret, certificate): (&Application, &Application),
    ) -> Result<(), Failure> {
        let printer = self.printer;
        printer.title("Step 5", "access tokens, and the calls they are for");
        printer
            .note("As a user: a Power Platform Administrator, with the delegated permission in the token.");
        let token = self.user_token(&user(self.own, app, Person::Ada)).await?;
        self.platform(token).packages(ENVIRONMENT).await?;
        printer.note("As the application itself, with its secret.");
        let token = self.app_token(secret).await?;
        printer.early("a service principal counts only once it is registered with Power Platform");
        must_forbid(self.platform(token.clone()).packages(ENVIRONMENT).await)?;
        printer.note("An administrator user registers it; a service principal cannot register itself.");
        let admin = user(self.own, id(AZURE_POWERSHELL)?, Person::Admin);
        let admin = password::acquire(&self.transport, self.place, &admin, &self.place.bap_scope()).await?;
        Bap::new(self.transport.clone(), self.place, admin.access).register(app).await?;
        self.platform(token).packages(ENVIRONMENT).await?;
        printer.note("And with its certificate.");
        let token = self.app_token(certificate).await?;
        self.platform(token).packages(ENVIRONMENT).await?;
        Ok(())
    }

    async fn user_token(&self, user: &User) -> Result<AccessToken, ClientError> {
        let scope = self.place.power_platform_scope();
        Ok(password::acquire(&self.transport, self.place, user, &scope).await?.access)
    }

    async fn app_token(&self, application: &Application) -> Result<AccessToken, ClientError> {
        let scope = self.place.power_platform_scope();
        Ok(client_credentials::acquire(&self.transport, self.place, application, &scope).await?.access)
    }

    fn platform(&self, token: AccessToken) -> PowerPlatform {
        PowerPlatform::new(self.transport.clone(), self.place, token)
    }
}

/// A fresh key with a self-signed certificate.
fn key(name: &str) -> Result<ClientKey, Failure> {
    let wrong = |error: rcgen::Error| Failure::bug(format!("the certificate cannot be made: {error}"));
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
