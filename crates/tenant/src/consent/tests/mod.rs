//! What is asked of a person and of an administrator, and what a yes grants.

use super::*;
use crate::{
    application::{self, Changes, New},
    change::ObjectKey,
    fixture::{admin, application as by_itself, directory as tenant, everyone, moment, operator, person},
    role, service_principal,
};
use carnet_wire::{
    catalogue::{GRAPH, GRAPH_COMMAND_LINE, POWER_PLATFORM},
    ids::KeyId,
    scope::ScopeRequest,
};
use uuid::Uuid;

const API: &str = "a0000000-0000-4000-8000-0000000000a1";
const CLIENT: &str = "a0000000-0000-4000-8000-0000000000c1";
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

fn key(number: u128) -> KeyId {
    KeyId::new(Uuid::from_u128(number))
}

fn app(id: &str) -> AppId {
    id.parse().unwrap()
}

fn scope_of(number: u128, value: &str, admin_only: bool, enabled: bool) -> PermissionScope {
    PermissionScope {
        id: key(number),
        value: value.into(),
        display_name: value.into(),
        description: value.into(),
        admin_only,
        enabled,
    }
}

fn role_of(number: u128, value: &str, for_applications: bool, enabled: bool) -> AppRole {
    AppRole {
        id: key(number),
        value: value.into(),
        display_name: value.into(),
        description: value.into(),
        for_applications,
        for_users: !for_applications,
        enabled,
    }
}

fn register(directory: &mut Directory, id: &str, changes: Changes) -> ObjectId {
    let new = New { id: None, app_id: Some(app(id)), display_name: id.into(), changes };
    let made = application::create(&operator(), directory, new, &moment()).unwrap();
    directory.apply(made.changes);
    let principal = service_principal::create(&operator(), directory, (app(id), None), &moment()).unwrap();
    directory.apply(principal.changes);
    principal.value.id
}

/// Says what the registration of the client lists.
fn list(directory: &mut Directory, listed: Vec<RequiredResource>) {
    let mut it = (**directory.application_by_app(app(CLIENT)).unwrap()).clone();
    it.required_resource_access = listed;
    directory.apply([Change::Put(Object::Application(it.into()))]);
}

fn listed(resource: &str, access: &[RequiredAccess]) -> RequiredResource {
    RequiredResource { resource: app(resource), access: access.to_vec() }
}

/// A tenant with an API of its own, and a client that lists nothing.
fn directory() -> Directory {
    let mut directory = tenant();
    let offered = Changes {
        scopes: Some(vec![
            scope_of(1, "read", false, true),
            scope_of(2, "write", true, true),
            scope_of(3, "old", false, false),
        ]),
        app_roles: Some(vec![
            role_of(11, "Run", true, true),
            role_of(12, "Old", true, false),
            role_of(13, "People", false, true),
        ]),
        ..Changes::default()
    };
    register(&mut directory, API, offered);
    register(&mut directory, CLIENT, Changes::default());
    directory
}

fn client(directory: &Directory, id: &str) -> Client {
    Client {
        app: app(id),
        name: id.into(),
        principal: directory.principal_by_app(app(id)).cloned(),
        application: directory.application_by_app(app(id)).cloned(),
        fallback_public: true,
        disabled_at_home: false,
    }
}

/// The user of a caller of the fixture.
fn user(caller: &Caller) -> User {
    let Caller::User { user, .. } = caller else { panic!("the caller is a user") };
    person(*user, "a@contoso.example")
}

fn ask(directory: &Directory, who: &Caller, target: &Target, admin: bool) -> Result<Question, u32> {
    ask_for(directory, CLIENT, who, (target, admin))
}

fn ask_for(
    directory: &Directory,
    id: &str,
    who: &Caller,
    (target, admin): (&Target, bool),
) -> Result<Question, u32> {
    let client = client(directory, id);
    let request = ConsentRequest { client: &client, target, admin };
    question(directory, request, &user(who), &[]).map_err(|denial| denial.entry().0.number)
}

