//! The Power Platform API and its administration API (BAP): environments, application packages, and the registration
//! of a service principal, which only an administrator user may make.

use crate::{
    authority::Authority,
    failure::ClientError,
    transport::{ApiResponse, Payload, Transport},
};
use carnet_wire::{ids::AppId, secret::AccessToken};
use reqwest::Method;
use serde_json::Value;

/// `api-version` of the routes used here.
const VERSION: &str = "2022-03-01-preview";
/// `api-version` of the administration API.
const BAP_VERSION: &str = "2020-10-01";

/// A client for the Power Platform API with one access token.
#[derive(Debug, Clone)]
pub struct PowerPlatform {
    transport: Transport,
    base: String,
    token: AccessToken,
}

impl PowerPlatform {
    /// A client for this authority and token.
    #[must_use]
    pub fn new(transport: Transport, authority: &Authority, token: AccessToken) -> Self {
        Self { transport, base: authority.power_platform.clone(), token }
    }

    async fn call(&self, method: Method, path: &str) -> Result<ApiResponse, ClientError> {
        let url = format!("{}{path}?api-version={VERSION}", self.base);
        self.transport.call(method, &url, Some(&self.token), Payload::None).await
    }

    /// The environments that the caller may see.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn environments(&self) -> Result<Vec<Value>, ClientError> {
        Ok(values(self.call(Method::GET, "/environmentmanagement/environments").await?))
    }

    /// The application packages of an environment.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn packages(&self, environment: &str) -> Result<Vec<Value>, ClientError> {
        let path = format!("/appmanagement/environments/{environment}/applicationPackages");
        Ok(values(self.call(Method::GET, &path).await?))
    }
}

/// A client for the administration API with one access token.
#[derive(Debug, Clone)]
pub struct Bap {
    transport: Transport,
    base: String,
    token: AccessToken,
}

impl Bap {
    /// A client for this authority and token.
    #[must_use]
    pub fn new(transport: Transport, authority: &Authority, token: AccessToken) -> Self {
        Self { transport, base: authority.bap.clone(), token }
    }

    async fn call(&self, method: Method, path: &str) -> Result<ApiResponse, ClientError> {
        let root = format!("{}/providers/Microsoft.BusinessAppPlatform", self.base);
        let url = format!("{root}/adminApplications{path}?api-version={BAP_VERSION}");
        self.transport.call(method, &url, Some(&self.token), Payload::None).await
    }

    /// Registers an application. Registering it again changes nothing.
    ///
    /// # Errors
    /// [`ClientError`]; 403 unless the token is an administrator user's.
    pub async fn register(&self, app: AppId) -> Result<Value, ClientError> {
        Ok(self.call(Method::PUT, &format!("/{app}")).await?.body)
    }

    /// Removes the registration of an application.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn unregister(&self, app: AppId) -> Result<(), ClientError> {
        self.call(Method::DELETE, &format!("/{app}")).await.map(drop)
    }

    /// The registered applications.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn registered(&self) -> Result<Vec<Value>, ClientError> {
        Ok(values(self.call(Method::GET, "").await?))
    }
}

fn values(answer: ApiResponse) -> Vec<Value> {
    match answer.body {
        Value::Object(mut body) => match body.remove("value") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
