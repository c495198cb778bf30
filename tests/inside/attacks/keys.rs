//! 6.1, rows 19 to 26: keys, certificates, and what serves one purpose only.

use super::*;
use carnet_tests::{
    PASSWORD,
    browser::{Browser, query},
    part,
};

#[tokio::test]
async fn a_certificate_that_was_taken_away_proves_nothing_row_19() {
    let (t, own) = certified("").await;
    let second = Signer::default();
    let held = |signers: &[&Signer]| {
        let one =
            |it: &&Signer| json!({ "type": "AsymmetricX509Cert", "usage": "Verify", "key": it.base64() });
        json!({ "keyCredentials": signers.iter().map(one).collect::<Vec<_>>() })
    };
    let ask = async |signer: &Signer| show(&t, CERTIFIED, &signer.assertion(&claims())).await;
    assert_eq!(patch(&t, CERTIFIED, held(&[&own, &second])).await.status, 204);
    assert_eq!((ask(&own).await.status, ask(&second).await.status), (200, 200));
    assert_eq!(patch(&t, CERTIFIED, held(&[&second])).await.status, 204);
    assert_eq!(told(&ask(&own).await), "401 invalid_client 700027");
    assert_eq!(ask(&second).await.status, 200);
    // Without any certificate Entra has a number of its own.
    assert_eq!(patch(&t, CERTIFIED, held(&[])).await.status, 204);
    assert_eq!(told(&ask(&second).await), "401 invalid_client 700026");
    assert_eq!(patch(&t, CERTIFIED, held(&[&own])).await.status, 204);
    assert_eq!(ask(&own).await.status, 200);
    let token = t.graph_token("admin").await;
    let path = format!("/v1.0/applications(appId='{CERTIFIED}')");
    assert_eq!(t.call("DELETE", &path, &token, Value::Null).await.status, 204);
    assert_eq!(told(&ask(&own).await), "400 unauthorized_client 700016");

    // One that has ended, and one whose end comes.
    let folder = tempfile::tempdir().unwrap();
    let (ended, ending) = (Signer::new(-1), Signer::new(1));
    fs::write(folder.path().join("cert.pem"), ended.pem()).unwrap();
    fs::write(folder.path().join("next.pem"), ending.pem()).unwrap();
    let table = format!(
        "[[application]]\nname = \"cert\"\nclient_id = \"{CERTIFIED}\"\ncertificates = [\"cert.pem\", \"next.pem\"]\n"
    );
    let t = Contoso::over(folder, "", &table).await;
    assert_eq!(told(&show(&t, CERTIFIED, &ended.assertion(&claims())).await), "401 invalid_client 700027");
    assert_eq!(show(&t, CERTIFIED, &ending.assertion(&claims())).await.status, 200);
    t.later(86_400);
    let late = ending.assertion(&but("exp", json!(NOW.seconds() + 86_400)));
    assert_eq!(told(&show(&t, CERTIFIED, &late).await), "401 invalid_client 700027");
}

/// A DER value.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let head: &[u8] = if body.len() < 128 { &[tag, length[3]] } else { &[tag, 0x82, length[2], length[3]] };
    [head, &body].concat()
}

