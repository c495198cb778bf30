//! Passwords: hashing and checking them on the hash threads, and changing one's own.

use crate::{caller::Called, context::Context, reply::Failure, work::hash::Whose};
use carnet_store::{AttemptCounter, Once};
use carnet_tenant::{
    credential::{Guarded, PasswordHash},
    lockout::{Attempt, AttemptPurpose},
    refusal::Refusal,
    token::PasswordProof,
    user::{self, User},
};
use carnet_wire::{ids::TenantId, secret::Password};

/// The hash of a password, on the hash threads, and a better one where the stored one is older. An unknown
/// or locked user costs the same.
pub async fn check_password(
    cx: &Context,
    tenant: TenantId,
    key: &str,
    password: &Password,
    (attempt, user): (Attempt, Option<&User>),
) -> (PasswordProof, Option<PasswordHash>) {
    let stored = user.filter(|_| attempt.evaluates()).and_then(|user| user.password.as_ref());
    let mut salt = [0; 16];
    cx.state.entropy.fill(&mut salt);
    let tenant = tenant.uuid();
    let whose = Whose { account: (tenant.as_bytes(), key), address: cx.envelope.address };
    let stored = stored.map(|hash| hash.0.expose().to_owned());
    match cx.state.hasher.verify(password, stored, salt, whose).await {
        Ok(verdict) if verdict.right => {
            (PasswordProof::Right, verdict.rehash.map(|hash| PasswordHash(Guarded::new(hash))))
        }
        Ok(_) => (PasswordProof::Wrong, None),
        Err(_) => (PasswordProof::Busy, None),
    }
}

/// The hash of a new password that may be set, made on the hash threads.
///
/// # Errors
/// [`Refusal::BadRequest`] for a password that may not be set, [`Refusal::Busy`] when the queue is full.
pub async fn hash_new(
    cx: &Context,
    called: &Called,
    (name, password): (&str, &Password),
) -> Result<PasswordHash, Failure> {
    user::check_password(password, name)?;
    let mut salt = [0; 16];
    cx.state.entropy.fill(&mut salt);
    let (tenant, key) = (called.directory.tenant.id.uuid(), user::fold(name));
    let whose = Whose { account: (tenant.as_bytes(), &key), address: cx.envelope.address };
    match cx.state.hasher.hash(password, salt, whose).await {
        Ok(hash) => Ok(PasswordHash(Guarded::new(hash))),
        Err(_) => Err(Refusal::Busy { seconds: 1 }.into()),
    }
}

/// Changes one's own password: the current one is proved under the account's lockout, like a sign-in. Where a
/// page asks for it, the page is used up.
///
/// # Errors
/// The rule's [`Refusal`], or [`Failure`].
pub async fn change_own_password(
    cx: &Context,
    called: &mut Called,
    own: &User,
    (current, new): (&Password, &Password),
    once: Option<Once>,
) -> Result<(), Failure> {
    let tenant = called.directory.tenant.id;
    let from = (cx.envelope.address, cx.now());
    // A guess at the current password is a guess like one at a sign-in, and counts as one.
    let counter = AttemptCounter { tenant, purpose: AttemptPurpose::Password, key: &own.name_key };
    let (attempt, held) = cx.state.store.reserve(&counter, current, from).await?;
    let (proof, _) = check_password(cx, tenant, &own.name_key, current, (attempt, held.as_deref())).await;
    let hash = match (proof, attempt) {
        (PasswordProof::Right, Attempt::Reserved(_) | Attempt::Repeated) => {
            user::check_new_password(current, new)?;
            Some(hash_new(cx, called, (&own.name, new)).await?)
        }
        _ => None,
    };
    let name = own.id.to_string();
    let proved = held.and_then(|it| it.password.clone());
    cx.apply_to_user_once(called, (&name, once), |caller, directory, old, at| {
        // What was proved is the password that is held now.
        let same = old.map(|it| &it.password) == Some(&proved);
        let proof = if same { proof } else { PasswordProof::Wrong };
        user::change_own_password(caller, directory, old, (attempt, proof, hash.clone()), at)
    })
    .await?;
    Ok(cx.state.store.forgive(&counter, from).await?)
}