fn v2(scope: &str) -> Target {
    Target::Scope(ScopeRequest::parse(scope).unwrap())
}

/// What a question asks: each API with its permissions and roles.
fn asked(question: &Question) -> Vec<String> {
    let one = |api: &Api| {
        let scopes = api.scopes.iter().map(|it| it.value.as_str());
        let words: Vec<&str> = scopes.chain(api.roles.iter().map(|it| it.value.as_str())).collect();
        format!("{} {}", api.resource.display_name, words.join(" "))
    };
    question.apis.iter().map(one).collect()
}

#[test]
fn a_person_is_asked_for_what_the_request_names() {
    let directory = directory();
    let of = |scope: &str| ask(&directory, &everyone(), &v2(scope), false).map(|it| asked(&it));
    assert_eq!(of("User.Read"), Ok(vec!["Microsoft Graph User.Read".into()]));
    assert_eq!(of("openid"), Ok(vec!["Microsoft Graph openid".into()]));
    assert_eq!(
        of("offline_access email profile openid USER.READ"),
        Ok(vec!["Microsoft Graph User.Read openid profile email offline_access".into()])
    );
    assert_eq!(of(&format!("api://x openid {API}/read")), Err(500_011));
    assert_eq!(of(&format!("{API}/read")), Ok(vec![format!("{API} read")]));
    assert_eq!(of(&format!("{API}/old")), Err(650_053), "a disabled permission");
    assert_eq!(of(&format!("{API}/nothing")), Err(650_053));
}

#[test]
fn a_permission_is_asked_for_once_also_where_it_is_an_oidc_scope() {
    let mut directory = directory();
    let graph = directory.principal_by_name(GRAPH).unwrap().clone();
    let id = |value: &str| graph.scopes.iter().find(|it| it.value == value).unwrap().id;
    let access = [RequiredAccess::Scope(id("openid")), RequiredAccess::Scope(id("User.Read"))];
    list(&mut directory, vec![listed(GRAPH, &access)]);
    let question =
        ask(&directory, &everyone(), &v2("https://graph.microsoft.com/.default openid profile"), false);
    assert_eq!(asked(&question.unwrap()), ["Microsoft Graph openid User.Read profile"]);
}

#[test]
fn nothing_is_asked_where_nothing_is_wanted() {
    let mut directory = directory();
    let known = service_principal::restore_built_in(&directory, &moment());
    directory.apply(known.changes);
    let implied = |openid| Target::Resource { name: catalogue::AZURE_AD.into(), openid, implied: true };
    assert_eq!(ask(&directory, &everyone(), &implied(false), false).map(|it| asked(&it)), Err(65_001));
    assert_eq!(
        ask(&directory, &everyone(), &implied(true), false).map(|it| asked(&it)),
        Ok(vec!["Microsoft Graph openid profile".into()])
    );
}

#[test]
fn what_administrators_alone_may_allow_needs_one() {
    let directory = directory();
    let write = v2(&format!("{API}/write"));
    let read = v2(&format!("{API}/read"));
    assert!(!ask(&directory, &everyone(), &read, false).unwrap().for_everyone);
    assert_eq!(ask(&directory, &everyone(), &write, false).err(), Some(90_094));
    assert_eq!(ask(&directory, &everyone(), &read, true).err(), Some(90_094));
    let question = ask(&directory, &admin(), &write, false).unwrap();
    assert!(question.for_everyone && !question.admin);
    let question = ask(&directory, &admin(), &read, true).unwrap();
    assert!(question.for_everyone && question.admin);
}

