//! `addPassword` and `removePassword` of a registration (step 4 of the article). Certificates come with
//! `PATCH /applications/{id}`.

use super::{
    applications::find,
    list::{body, key},
    shape,
};
use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    application::{self, NewSecret},
    change::Moment,
    directory::Directory,
};
use carnet_wire::{graph::members::Members, ids::KeyId};

/// `POST /v1.0/applications/{id}/addPassword`
pub(super) async fn add(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let mut new = NewSecret::default();
    if let Some(mut wanted) = members.object("passwordCredential")? {
        new.name = wanted.text("displayName")?.flatten();
        new.start = wanted.time("startDateTime")?.flatten();
        new.end = wanted.time("endDateTime")?.flatten();
        for ignored in ["customKeyIdentifier", "keyId", "hint"] {
            wanted.any(ignored);
        }
        wanted.finish()?;
    }
    members.finish()?;
    let named = key(&call, "appId")?;
    let rule = |caller: &_, directory: &Directory, at: &Moment<'_>| {
        let id = find(directory, &named)?.id;
        application::add_secret(caller, directory, id, new.clone(), at)
    };
    let (credential, secret) = cx.apply(&mut called, rule).await?;
    let mut shown = shape::secret(&credential);
    shown["secretText"] = secret.expose().into();
    shown["@odata.context"] =
        format!("{}/v1.0/$metadata#microsoft.graph.passwordCredential", cx.envelope.origin.graph()).into();
    Reply::json(&shown)
}

/// `POST /v1.0/applications/{id}/removePassword`
pub(super) async fn remove(cx: Context, mut called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let key_id: Option<KeyId> = members.id("keyId")?;
    let key_id = key_id.ok_or_else(|| members.wrong("keyId", "the secret's GUID"))?;
    members.finish()?;
    let named = key(&call, "appId")?;
    let rule = |caller: &_, directory: &Directory, _: &Moment<'_>| {
        application::remove_secret(caller, directory, find(directory, &named)?.id, key_id)
    };
    cx.apply(&mut called, rule).await?;
    Ok(Reply::no_content())
}