/// A certificate over an RSA key, that names this signature algorithm; nothing signed it.
fn certificate_over(modulus: &[u8], exponent: &[u8], algorithm: u8) -> String {
    use base64::Engine as _;
    let number = |bytes: &[u8]| der(2, &[if bytes[0] < 128 { &[] } else { &[0] }, bytes]);
    let named = |last: u8| der(0x30, &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01", &[last], b"\x05\x00"]);
    let key = der(0x30, &[&number(modulus), &number(exponent)]);
    let info = der(0x30, &[&named(1), &der(3, &[&[0], &key])]);
    let validity = der(0x30, &[&der(0x17, &[b"260101000000Z"]), &der(0x17, &[b"400101000000Z"])]);
    let name = der(0x30, &[&der(0x31, &[&der(0x30, &[b"\x06\x03\x55\x04\x03", &der(0x0c, &[b"x"])])])]);
    let body =
        der(0x30, &[b"\xa0\x03\x02\x01\x02", &[2, 1, 1], &named(algorithm), &name, &validity, &name, &info]);
    let whole = der(0x30, &[&body, &named(algorithm), &der(3, &[&[0], &[7; 256]])]);
    base64::engine::general_purpose::STANDARD.encode(whole)
}

/// 65537 to the power of 128: a modulus with the fingerprint of ROCA (CVE-2017-15361).
fn weakly_made() -> Vec<u8> {
    let mut number = vec![1_u8];
    for _ in 0..128 {
        let shifted = [&number[..], &[0, 0]].concat();
        let mut carry = 0_u16;
        let padded = [vec![0; 2], number].concat();
        let mut sum: Vec<u8> = shifted
            .iter()
            .rev()
            .zip(padded.iter().rev())
            .map(|(a, b)| {
                let all = u16::from(*a) + u16::from(*b) + carry;
                carry = all >> 8;
                all.to_be_bytes()[1]
            })
            .collect();
        if carry > 0 {
            sum.push(1);
        }
        sum.reverse();
        number = sum;
    }
    number
}

#[tokio::test]
async fn a_weak_certificate_is_not_taken_row_20() {
    let t = Contoso::start().await;
    let upload = async |key: &str| {
        let body =
            json!({ "keyCredentials": [{ "type": "AsymmetricX509Cert", "usage": "Verify", "key": key }] });
        patch(&t, CONFIDENTIAL, body).await
    };
    let good = Signer::default();
    let (modulus, public) = (good.modulus(), &[1, 0, 1][..]);
    const SHA256: u8 = 11;
    assert_eq!(upload(&certificate_over(modulus, public, SHA256)).await.status, 204);
    let long = |bytes: usize| [&[0xc1_u8][..], &vec![0x55; bytes - 2], &[0x0f]].concat();
    assert_eq!(upload(&certificate_over(&long(512), public, SHA256)).await.status, 204);
    let even = [&modulus[..255], &[modulus[255] & 0xfe]].concat();
    for (what, certificate) in [
        ("1024 bits", certificate_over(&long(128), public, SHA256)),
        ("2040 bits", certificate_over(&long(255), public, SHA256)),
        ("16384 bits", certificate_over(&long(2048), public, SHA256)),
        ("an even modulus", certificate_over(&even, public, SHA256)),
        ("exponent 3", certificate_over(modulus, &[3], SHA256)),
        ("exponent 1", certificate_over(modulus, &[1], SHA256)),
        ("MD5", certificate_over(modulus, public, 4)),
        ("SHA-1", certificate_over(modulus, public, 5)),
        ("ROCA", certificate_over(&weakly_made(), public, SHA256)),
        ("no certificate", "AAAA".into()),
    ] {
        assert_eq!(refusal(&upload(&certificate).await), "400 Request_BadRequest", "{what}");
    }
}

#[tokio::test]
async fn a_cut_or_lengthened_token_is_another_row_21() {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC]).await;
    let (refresh, code, begun) = (refresh_token(&t).await, t.code("ada").await, device(&t).await);
    let device_code = begun["device_code"].as_str().unwrap();
    let altered = |text: &str| {
        let short = |by: usize| text[..text.len() - by].to_owned();
        [
            short(1),
            short(8),
            short(text.len() / 2),
            text[1..].to_owned(),
            format!("{text}A"),
            format!("{text}="),
            format!("{text} "),
            format!(" {text}"),
            format!("{text}\n"),
            text.to_lowercase(),
            format!("{text}.{text}"),
        ]
    };
    for text in altered(&refresh) {
        assert!(told(&t.token(&refreshing(&text)).await).starts_with("400 invalid_grant"), "{text}");
    }
    for text in altered(&code) {
        assert!(told(&t.redeem(&text).await).starts_with("400 invalid_grant"), "{text}");
    }
    for text in altered(device_code) {
        let no = told(&t.token(&polling(PUBLIC, &json!({ "device_code": text }))).await);
        assert!(no.starts_with("400") && !no.contains("authorization_pending"), "{text} {no}");
    }
    assert_eq!(told(&t.token(&polling(PUBLIC, &begun)).await), "400 authorization_pending 70016");
    assert_eq!(t.token(&refreshing(&refresh)).await.status, 200);
    assert_eq!(t.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn a_token_has_one_spelling_row_22() {
    let (t, own) = certified("").await;
    // 256 bytes leave four bits of the last letter unused.
    let slack = |text: &str| {
        const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = LETTERS.find(text.chars().last().unwrap()).unwrap();
        format!("{}{}", &text[..text.len() - 1], &LETTERS[at + 1..at + 2])
    };
    let spelled = |token: &str| {
        let parts: Vec<&str> = token.split('.').collect();
        let mut all = vec![
            slack(token),
            format!("{token}="),
            format!("{token}=="),
            format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
            format!("{}.{}==.{}", parts[0], parts[1], parts[2]),
            format!("{}. {}.{}", parts[0], parts[1], parts[2]),
            format!("{}\t.{}.{}", parts[0], parts[1], parts[2]),
            format!("{token}A"),
            format!("{token}%3D"),
        ];
        all.extend(Some(token.replace('-', "+").replace('_', "/")).filter(|other| other != token));
        all
    };
    for (token, path) in tokens(&t).await {
        assert_eq!(token.rsplit_once('.').unwrap().1.len(), 342);
        for other in spelled(&token) {
            assert_ne!(other, token);
            opens_nothing(&t, &other).await;
        }
        assert_eq!(t.get(&path, &token).await.status, 200);
    }
    let assertion = own.assertion(&claims());
    for other in spelled(&assertion) {
        assert!(told(&show(&t, CERTIFIED, &other).await).starts_with("401 invalid_client"), "{other}");
    }
    assert_eq!(show(&t, CERTIFIED, &assertion).await.status, 200);
}

#[tokio::test]
async fn a_member_stands_once_row_23() {
    let (t, own) = certified("").await;
    let doubled = |text: &str, name: &str, value: &str| {
        format!("{},\"{name}\":{value}}}", text.strip_suffix('}').unwrap())
    };
    for (token, path) in tokens(&t).await {
        let (header, claims) = (part(&token, 0).to_string(), part(&token, 1));
        let signer = t.signer(TENANT).await;
        assert_eq!(t.get(&path, &signer.sign(&header, &claims.to_string())).await.status, 200);
        for name in ["aud", "exp", "tid", "oid"] {
            let twice = doubled(&claims.to_string(), name, &claims[name].to_string());
            opens_nothing(&t, &signer.sign(&header, &twice)).await;
        }
        for (name, value) in [("alg", r#""RS256""#), ("kid", r#""x""#), ("typ", r#""JWT""#)] {
            opens_nothing(&t, &signer.sign(&doubled(&header, name, value), &claims.to_string())).await;
        }
        let deep = doubled(&claims.to_string(), "x", r#"{"a":1,"a":2}"#);
        opens_nothing(&t, &signer.sign(&header, &deep)).await;
    }
    let header = format!(r#"{{"alg":"RS256","typ":"JWT","x5t":"{}"}}"#, own.x5t());
    for (name, value) in [
        ("aud", json!(audience()).to_string()),
        ("exp", "99999999999".into()),
        ("sub", json!(CERTIFIED).to_string()),
    ] {
        let twice = own.sign(&header, &doubled(&claims().to_string(), name, &value));
        assert_eq!(told(&show(&t, CERTIFIED, &twice).await), "401 invalid_client 50027", "{name}");
    }
    let twice = own.sign(&doubled(&header, "alg", r#""RS256""#), &claims().to_string());
    assert_eq!(told(&show(&t, CERTIFIED, &twice).await), "401 invalid_client 50027");
}

#[test]
fn private_keys_are_used_by_the_crypto_library_alone_row_25() {
    // RUSTSEC-2023-0071 has no mend: the crate is in nothing that is built.
    let locked = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    assert!(locked.contains("name = \"aws-lc-rs\""));
    assert!(!locked.contains("name = \"rsa\""));
}

#[tokio::test]
async fn what_serves_one_purpose_serves_no_other_row_26() {
    let t = Contoso::start().await;
    t.registered(&[PUBLIC]).await;
    let scope = "https://graph.microsoft.com/.default openid profile offline_access";
    let reply = t.by_password(carnet_tests::AZURE_CLI, "ada", scope).await;
    let (access, body) = (reply.access_token(), reply.good());
    assert_eq!(t.get(ME, &access).await.status, 200);
    let browser = Browser::new(&t);
    let _ = browser.sign_in(&query(PUBLIC, &[]), "ada", PASSWORD).await;
    let session = browser.cookie("__Host-carnet-session").unwrap();
    let code = t.code("ada").await;
    let begun = device(&t).await;
    let (id_token, refresh) = (body["id_token"].as_str().unwrap(), body["refresh_token"].as_str().unwrap());
    for other in [
        id_token,
        refresh,
        &code,
        begun["device_code"].as_str().unwrap(),
        begun["user_code"].as_str().unwrap(),
        &session,
        session.split_once('.').unwrap().1,
        &browser.cookie("__Host-carnet-browser").unwrap(),
        SECRET,
    ] {
        opens_nothing(&t, other).await;
    }
    // And none of them where another is asked for.
    for other in [id_token, &access, &code, begun["device_code"].as_str().unwrap(), &session] {
        assert!(told(&t.token(&refreshing(other)).await).starts_with("400 invalid_grant"), "{other}");
    }
    for other in [id_token, &access, refresh, begun["device_code"].as_str().unwrap(), &session] {
        assert!(told(&t.redeem(other).await).starts_with("400 invalid_grant"), "{other}");
        let no = told(&t.token(&polling(PUBLIC, &json!({ "device_code": other }))).await);
        assert!(no.starts_with("400"), "{other} {no}");
    }
    assert_eq!(t.redeem(&code).await.status, 200);
}
