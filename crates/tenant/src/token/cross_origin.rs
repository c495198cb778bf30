//! Requests with an `Origin`, as scripts send them: only single-page applications may make them, with what they got as
//! such, and with no credential. Which origin it is decides who may read the answer ([`is_own`]), as at Entra.

use super::{Denial, Run};
use crate::{
    application::{Application, Platform},
    redirect,
};
use carnet_wire::token::request::Grant;

/// The origin is that of one of the application's single-page redirect URIs, so its scripts may read the answer.
#[must_use]
pub fn is_own(application: &Application, origin: &str) -> bool {
    let wanted = redirect::origin(origin);
    wanted.is_some() && application.redirect_uris.spa.iter().any(|uri| redirect::origin(uri) == wanted)
}

/// Whether a request with an `Origin` may be made at all: for what, and how the client authenticates.
pub(super) fn may_ask(run: &Run<'_>) -> Result<(), Denial> {
    let Some(origin) = run.asking.origin else { return Ok(()) };
    let redeems = matches!(run.request.grant, Grant::AuthorizationCode { .. } | Grant::RefreshToken { .. });
    if redeems && run.request.client_auth.is_none() { Ok(()) } else { Err(refused(origin)) }
}

/// A single-page application redeems across origins, and nobody else does.
pub(super) fn redeems(run: &Run<'_>, platform: Platform) -> Result<(), Denial> {
    match (platform, run.asking.origin) {
        (Platform::Spa, None) => Err(Denial::OriginMissing),
        (Platform::Web | Platform::Public, Some(origin)) => Err(refused(origin)),
        _ => Ok(()),
    }
}

fn refused(origin: &str) -> Denial {
    Denial::CrossOrigin(origin.chars().filter(|c| !c.is_control()).take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{HeldCode, authorization_code::CodeBody, contoso::*, denial::Denial};
    use super::is_own;
    use crate::application::{Platform, RedirectUris};
    use carnet_wire::{pkce::Verifier, time::Timestamp};
    use uuid::Uuid;

    const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";
    const HOME: &str = "https://app.example/home";

    fn contoso(platform: Platform, origin: Option<&str>) -> Contoso {
        let body = CodeBody {
            family: Uuid::from_u128(7),
            app: PUBLIC.parse().unwrap(),
            user: ADA.parse().unwrap(),
            redirect_uri: HOME.into(),
            explicit: true,
            platform,
            challenge: Some(Verifier::parse(VERIFIER).unwrap().challenge().as_str().to_owned()),
            v1: false,
            scope: "https://api.powerplatform.com/.default".into(),
            nonce: None,
            signed_in: Timestamp::from_seconds(NOW),
            methods: vec!["pwd".into()],
            session: None,
            auth_time: false,
            contexts: Default::default(),
        };
        let expires = Timestamp::from_seconds(NOW + 30);
        let code = HeldCode { body, digest: [1; 32], expires, spent: false };
        let mut contoso = Contoso { code: Some(code), origin: origin.map(str::to_owned), ..Contoso::new() };
        contoso.change_application(PUBLIC, |it| {
            it.redirect_uris = RedirectUris {
                spa: vec![HOME.into(), "http://localhost/app".into()],
                ..RedirectUris::default()
            };
        });
        contoso
    }

    fn ask(platform: Platform, origin: Option<&str>, more: &str) -> u32 {
        let body = format!(
            "grant_type=authorization_code&code=x&redirect_uri={HOME}&code_verifier={VERIFIER}{more}"
        );
        number(&contoso(platform, origin).ask(PUBLIC, &body))
    }

    #[test]
    fn a_single_page_application_redeems_with_an_origin_and_its_own_ones_read_the_answer_row_76() {
        let own = |origin: &str| {
            let contoso = contoso(Platform::Spa, None);
            is_own(contoso.directory.application_by_app(PUBLIC.parse().unwrap()).unwrap(), origin)
        };
        // A program under test listens on whatever port is free.
        for origin in ["https://app.example", "http://localhost:4711"] {
            assert_eq!(ask(Platform::Spa, Some(origin), ""), 0, "{origin}");
            assert!(own(origin), "{origin}");
        }
        for origin in
            ["null", "https://evil.example", "https://app.example.evil.example", "http://app.example", ""]
        {
            assert_eq!(ask(Platform::Spa, Some(origin), ""), 0, "{origin}");
            assert!(!own(origin), "{origin}");
        }
        assert_eq!(ask(Platform::Spa, None, ""), 9_002_327);
        assert_eq!(ask(Platform::Spa, Some("https://app.example"), "&client_secret=x"), 9_002_326);
    }

    #[test]
    fn nobody_else_redeems_across_origins() {
        assert_eq!(ask(Platform::Public, None, ""), 0);
        assert_eq!(ask(Platform::Public, Some("https://app.example"), ""), 9_002_326);
        let password =
            "scope=https://api.powerplatform.com/.default&grant_type=password&username=ada&password=x";
        let decision = contoso(Platform::Spa, Some("https://app.example")).ask(PUBLIC, password);
        assert_eq!(decision.verdict.unwrap_err(), Denial::CrossOrigin("https://app.example".into()));
    }
}
