//! Users: people who sign in, and the rules for creating and changing them. A user is found by the
//! canonical form of their name (`fold`), never by a label.

mod change;
pub mod second_factor;
mod text;

pub use change::{Changes, Labels, change, change_own_password, delete, revoke_sessions};
pub use text::LONGEST_NAME;

use crate::{
    access::{self, Caller, Operation, authorize},
    change::{Audit, Change, Decided, Moment, Object},
    credential::{Guarded, PasswordHash},
    directory::Directory,
    permission::check_name,
    refusal::Refusal,
    text::{SHORT_NAME, cut, is_invisible},
    token::claims::BACKDATED,
};
use carnet_wire::{ids::ObjectId, secret::Password, time::Timestamp};
use serde::{Deserialize, Serialize};

/// The canonical form of a user name: NFKC and simple case folding (`security.md`, S25). Two names that
/// fold to the same text are the same name.
///
/// No account has a name of more than [`LONGEST_NAME`] bytes, so such a text is not normalised: it folds to a text
/// that is nobody's name (`security.md`, row 162).
#[must_use]
pub fn fold(name: &str) -> String {
    if name.len() > LONGEST_NAME {
        return TOO_LONG.to_owned();
    }
    let normal = icu_normalizer::ComposingNormalizerBorrowed::new_nfkc();
    let folded = icu_casemap::CaseMapper::new().fold_string(&normal.normalize(name)).into_owned();
    // Last, because normalising can bring spaces forth.
    normal.normalize(&folded).trim().to_owned()
}

/// What every name that is too long folds to. It is nobody's: names have no white space.
const TOO_LONG: &str = "a name that is too long";

/// A person's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// `oid` of their tokens.
    pub id: ObjectId,
    /// The user principal name as it was given.
    pub name: String,
    /// The canonical form of the name; unique in the tenant.
    pub name_key: String,
    /// The name people see.
    pub display_name: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Mail address; a label only.
    pub mail: Option<String>,
    /// Left part of the mail address.
    pub mail_nickname: Option<String>,
    /// May sign in.
    pub enabled: bool,
    /// Belongs to another organisation.
    pub guest: bool,
    /// `None`: no password sign-in.
    pub password: Option<PasswordHash>,
    /// The password must be changed before the next token (50055).
    pub password_expired: bool,
    /// Shared key of a registered second factor, base32. A user who has one is always asked for it.
    pub totp: Option<Guarded>,
    /// What stands in for a lost authenticator, each once.
    #[serde(default)]
    pub recovery_codes: Vec<second_factor::KeptCode>,
    /// Refresh tokens issued before this are dead.
    pub sessions_valid_from: Timestamp,
    /// Access tokens issued before this second are dead; see [`User::tokens_valid_from`].
    #[serde(default)]
    pub tokens_from: i64,
    /// When the password was last set.
    pub password_changed: Timestamp,
    /// Further Graph properties, kept as given and read by no rule (`jobTitle`, `city`, …).
    pub kept: std::collections::BTreeMap<String, serde_json::Value>,
    /// When the account was made.
    pub created: Timestamp,
}

/// A new account.
#[derive(Debug, Clone)]
pub struct New {
    /// The id, if the operator fixes it.
    pub id: Option<ObjectId>,
    /// The user principal name.
    pub name: String,
    /// The name people see.
    pub display_name: String,
    /// The password's hash; the server computes it.
    pub password: Option<PasswordHash>,
    /// A registered second factor.
    pub totp: Option<Guarded>,
    /// May sign in.
    pub enabled: bool,
    /// The password must be changed before the first token.
    pub force_change: bool,
    /// Names and labels; given and family name come of the display name where they are not given.
    pub labels: Labels,
}

impl User {
    /// The second from which on access tokens count: one that was issued before is dead. A fraction of a second
    /// counts whole, and every revocation moves it by a second at least, so that nothing issued before one outlives
    /// it; whoever signs in within that time gets a token that begins with this second (`token::claims`). It stays
    /// within what a token can begin with, so that no number of revocations closes an account.
    #[must_use]
    pub fn tokens_valid_from(&self) -> i64 {
        self.sessions_valid_from.plus_millis(999).seconds().max(self.tokens_from)
    }

