//! Which permissions and roles a token gets, asked by whole requests.

use super::super::{
    Approval,
    contoso::*,
    contoso_api::API,
    denial::{Denial, PermissionNo},
};
use crate::{
    change::{Change, Object},
    permission::{AppRole, PermissionScope},
    permission_grant::{GrantKey, PermissionGrant},
};
use carnet_wire::{
    catalogue::{AZURE_AD, GRAPH, GRAPH_COMMAND_LINE},
    ids::{AppId, KeyId, ObjectId},
    token::request::Version,
};
use uuid::Uuid;

const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const ADVISOR: &str = "c9299480-c13a-49db-a7ae-cdfe54fe0313";
const PASSWORD: &str = "grant_type=password&username=ada&password=x&client_secret=";

/// The fields of a password request: public clients send no secret.
fn body(app: &str, rest: &str) -> String {
    let secret = if app == SECRET { "right" } else { "" };
    format!("{PASSWORD}{secret}&{rest}").replace("&client_secret=&", "&")
}

fn approved(contoso: &Contoso, app: &str, scope: &str) -> Box<Approval> {
    contoso.ask(app, &body(app, &format!("scope={scope}"))).verdict.unwrap()
}

fn scopes(contoso: &Contoso, app: &str, scope: &str) -> Vec<String> {
    approved(contoso, app, scope).scopes
}

fn code(contoso: &Contoso, app: &str, scope: &str) -> u32 {
    number(&contoso.ask(app, &body(app, &format!("scope={scope}"))))
}

fn code_v1(contoso: &Contoso, app: &str, rest: &str) -> u32 {
    number(&contoso.ask_as(Version::V1, app, &body(app, rest)))
}

fn ada() -> ObjectId {
    ADA.parse().unwrap()
}

fn graph() -> ObjectId {
    ObjectId::new(Uuid::from_u128(2))
}

fn grant(
    contoso: &mut Contoso,
    client: &str,
    (resource, scopes): (ObjectId, &[&str]),
    principal: Option<ObjectId>,
) {
    let key = GrantKey { client: object(client), resource, principal };
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let grant = PermissionGrant { key, scopes, created: now() };
    contoso.directory.apply([Change::Put(Object::PermissionGrant(grant.into()))]);
}

/// Registers an application of the tenant under an id of Microsoft's.
fn register_as(contoso: &mut Contoso, app: &str) {
    let mut it = (**contoso.directory.application_by_app(PUBLIC.parse().unwrap()).unwrap()).clone();
    it.app_id = app.parse().unwrap();
    it.id = ObjectId::new(it.app_id.uuid());
    contoso.directory.apply([Change::Put(Object::Application(it.into()))]);
}

#[test]
fn v1_gives_the_oidc_scopes_where_openid_is_asked_for() {
    let contoso = Contoso::new();
    let asked = |rest: &str| {
        let body = body(PUBLIC, &format!("resource=https://graph.microsoft.com{rest}"));
        contoso.ask_as(Version::V1, PUBLIC, &body).verdict.unwrap().scopes
    };
    assert_eq!(asked("&scope=openid"), ["User.Read", "profile", "openid", "email"]);
    assert_eq!(asked(""), ["User.Read"]);
}

#[test]
fn v1_without_a_resource_wants_consent_to_any_permission() {
    let mut contoso = Contoso::new();
    contoso.first_party(AZURE_AD);
    let approval = contoso.ask_as(Version::V1, PUBLIC, &body(PUBLIC, "scope=openid")).verdict.unwrap();
    assert_eq!(approval.resource.principal.app_id.to_string(), AZURE_AD);
    assert!(approval.scopes.is_empty());
    // A client of Microsoft's holds something without anybody's consent.
    assert_eq!(code_v1(&contoso, AZURE_CLI, "scope=openid"), 0);
    assert_eq!(code_v1(&contoso, UNCONSENTED, "scope=openid"), 65_001);
    // Named, the API has to be in the registration or consented to.
    assert_eq!(code_v1(&contoso, PUBLIC, &format!("resource={AZURE_AD}")), 650_057);
    assert_eq!(code_v1(&contoso, UNCONSENTED, &format!("resource={AZURE_AD}")), 650_057);
}

#[test]
fn the_resource_parameter_of_v2_has_to_name_the_api_of_the_scope() {
    let contoso = Contoso::new();
    let ask = |resource: &str| {
        contoso.ask(
            PUBLIC,
            &body(PUBLIC, &format!("scope=https://graph.microsoft.com/User.Read&resource={resource}")),
        )
    };
    for same in ["https://graph.microsoft.com", "https://graph.microsoft.com/", GRAPH] {
        assert_eq!(number(&ask(same)), 0, "{same}");
    }
    for other in ["https://api.powerplatform.com", PLATFORM, "https://nothing.example"] {
        assert_eq!(number(&ask(other)), 9_010_010, "{other}");
    }
    let long = format!("a%0Ab{}", "c".repeat(300));
    let Err(Denial::Permission(PermissionNo::ResourceDiffers { parameter, resource })) = ask(&long).verdict
    else {
        panic!("another API is refused");
    };
    assert_eq!(parameter, format!("ab{}", "c".repeat(198)), "shown without control characters, shortened");
    assert_eq!(resource, "https://graph.microsoft.com");
}

