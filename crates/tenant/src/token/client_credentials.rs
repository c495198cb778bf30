//! Client credentials (step 5 of the article, service principal): a token for the application itself.
//! It asks for everything its roles give, and never gets a refresh token.

use super::{
    APPLICATION_LIFETIME, Approval, Configured, Denial, Run, Subject,
    client_auth::{Client, Wants},
    scope,
};
use carnet_wire::{scope::Wanted, token::request::Target};

pub(super) fn verdict(run: &mut Run<'_>, client: Client) -> Result<Approval, Denial> {
    let credential = run.authenticate(&client, Wants::Proof)?;
    // An application of another tenant may prove itself before anybody here consented to it.
    let Some(principal) = client.principal.as_ref().map(|it| it.id) else {
        return Err(Denial::PrincipalMissing(client.app));
    };
    let target = run.request.target.clone().ok_or(Denial::ScopeNotDefault(String::new()))?;
    only_default(&target)?;
    let resolved = scope::resolve(run, &target)?;
    let resource = resolved.resource;
    if resource.principal.assignment_required && !scope::assigned(run.facts, principal, &resource.principal) {
        return Err(Denial::AppNotAssigned { app: client.app, resource: resource.principal.id });
    }
    let wants = (resource.claims, resource.groups);
    let access = Configured::of(&run.facts.directory, wants, Some(resource.principal.id), principal)
        .with_capability(run.request.claims.capabilities_cp1);
    let roles = scope::roles(run.facts, principal, &resource);
    let directory_roles = run.facts.directory.roles_of(principal).map(|it| it.key.role).collect();
    Ok(Approval {
        // An application's token lives an hour, challenged or not: Entra's long-lived ones are for tenants that
        // bought them, and the recorded answers say 3599. The claim is there, so that whoever asked for it
        // learns of a disabled service principal by a challenge.
        continuous: run.request.claims.capabilities_cp1 && resource.continuous,
        client,
        credential,
        resource,
        subject: Subject::Application(principal),
        scopes: Vec::new(),
        roles,
        directory_roles,
        lifetime: APPLICATION_LIFETIME,
        scope_text: None,
        openid: false,
        profile: false,
        email: false,
        refresh: false,
        nonce: None,
        signed_in: None,
        auth_time: false,
        session: None,
        id_roles: Vec::new(),
        access,
        id: Configured::default(),
        client_info: false,
        version: run.request.version,
    })
}