    /// Whether a sign-in at this moment counts, and is not older than this second, which a client repeats from a
    /// challenge.
    #[must_use]
    pub fn signed_in_since(&self, signed_in: Timestamp, from: i64) -> bool {
        let new_enough = from <= self.tokens_valid_from() || signed_in.plus_millis(999).seconds() >= from;
        signed_in >= self.sessions_valid_from && new_enough
    }

    /// Everything that was issued so far is dead. Neither moment ever goes back, whatever the clock does.
    fn end_sessions(&mut self, now: Timestamp) {
        let latest = now.seconds() + BACKDATED;
        let now = now.max(self.sessions_valid_from);
        let next = (self.tokens_valid_from() + 1).min(latest).max(self.tokens_valid_from());
        self.tokens_from = now.plus_millis(999).seconds().max(next);
        self.sessions_valid_from = now;
    }
}

/// Creates an account.
///
/// # Errors
/// [`Refusal`]
pub fn create(
    caller: &Caller,
    directory: &Directory,
    new: New,
    at: &Moment<'_>,
) -> Result<Decided<User>, Refusal> {
    authorize(caller, directory, &access::CHANGE_USERS, &[])?;
    check_name("displayName", &new.display_name)?;
    check_principal_name(directory, &new.name)?;
    let mut user = User {
        id: new.id.unwrap_or_else(|| ObjectId::new(at.entropy.uuid())),
        name_key: fold(&new.name),
        mail_nickname: new.name.split('@').next().map(short),
        mail: Some(new.name.clone()),
        name: new.name,
        given_name: new.display_name.split(' ').next().map(short),
        surname: new.display_name.split_once(' ').map(|(_, rest)| short(rest)),
        display_name: new.display_name,
        enabled: new.enabled,
        guest: false,
        password: new.password,
        password_expired: new.force_change,
        totp: new.totp,
        recovery_codes: Vec::new(),
        // An account that had this id before left sessions behind; they are not this one's.
        sessions_valid_from: at.now,
        tokens_from: 0,
        password_changed: at.now,
        kept: Default::default(),
        created: at.now,
    };
    change::label(&mut user, new.labels, &mut Vec::new())?;
    text::check(None, &user)?;
    let target = ("user".to_owned(), user.id.to_string(), user.display_name.clone());
    let audit = Audit { activity: "Add user".into(), actor: caller.actor(), target, modified: Vec::new() };
    let change = Change::Put(Object::User(user.clone().into()));
    Ok(Decided { value: user, changes: vec![change], audit: vec![audit] })
}

/// The beginning of a longer name, where a short one is derived from it.
fn short(name: &str) -> String {
    name.chars().take(SHORT_NAME).collect()
}

/// A user principal name: `local@domain` with a domain of the tenant, already normal, of one script in
/// each half (`security.md`, S25).
fn check_principal_name(directory: &Directory, name: &str) -> Result<(), Refusal> {
    let bad = |why: &str| {
        let message = format!("the userPrincipalName `{}` {why}", cut(name).escape_debug());
        Err(Refusal::BadRequest { message, target: Some("userPrincipalName".into()) })
    };
    if name.len() > LONGEST_NAME || name.chars().count() > text::PRINCIPAL_NAME {
        return bad("has more than 113 characters");
    }
    let Some((local, domain)) = name.rsplit_once('@') else { return bad("is not of the form name@domain") };
    if local.is_empty() || local.contains('@') {
        return bad("is not of the form name@domain");
    }
    if !directory.tenant.domains.iter().any(|it| it.eq_ignore_ascii_case(domain)) {
        return bad("is not on a verified domain of this tenant");
    }
    let normal = icu_normalizer::ComposingNormalizerBorrowed::new_nfkc();
    let unseen = |c: char| c.is_whitespace() || is_invisible(c);
    if !normal.is_normalized(name) || name.chars().any(unseen) {
        return bad("has characters that look like others or cannot be seen");
    }
    if mixes_scripts(local) {
        return bad("mixes scripts, so that it could be taken for another name");
    }
    Ok(())
}

fn mixes_scripts(text: &str) -> bool {
    use unicode_script::{Script, UnicodeScript};
    let mut scripts =
        text.chars().map(|c| c.script()).filter(|it| !matches!(it, Script::Common | Script::Inherited));
    let first = scripts.next();
    scripts.any(|it| Some(it) != first)
}