#[test]
fn default_asks_for_what_the_registration_lists_and_the_named_api_first() {
    let mut directory = directory();
    let graph = directory.principal_by_name(GRAPH).unwrap().clone();
    let user_read = graph.scopes.iter().find(|it| it.value == "User.Read").unwrap().id;
    let of_graph = listed(GRAPH, &[RequiredAccess::Scope(user_read)]);
    let of_api = listed(
        API,
        &[
            RequiredAccess::Scope(key(1)),
            RequiredAccess::Scope(key(3)),
            RequiredAccess::Scope(key(99)),
            RequiredAccess::Role(key(11)),
            RequiredAccess::Role(key(12)),
        ],
    );
    list(&mut directory, vec![of_graph, of_api]);
    let target = v2(&format!("{API}/.default"));
    let of = |who: &Caller, admin| ask(&directory, who, &target, admin).map(|it| asked(&it));
    assert_eq!(of(&everyone(), false), Ok(vec![format!("{API} read"), "Microsoft Graph User.Read".into()]));
    assert_eq!(
        of(&admin(), true),
        Ok(vec![format!("{API} read Run"), "Microsoft Graph User.Read".into()]),
        "an administrator is asked for the roles too"
    );
    let graph = v2("https://graph.microsoft.com/.default");
    assert_eq!(
        ask(&directory, &everyone(), &graph, false).map(|it| asked(&it)),
        Ok(vec!["Microsoft Graph User.Read".into(), format!("{API} read")])
    );
}

#[test]
fn default_of_an_api_that_is_not_listed_asks_an_administrator_alone() {
    let mut directory = directory();
    list(&mut directory, vec![listed(API, &[RequiredAccess::Scope(key(1))])]);
    let graph = v2("https://graph.microsoft.com/.default");
    assert_eq!(ask(&directory, &everyone(), &graph, false).err(), Some(65_001));
    assert_eq!(ask(&directory, &admin(), &graph, false).err(), Some(65_001));
    assert_eq!(ask(&directory, &admin(), &graph, true).map(|it| asked(&it)), Ok(vec![format!("{API} read")]));
}

#[test]
fn a_listed_api_that_the_tenant_lacks_is_told_to_an_administrator() {
    let mut directory = directory();
    let read = listed(API, &[RequiredAccess::Scope(key(1))]);
    let absent = "a0000000-0000-4000-8000-00000000dead";
    list(&mut directory, vec![listed(absent, &[RequiredAccess::Scope(key(5))]), read]);
    let target = v2(&format!("{API}/.default"));
    assert_eq!(
        ask(&directory, &everyone(), &target, false).map(|it| asked(&it)),
        Ok(vec![format!("{API} read")])
    );
    assert_eq!(ask(&directory, &admin(), &target, true).err(), Some(650_052));
}

#[test]
fn listed_permissions_that_the_api_lacks_are_told_where_it_is_the_one_that_is_wanted() {
    let mut directory = directory();
    let target = v2(&format!("{API}/.default"));
    list(&mut directory, vec![listed(API, &[RequiredAccess::Scope(key(99))])]);
    assert_eq!(ask(&directory, &everyone(), &target, false).err(), Some(65_006));
    assert_eq!(
        ask(&directory, &admin(), &v2("https://graph.microsoft.com/.default"), true).err(),
        Some(65_001),
        "nothing is left to ask"
    );
    // Roles are no matter of a person's.
    list(&mut directory, vec![listed(API, &[RequiredAccess::Role(key(11))])]);
    assert_eq!(ask(&directory, &everyone(), &target, false).err(), Some(65_001));
    assert_eq!(ask(&directory, &admin(), &target, true).map(|it| asked(&it)), Ok(vec![format!("{API} Run")]));
    // A role for users cannot be given to an application.
    list(&mut directory, vec![listed(API, &[RequiredAccess::Role(key(13)), RequiredAccess::Scope(key(1))])]);
    assert_eq!(ask(&directory, &admin(), &target, true).err(), Some(650_061));
    assert!(ask(&directory, &everyone(), &target, false).is_ok());
}