fn only_default(target: &Target) -> Result<(), Denial> {
    let Target::Scope(request) = target else { return Ok(()) };
    if !request.others.is_empty() {
        return Err(Denial::SeveralResources);
    }
    // MSAL for Go and MSAL4J send `openid profile offline_access` beside it; these are ignored.
    let default = request.resource.as_ref().is_some_and(|it| it.wanted == Wanted::Default && !it.implied);
    if !default {
        return Err(Denial::ScopeNotDefault(request.to_string().chars().take(200).collect()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{contoso::*, denial::Denial};
    use carnet_wire::{catalogue::AZURE_AD, token::request::Version};

    const DEFAULT: &str = "scope=https://api.powerplatform.com/.default&grant_type=client_credentials";

    #[test]
    fn a_right_secret_gets_a_token_for_the_application() {
        let yes = Contoso::new().ask(SECRET, &format!("{DEFAULT}&client_secret=right")).verdict.unwrap();
        assert_eq!((yes.lifetime, yes.scope_text, yes.refresh), (3600, None, false));
        assert_eq!(yes.credential.acr(), "1");
    }

    #[test]
    fn a_wrong_an_expired_and_a_missing_secret_are_told_apart() {
        let contoso = Contoso::new();
        let no = |rest: &str| number(&contoso.ask(SECRET, &format!("{DEFAULT}{rest}")));
        assert_eq!(no("&client_secret=wrong"), 7_000_215);
        assert_eq!(no("&client_secret=expired"), 7_000_222);
        assert_eq!(no(""), 7_000_216);
    }

    #[test]
    fn an_unknown_application_is_unknown_before_it_is_anything_else() {
        assert_eq!(number(&Contoso::new().ask(NOBODY, &format!("{DEFAULT}&client_secret=x"))), 700_016);
    }

    #[test]
    fn an_application_without_its_principal_or_with_a_disabled_one_is_refused() {
        let mut contoso = Contoso::new();
        contoso.change_principal(SECRET, |it| it.enabled = false);
        assert_eq!(number(&contoso.ask(SECRET, &format!("{DEFAULT}&client_secret=right"))), 7_000_112);
        contoso.remove_principal(SECRET);
        assert_eq!(number(&contoso.ask(SECRET, &format!("{DEFAULT}&client_secret=right"))), 7_000_229);
    }

    #[test]
    fn only_default_of_one_known_resource_may_be_asked_for_rows_51_and_52() {
        let contoso = Contoso::new();
        let no = |scope: &str| {
            number(
                &contoso
                    .ask(SECRET, &format!("scope={scope}&grant_type=client_credentials&client_secret=right")),
            )
        };
        assert_eq!(no("https://api.powerplatform.com/AppManagement.ApplicationPackages.Read"), 1_002_012);
        assert_eq!(no("https://api.powerplatform.com/.default+openid+profile+offline_access"), 0);
        assert_eq!(no("openid"), 1_002_012);
        assert_eq!(no("https://api.powerplatform.com/.default+https://graph.microsoft.com/.default"), 28_000);
        assert_eq!(no("https://nothing.example/.default"), 500_011);
    }

    #[test]
    fn a_first_party_api_without_its_principal_is_500011_until_someone_creates_it() {
        let mut contoso = Contoso::new();
        contoso.remove_principal(PLATFORM);
        let decision = contoso.ask(SECRET, &format!("{DEFAULT}&client_secret=right"));
        assert_eq!(number(&decision), 500_011);
        assert!(matches!(&decision.verdict, Err(denial) if denial.rests_on_absence()));
    }

    #[test]
    fn an_api_that_demands_assignment_refuses_the_unassigned() {
        let mut contoso = Contoso::new();
        contoso.change_principal(PLATFORM, |it| it.assignment_required = true);
        assert_eq!(number(&contoso.ask(SECRET, &format!("{DEFAULT}&client_secret=right"))), 501_051);
    }

    #[test]
    fn v1_names_its_resource_and_may_do_so_by_id() {
        let contoso = Contoso::new();
        for name in ["https://api.powerplatform.com", "https://api.powerplatform.com/", PLATFORM] {
            let body = format!("resource={name}&grant_type=client_credentials&client_secret=right");
            assert_eq!(contoso.ask_as(Version::V1, SECRET, &body).verdict.unwrap().resource.name, name);
        }
    }

    #[test]
    fn v1_without_a_resource_gives_a_token_for_windows_azure_active_directory() {
        let mut contoso = Contoso::new();
        let body = "grant_type=client_credentials&client_secret=right";
        // The tenant of the fixture has no principal of it.
        assert_eq!(number(&contoso.ask_as(Version::V1, SECRET, body)), 500_011);
        contoso.first_party(AZURE_AD);
        let yes = contoso.ask_as(Version::V1, SECRET, body).verdict.unwrap();
        assert_eq!((yes.resource.name.as_str(), yes.openid), (AZURE_AD, false));
        assert_eq!(told(&yes.access_claims(&issuing()))["aud"], AZURE_AD);
        let named = format!("{body}&resource=https://graph.windows.net/");
        assert_eq!(
            contoso.ask_as(Version::V1, SECRET, &named).verdict.unwrap().resource.name,
            "https://graph.windows.net/"
        );
    }

    #[test]
    fn v1_with_the_api_version_writes_an_id_as_a_service_principal_name() {
        let contoso = Contoso::new();
        let aud = |resource: &str, spn_audience| {
            let body = format!("resource={resource}&grant_type=client_credentials&client_secret=right");
            let yes = contoso.ask_changed(Version::V1, SECRET, &body, |it| it.spn_audience = spn_audience);
            let yes = yes.verdict.unwrap();
            told(&yes.access_claims(&issuing()))["aud"].as_str().unwrap().to_owned()
        };
        let spn = format!("spn:{PLATFORM}");
        assert_eq!((aud(PLATFORM, true), aud(PLATFORM, false)), (spn.clone(), PLATFORM.to_owned()));
        assert_eq!(aud("https://api.powerplatform.com", true), "https://api.powerplatform.com");
        assert_eq!(aud(&spn, false), spn);
    }

    #[test]
    fn an_alias_names_no_tenant() {
        let decision =
            Contoso::new().ask_at("organizations", SECRET, &format!("{DEFAULT}&client_secret=right"));
        assert_eq!(decision.verdict.unwrap_err(), Denial::NoTenantNamed);
    }
}
