//! What a request says of a user: Graph's properties as the changes of the rule. The list is closed
//! (`security.md`, S30): a property that is not read here is 400.

use carnet_tenant::user::{Changes, Labels};
use carnet_wire::{
    graph::members::{BodyError, Members},
    secret::Password,
};
use serde_json::{Map, Value};

/// Properties that are kept as given: texts.
pub(super) const KEPT: [&str; 17] = [
    "ageGroup",
    "city",
    "companyName",
    "country",
    "department",
    "employeeId",
    "employeeType",
    "jobTitle",
    "mobilePhone",
    "officeLocation",
    "onPremisesImmutableId",
    "passwordPolicies",
    "postalCode",
    "preferredLanguage",
    "state",
    "streetAddress",
    "usageLocation",
];
/// Properties that are kept as given: lists of texts.
pub(super) const KEPT_LISTS: [&str; 2] = ["businessPhones", "otherMails"];

/// What a body says of an account, its password apart: that is hashed first.
pub(super) struct Wanted {
    /// What becomes of the account; `password` is not in it yet.
    pub(super) changes: Changes,
    /// The new password.
    pub(super) password: Option<Password>,
}

/// A new account as a body describes it.
pub(super) struct Account {
    /// The user principal name.
    pub(super) name: String,
    /// The rest.
    pub(super) wanted: Wanted,
    /// The password.
    pub(super) password: Password,
}

/// Reads the body of a change.
pub(super) fn changes(map: &Map<String, Value>) -> Result<Wanted, BodyError> {
    let mut body = Members::of(map);
    let wanted = wanted(&mut body)?;
    body.finish()?;
    Ok(wanted)
}

/// Reads the body of a new account. Graph demands these five (`reference/graph.md`, 7).
pub(super) fn account(map: &Map<String, Value>) -> Result<Account, BodyError> {
    let mut body = Members::of(map);
    let name = body.text("userPrincipalName")?.flatten();
    let mut wanted = wanted(&mut body)?;
    let missing = |name: &str| body.wrong(name, "a value");
    let name = name.ok_or_else(|| missing("userPrincipalName"))?;
    if wanted.changes.enabled.is_none() {
        return Err(missing("accountEnabled"));
    }
    if wanted.changes.display_name.is_none() {
        return Err(missing("displayName"));
    }
    let labels = &mut wanted.changes.labels;
    if !matches!(labels.mail_nickname, Some(Some(_))) {
        return Err(missing("mailNickname"));
    }
    let password = wanted.password.take().ok_or_else(|| missing("passwordProfile.password"))?;
    // What is not said is empty; only the tenant file derives names.
    for label in [&mut labels.given_name, &mut labels.surname, &mut labels.mail] {
        label.get_or_insert_default();
    }
    body.finish()?;
    Ok(Account { name, wanted, password })
}

/// The two passwords of `changePassword`.
pub(super) fn passwords(map: &Map<String, Value>) -> Result<(Password, Password), BodyError> {
    let mut body = Members::of(map);
    let mut one = |name: &'static str| -> Result<Password, BodyError> {
        let text = body.text(name)?.flatten().ok_or_else(|| body.wrong(name, "a password"))?;
        Ok(Password::new(text))
    };
    let both = (one("currentPassword")?, one("newPassword")?);
    body.finish()?;
    Ok(both)
}

fn wanted(body: &mut Members<'_>) -> Result<Wanted, BodyError> {
    let mut labels = Labels {
        given_name: body.text("givenName")?,
        surname: body.text("surname")?,
        mail: body.text("mail")?,
        mail_nickname: body.text("mailNickname")?,
        kept: Vec::new(),
    };
    for name in KEPT {
        let Some(value) = body.text(name)? else { continue };
        labels.kept.push((name, value.map_or(Value::Null, Value::from)));
    }
    for name in KEPT_LISTS {
        let Some(list) = body.texts(name)? else { continue };
        labels.kept.push((name, list.into()));
    }
    let mut changes = Changes {
        display_name: body.text("displayName")?.flatten(),
        enabled: body.boolean("accountEnabled")?.flatten(),
        labels,
        ..Changes::default()
    };
    let mut password = None;
    if let Some(mut profile) = body.object("passwordProfile")? {
        password = profile.text("password")?.flatten().map(Password::new);
        changes.force_change = profile.boolean("forceChangePasswordNextSignIn")?.flatten();
        let with_mfa = profile.boolean("forceChangePasswordNextSignInWithMfa")?.flatten();
        if with_mfa == Some(true) {
            changes.force_change = Some(true);
        }
        profile.finish()?;
        // Graph's default: whoever gets a password from somebody else changes it.
        if password.is_some() && changes.force_change.is_none() {
            changes.force_change = Some(true);
        }
    }
    Ok(Wanted { changes, password })
}
