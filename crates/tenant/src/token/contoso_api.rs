//! More of the small tenant: an API of its own, and who is in which group.

use super::contoso::{Contoso, PUBLIC, SECRET, now, object};
use crate::{
    change::{Change, Object},
    group::{Group, MemberKind, Membership, MembershipKey},
    optional_claims::{GroupClaims, Listed, OptionalClaim},
    permission::PermissionScope,
    permission_grant::{AppRoleAssignment, AssignmentKey, GrantKey, PermissionGrant},
};
use carnet_wire::ids::{KeyId, ObjectId};
use uuid::Uuid;

/// The identifier of the API that [`Contoso::api`] makes.
pub(super) const API: &str = "api://secret";

impl Contoso {
    /// Makes an API of `SECRET`, with tokens of this version, and consents for `PUBLIC`.
    pub fn api(&mut self, version: u8) {
        let id = KeyId::new(Uuid::from_u128(77));
        let scope = PermissionScope {
            id,
            value: "read".into(),
            display_name: String::new(),
            description: String::new(),
            admin_only: false,
            enabled: true,
        };
        self.change_principal(SECRET, |it| {
            it.names.push(API.into());
            (it.scopes, it.token_version) = (vec![scope].into(), version);
        });
        let key = GrantKey { client: object(PUBLIC), resource: object(SECRET), principal: None };
        let grant = PermissionGrant { key, scopes: vec!["read".into()], created: now() };
        self.directory.apply([Change::Put(Object::PermissionGrant(grant.into()))]);
    }

    /// Asks for optional claims: of the API's access tokens and the client's ID tokens.
    pub fn optional(&mut self, claims: &[(&str, &[&str])]) {
        let one = |(name, additional): &(&str, &[&str])| OptionalClaim {
            name: (*name).to_owned(),
            additional_properties: additional.iter().map(|it| (*it).to_owned()).collect(),
            ..OptionalClaim::default()
        };
        let listed = Listed::from(claims.iter().map(one).collect::<Vec<_>>());
        self.change_application(SECRET, |it| it.optional_claims.access_token = listed.clone());
        self.change_application(PUBLIC, |it| it.optional_claims.id_token = listed);
    }

    /// Says which groups tokens name: the API's access tokens and the client's ID tokens.
    pub fn name_groups(&mut self, words: &str) {
        let claims = GroupClaims::parse(words);
        for app in [SECRET, PUBLIC] {
            self.change_application(app, |it| it.group_claims = claims);
        }
    }

    /// Puts somebody into a new group.
    pub fn group(&mut self, number: u128, member: ObjectId) -> ObjectId {
        let id = ObjectId::new(Uuid::from_u128(number));
        let group = Group {
            id,
            display_name: format!("Group {number}"),
            mail_nickname: "g".into(),
            mail_enabled: false,
            security_enabled: true,
            description: None,
            owners: Vec::new(),
            created: now(),
        };
        let key = MembershipKey { member, group: id };
        let put = [
            Change::Put(Object::Group(group.into())),
            Change::Put(Object::Membership(Membership { key, kind: MemberKind::User }.into())),
        ];
        self.directory.apply(put);
        id
    }

    /// Gives somebody a role of an application; all zeros is plain assignment.
    pub fn assign(&mut self, principal: ObjectId, app: &str, role: u128) {
        let role = KeyId::new(Uuid::from_u128(role));
        let key = AssignmentKey { principal, resource: object(app), role };
        let it = AppRoleAssignment { key, id: role.to_string(), user: false, created: now() };
        self.directory.apply([Change::Put(Object::AppRoleAssignment(it.into()))]);
    }
}
