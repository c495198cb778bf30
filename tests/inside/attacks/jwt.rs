//! 6.1, rows 1 to 18: tokens. Row 16 is among the races.

use super::*;
use aws_lc_rs::hmac;
use carnet_tests::{
    part,
    signer::{compact, pem},
};
use std::net::TcpListener;

/// A token with another header, and its own signature.
fn headed(token: &str, header: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", carnet_wire::jose::encode_base64url(header.as_bytes()))
}

fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_without_an_algorithm_is_none_row_1() {
    let t = Contoso::start().await;
    for (token, _) in tokens(&t).await {
        let kid = kid(&token);
        for algorithm in [
            r#""alg":"none","#,
            r#""alg":"None","#,
            r#""alg":"NONE","#,
            r#""alg":"nOnE","#,
            r#""alg":"","#,
            r#""alg":null,"#,
            r#""alg":["RS256"],"#,
            "",
        ] {
            let whole = headed(&token, &format!(r#"{{{algorithm}"typ":"JWT","kid":"{kid}"}}"#));
            let (bare, _) = whole.rsplit_once('.').unwrap();
            for forged in [format!("{bare}."), bare.to_owned(), whole.clone()] {
                opens_nothing(&t, &forged).await;
            }
        }
    }
}

/// The public key in every spelling that somebody might take for a shared secret.
fn spellings(signer: &Signer) -> Vec<Vec<u8>> {
    let pkcs1 = signer.public_der();
    let head =
        b"\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00";
    let spki = [&head[..], &pkcs1].concat();
    let texts = [pem("PUBLIC KEY", &spki), pem("RSA PUBLIC KEY", &pkcs1), signer.pem()];
    let mut all: Vec<Vec<u8>> =
        texts.iter().flat_map(|it| [it.clone(), it.trim_end().to_owned()]).map(String::into_bytes).collect();
    let number = carnet_wire::jose::encode_base64url(signer.modulus()).into_bytes();
    all.extend([spki, pkcs1, signer.modulus().to_vec(), number, signer.base64().into_bytes(), Vec::new()]);
    all
}

fn mac(key: &[u8], header: &str, claims: &str) -> String {
    let unsigned = compact(header, claims, b"");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), unsigned.trim_end_matches('.').as_bytes());
    compact(header, claims, tag.as_ref())
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret_row_2() {
    let (t, own) = certified("").await;
    for (token, _) in tokens(&t).await {
        let header = format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{}"}}"#, kid(&token));
        for key in spellings(&t.signer(TENANT).await) {
            opens_nothing(&t, &mac(&key, &header, &part(&token, 1).to_string())).await;
        }
    }
    assert_eq!(show(&t, CERTIFIED, &own.assertion(&claims())).await.status, 200);
    let header = format!(r#"{{"typ":"JWT","alg":"HS256","x5t":"{}"}}"#, own.x5t());
    for key in spellings(&own) {
        let forged = mac(&key, &header, &claims().to_string());
        assert_eq!(told(&show(&t, CERTIFIED, &forged).await), "401 invalid_client 700027");
    }
}

#[tokio::test]
async fn a_key_in_the_header_is_not_used_row_3() {
    let t = Contoso::start().await;
    let stranger = Signer::default();
    let number = carnet_wire::jose::encode_base64url(stranger.modulus());
    for (token, _) in tokens(&t).await {
        for kid in [kid(&token), stranger.x5t()] {
            let header = json!({
                "typ": "JWT", "alg": "RS256", "kid": kid,
                "jwk": { "kty": "RSA", "kid": kid, "use": "sig", "n": number, "e": "AQAB" },
            });
            opens_nothing(&t, &stranger.sign(&header.to_string(), &part(&token, 1).to_string())).await;
        }
    }
}

#[tokio::test]
async fn a_key_from_elsewhere_is_not_fetched_row_4() {
    let (t, own) = certified("").await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let there = format!("http://{}/keys", listener.local_addr().unwrap());
    let stranger = Signer::default();
    for (token, _) in tokens(&t).await {
        for (name, kid) in [("jku", kid(&token)), ("x5u", kid(&token)), ("jku", stranger.x5t())] {
            let header = json!({ "typ": "JWT", "alg": "RS256", "kid": kid, name: there });
            opens_nothing(&t, &stranger.sign(&header.to_string(), &part(&token, 1).to_string())).await;
        }
    }
    for name in ["jku", "x5u"] {
        let header = json!({ "typ": "JWT", "alg": "RS256", "x5t": own.x5t(), name: there });
        let forged = stranger.sign(&header.to_string(), &claims().to_string());
        assert_eq!(told(&show(&t, CERTIFIED, &forged).await), "401 invalid_client 700027");
    }
    // Whoever connects is in the listener's queue, asked for or not.
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_certificate_in_the_header_is_not_used_row_5() {
    let (t, own) = certified("").await;
    let stranger = Signer::default();
    let head =
        |chain: &str| format!(r#"{{"alg":"RS256","typ":"JWT","x5t":"{}","x5c":["{chain}"]}}"#, own.x5t());
    let good = own.sign(&head(&own.base64()), &claims().to_string());
    assert_eq!(show(&t, CERTIFIED, &good).await.status, 200);
    let forged = stranger.sign(&head(&stranger.base64()), &claims().to_string());
    assert_eq!(told(&show(&t, CERTIFIED, &forged).await), "401 invalid_client 700027");
}

#[tokio::test]
async fn a_key_id_is_a_text_and_nothing_else_row_6() {
    let (t, own) = certified("").await;
    let long = "k".repeat(10 * 1024);
    let odd = [
        json!("../../dev/null"),
        json!("' OR 1=1--"),
        json!(long),
        json!("a\u{0}b"),
        json!("\u{202e}kid"),
        json!(""),
        json!(7),
        json!(["a"]),
        json!({}),
        json!(null),
    ];
    for (token, _) in tokens(&t).await {
        let signer = t.signer(TENANT).await;
        for kid in &odd {
            let header = json!({ "typ": "JWT", "alg": "RS256", "kid": kid });
            opens_nothing(&t, &signer.sign(&header.to_string(), &part(&token, 1).to_string())).await;
        }
    }
    for kid in &odd {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": kid });
        let no = told(&show(&t, CERTIFIED, &own.sign(&header.to_string(), &claims().to_string())).await);
        assert!(no.starts_with("401 invalid_client"), "{kid} {no}");
    }
}

/// Refused as a bearer token, as a client's assertion and as a user's.
async fn is_no_token(t: &Contoso, text: &str) {
    opens_nothing(t, text).await;
    assert!(told(&show(t, CERTIFIED, text).await).starts_with("401 invalid_client"), "{text:.200}");
    let no = told(&on_behalf(t, CONFIDENTIAL, text).await);
    assert!(no.starts_with("400 invalid_grant 50013"), "{no} {text:.200}");
}

async fn on_behalf(t: &Contoso, client: &str, assertion: &str) -> Reply {
    t.token(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", client),
        ("client_secret", SECRET),
        ("assertion", assertion),
        ("scope", "https://api.powerplatform.com/.default"),
    ])
    .await
}

#[tokio::test]
async fn an_encrypted_token_is_not_unwrapped_row_7() {
    let (t, own) = certified("").await;
    let inner = own.assertion(&claims());
    assert_eq!(show(&t, CERTIFIED, &inner).await.status, 200);
    let unsigned = compact(r#"{"alg":"none"}"#, &part(&t.graph_token("ada").await, 1).to_string(), b"");
    for algorithm in ["dir", "RSA-OAEP", "RSA1_5", "A128KW"] {
        let header =
            format!(r#"{{"alg":"{algorithm}","enc":"A128CBC-HS256","cty":"JWT","kid":"{}"}}"#, own.x5t());
        for wrapped in [&inner, &unsigned] {
            let outer = compact(&header, "", wrapped.as_bytes());
            is_no_token(&t, &format!("{outer}.AAAA.AAAA")).await;
        }
    }
}

#[tokio::test]
async fn a_compressed_token_is_not_inflated_row_8() {
    let (t, own) = certified("").await;
    let header = |more: &str| format!(r#"{{"alg":"RS256","typ":"JWT","x5t":"{}"{more}}}"#, own.x5t());
    assert_eq!(show(&t, CERTIFIED, &own.sign(&header(""), &claims().to_string())).await.status, 200);
    is_no_token(&t, &own.sign(&header(r#","zip":"DEF""#), &claims().to_string())).await;
    // The beginning of a deflated gigabyte of zeros.
    let bomb = [b"\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a".as_slice(), &[0; 4096]].concat();
    let five = format!("{}.AAAA.AAAA", compact(r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#, "", &bomb));
    is_no_token(&t, &five).await;
}

#[tokio::test]
async fn a_count_of_rounds_is_not_obeyed_row_9() {
    let (t, own) = certified("").await;
    assert_eq!(show(&t, CERTIFIED, &own.assertion(&claims())).await.status, 200);
    let header = r#"{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483647,"p2s":"AAAAAAAAAAA"}"#;
    is_no_token(&t, &compact(header, &claims().to_string(), b"x")).await;
    is_no_token(&t, &format!("{}.AAAA.AAAA", compact(header, "", b"x"))).await;
}

#[tokio::test]
async fn dots_and_megabytes_are_no_token_row_10() {
    let t = Contoso::start().await;
    let token = t.graph_token("ada").await;
    assert_eq!(t.get(ME, &token).await.status, 200);
    for text in [
        ".".repeat(1_000_000),
        "A".repeat(1_000_000),
        format!("{}.{token}", "A".repeat(500_000)),
        format!("{token}."),
    ] {
        opens_nothing(&t, &text).await;
    }
}

#[tokio::test]
async fn an_unknown_critical_member_is_refused_row_11() {
    let (t, own) = certified("").await;
    let header = |more: &str| format!(r#"{{"alg":"RS256","typ":"JWT","x5t":"{}"{more}}}"#, own.x5t());
    assert_eq!(show(&t, CERTIFIED, &own.sign(&header(r#","x":1"#), &claims().to_string())).await.status, 200);
    for more in
        [r#","crit":["x"],"x":1"#, r#","crit":[]"#, r#","crit":null"#, r#","b64":false,"crit":["b64"]"#]
    {
        let no = told(&show(&t, CERTIFIED, &own.sign(&header(more), &claims().to_string())).await);
        assert_eq!(no, "401 invalid_client 700027", "{more}");
    }
    for (token, _) in tokens(&t).await {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": kid(&token), "crit": ["x"] });
        let signed = t.signer(TENANT).await.sign(&header.to_string(), &part(&token, 1).to_string());
        opens_nothing(&t, &signed).await;
    }
}

#[tokio::test]
async fn a_claim_of_the_wrong_kind_is_not_absent_row_12() {
    let (t, own) = certified("").await;
    // What Microsoft's libraries really write.
    let now = NOW.seconds();
    for (name, value) in [
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(now as f64 + 600.5)),
        ("nbf", json!(now as f64)),
    ] {
        assert_eq!(show(&t, CERTIFIED, &own.assertion(&but(name, value))).await.status, 200, "{name}");
    }
    let (late, unread) = ("401 invalid_client 700024", "401 invalid_client 50027");
    for (name, value, no) in [
        ("nbf", json!("99999999999"), late),
        ("exp", json!("1"), late),
        ("exp", json!(null), unread),
        ("exp", json!(-1), unread),
        ("exp", json!([now + 600]), unread),
        ("exp", json!(true), unread),
        ("exp", json!("soon"), unread),
        ("nbf", json!(null), unread),
        ("iat", json!({}), unread),
        ("sub", json!(7), unread),
        ("jti", json!(["1"]), unread),
    ] {
        assert_eq!(told(&show(&t, CERTIFIED, &own.assertion(&but(name, value))).await), no, "{name}");
    }
    let header = format!(r#"{{"alg":"RS256","typ":"JWT","x5t":"{}"}}"#, own.x5t());
    let written = |number: &str| {
        let text = claims().to_string();
        own.sign(&header, &text.replace(&format!("\"exp\":{}", now + 600), &format!("\"exp\":{number}")))
    };
    assert_eq!(show(&t, CERTIFIED, &written(&(now + 599).to_string())).await.status, 200);
    for number in ["1e400", "1e300", "-1e400"] {
        assert_eq!(told(&show(&t, CERTIFIED, &written(number)).await), unread, "{number}");
    }
    for (token, path) in tokens(&t).await {
        let again = t.forge(&token, |_| ()).await;
        assert_eq!(t.get(&path, &again).await.status, 200);
        for name in ["exp", "nbf", "iat", "aud", "iss", "tid", "oid"] {
            for value in [json!(null), json!([part(&token, 1)[name]]), json!({}), json!(true)] {
                opens_nothing(&t, &t.forge(&token, |claims| claims[name] = value).await).await;
            }
        }
        for name in ["exp", "nbf", "iat"] {
            let text = part(&token, 1)[name].to_string();
            opens_nothing(&t, &t.forge(&token, |claims| claims[name] = text.into()).await).await;
        }
    }
}

#[tokio::test]
async fn what_never_ends_is_refused_row_13() {
    let (t, own) = certified("").await;
    let without = |names: &[&str]| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().retain(|name, _| !names.contains(&name.as_str()));
        own.assertion(&claims)
    };
    assert_eq!(show(&t, CERTIFIED, &without(&["iat", "nbf"])).await.status, 200);
    for names in [&["exp"][..], &["exp", "iat"], &["exp", "iat", "nbf"]] {
        assert_eq!(
            told(&show(&t, CERTIFIED, &without(names)).await),
            "401 invalid_client 50027",
            "{names:?}"
        );
    }
    for (token, _) in tokens(&t).await {
        for name in ["exp", "iat", "nbf", "iss", "aud", "tid"] {
            let cut = t
                .forge(&token, |claims| {
                    claims.as_object_mut().unwrap().remove(name);
                })
                .await;
            opens_nothing(&t, &cut).await;
        }
    }
}

#[tokio::test]
async fn an_assertion_for_somebody_else_proves_nothing_here_row_14() {
    let (setup, own) = certified_setup("");
    let t = setup.and(carnet_tests::FABRIKAM).start().await;
    assert_eq!(show(&t, CERTIFIED, &own.assertion(&claims())).await.status, 200);
    for foreign in [
        format!("https://localhost:8443/{}/oauth2/v2.0/token", carnet_tests::OTHER_TENANT),
        "https://localhost:8443/fabrikam.example/v2.0".into(),
        "https://localhost:8443/common/oauth2/v2.0/token".into(),
        format!("https://localhost:8443/{TENANT}/oauth2/v2.0/authorize"),
        format!("https://localhost:8443/{TENANT}/oauth2/v2.0/token/"),
        format!("https://localhost:8443.evil.example/{TENANT}/oauth2/v2.0/token"),
        format!("http://localhost:8443/{TENANT}/oauth2/v2.0/token"),
        "https://evil.example/".into(),
        String::new(),
        CERTIFIED.into(),
    ] {
        let no = told(&show(&t, CERTIFIED, &own.assertion(&but("aud", json!(foreign)))).await);
        assert_eq!(no, "401 invalid_client 700023", "{foreign}");
    }
}

#[tokio::test]
async fn an_audience_is_one_text_row_15() {
    let (t, own) = certified("").await;
    assert_eq!(show(&t, CERTIFIED, &own.assertion(&claims())).await.status, 200);
    for several in [
        json!([audience()]),
        json!([audience(), "https://other.example/token"]),
        json!(["https://other.example/token", audience()]),
        json!({ "0": audience() }),
        json!(null),
        json!(format!("{} https://other.example/token", audience())),
    ] {
        let no = told(&show(&t, CERTIFIED, &own.assertion(&but("aud", several.clone()))).await);
        assert_eq!(no, "401 invalid_client 700023", "{several}");
    }
}

#[tokio::test]
async fn one_applications_assertion_is_not_anothers_row_17() {
    let (folder, x, y) = (tempfile::tempdir().unwrap(), Signer::default(), Signer::default());
    fs::write(folder.path().join("x.pem"), x.pem()).unwrap();
    fs::write(folder.path().join("y.pem"), y.pem()).unwrap();
    let other = "a0000000-0000-4000-8000-00000000000a";
    let tables = format!(
        "[[application]]\nname = \"x\"\nclient_id = \"{CERTIFIED}\"\ncertificates = [\"x.pem\"]\n\
         [[application]]\nname = \"y\"\nclient_id = \"{other}\"\ncertificates = [\"y.pem\", \"x.pem\"]\n"
    );
    let t = Setup::new("", &tables).over(folder).start().await;
    let of_y = json!({ "iss": other, "sub": other });
    let mut both = claims();
    both.as_object_mut().unwrap().extend(of_y.as_object().unwrap().clone());
    assert_eq!(show(&t, other, &y.assertion(&both)).await.status, 200);
    // Signed with a key that both have, and with one that only X has.
    for (client, assertion) in [
        (other, x.assertion(&claims())),
        (CERTIFIED, y.assertion(&both)),
        (CONFIDENTIAL, x.assertion(&claims())),
    ] {
        assert_eq!(told(&show(&t, client, &assertion).await), "401 invalid_client 700021", "{client}");
    }
    let mixed = x.assertion(&but("sub", json!(other)));
    assert_eq!(told(&show(&t, CERTIFIED, &mixed).await), "401 invalid_client 50048");
}

#[tokio::test]
async fn an_assertion_has_its_time_row_18() {
    let (t, own) = certified("").await;
    let now = NOW.seconds();
    let lived = |from: i64, until: i64| {
        let mut claims = claims();
        (claims["nbf"], claims["iat"], claims["exp"]) = (from.into(), from.into(), until.into());
        own.assertion(&claims)
    };
    for (from, until) in [(now - 600, now), (now + 240, now + 840), (now, now + 86_400)] {
        assert_eq!(show(&t, CERTIFIED, &lived(from, until)).await.status, 200, "{from} {until}");
    }
    for (from, until) in [
        (now - 960, now - 360),
        (now + 360, now + 960),
        (now, now + 10 * 365 * 86_400),
        (now, now + 86_401),
        (now + 600, now - 600),
    ] {
        assert_eq!(
            told(&show(&t, CERTIFIED, &lived(from, until)).await),
            "401 invalid_client 700024",
            "{from} {until}"
        );
    }
}