/// Shortest password, in bytes.
const SHORTEST: usize = 8;
/// Longest password, in bytes; no byte of it is cut.
const LONGEST: usize = 256;
/// Words that attackers try first; with usual endings each stands for a whole family.
const COMMON: &str = include_str!("../../data/common_passwords.txt");

/// Checks that somebody who changes their password chooses another one.
///
/// # Errors
/// [`Refusal::BadRequest`] when the new password is the current one.
pub fn check_new_password(current: &Password, new: &Password) -> Result<(), Refusal> {
    match current.expose() == new.expose() {
        false => Ok(()),
        true => Err(Refusal::BadRequest {
            message: "the new password must differ from the current one".into(),
            target: Some("newPassword".into()),
        }),
    }
}

/// Whether a password may be set: its length, and not one that everybody tries first. No rule about
/// kinds of characters.
///
/// # Errors
/// [`Refusal::BadRequest`]; the password is not in it.
pub fn check_password(password: &Password, name: &str) -> Result<(), Refusal> {
    let bad = |message: &str| {
        Err(Refusal::BadRequest {
            message: message.to_owned(),
            target: Some("passwordProfile.password".into()),
        })
    };
    let text = password.expose();
    if !(SHORTEST..=LONGEST).contains(&text.len()) {
        return bad("a password has 8 to 256 bytes");
    }
    let lower = text.to_lowercase();
    let stem = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    let local = fold(name.split('@').next().unwrap_or_default());
    let common = |word: &str| COMMON.lines().any(|line| line == word);
    if common(&lower)
        || (!stem.is_empty() && common(stem))
        || lower.chars().all(|c| lower.starts_with(c))
        || lower == local
    {
        return bad("this password is one of those that are tried first; choose another");
    }
    Ok(())
}

/// Who reads something of a user: the user, or somebody else, for whom another operation is asked.
fn authorize_about(
    caller: &Caller,
    directory: &Directory,
    about: Option<ObjectId>,
    [own, anybody]: [&Operation; 2],
) -> Result<(), Refusal> {
    let is_own = matches!(caller, Caller::User { user, .. } if Some(*user) == about);
    authorize(caller, directory, if is_own { own } else { anybody }, &[])
}

/// Checks that the caller may read the record and the photo of a user. `None`: there is no such user.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub fn may_read(caller: &Caller, directory: &Directory, about: Option<ObjectId>) -> Result<(), Refusal> {
    authorize_about(caller, directory, about, [&access::READ_ME, &access::READ_USERS])
}

/// Checks that the caller may read the groups that a user is in. `None`: there is no such user.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub fn may_read_groups(
    caller: &Caller,
    directory: &Directory,
    about: Option<ObjectId>,
) -> Result<(), Refusal> {
    authorize_about(caller, directory, about, [&access::READ_OWN_GROUPS, &access::READ_GROUPS])
}

