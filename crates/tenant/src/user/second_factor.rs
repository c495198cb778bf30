//! Second factors of an account: registered by the person themselves after a right password, with codes for
//! the day on which the authenticator is lost. Each of those counts once.

use super::User;
use crate::{
    access::Caller,
    change::{Audit, Change, Decided, Object},
    credential::Guarded,
    refusal::Refusal,
};
use carnet_wire::{digest, entropy::Entropy, secret::RecoveryCode};
use serde::{Deserialize, Serialize};

/// Recovery codes that are given out at once.
const CODES: usize = 10;
/// Characters of a code: 80 bits, so that its digest cannot be searched.
const LENGTH: usize = 16;
/// Thirty-two characters that nobody confuses.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Bytes of an authenticator's key (RFC 4226, section 4: 160 bits).
const KEY: usize = 20;

/// A recovery code as kept: a digest over account and code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeptCode([u8; 32]);

impl KeptCode {
    fn of(user: &User, code: &RecoveryCode) -> Self {
        Self(digest::sha256(&[b"recovery", user.id.uuid().as_bytes(), code.expose().as_bytes()]))
    }
}

/// New recovery codes, each in groups of four.
#[must_use]
pub fn recovery_codes(entropy: &dyn Entropy) -> Vec<RecoveryCode> {
    let one = |_| {
        let mut bytes = zeroize::Zeroizing::new([0_u8; LENGTH]);
        entropy.fill(bytes.as_mut_slice());
        let text: String = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        RecoveryCode::new(text)
    };
    (0..CODES).map(one).collect()
}

/// What somebody typed as a recovery code, in any case and with any spaces or hyphens; `None`: it cannot be one.
#[must_use]
pub fn read_code(text: &str) -> Option<RecoveryCode> {
    let plain = text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_ascii_uppercase());
    let plain: String = plain.take(LENGTH + 1).collect();
    let good = plain.len() == LENGTH && plain.bytes().all(|byte| ALPHABET.contains(&byte));
    good.then(|| RecoveryCode::new(plain))
}

/// A new key for an authenticator, base32 (RFC 4648).
#[must_use]
pub fn authenticator_key(entropy: &dyn Entropy) -> Guarded {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = zeroize::Zeroizing::new([0_u8; KEY]);
    entropy.fill(bytes.as_mut_slice());
    let mut text = String::with_capacity(KEY * 8 / 5);
    for group in bytes.chunks_exact(5) {
        let bits = group.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        text.extend((0..8).rev().map(|at| char::from(BASE32[((bits >> (at * 5)) & 31) as usize])));
    }
    Guarded::new(text)
}

/// Registers an authenticator, whose first code was right, and recovery codes.
///
/// # Errors
/// [`Refusal::Forbidden`] for anybody else's account, [`Refusal::Conflict`] where one is registered already.
pub fn register(
    caller: &Caller,
    old: Option<&User>,
    (key, codes): (&Guarded, &[RecoveryCode]),
) -> Result<Decided<()>, Refusal> {
    let old = own(caller, old)?;
    if old.totp.is_some() {
        return Err(Refusal::Conflict { message: "a second factor is registered already".into() });
    }
    let mut new = old.clone();
    new.totp = Some(key.clone());
    new.recovery_codes = codes.iter().map(|code| KeptCode::of(old, code)).collect();
    Ok(put(caller, "User registered security info", new))
}

/// The account has this recovery code.
#[must_use]
pub fn holds(user: &User, code: &RecoveryCode) -> bool {
    let kept = KeptCode::of(user, code);
    user.recovery_codes.iter().any(|it| digest::same(&it.0, &kept.0))
}

/// Spends a recovery code; the value tells whether it was one.
///
/// # Errors
/// [`Refusal::Forbidden`] for anybody else's account.
pub fn recover(caller: &Caller, old: Option<&User>, code: &RecoveryCode) -> Result<Decided<bool>, Refusal> {
    let old = own(caller, old)?;
    let kept = KeptCode::of(old, code);
    let mut new = old.clone();
    new.recovery_codes.retain(|it| !digest::same(&it.0, &kept.0));
    if new.recovery_codes.len() == old.recovery_codes.len() {
        return Ok(Decided { value: false, changes: Vec::new(), audit: Vec::new() });
    }
    let Decided { changes, audit, .. } = put(caller, "User used a recovery code", new);
    Ok(Decided { value: true, changes, audit })
}