#[test]
fn of_microsofts_clients_one_asks_for_named_permissions_of_graph() {
    let mut directory = directory();
    let made =
        service_principal::create(&admin(), &directory, (app(POWER_PLATFORM), None), &moment()).unwrap();
    directory.apply(made.changes);
    let of = |id: &str, scope: &str| {
        ask_for(&directory, id, &everyone(), (&v2(scope), false)).map(|it| asked(&it))
    };
    assert_eq!(of(GRAPH_COMMAND_LINE, "User.Read"), Ok(vec!["Microsoft Graph User.Read".into()]));
    for (id, scope) in [
        (GRAPH_COMMAND_LINE, "https://graph.microsoft.com/.default"),
        (GRAPH_COMMAND_LINE, "https://api.powerplatform.com/AppManagement.ApplicationPackages.Read"),
        (AZURE_CLI, "User.Read"),
    ] {
        assert_eq!(of(id, scope), Err(65_001), "{id} {scope}");
    }
}

#[test]
fn a_question_is_told_from_every_other_one() {
    let directory = directory();
    let base = ask(&directory, &admin(), &v2(&format!("{API}/read")), false).unwrap();
    let with = |change: fn(&mut Question)| {
        let mut other = base.clone();
        change(&mut other);
        other.digest()
    };
    assert_eq!(base.digest(), with(|_| {}));
    let others = [
        with(|it| it.admin = true),
        with(|it| it.apis.clear()),
        with(|it| it.apis[0].scopes.clear()),
        with(|it| it.apis[0].scopes[0].value = "write".into()),
        with(|it| it.apis[0].scopes[0].id = KeyId::new(Uuid::nil())),
        with(|it| it.apis[0].roles.push(role_of(11, "Run", true, true))),
    ];
    assert!(others.iter().all(|other| *other != base.digest()));
}

#[test]
fn a_persons_yes_is_for_them_alone_and_adds_what_is_new() {
    let mut directory = directory();
    let say_yes = |directory: &Directory, scope: &str| {
        let question = ask(directory, &everyone(), &v2(scope), false).unwrap();
        consent(&everyone(), directory, (app(CLIENT), &question, false), &moment()).unwrap()
    };
    let first = say_yes(&directory, "User.Read");
    assert_eq!((first.changes.len(), first.audit.len()), (1, 1));
    directory.apply(first.changes);
    assert!(say_yes(&directory, "User.Read").changes.is_empty(), "nothing is new");
    directory.apply(say_yes(&directory, "openid").changes);
    let key = GrantKey {
        client: directory.principal_by_app(app(CLIENT)).unwrap().id,
        resource: directory.principal_by_name(GRAPH).unwrap().id,
        principal: Some(user(&everyone()).id),
    };
    assert_eq!(directory.grant(&key).unwrap().scopes, ["User.Read", "openid"]);
    assert!(directory.grant(&GrantKey { principal: None, ..key }).is_none());
}

#[test]
fn everybodys_consent_takes_an_administrator() {
    let mut directory = directory();
    list(&mut directory, vec![listed(API, &[RequiredAccess::Scope(key(1)), RequiredAccess::Role(key(11))])]);
    let target = v2(&format!("{API}/.default"));
    let personal = ask(&directory, &everyone(), &target, false).unwrap();
    let forbidden = |done: Result<Decided<()>, Refusal>| matches!(done, Err(Refusal::Forbidden { .. }));
    let answer = |who: &Caller, question: &Question, everyone| {
        consent(who, &directory, (app(CLIENT), question, everyone), &moment())
    };
    assert!(forbidden(answer(&everyone(), &personal, true)));
    assert!(forbidden(answer(&by_itself(1, &[]), &personal, false)), "an application is nobody who consents");
    let question = ask(&directory, &admin(), &target, true).unwrap();
    // The administrator's question is for everyone, whatever the form says.
    let done = answer(&admin(), &question, false).unwrap();
    assert_eq!(done.changes.len(), 2, "a grant and a role");
    directory.apply(done.changes);
    let key = GrantKey {
        client: directory.principal_by_app(app(CLIENT)).unwrap().id,
        resource: directory.principal_by_app(app(API)).unwrap().id,
        principal: None,
    };
    assert_eq!(directory.grant(&key).unwrap().scopes, ["read"]);
    let again = consent(&admin(), &directory, (app(CLIENT), &question, true), &moment()).unwrap();
    assert!(again.changes.is_empty(), "the role is given once");
}

