//! Signing keys that come and go: published a day before they sign, kept until their last token is dead.

use carnet_http::{clock::Clock, keys::rotate};
use carnet_tests::{Contoso, NOW, TENANT, part, public_key};
use carnet_wire::jose::Jws;
use serde_json::Value;

const DAY: i64 = 24 * 3600;

async fn document(t: &Contoso) -> Vec<String> {
    let document = t.get(&format!("/{TENANT}/discovery/v2.0/keys"), "").await.good();
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    document["keys"].as_array().unwrap().iter().map(kid).collect()
}

fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_key_is_published_for_a_day_before_it_signs_and_the_old_one_stays_as_long_as_its_tokens() {
    let t = Contoso::start().await;
    let first = kid(&t.graph_token("ada").await);
    t.later(30 * DAY - 1);
    t.tend_keys().await;
    assert_eq!(document(&t).await, std::slice::from_ref(&first));
    t.later(1);
    t.tend_keys().await;
    t.tend_keys().await;
    let both = document(&t).await;
    assert_eq!((both.len(), &both[0]), (2, &first));
    t.later(DAY - 1);
    let old = t.graph_token("ada").await;
    assert_eq!(kid(&old), first);
    t.later(1);
    let new = t.graph_token("ada").await;
    assert_eq!(kid(&new), both[1]);
    let keys = t.get(&format!("/{TENANT}/discovery/keys"), "").await.good();
    for token in [&old, &new] {
        t.get("/v1.0/me", token).await.good();
        let key = public_key(&keys, &kid(token)).expect("it is published");
        assert!(Jws::parse(token).unwrap().verify(&key).is_ok());
    }
    t.later(DAY + 3600 - 1);
    t.tend_keys().await;
    assert_eq!(document(&t).await, both);
    t.later(1);
    t.tend_keys().await;
    assert_eq!(document(&t).await, both[1..]);
    assert_eq!(kid(&t.graph_token("ada").await), both[1]);
}

#[tokio::test]
async fn an_emergency_drops_the_other_keys_and_their_tokens() {
    let t = Contoso::start().await;
    let tenant = TENANT.parse().unwrap();
    let old = t.graph_token("ada").await;
    let (made, gone) = rotate(&t.store, tenant, true, t.clock.now()).await.unwrap();
    assert_eq!(gone, [kid(&old)]);
    t.tend_keys().await;
    assert_eq!(document(&t).await, std::slice::from_ref(&made));
    assert_eq!(t.get("/v1.0/me", &old).await.no(), "401 InvalidAuthenticationToken");
    let new = t.graph_token("ada").await;
    assert_eq!(kid(&new), made);
    t.get("/v1.0/me", &new).await.good();
}

#[tokio::test]
async fn a_key_that_another_node_made_is_found_at_once_and_looked_for_once_a_minute() {
    let (t, other) = (Contoso::start().await, carnet_http::keys::Keys::default());
    let tenant = TENANT.parse().unwrap();
    let old = t.graph_token("ada").await;
    // What another node holds after an emergency: a token by a key that this one has not read yet.
    rotate(&t.store, tenant, true, NOW).await.unwrap();
    let theirs = other.of(&t.store, tenant, NOW).await.unwrap();
    let mut claims = part(&old, 1);
    claims["uti"] = "another".into();
    let sign = |claims: &Value| {
        let json = serde_json::to_vec(claims).unwrap();
        theirs.current(NOW).sign(carnet_wire::token::request::Version::V1, &json).unwrap()
    };
    assert_ne!(kid(&sign(&claims)), kid(&old));
    t.get("/v1.0/me", &sign(&claims)).await.good();
    rotate(&t.store, tenant, true, NOW).await.unwrap();
    let third = carnet_http::keys::Keys::default().of(&t.store, tenant, NOW).await.unwrap();
    let json = serde_json::to_vec(&claims).unwrap();
    let unknown = third.current(NOW).sign(carnet_wire::token::request::Version::V1, &json).unwrap();
    assert_eq!(t.get("/v1.0/me", &unknown).await.no(), "401 InvalidAuthenticationToken");
    t.later(60);
    t.get("/v1.0/me", &unknown).await.good();
}

#[tokio::test]
async fn a_clock_that_jumps_back_takes_no_key_out_row_f6() {
    let t = Contoso::start().await;
    t.graph_token("ada").await;
    t.later(30 * DAY);
    t.tend_keys().await;
    t.later(DAY);
    let new = t.graph_token("ada").await;
    let both = document(&t).await;
    for back in [DAY, 31 * DAY, 400 * DAY] {
        t.clock.set(NOW.plus_seconds(31 * DAY - back));
        t.tend_keys().await;
        assert_eq!(document(&t).await, both);
        assert!(both.contains(&kid(&t.graph_token("ada").await)));
    }
    t.clock.set(NOW.plus_seconds(31 * DAY));
    t.get("/v1.0/me", &new).await.good();
}