#[test]
fn an_application_needs_no_consent_to_its_own_permissions_and_names_itself_by_its_id() {
    let mut contoso = Contoso::new();
    contoso.api(1);
    assert_eq!(scopes(&contoso, SECRET, &format!("{SECRET}/.default")), ["read"]);
    assert_eq!(scopes(&contoso, SECRET, &format!("{API}/read")), ["read"]);
    assert_eq!(code(&contoso, SECRET, &format!("{API}/.default")), 90_009);
    // Another client may name it as it likes.
    assert_eq!(scopes(&contoso, PUBLIC, &format!("{API}/.default")), ["read"]);
    // It publishes nothing, and that is what it gets.
    assert!(scopes(&contoso, PUBLIC, &format!("{PUBLIC}/.default")).is_empty());
    assert_eq!(code(&contoso, UNCONSENTED, &format!("{API}/read")), 65_001);
}

#[test]
fn an_application_gets_what_it_published_and_did_not_disable() {
    let mut contoso = Contoso::new();
    contoso.api(1);
    contoso.change_principal(SECRET, |it| {
        let mut write = it.scopes[0].clone();
        (write.id, write.value) = (KeyId::new(Uuid::from_u128(78)), "write".into());
        let mut old = write.clone();
        (old.id, old.value, old.enabled) = (KeyId::new(Uuid::from_u128(79)), "old".into(), false);
        it.scopes = [it.scopes.to_vec(), vec![write, old]].concat().into();
    });
    assert_eq!(scopes(&contoso, SECRET, &format!("{SECRET}/.default")), ["read", "write"]);
    // Others get what was consented to.
    assert_eq!(scopes(&contoso, PUBLIC, &format!("{API}/.default")), ["read"]);
    assert_eq!(code(&contoso, PUBLIC, &format!("{API}/write")), 65_001);
    assert_eq!(code(&contoso, PUBLIC, &format!("{API}/read+{API}/write")), 65_001);
    assert_eq!(code(&contoso, PUBLIC, &format!("{API}/write+{API}/read")), 65_001);
    assert_eq!(code(&contoso, PUBLIC, &format!("{API}/old")), 650_053);
    assert_eq!(code(&contoso, PUBLIC, &format!("{API}/nothing")), 650_053);
    // Names of permissions are compared without regard to letter case.
    assert_eq!(scopes(&contoso, PUBLIC, &format!("{API}/READ")), ["read"]);
    assert_eq!(code(&contoso, PUBLIC, &format!("{API}/WRITE")), 65_001);
}

#[test]
fn a_permission_that_is_no_longer_published_is_no_longer_held() {
    let mut contoso = Contoso::new();
    contoso.api(1);
    let change = |contoso: &mut Contoso, change: fn(&mut PermissionScope)| {
        contoso.change_principal(SECRET, |it| {
            let mut scope = it.scopes[0].clone();
            change(&mut scope);
            it.scopes = vec![scope].into();
        });
    };
    change(&mut contoso, |it| it.enabled = false);
    assert_eq!(code(&contoso, PUBLIC, &format!("{API}/read")), 650_053);
    change(&mut contoso, |it| it.value = "other".into());
    assert_eq!(code(&contoso, PUBLIC, &format!("{API}/.default")), 650_056);
}

#[test]
fn oidc_scopes_want_consent_of_this_person_or_of_everybody_to_something() {
    let mut contoso = Contoso::new();
    let platform = ObjectId::new(Uuid::from_u128(1));
    let one = (platform, &["AppManagement.ApplicationPackages.Read"][..]);
    assert_eq!(code(&contoso, UNCONSENTED, "openid"), 65_001);
    grant(&mut contoso, UNCONSENTED, one, Some(ObjectId::new(Uuid::from_u128(9))));
    assert_eq!(code(&contoso, UNCONSENTED, "openid"), 65_001, "somebody else's consent");
    grant(&mut contoso, UNCONSENTED, one, Some(ada()));
    assert_eq!(scopes(&contoso, UNCONSENTED, "openid"), ["profile", "openid", "email"]);
    assert_eq!(code(&contoso, UNCONSENTED, "openid+User.Read"), 65_001);
    let mut contoso = Contoso::new();
    grant(&mut contoso, UNCONSENTED, one, None);
    assert_eq!(scopes(&contoso, UNCONSENTED, "openid"), ["profile", "openid", "email"]);
}

