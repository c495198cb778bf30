//! Who a user is to one application: the pairwise subject, the hint that begins their next sign-in, and what
//! userinfo tells.

use crate::user::User;
use carnet_wire::{
    digest::{self, DigestKey},
    ids::{AppId, ObjectId, TenantId},
    jose::{decode_base64url, encode_base64url},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// What a login hint begins with, as at Entra.
const HINT: &str = "O.";
/// Bytes of a login hint that prove it ours.
const PROOF: usize = 16;

/// The pairwise subject: 43 characters that differ for every recipient application. `secret` is the tenant's.
#[must_use]
pub fn pairwise(secret: &DigestKey, tenant: TenantId, (recipient, user): (AppId, ObjectId)) -> String {
    let parts = [tenant.uuid(), recipient.uuid(), user.uuid()];
    encode_base64url(&secret.digest(&parts.each_ref().map(|id| id.as_bytes().as_slice())))
}

/// The `login_hint` of an ID token: a text that names the user to this tenant alone, whatever they are called
/// by then. It holds the object id and a proof; it is a hint and opens nothing.
#[must_use]
pub fn login_hint(secret: &DigestKey, tenant: TenantId, user: ObjectId) -> String {
    let id = user.uuid().into_bytes();
    format!("{HINT}{}", encode_base64url(&[&id[..], &proof(secret, tenant, &id)].concat()))
}

/// A hint is such a text, and no name.
#[must_use]
pub fn is_login_hint(hint: &str) -> bool {
    hint.starts_with(HINT)
}

/// Whom a login hint that was sent back names; `None`: it is none of this tenant's (a name, mostly).
#[must_use]
pub fn open_login_hint(secret: &DigestKey, tenant: TenantId, hint: &str) -> Option<ObjectId> {
    let bytes = decode_base64url(hint.strip_prefix(HINT)?).ok()?;
    let (id, shown) = bytes.split_at_checked(16)?;
    let id: [u8; 16] = id.try_into().ok()?;
    digest::same(shown, &proof(secret, tenant, &id)).then(|| ObjectId::new(Uuid::from_bytes(id)))
}

fn proof(secret: &DigestKey, tenant: TenantId, id: &[u8; 16]) -> [u8; PROOF] {
    let whole = secret.digest(&[b"login_hint", tenant.uuid().as_bytes(), id]);
    let mut proof = [0; PROOF];
    proof.copy_from_slice(&whole[..PROOF]);
    proof
}

/// What userinfo shows of a user to a client with these scopes
/// (`reference/authorize-and-device.md`, 8). `graph` is the base URL of Microsoft Graph.
#[must_use]
pub fn user_info(user: &User, scopes: &[String], subject: String, graph: &str) -> Value {
    let holds = |name: &str| scopes.iter().any(|scope| scope == name);
    let mut body = json!({ "sub": subject });
    if holds("profile") {
        body["name"] = user.display_name.as_str().into();
        body["family_name"] = user.surname.as_deref().into();
        body["given_name"] = user.given_name.as_deref().into();
        body["picture"] = format!("{graph}/v1.0/me/photo/$value").into();
    }
    if let Some(mail) = user.mail.as_deref().filter(|_| holds("email")) {
        body["email"] = mail.into();
    }
    if let Value::Object(members) = &mut body {
        members.retain(|_, value| !value.is_null());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_hint_opens_in_its_tenant_and_only_as_it_was_written() {
        let tenant = |number| TenantId::new(Uuid::from_u128(number));
        let user = ObjectId::new(Uuid::from_u128(7));
        let [one, other] = [DigestKey::new(&[1; 32]), DigestKey::new(&[2; 32])];
        let hint = login_hint(&one, tenant(1), user);
        assert!(hint.starts_with("O.") && !hint.contains(&user.to_string()));
        assert_eq!(open_login_hint(&one, tenant(1), &hint), Some(user));
        assert_eq!(open_login_hint(&one, tenant(2), &hint), None);
        assert_eq!(open_login_hint(&other, tenant(1), &hint), None);
        let changed = hint.replacen("O.A", "O.B", 1);
        for text in ["", "O.", "ada@contoso.example", &changed, &hint[..20]] {
            assert_eq!(open_login_hint(&one, tenant(1), text), None, "{text}");
        }
    }
}