#[test]
fn who_consents_for_everyone_could_give_the_client_what_it_holds() {
    let mut directory = directory();
    let target = v2(&format!("{API}/read"));
    let member = user(&everyone()).id;
    let role = role::assign(&operator(), &directory, member, role::APPLICATION_ADMINISTRATOR).unwrap();
    directory.apply(role.changes);
    let client = directory.principal_by_app(app(CLIENT)).unwrap().id;
    let role = role::assign(&operator(), &directory, client, role::GLOBAL_ADMINISTRATOR).unwrap();
    directory.apply(role.changes);
    let question = ask(&directory, &everyone(), &target, false).unwrap();
    let answer = |everybody| consent(&everyone(), &directory, (app(CLIENT), &question, everybody), &moment());
    assert!(matches!(answer(true), Err(Refusal::Forbidden { .. })));
    assert!(answer(false).is_ok());
}

#[test]
fn the_first_consent_makes_the_service_principal_of_a_registered_application() {
    let mut directory = directory();
    let question = ask(&directory, &everyone(), &v2("User.Read"), false).unwrap();
    let gone = directory.principal_by_app(app(CLIENT)).unwrap().id;
    directory.apply([Change::Remove(ObjectKey::ServicePrincipal(gone))]);
    let done = consent(&everyone(), &directory, (app(CLIENT), &question, false), &moment()).unwrap();
    assert_eq!((done.changes.len(), done.audit.len()), (2, 2), "a service principal and a grant");
    directory.apply(done.changes);
    let key = GrantKey {
        client: directory.principal_by_app(app(CLIENT)).unwrap().id,
        resource: directory.principal_by_name(GRAPH).unwrap().id,
        principal: Some(user(&everyone()).id),
    };
    assert_eq!(directory.grant(&key).unwrap().scopes, ["User.Read"]);
    let unknown = "a0000000-0000-4000-8000-00000000dead";
    let done = consent(&everyone(), &directory, (app(unknown), &question, false), &moment());
    assert!(matches!(done, Err(Refusal::NotFound { .. })));
}

#[test]
fn an_api_of_microsofts_appears_with_the_consent_to_it() {
    let mut directory = directory();
    let platform = app(POWER_PLATFORM);
    let known = directory.catalogue.clone();
    let known = known.application(platform).unwrap();
    let (scope, role) = (known.scopes()[0].clone(), known.roles()[0].clone());
    list(
        &mut directory,
        vec![listed(POWER_PLATFORM, &[RequiredAccess::Scope(scope.id), RequiredAccess::Role(role.id)])],
    );
    let question = ask(&directory, &admin(), &v2("https://api.powerplatform.com/.default"), true).unwrap();
    let done = consent(&admin(), &directory, (app(CLIENT), &question, true), &moment()).unwrap();
    assert_eq!(done.changes.len(), 3, "a service principal, a grant and a role");
    directory.apply(done.changes);
    let resource = directory.principal_by_app(platform).unwrap().id;
    let client = directory.principal_by_app(app(CLIENT)).unwrap().id;
    let key = GrantKey { client, resource, principal: None };
    assert_eq!(directory.grant(&key).unwrap().scopes, [scope.value]);
    assert!(directory.app_roles_of(client).any(|it| it.key.resource == resource && it.key.role == role.id));
}
