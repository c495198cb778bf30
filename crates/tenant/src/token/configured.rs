//! What a token carries because an application is configured so: optional claims, groups, directory roles,
//! and the authentication contexts that the sign-in satisfies. An ID token goes by the client's registration,
//! an access token by the API's.

use super::{Demand, Denial, FactorNo, client_auth::Client, password::SigningIn};
use crate::{
    directory::Directory,
    group,
    optional_claims::{Claim, ClaimSet, GroupClaims},
    tenant::AuthenticationContext,
};
use carnet_wire::{
    ids::{AppId, ObjectId},
    token::claims_request::{AskedContext, AskedContexts},
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What one token carries besides the usual claims.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    /// Optional claims.
    pub claims: ClaimSet,
    /// Groups by id, or by name; all of them, however many.
    pub groups: Vec<String>,
    /// It names directory roles.
    pub directory_roles: bool,
    /// Authentication contexts that the sign-in satisfies.
    pub contexts: Vec<String>,
    /// It tells that the client answers claims challenges: the API wants to know, and the client said so.
    pub capable: bool,
}

impl Configured {
    /// What a registration asks for, about a user or a service principal. `application`: the service principal
    /// whose assigned groups count.
    pub(super) fn of(
        directory: &Directory,
        (claims, words): (ClaimSet, GroupClaims),
        application: Option<ObjectId>,
        subject: ObjectId,
    ) -> Self {
        if words == GroupClaims::default() {
            return Self { claims, ..Self::default() };
        }
        let mut ids = BTreeSet::new();
        if words.security || words.all {
            let counts =
                |id: &ObjectId| words.all || directory.group(*id).is_some_and(|it| it.security_enabled);
            ids.extend(group::all_of(directory, subject).into_iter().filter(counts));
        }
        if let Some(application) = application.filter(|_| words.assigned) {
            // As with roles, an assigned group counts for those who are directly in it (memory).
            let assigned =
                |id: &ObjectId| directory.app_roles_of(*id).any(|it| it.key.resource == application);
            ids.extend(directory.memberships_of(subject).map(|it| it.key.group).filter(assigned));
        }
        // Names are given only where nothing but assigned groups are: others may be anybody's.
        let only_assigned = GroupClaims { assigned: true, ..GroupClaims::default() };
        let named = claims.has(Claim::GroupNames) && words == only_assigned;
        let text = |id: ObjectId| match directory.group(id).filter(|_| named) {
            Some(group) => group.display_name.clone(),
            None => id.to_string(),
        };
        let groups = ids.into_iter().map(text).collect();
        Self { claims, groups, directory_roles: words.names_roles(), ..Self::default() }
    }

    /// Takes in whether the client says that it answers claims challenges.
    pub(super) const fn with_capability(mut self, says: bool) -> Self {
        self.capable = says && self.claims.has(Claim::Capabilities);
        self
    }

    /// What a client's registration asks of its ID tokens.
    pub(super) fn of_client(directory: &Directory, client: &Client, user: ObjectId) -> Self {
        let Some(application) = &client.application else { return Self::default() };
        let wants =
            (application.optional_claims.id_token.set(), application.group_claims.unwrap_or_default());
        Self::of(directory, wants, client.principal.as_ref().map(|it| it.id), user)
    }

    /// Adds the contexts that were asked for, or all of them where the registration wants `acrs`, as far as the
    /// sign-in satisfies them. One that the tenant does not define is not satisfied by anything.
    pub(super) fn with_contexts(
        mut self,
        directory: &Directory,
        asked: &[AskedContext],
        methods: &[String],
    ) -> Self {
        let all = self.claims.has(Claim::Acrs);
        let wanted = |id: &String| all || asked.iter().any(|it| it.value == *id);
        let defined = directory.tenant.policy.authentication_contexts.iter();
        let carried = defined.filter(|it| wanted(&it.id) && satisfies(methods, it));
        self.contexts = carried.map(|it| it.id.clone()).collect();
        self
    }
}

fn satisfies(methods: &[String], context: &AuthenticationContext) -> bool {
    !context.require_mfa || methods.iter().any(|method| method == "mfa")
}

