//! Microsoft Graph, as far as the five steps need it: applications, service principals, permission
//! grants. Objects stay JSON; each call takes and gives the few members it speaks of.

use crate::{
    authority::Place,
    failure::ClientError,
    transport::{Payload, Transport},
};
use carnet_wire::{
    ids::AppId,
    secret::{AccessToken, ClientSecret},
};
use reqwest::Method;
use serde_json::{Value, json};

/// At most so many pages are followed.
const MOST_PAGES: usize = 1000;

/// Graph, as one caller sees it.
#[derive(Debug, Clone)]
pub struct Graph {
    transport: Transport,
    base: String,
    token: AccessToken,
}

impl Graph {
    /// Graph at a place, with a token for it.
    #[must_use]
    pub fn new(transport: Transport, place: &Place, token: AccessToken) -> Self {
        Self { transport, base: format!("{}/v1.0", place.graph), token }
    }

    /// One call; the body of the answer.
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

    /// Removes a secret.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn remove_password(&self, object: &str, key_id: &str) -> Result<(), ClientError> {
        let path = format!("/applications/{object}/removePassword");
        self.call(Method::POST, &path, Some(&json!({ "keyId": key_id }))).await.map(drop)
    }

    /// A whole collection, page by page.
    ///
    /// # Errors
    /// [`ClientError`]; also when a page points to another origin or the pages do not end.
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
                    return Err(ClientError::Unexpected { url, what: "a next page at another host".into() });
                }
            }
        }
        Err(ClientError::Unexpected { url, what: "pages without end".into() })
    }

    /// The application with this id, object id or exact name.
    ///
    /// # Errors
    /// [`ClientError::Input`] when several have the name.
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
                Err(ClientError::Refused(no)) if no.status == 404 => Ok(None),
                Err(error) => Err(error),
            };
        }
        let mut found = self.list(&by("displayName")).await?;
        if found.len() > 1 {
            let message =
                format!("{} applications are named `{name}`; name one by its client id", found.len());
            return Err(ClientError::Input(message));
        }
        Ok(found.pop())
    }

    /// The service principal of an application in this tenant.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn find_principal(&self, app: AppId) -> Result<Option<Value>, ClientError> {
        let filter = quoted(&format!("appId eq '{app}'"));
        Ok(self.list(&format!("/servicePrincipals?$filter={filter}")).await?.into_iter().next())
    }

    /// Makes the service principal of an application appear, as `New-AzureADServicePrincipal` does.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn create_principal(&self, app: AppId) -> Result<Value, ClientError> {
        self.call(Method::POST, "/servicePrincipals", Some(&json!({ "appId": app }))).await
    }

    /// The service principal of an application, and whether it was missing and is made now.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn principal(&self, app: AppId) -> Result<(Value, bool), ClientError> {
        match self.find_principal(app).await? {
            Some(principal) => Ok((principal, false)),
            None => Ok((self.create_principal(app).await?, true)),
        }
    }

    /// Adds a secret; the value is shown this once.
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
            None => Err(ClientError::Unexpected { url: path, what: "a credential without its value".into() }),
        }
    }

    /// The permission grants that a client's service principal holds.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn grants_of(&self, principal: &str) -> Result<Vec<Value>, ClientError> {
        let filter = quoted(&format!("clientId eq '{principal}'"));
        self.list(&format!("/oauth2PermissionGrants?$filter={filter}")).await
    }
}

/// An OData text literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Percent-encodes a query value whole, as Azure CLI does.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A text member; empty when it is not there.
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
