//! Lengths of an account's texts (`security.md`, rows 143 and 162), as Microsoft Graph documents them for the
//! user resource where it does.

use super::User;
use crate::{
    refusal::Refusal,
    text::{NAME, SHORT_NAME, Text, check_kept, check_texts, texts_within},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Longest user name that is looked up, in bytes: a longer one is refused before it is folded, which costs more
/// than the bytes that were sent.
pub const LONGEST_NAME: usize = carnet_wire::token::request::LONGEST_USER_NAME;
/// Longest user principal name of a new account, in characters.
pub(super) const PRINCIPAL_NAME: usize = 113;
/// Longest text in a list such as `otherMails`, in characters.
const LISTED: usize = 250;
/// Most items of such a list.
const MOST: usize = 250;
/// Properties that are kept as given and are shorter than [`NAME`], or longer.
const KEPT: [(&str, usize); 11] = [
    ("city", 128),
    ("companyName", 64),
    ("country", 128),
    ("department", 64),
    ("employeeId", 16),
    ("jobTitle", 128),
    ("mobilePhone", 64),
    ("officeLocation", 128),
    ("postalCode", 40),
    ("state", 128),
    ("streetAddress", 1024),
];

/// Whether an account's texts may be kept; those that it held before stay. User principal and display name are
/// checked by rules of their own.
///
/// # Errors
/// [`Refusal::BadRequest`] names the property and the limit.
pub(super) fn check(held: Option<&User>, it: &User) -> Result<(), Refusal> {
    check_texts(&texts(it), &held.map(texts).unwrap_or_default())?;
    let none = BTreeMap::new();
    let held = held.map_or(&none, |old| &old.kept);
    for (name, value) in it.kept.iter().filter(|(name, value)| held.get(*name) != Some(value)) {
        let limit = KEPT.iter().find(|(known, _)| known == name).map_or(NAME, |(_, limit)| *limit);
        let wrong = match value {
            Value::Array(list) if list.len() > MOST => Some(format!("more than {MOST} items")),
            Value::Array(_) if !texts_within(value, LISTED) => {
                Some(format!("an item of more than {LISTED} characters"))
            }
            Value::String(_) if !texts_within(value, limit) => Some(format!("more than {limit} characters")),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let message = format!("the property '{name}' has {wrong}");
            return Err(Refusal::BadRequest { message, target: Some(name.clone()) });
        }
    }
    check_kept(&it.kept, held)
}

/// Every text of an account with its limit. A property that is added has to be named here.
fn texts(it: &User) -> Vec<Text<'_>> {
    let User {
        id: _,
        name,
        name_key: _,
        display_name,
        given_name,
        surname,
        mail,
        mail_nickname,
        enabled: _,
        guest: _,
        password: _,
        password_expired: _,
        totp: _,
        recovery_codes: _,
        sessions_valid_from: _,
        tokens_from: _,
        password_changed: _,
        kept: _,
        created: _,
    } = it;
    let mut all = vec![
        Text::new("userPrincipalName", name, PRINCIPAL_NAME),
        Text::new("displayName", display_name, NAME),
    ];
    let labels = [
        ("givenName", given_name, SHORT_NAME),
        ("surname", surname, SHORT_NAME),
        ("mail", mail, NAME),
        ("mailNickname", mail_nickname, SHORT_NAME),
    ];
    let labels = labels
        .into_iter()
        .filter_map(|(property, text, limit)| text.as_ref().map(|text| Text::new(property, text, limit)));
    all.extend(labels);
    all
}

#[cfg(test)]
mod tests {
    use super::super::{Changes, Labels, New, change, create};
    use super::*;
    use crate::fixture::{admin, directory, moment};
    use serde_json::json;

    fn labels(name: &'static str, value: Value) -> Labels {
        let text = || Some(value.as_str().map(str::to_owned));
        match name {
            "givenName" => Labels { given_name: text(), ..Labels::default() },
            "surname" => Labels { surname: text(), ..Labels::default() },
            "mail" => Labels { mail: text(), ..Labels::default() },
            "mailNickname" => Labels { mail_nickname: text(), ..Labels::default() },
            name => Labels { kept: vec![(name, value)], ..Labels::default() },
        }
    }

    fn new(labels: Labels) -> New {
        New {
            id: None,
            name: "grace@contoso.example".into(),
            display_name: "Grace".into(),
            password: None,
            totp: None,
            enabled: true,
            force_change: false,
            labels,
        }
    }

    #[test]
    fn every_text_of_an_account_has_its_length_row_143() {
        let directory = directory();
        let user = create(&admin(), &directory, new(Labels::default()), &moment()).unwrap().value;
        for (name, limit) in [
            ("givenName", 64),
            ("surname", 64),
            ("mail", 256),
            ("mailNickname", 64),
            ("jobTitle", 128),
            ("streetAddress", 1024),
            ("employeeType", 256),
            ("preferredLanguage", 256),
        ] {
            let with = |length: usize| labels(name, "x".repeat(length).into());
            let patch = |length| {
                let changes = Changes { labels: with(length), ..Changes::default() };
                change(&admin(), &directory, (Some(&user), "u"), changes, &moment()).map(drop)
            };
            assert!(create(&admin(), &directory, new(with(limit)), &moment()).is_ok(), "{name}");
            assert_eq!(patch(limit), Ok(()), "{name}");
            for told in [
                create(&admin(), &directory, new(with(limit + 1)), &moment()).map(drop).unwrap_err(),
                patch(limit + 1).unwrap_err(),
            ] {
                let told = told.to_string();
                assert!(told.contains(name) && told.contains(&limit.to_string()), "{told}");
            }
        }
        for (list, allowed) in [
            (json!(vec!["x".repeat(250); 200]), true),
            (json!(["x".repeat(251)]), false),
            (json!(vec!["x"; 250]), true),
            (json!(vec!["x"; 251]), false),
        ] {
            let told = create(&admin(), &directory, new(labels("otherMails", list)), &moment());
            assert_eq!(told.is_ok(), allowed, "{:?}", told.err());
        }
    }

    #[test]
    fn a_text_that_was_held_before_does_not_stop_another_change() {
        let directory = directory();
        let mut user = create(&admin(), &directory, new(Labels::default()), &moment()).unwrap().value;
        let long = "x".repeat(2000);
        (user.name, user.surname) = (format!("{long}@contoso.example"), Some(long.clone()));
        user.kept = BTreeMap::from([("city".to_owned(), long.clone().into())]);
        let with = |labels| {
            let changes = Changes { labels, ..Changes::default() };
            change(&admin(), &directory, (Some(&user), "u"), changes, &moment()).is_ok()
        };
        assert!(with(labels("givenName", "Grace".into())) && with(labels("city", Value::Null)));
        assert!(
            !with(labels("state", long.clone().into())) && !with(labels("city", format!("{long}x").into()))
        );
    }
}