/// Checks that the caller may set the passwords of other users. Whose it is, [`change`] looks at.
///
/// # Errors
/// [`Refusal::Forbidden`]
pub fn may_set_passwords(caller: &Caller, directory: &Directory) -> Result<(), Refusal> {
    authorize(caller, directory, &access::RESET_PASSWORD, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mark_that_normalises_to_a_space_folds_once_and_for_all() {
        assert_eq!(fold("\u{fc72}"), fold(&fold("\u{fc72}")));
        assert_eq!(fold("\u{fe72}"), fold(&fold("\u{fe72}")));
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(name in "\\PC{0,30}") {
            prop_assert_eq!(fold(&fold(&name)), fold(&name));
        }
    }

    fn new(name: &str) -> New {
        New {
            id: None,
            name: name.into(),
            display_name: "X".into(),
            password: None,
            totp: None,
            enabled: true,
            force_change: false,
            labels: Labels::default(),
        }
    }

    #[test]
    fn an_account_that_gets_the_id_of_a_removed_one_takes_no_session_of_it_over() {
        use crate::fixture::{admin, directory, moment};
        let id = ObjectId::new(uuid::Uuid::from_u128(5));
        let again = New { id: Some(id), ..new("grace.hopper@contoso.example") };
        let made = create(&admin(), &directory(), again, &moment()).unwrap();
        let [Change::Put(Object::User(user))] = &made.changes[..] else { panic!("{:?}", made.changes) };
        let now = moment().now;
        assert_eq!(user.id, id);
        assert_eq!(
            [now.plus_seconds(-1), now].map(|signed_in| signed_in >= user.sessions_valid_from),
            [false, true]
        );
    }

    #[test]
    fn names_that_could_be_taken_for_others_cannot_be_created_row_87() {
        use crate::fixture::{admin, directory, everyone, moment};
        let try_as = |caller: &Caller, name: &str| create(caller, &directory(), new(name), &moment());
        assert!(try_as(&admin(), "grace.hopper@contoso.example").is_ok());
        assert!(matches!(try_as(&everyone(), "grace@contoso.example"), Err(Refusal::Forbidden { .. })));
        for name in [
            "grace",
            "@contoso.example",
            "grace@fabrikam.example",
            "ａda@contoso.example",
            "аdmin@contoso.example",
            "a\u{200d}b@contoso.example",
            "a b@contoso.example",
        ] {
            assert!(try_as(&admin(), name).is_err(), "{name}");
        }
    }

    #[test]
    fn passwords_that_everybody_tries_first_are_refused_and_none_is_cut_row_89() {
        let check = |text: &str| check_password(&Password::new(text.into()), "ada.lovelace@contoso.example");
        assert!(check("correct horse battery").is_ok() && check(&"xy".repeat(128)).is_ok());
        for text in [
            "short",
            &"xy".repeat(129),
            "Password1!",
            "qwertyuiop",
            "ada.lovelace",
            "aaaaaaaaaaaa",
            "Sunshine2024",
        ] {
            let error = check(text).unwrap_err();
            assert!(!error.to_string().contains(text));
        }
    }

    #[test]
    fn a_principal_name_has_at_most_113_characters_row_162() {
        use crate::fixture::{admin, directory, moment};
        let named = |local: usize| format!("{}@contoso.example", "n".repeat(local));
        let with = |new: New| create(&admin(), &directory(), new, &moment());
        assert!(with(new(&named(113 - 16))).is_ok());
        for name in [named(114 - 16), named(64 * 1024), "\u{fdfa}".repeat(20_000)] {
            let told = with(new(&name)).unwrap_err().to_string();
            assert!(told.contains("113 characters") && told.len() < 1024, "{told}");
        }
        // Names that are derived of a longer one are cut, and those that are given are not.
        let long = format!("{} {}", "g".repeat(100), "s".repeat(100));
        let made = with(New { display_name: long.clone(), ..new(&named(80)) }).unwrap().value;
        let lengths =
            [&made.given_name, &made.surname, &made.mail_nickname].map(|it| it.as_ref().unwrap().len());
        assert_eq!(lengths, [64, 64, 64]);
        let labels = Labels { surname: Some(Some("s".repeat(65))), ..Labels::default() };
        assert!(with(New { labels, ..new("x@contoso.example") }).is_err());
    }

    #[test]
    fn a_name_that_is_too_long_is_not_normalised_and_is_nobodys_row_162() {
        let long = format!("{}a@contoso.example", "\u{fdfa}".repeat(20_000));
        assert_eq!(fold(&long), TOO_LONG);
        assert_eq!(fold(&fold(&long)), TOO_LONG);
        let longest = format!("{}@contoso.example", "A".repeat(256 - 16));
        assert_eq!(fold(&longest), longest.to_lowercase());
        assert_eq!(fold(&format!("A{longest}")), TOO_LONG);
        assert!(
            create(
                &crate::fixture::admin(),
                &crate::fixture::directory(),
                new(&format!("{TOO_LONG}@contoso.example")),
                &crate::fixture::moment()
            )
            .is_err()
        );
    }

    #[test]
    fn letter_case_and_width_fold_and_look_alikes_do_not_row_87() {
        assert_eq!(fold("Admin@Contoso.Example"), fold("ａdmin@contoso.example"));
        for other in ["admın@contoso.example", "аdmin@contoso.example", "admin\u{200d}@contoso.example"] {
            assert_ne!(fold(other), fold("admin@contoso.example"), "{other}");
        }
    }
}
