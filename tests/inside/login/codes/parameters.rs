//! Requests that are none, at the token endpoint (4.2 of the reference).

use super::*;
use carnet_tests::{CONFIDENTIAL, SECRET};
use http::Method;

pub(super) async fn rows(table: &mut Table) {
    let t = Contoso::with("", APPLICATIONS).await;
    let good = [
        ("grant_type", "client_credentials"),
        ("client_id", CONFIDENTIAL),
        ("client_secret", SECRET),
        ("scope", SCOPE),
    ];
    t.token(&good).await.good();
    let bad = "400 invalid_request";
    let zeros = "00000000-0000-0000-0000-000000000000";
    let nobody = format!("{zeros}/.default");
    for (code, trigger, expected, changes) in [
        (900_144, "no grant type", bad, &[("grant_type", "")][..]),
        (90_100, "a parameter that is not of its form", bad, &[("claims", "[")]),
        (9_010_010, "a resource that is not the scope's", "400 invalid_target", &[("resource", "x")]),
        (
            9_002_324,
            "two credentials",
            bad,
            &[("client_assertion", "x"), ("client_assertion_type", ASSERTION)],
        ),
        (700_038, "a client id of zeros", "400 unauthorized_client", &[("client_id", zeros)]),
        (700_039, "an API of zeros", "400 invalid_resource", &[("scope", &nobody)]),
        (70_003, "a grant type that is none", "400 unsupported_grant_type", &[("grant_type", "telepathy")]),
    ] {
        table.add(code, trigger, expected, &t.token(&changed(&good, changes)).await);
    }
    let doubled = t.token(&[&good[..], &good[..1]].concat()).await;
    table.add(9_002_313, "a parameter that stands twice", bad, &doubled);
    table.add(90_121, "an empty request", bad, &t.token(&[]).await);
    let empty = password(&t, "ada", &[("password", " ")]).await;
    table.add(90_014, "a password that was sent empty", bad, &empty);
    let swap = [("grant_type", ON_BEHALF), ("client_id", API), ("assertion", "x"), ("scope", SCOPE)];
    table.add(900_143, "on behalf of a user, without saying so", bad, &t.token(&swap).await);
    let mut get = form(&format!("/{TENANT}/oauth2/v2.0/token"), &good);
    *get.method_mut() = Method::GET;
    table.add(900_561, "GET at the token endpoint", bad, &t.send(get).await);
    let named = changed(&good, &[("client_id", "https://app.example")]);
    let named = t.form("/common/oauth2/v2.0/token", &named).await;
    table.add(90_112, "a client id that is no GUID, over an alias", bad, &named);
}