#[test]
fn graph_tokens_have_the_oidc_scopes_that_were_asked_for_or_consented_to() {
    let mut contoso = Contoso::new();
    assert_eq!(
        scopes(&contoso, PUBLIC, "openid+profile+email+User.Read"),
        ["User.Read", "profile", "openid", "email"]
    );
    assert_eq!(scopes(&contoso, PUBLIC, "openid"), ["User.Read", "profile", "openid", "email"]);
    assert_eq!(scopes(&contoso, PUBLIC, "email+User.Read"), ["User.Read", "email"]);
    assert_eq!(scopes(&contoso, PUBLIC, "User.Read"), ["User.Read"]);
    grant(&mut contoso, PUBLIC, (graph(), &["User.Read", "email", "offline_access"]), None);
    assert_eq!(
        scopes(&contoso, PUBLIC, "User.Read"),
        ["User.Read", "email"],
        "offline_access is never listed"
    );
    assert_eq!(scopes(&contoso, PUBLIC, "openid+email"), ["User.Read", "profile", "openid", "email"]);
    // Other APIs' tokens never hold them.
    let platform = "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read";
    assert_eq!(
        scopes(&contoso, PUBLIC, &format!("openid+{platform}")),
        ["AppManagement.ApplicationPackages.Read"]
    );
}

#[test]
fn what_everybody_and_one_person_consented_to_is_held_once() {
    let mut contoso = Contoso::new();
    grant(&mut contoso, PUBLIC, (graph(), &["User.Read", "Group.Read.All"]), Some(ada()));
    grant(&mut contoso, PUBLIC, (graph(), &["Directory.Read.All"]), Some(ObjectId::new(Uuid::from_u128(9))));
    assert_eq!(scopes(&contoso, PUBLIC, "User.Read"), ["Group.Read.All", "User.Read"]);
    assert_eq!(code(&contoso, PUBLIC, "Directory.Read.All"), 65_001);
}

#[test]
fn missing_consent_is_told_by_what_the_registration_lists() {
    let contoso = Contoso::new();
    // The registration lists the Power Platform API alone.
    assert_eq!(code(&contoso, UNCONSENTED, "https://api.powerplatform.com/.default"), 65_001);
    assert_eq!(code_v1(&contoso, UNCONSENTED, &format!("resource={PLATFORM}")), 65_001);
    assert_eq!(code(&contoso, UNCONSENTED, "https://graph.microsoft.com/.default"), 650_056);
    assert_eq!(code_v1(&contoso, UNCONSENTED, &format!("resource={GRAPH}")), 650_057);
    assert_eq!(code(&contoso, UNCONSENTED, "https://graph.microsoft.com/User.Read"), 65_001);
    assert_eq!(code(&contoso, PUBLIC, "https://graph.microsoft.com/Group.Read.All"), 65_001);
}

#[test]
fn microsofts_clients_get_what_is_preauthorized_and_some_the_rest_by_consent() {
    let mut contoso = Contoso::new();
    contoso.api(1);
    contoso.first_party(AZURE_CLI);
    let held = scopes(&contoso, AZURE_CLI, "https://graph.microsoft.com/.default");
    assert!(held.contains(&"Application.ReadWrite.All".to_owned()), "{held:?}");
    assert_eq!(code(&contoso, AZURE_CLI, "https://graph.microsoft.com/Group.ReadWrite.All+Nothing"), 650_053);
    assert_eq!(
        code(&contoso, AZURE_CLI, "https://graph.microsoft.com/Policy.ReadWrite.Authorization"),
        65_002
    );
    assert_eq!(code(&contoso, AZURE_CLI, &format!("{AZURE_CLI}/.default")), 65_003);
    assert_eq!(code(&contoso, AZURE_CLI, &format!("{API}/read")), 65_001, "an API of the tenant");
    assert_eq!(
        code(&contoso, GRAPH_COMMAND_LINE, "https://graph.microsoft.com/Policy.ReadWrite.Authorization"),
        65_001
    );
    assert_eq!(code(&contoso, GRAPH_COMMAND_LINE, "https://api.powerplatform.com/.default"), 65_002);
}

#[test]
fn preauthorized_permissions_need_not_be_published_unless_the_api_is_the_tenants_own() {
    let mut contoso = Contoso::new();
    contoso.first_party(ADVISOR);
    contoso.change_principal(ADVISOR, |it| it.scopes = Vec::new().into());
    let ask = format!("{ADVISOR}/.default");
    assert_eq!(scopes(&contoso, AZURE_CLI, &ask), ["Analysis.All"]);
    register_as(&mut contoso, ADVISOR);
    assert_eq!(code(&contoso, AZURE_CLI, &ask), 65_002, "it publishes nothing");
    contoso.first_party(ADVISOR);
    assert_eq!(scopes(&contoso, AZURE_CLI, &ask), ["Analysis.All"]);
}