impl SigningIn<'_> {
    /// Every context that is asked for as essential and that the tenant defines is satisfied. What a context of
    /// nobody's would demand is not known; a token just does not carry it (?).
    pub(crate) fn contexts(
        &self,
        methods: &[String],
        asked: &AskedContexts,
        resource: AppId,
    ) -> Result<(), Denial> {
        let defined = &self.directory.tenant.policy.authentication_contexts;
        let demanded = |it: &&AuthenticationContext| asked.essential().any(|id| id == it.id);
        let weak = defined.iter().filter(demanded).filter(|it| !satisfies(methods, it));
        let tenant = &self.directory.tenant;
        let rules: Vec<Uuid> = weak.map(|it| tenant.rule_id("authentication_contexts", &it.id)).collect();
        match (rules.is_empty(), &self.user.totp) {
            (true, _) => Ok(()),
            (false, Some(_)) => Err(Denial::SecondFactor(FactorNo::Missing, Demand { resource, rules })),
            (false, None) => Err(Denial::SecondFactor(FactorNo::Enrol, Demand { resource, rules })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Approval, claims::Issuing, contoso::*, contoso_api::API, subject::open_login_hint};
    use crate::{
        change::{Change, ObjectKey},
        group::MembershipKey,
        tenant::AuthenticationContext,
    };
    use carnet_wire::ids::{KeyId, ObjectId};
    use serde_json::{Value, json};
    use uuid::Uuid;

    const USER: &str =
        "scope=api://secret/read+openid+profile&grant_type=password&username=ada&password=x&client_info=1";
    const APP: &str = "scope=api://secret/.default&grant_type=client_credentials&client_secret=right";

    fn contoso(version: u8) -> Contoso {
        let mut contoso = Contoso::new();
        contoso.api(version);
        contoso.change_user(|user| {
            user.mail = Some("ada@mail.example".into());
            user.given_name = Some("Ada".into());
            user.surname = Some("Example".into());
            user.kept.insert("country".into(), json!("FR"));
            user.kept.insert("otherMails".into(), json!(["a@elsewhere.example", "a@contoso.example"]));
        });
        contoso
    }

    fn user() -> ObjectId {
        ADA.parse().unwrap()
    }

    fn approve(contoso: &Contoso, app: &str, body: &str) -> Box<Approval> {
        contoso.ask(app, body).verdict.unwrap()
    }

    /// The claims of both tokens.
    fn both(contoso: &Contoso) -> [Value; 2] {
        let approval = approve(contoso, PUBLIC, USER);
        [told(&approval.access_claims(&issuing())), told(&approval.id_claims(&issuing()).unwrap())]
    }

    #[test]
    fn an_optional_claim_is_there_where_it_is_asked_for_and_nowhere_else() {
        for (name, additional, claim, value) in [
            ("acct", &[][..], "acct", json!(0)),
            ("auth_time", &[], "auth_time", json!(NOW)),
            ("email", &[], "email", json!("ada@mail.example")),
            ("family_name", &[], "family_name", json!("Example")),
            ("given_name", &[], "given_name", json!("Ada")),
            ("upn", &[], "upn", json!("Ada")),
            ("ipaddr", &[], "ipaddr", json!("127.0.0.1")),
            ("ctry", &[], "ctry", json!("FR")),
            ("tenant_ctry", &[], "tenant_ctry", json!("DE")),
            ("xms_edov", &[], "xms_edov", json!(false)),
            ("verified_secondary_email", &[], "verified_secondary_email", json!(["a@contoso.example"])),
        ] {
            let mut contoso = contoso(2);
            for token in both(&contoso) {
                assert_eq!(token.get(claim), None, "{name} is absent where nobody asked");
            }
            contoso.optional(&[(name, additional)]);
            for token in both(&contoso) {
                assert_eq!(token.get(claim), Some(&value), "{name}");
            }
        }
    }

    #[test]
    fn claims_of_mail_and_country_are_there_where_the_person_has_the_value() {
        let mut contoso = contoso(2);
        let names = ["xms_edov", "verified_primary_email", "verified_secondary_email", "ctry"];
        contoso.optional(&names.map(|name| (name, &[][..])));
        for token in both(&contoso) {
            assert_eq!(token.get("verified_primary_email"), None, "the domain is not the tenant's");
        }
        contoso.change_user(|user| user.mail = Some("ada@Contoso.example".into()));
        for token in both(&contoso) {
            assert_eq!(token["xms_edov"], json!(true));
            assert_eq!(token["verified_primary_email"], json!(["ada@Contoso.example"]));
        }
        contoso.change_user(|user| {
            user.mail = None;
            user.kept = [("country".to_owned(), json!("France"))].into();
        });
        for token in both(&contoso) {
            assert!(names.iter().all(|name| token.get(*name).is_none()), "{token}");
        }
    }

    #[test]
    fn names_want_the_profile_scope_in_the_second_edition() {
        let mut contoso = contoso(2);
        contoso.optional(&[("upn", &[]), ("given_name", &[]), ("family_name", &[])]);
        let approval = approve(&contoso, PUBLIC, &USER.replace("+profile", ""));
        let id = told(&approval.id_claims(&issuing()).unwrap());
        for name in ["upn", "given_name", "family_name", "name", "preferred_username", "oid"] {
            assert_eq!(id.get(name), None, "{name}");
        }
        let access = told(&approval.access_claims(&issuing()));
        assert_eq!((access.get("name"), access.get("preferred_username")), (None, None));
        assert_eq!(access["oid"], ADA);
    }

    #[test]
    fn the_first_edition_has_the_names_and_no_preferred_username_unless_asked() {
        let mut contoso = contoso(1);
        let [access, _] = both(&contoso);
        assert_eq!((&access["upn"], &access["unique_name"]), (&json!("Ada"), &json!("Ada")));
        assert_eq!((access.get("preferred_username"), access.get("email")), (None, None));
        contoso.optional(&[("preferred_username", &[]), ("email", &[])]);
        let [access, _] = both(&contoso);
        assert_eq!(access["preferred_username"], "Ada");
        assert_eq!(access["email"], "ada@mail.example");
    }

    #[test]
    fn the_audience_is_a_guid_in_the_first_edition_where_asked() {
        let mut contoso = contoso(1);
        assert_eq!(both(&contoso)[0]["aud"], API);
        contoso.optional(&[("aud", &[])]);
        assert_eq!(both(&contoso)[0]["aud"], API);
        contoso.optional(&[("aud", &["use_guid"])]);
        assert_eq!(both(&contoso)[0]["aud"], SECRET);
    }

    #[test]
    fn idtyp_tells_applications_and_users_where_asked() {
        let mut contoso = contoso(2);
        let kinds = |contoso: &Contoso| {
            let app = told(&approve(contoso, SECRET, APP).access_claims(&issuing()));
            [app.get("idtyp").cloned(), both(contoso)[0].get("idtyp").cloned()]
        };
        assert_eq!(kinds(&contoso), [None, None]);
        contoso.optional(&[("idtyp", &[])]);
        assert_eq!(kinds(&contoso), [Some(json!("app")), None]);
        contoso.optional(&[("idtyp", &["include_user_token"])]);
        assert_eq!(kinds(&contoso), [Some(json!("app")), Some(json!("user"))]);
    }

    #[test]
    fn an_api_is_told_that_a_client_answers_challenges_where_both_say_so() {
        let mut contoso = contoso(2);
        let says =
            "&claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22cp1%22%5D%7D%7D%7D";
        let cc = |contoso: &Contoso, more: &str| {
            let body = format!("{APP}{more}");
            told(&approve(contoso, SECRET, &body).access_claims(&issuing())).get("xms_cc").cloned()
        };
        assert_eq!(cc(&contoso, says), None);
        contoso.optional(&[("xms_cc", &[])]);
        assert_eq!((cc(&contoso, ""), cc(&contoso, says)), (None, Some(json!(["cp1"]))));
    }

    #[test]
    fn a_login_hint_names_the_user_and_a_session_is_told_where_there_is_one() {
        let mut contoso = contoso(2);
        assert_eq!(both(&contoso)[1].get("login_hint"), None);
        contoso.optional(&[("login_hint", &[]), ("sid", &[])]);
        let [access, id] = both(&contoso);
        let hint = id["login_hint"].as_str().unwrap();
        assert_eq!(open_login_hint(issuing().pairwise, TENANT.parse().unwrap(), hint), Some(user()));
        assert_eq!((access.get("sid"), id.get("sid"), access.get("login_hint")), (None, None, None));
        let mut approval = approve(&contoso, PUBLIC, USER);
        approval.session = Some(Uuid::from_u128(9));
        let id = told(&approval.id_claims(&issuing()).unwrap());
        assert_eq!(id["sid"], Uuid::from_u128(9).to_string());
    }

    fn with_groups(count: u128) -> Contoso {
        let mut contoso = contoso(2);
        contoso.name_groups("SecurityGroup");
        for number in 1000..1000 + count {
            contoso.group(number, user());
        }
        contoso
    }

    #[test]
    fn two_hundred_groups_are_named_and_one_more_is_told_elsewhere() {
        for token in both(&with_groups(200)) {
            assert_eq!(token["groups"].as_array().unwrap().len(), 200);
            assert_eq!((token.get("_claim_names"), token.get("hasgroups")), (None, None));
        }
        for token in both(&with_groups(201)) {
            assert_eq!(token.get("groups"), None);
            assert_eq!(token["_claim_names"], json!({ "groups": "src1" }));
            let endpoint = format!("https://graph.example/v1.0/users/{ADA}/getMemberObjects");
            assert_eq!(token["_claim_sources"], json!({ "src1": { "endpoint": endpoint } }));
        }
    }

    #[test]
    fn an_address_has_room_for_five_groups() {
        let in_address = Issuing { in_address: true, ..issuing() };
        let id = |count, issuing: &Issuing<'_>| {
            told(&approve(&with_groups(count), PUBLIC, USER).id_claims(issuing).unwrap())
        };
        let five = id(5, &in_address);
        assert_eq!((five["groups"].as_array().unwrap().len(), five.get("hasgroups")), (5, None));
        for count in [6, 201] {
            let more = id(count, &in_address);
            assert_eq!((more.get("groups"), &more["hasgroups"]), (None, &json!(true)));
            assert_eq!(more.get("_claim_names"), None);
        }
        assert_eq!(id(6, &issuing())["groups"].as_array().unwrap().len(), 6);
        let mut as_roles = with_groups(6);
        as_roles.optional(&[("groups", &["emit_as_roles"])]);
        let told = told(&approve(&as_roles, PUBLIC, USER).id_claims(&in_address).unwrap());
        assert_eq!((told.get("roles"), &told["hasgroups"]), (None, &json!(true)));
    }

    #[test]
    fn groups_are_named_as_the_registration_says_and_are_gone_with_the_membership() {
        let mut contoso = contoso(2);
        let inner = contoso.group(1001, user());
        let outer = contoso.group(1002, inner);
        let groups = |contoso: &Contoso| both(contoso).map(|token| token.get("groups").cloned());
        assert_eq!(groups(&contoso), [None, None]);
        contoso.name_groups("None");
        assert_eq!(groups(&contoso), [None, None]);
        contoso.name_groups("SecurityGroup");
        let named = Some(json!([inner, outer]));
        assert_eq!(groups(&contoso), [named.clone(), named]);
        contoso.name_groups("ApplicationGroup");
        assert_eq!(groups(&contoso), [None, None]);
        contoso.assign(inner, SECRET, 0);
        assert_eq!(groups(&contoso), [Some(json!([inner])), None]);
        contoso.optional(&[("groups", &["cloud_displayname"])]);
        assert_eq!(groups(&contoso), [Some(json!(["Group 1001"])), None]);
        let key = MembershipKey { member: user(), group: inner };
        contoso.directory.apply([Change::Remove(ObjectKey::Membership(key))]);
        assert_eq!(groups(&contoso), [None, None]);
    }

    #[test]
    fn directory_roles_are_named_where_the_registration_says() {
        let mut contoso = contoso(2);
        contoso.name_groups("SecurityGroup");
        assert_eq!(both(&contoso).map(|token| token.get("wids").cloned()), [None, None]);
        for words in ["DirectoryRole", "All"] {
            contoso.name_groups(words);
            let none = Some(json!(["b79fbf4d-3ef9-4689-8143-76b194e85509"]));
            assert_eq!(both(&contoso).map(|token| token.get("wids").cloned()), [none.clone(), none]);
        }
    }

    #[test]
    fn a_group_gives_its_roles_to_those_who_are_directly_in_it() {
        let mut contoso = contoso(2);
        let role = crate::permission::AppRole {
            id: KeyId::new(Uuid::from_u128(5)),
            value: "Reader".into(),
            display_name: String::new(),
            description: String::new(),
            for_applications: false,
            for_users: true,
            enabled: true,
        };
        contoso.change_principal(SECRET, |it| it.app_roles = vec![role].into());
        let inner = contoso.group(1001, user());
        let outer = contoso.group(1002, inner);
        let roles = |contoso: &Contoso| both(contoso)[0].get("roles").cloned();
        contoso.assign(outer, SECRET, 5);
        assert_eq!(roles(&contoso), None);
        contoso.assign(inner, SECRET, 5);
        assert_eq!(roles(&contoso), Some(json!(["Reader"])));
        contoso.assign(user(), SECRET, 5);
        assert_eq!(roles(&contoso), Some(json!(["Reader"])));
        contoso.name_groups("SecurityGroup");
        contoso.optional(&[("groups", &["emit_as_roles"])]);
        let access = &both(&contoso)[0];
        assert_eq!((&access["roles"], access.get("groups")), (&json!([inner, outer]), None));
    }

    #[test]
    fn an_assigned_group_lets_its_members_in() {
        let mut contoso = contoso(2);
        contoso.change_principal(PUBLIC, |it| it.assignment_required = true);
        let group = contoso.group(1001, user());
        assert_eq!(number(&contoso.ask(PUBLIC, USER)), 50_105);
        contoso.assign(group, PUBLIC, 0);
        assert_eq!(number(&contoso.ask(PUBLIC, USER)), 0);
    }

    const ASKED: &str = "&claims=%7B%22access_token%22%3A%7B%22acrs%22%3A%7B%22essential%22%3Atrue%2C%22value%22%3A%22c1%22%7D%7D%7D";

    fn with_context(require_mfa: bool) -> Contoso {
        let mut contoso = contoso(2);
        contoso.tenant(|tenant| {
            tenant.policy.authentication_contexts =
                vec![AuthenticationContext { id: "c1".into(), require_mfa }];
        });
        contoso
    }

    #[test]
    fn a_context_is_carried_by_the_token_for_which_it_was_asked() {
        let contoso = with_context(false);
        let approval = approve(&contoso, PUBLIC, &format!("{USER}{ASKED}"));
        assert_eq!(told(&approval.access_claims(&issuing()))["acrs"], json!(["c1"]));
        assert_eq!(told(&approval.id_claims(&issuing()).unwrap()).get("acrs"), None);
        assert_eq!(both(&contoso).map(|token| token.get("acrs").cloned()), [None, None]);
    }

    #[test]
    fn a_registration_may_want_every_context_that_is_satisfied() {
        let mut contoso = with_context(false);
        contoso.optional(&[("acrs", &[])]);
        let all = Some(json!(["c1"]));
        assert_eq!(both(&contoso).map(|token| token.get("acrs").cloned()), [all.clone(), all]);
        let mut strong = with_context(true);
        strong.optional(&[("acrs", &[])]);
        assert_eq!(both(&strong).map(|token| token.get("acrs").cloned()), [None, None]);
    }

    #[test]
    fn a_context_that_is_demanded_and_not_satisfied_is_a_no() {
        let contoso = with_context(true);
        assert_eq!(number(&contoso.ask(PUBLIC, &format!("{USER}{ASKED}"))), 50_079);
        let voluntary = ASKED.replace("true", "false");
        let access = |body: &str| told(&approve(&contoso, PUBLIC, body).access_claims(&issuing()));
        assert_eq!(access(&format!("{USER}{voluntary}")).get("acrs"), None);
        let unknown = ASKED.replace("c1", "c2");
        assert_eq!(access(&format!("{USER}{unknown}")).get("acrs"), None);
    }
}
