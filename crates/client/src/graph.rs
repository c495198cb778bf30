//! The parts of Microsoft Graph that the setup needs: applications, service principals, permission grants. Objects
//! are JSON; each call documents the members that it uses.

use crate::{
    authority::Authority,
    failure::ClientError,
    transport::{Payload, Transport},
};
use carnet_wire::{
    ids::AppId,
    secret::{AccessToken, ClientSecret},
};
use reqwest::Method;
use serde_json::{Value, json};

/// Maximum number of pages of a list.
const MOST_PAGES: usize = 1000;

/// A client for Microsoft Graph with one access token.
#[derive(Debug, Clone)]
pub struct Graph {
    transport: Transport,
    base: String,
    token: AccessToken,
}

impl Graph {
    /// A client for this authority and token.
    #[must_use]
    pub fn new(transport: Transport, authority: &Authority, token: AccessToken) -> Self {
        Self { transport, base: format!("{}/v1.0", authority.graph), token }
    }

    /// Sends a request and returns the response body.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ClientError> {
        let url = format!("{}{path}", self.base);
        let payload = body.map_or(Payload::None, Payload::Json);
        Ok(self.transport.call(method, &url, Some(&self.token), payload).await?.body)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, path, None).await.map(drop)
    }

    /// Removes a client secret.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn remove_password(&self, object: &str, key_id: &str) -> Result<(), ClientError> {
        let path = format!("/applications/{object}/removePassword");
        self.call(Method::POST, &path, Some(&json!({ "keyId": key_id }))).await.map(drop)
    }

    /// Reads all pages of a collection.
    ///
    /// # Errors
    /// [`ClientError`], also if a page links to another origin or there are too many pages.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>, ClientError> {
        let origin = self.base.trim_end_matches("/v1.0").to_owned();
        let mut url = format!("{}{path}", self.base);
        let mut items = Vec::new();
        for _ in 0..MOST_PAGES {
            let page = self.transport.call(Method::GET, &url, Some(&self.token), Payload::None).await?.body;
            items.extend(page["value"].as_array().cloned().unwrap_or_default());
            match page["@odata.nextLink"].as_str() {
                None => return Ok(items),
                Some(next) if next.starts_with(&format!("{origin}/")) => url = next.to_owned(),
                Some(_) => {
                    return Err(ClientError::Unexpected {
                        url,
                        what: "the next page is on another host".into(),
                    });
                }
            }
        }
        Err(ClientError::Unexpected { url, what: "the list has too many pages".into() })
    }

    /// Finds an application by client id, object id or exact name.
    ///
    /// # Errors
    /// [`ClientError::Input`] if several applications have the name.
    pub async fn find_application(&self, name: &str) -> Result<Option<Value>, ClientError> {
        let by = |property: &str| {
            format!("/applications?$filter={}", quoted(&format!("{property} eq {}", literal(name))))
        };
        if name.parse::<AppId>().is_ok() {
            if let Some(found) = self.list(&by("appId")).await?.into_iter().next() {
                return Ok(Some(found));
            }
            return match self.call(Method::GET, &format!("/applications/{name}"), None).await {
                Ok(found) => Ok(Some(found)),
                Err(ClientError::Refused(refusal)) if refusal.status == 404 => Ok(None),
                Err(error) => Err(error),
            };
        }
        let mut found = self.list(&by("displayName")).await?;
        if found.len() > 1 {
            let message = format!("{} applications are named `{name}`; use a client ID", found.len());
            return Err(ClientError::Input(message));
        }
        Ok(found.pop())
    }

    /// Finds the service principal of an application in this tenant.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn find_principal(&self, app: AppId) -> Result<Option<Value>, ClientError> {
        let filter = quoted(&format!("appId eq '{app}'"));
        Ok(self.list(&format!("/servicePrincipals?$filter={filter}")).await?.into_iter().next())
    }

    /// Creates the service principal of an application, as `New-AzureADServicePrincipal` does.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn create_principal(&self, app: AppId) -> Result<Value, ClientError> {
        self.call(Method::POST, "/servicePrincipals", Some(&json!({ "appId": app }))).await
    }

    /// Finds or creates the service principal of an application. The flag is true if it was created.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn principal(&self, app: AppId) -> Result<(Value, bool), ClientError> {
        match self.find_principal(app).await? {
            Some(principal) => Ok((principal, false)),
            None => Ok((self.create_principal(app).await?, true)),
        }
    }

    /// Adds a client secret. Its value is only in this response.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn add_password(
        &self,
        object: &str,
        name: &str,
        until: Option<&str>,
    ) -> Result<(Value, ClientSecret), ClientError> {
        let mut credential = json!({ "displayName": name });
        if let Some(until) = until {
            credential["endDateTime"] = until.into();
        }
        let path = format!("/applications/{object}/addPassword");
        let answer =
            self.call(Method::POST, &path, Some(&json!({ "passwordCredential": credential }))).await?;
        match answer["secretText"].as_str() {
            Some(text) => Ok((crate::transport::redacted(&answer), ClientSecret::new(text.to_owned()))),
            None => Err(ClientError::Unexpected { url: path, what: "the credential has no value".into() }),
        }
    }

    /// The delegated permission grants of a client's service principal.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn grants_of(&self, principal: &str) -> Result<Vec<Value>, ClientError> {
        let filter = quoted(&format!("clientId eq '{principal}'"));
        self.list(&format!("/oauth2PermissionGrants?$filter={filter}")).await
    }
}

/// Quotes an OData string literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Percent-encodes a whole query value, as Azure CLI does.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A string member, or an empty string if it is absent.
#[must_use]
pub fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_literal() {
        assert_eq!(literal("o' or 1 eq 1"), "'o'' or 1 eq 1'");
        assert_eq!(quoted("a b'&é"), "a%20b%27%26%C3%A9");
    }
}