fn own<'a>(caller: &Caller, user: Option<&'a User>) -> Result<&'a User, Refusal> {
    let id = match caller {
        Caller::User { user, .. } => Some(*user),
        _ => None,
    };
    user.filter(|it| Some(it.id) == id)
        .ok_or_else(|| Refusal::Forbidden { needs: "a second factor is its owner's alone".into() })
}

fn put(caller: &Caller, activity: &str, new: User) -> Decided<()> {
    let target = ("user".to_owned(), new.id.to_string(), new.display_name.clone());
    let modified = vec![("strongAuthentication".to_owned(), String::new(), String::new())];
    let audit = Audit { activity: activity.into(), actor: caller.actor(), target, modified };
    Decided { value: (), changes: vec![Change::Put(Object::User(new.into()))], audit: vec![audit] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::Change,
        fixture::{admin, directory, moment},
        user::{Labels, New, create},
    };
    use carnet_wire::entropy::SeededEntropy;

    fn somebody() -> (User, Caller) {
        let new = New {
            id: None,
            name: "grace@contoso.example".into(),
            display_name: "Grace".into(),
            password: None,
            totp: None,
            enabled: true,
            force_change: false,
            labels: Labels::default(),
        };
        let user = create(&admin(), &directory(), new, &moment()).unwrap().value;
        let caller = Caller::User {
            user: user.id,
            app: "a0000000-0000-4000-8000-000000000001".parse().unwrap(),
            tenant: directory().tenant.id,
            scopes: Vec::new().into(),
        };
        (user, caller)
    }

    fn after(decided: &Decided<impl Sized>) -> User {
        match decided.changes.first() {
            Some(Change::Put(Object::User(user))) => (**user).clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_person_registers_once_and_nobody_for_them() {
        let (user, caller) = somebody();
        let entropy = SeededEntropy::new(1);
        let (key, codes) = (authenticator_key(&entropy), recovery_codes(&entropy));
        let registered = register(&caller, Some(&user), (&key, &codes)).unwrap();
        assert!(!format!("{registered:?}").contains(codes[0].expose()));
        let user = after(&registered);
        assert_eq!(user.totp, Some(key.clone()));
        assert!(matches!(register(&caller, Some(&user), (&key, &codes)), Err(Refusal::Conflict { .. })));
        let other = User { id: carnet_wire::ids::ObjectId::new(uuid::Uuid::nil()), ..user };
        assert!(matches!(register(&caller, Some(&other), (&key, &codes)), Err(Refusal::Forbidden { .. })));
        assert!(register(&admin(), None, (&key, &codes)).is_err());
    }

    #[test]
    fn a_recovery_code_counts_once_however_it_is_typed() {
        let (user, caller) = somebody();
        let entropy = SeededEntropy::new(1);
        let codes = recovery_codes(&entropy);
        let user = after(&register(&caller, Some(&user), (&authenticator_key(&entropy), &codes)).unwrap());
        let text = codes[3].expose().to_lowercase();
        let typed = read_code(&format!(" {}-{} {}", &text[..4], &text[4..8], &text[8..])).unwrap();
        let used = recover(&caller, Some(&user), &typed).unwrap();
        assert!(used.value);
        let user = after(&used);
        assert_eq!(user.recovery_codes.len(), CODES - 1);
        assert!(!recover(&caller, Some(&user), &typed).unwrap().value);
        assert!(recover(&caller, Some(&user), &codes[4]).unwrap().value);
        for wrong in ["", "123456", &text[..15], &format!("{text}2"), "0000000000000000"] {
            assert!(read_code(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_thirty_two_characters_of_base32_and_differ() {
        let entropy = SeededEntropy::new(1);
        let (one, two) = (authenticator_key(&entropy), authenticator_key(&entropy));
        assert_eq!(one.expose().len(), 32);
        assert!(one.expose().bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)));
        assert_ne!(one, two);
    }
}