#[test]
fn an_application_of_the_tenant_holds_nothing_of_the_client_whose_id_it_has() {
    let mut contoso = Contoso::new();
    contoso.first_party(AZURE_CLI);
    assert_eq!(code(&contoso, AZURE_CLI, "https://api.powerplatform.com/.default"), 0);
    register_as(&mut contoso, AZURE_CLI);
    assert_eq!(code(&contoso, AZURE_CLI, "https://api.powerplatform.com/.default"), 65_001);
}

#[test]
fn an_application_gets_the_enabled_roles_that_it_was_given() {
    let role = |number: u128, value: &str, enabled| AppRole {
        id: KeyId::new(Uuid::from_u128(number)),
        value: value.into(),
        display_name: String::new(),
        description: String::new(),
        for_applications: true,
        for_users: false,
        enabled,
    };
    let mut contoso = Contoso::new();
    contoso.api(1);
    contoso.change_principal(SECRET, |it| {
        it.app_roles = vec![role(1, "One", true), role(2, "Two", true), role(3, "Three", false)].into();
    });
    let roles = |contoso: &Contoso| {
        let body = format!("scope={API}/.default&grant_type=client_credentials&client_secret=right");
        contoso.ask(SECRET, &body).verdict.map(|approval| approval.roles)
    };
    assert!(roles(&contoso).unwrap().is_empty());
    contoso.assign(object(SECRET), SECRET, 2);
    contoso.assign(object(SECRET), SECRET, 3);
    assert_eq!(roles(&contoso).unwrap(), ["Two"]);
}

#[test]
fn an_api_that_demands_assignment_takes_applications_with_any_role_of_it() {
    let mut contoso = Contoso::new();
    contoso.api(1);
    contoso.change_principal(SECRET, |it| it.assignment_required = true);
    let ask = |contoso: &Contoso| {
        let body = format!("scope={API}/.default&grant_type=client_credentials&client_secret=right");
        number(&contoso.ask(SECRET, &body))
    };
    assert_eq!(ask(&contoso), 501_051);
    contoso.assign(object(SECRET), PUBLIC, 0);
    assert_eq!(ask(&contoso), 501_051, "a role of another application");
    contoso.assign(object(SECRET), SECRET, 0);
    assert_eq!(ask(&contoso), 0);
}

#[test]
fn an_api_that_demands_assignment_takes_people_with_any_role_of_it() {
    let mut contoso = Contoso::new();
    contoso.api(1);
    let read = format!("{API}/read");
    assert_eq!(code(&contoso, PUBLIC, &read), 0);
    contoso.change_principal(SECRET, |it| it.assignment_required = true);
    assert_eq!(code(&contoso, PUBLIC, &read), 50_105);
    contoso.assign(ada(), PUBLIC, 0);
    assert_eq!(code(&contoso, PUBLIC, &read), 50_105, "a role of another application");
    contoso.assign(ada(), SECRET, 0);
    assert_eq!(code(&contoso, PUBLIC, &read), 0);
}

#[test]
fn an_api_of_zeros_and_a_disabled_one_get_no_token() {
    let mut contoso = Contoso::new();
    let zero: AppId = Uuid::nil().to_string().parse().unwrap();
    assert_eq!(code(&contoso, PUBLIC, &format!("{zero}/.default")), 700_039);
    contoso.change_principal(PLATFORM, |it| it.enabled = false);
    assert_eq!(code(&contoso, PUBLIC, "https://api.powerplatform.com/.default"), 500_014);
}

#[test]
fn an_api_of_microsofts_appears_for_microsofts_clients_alone() {
    let mut contoso = Contoso::new();
    contoso.remove_principal(PLATFORM);
    let ask = "https://api.powerplatform.com/.default";
    assert_eq!(code(&contoso, PUBLIC, ask), 500_011);
    let approval = approved(&contoso, AZURE_CLI, ask);
    assert!(approval.resource.appears && !approval.scopes.is_empty());
    contoso.first_party(AZURE_CLI);
    register_as(&mut contoso, AZURE_CLI);
    assert_eq!(code(&contoso, AZURE_CLI, ask), 500_011, "an application of the tenant");
}

#[test]
fn the_answer_names_the_api_as_the_client_did() {
    let contoso = Contoso::new();
    let told = |scope: &str| approved(&contoso, PUBLIC, scope).scope_text.clone().unwrap();
    for name in ["https://graph.microsoft.com", "https://localhost:8443", GRAPH] {
        assert_eq!(told(&format!("{name}/User.Read")), format!("{name}/User.Read"));
        assert_eq!(told(&format!("{name}/.default")), format!("{name}/User.Read {name}/.default"));
    }
    assert_eq!(told("User.Read"), "User.Read");
}
