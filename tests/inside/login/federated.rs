//! Federated credentials: the token of an outside issuer stands for a secret, if it is exactly the one that was
//! configured.

use carnet_tests::{AZURE_CLI, Contoso, FABRIKAM, NOW, OTHER_TENANT, PASSWORD, Reply, setup::Setup};
use carnet_wire::{jose::SigningKey, secret::SecretBytes, token::request::Version};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const CLIENT: &str = "a0000000-0000-4000-8000-00000000000f";
const SUBJECT: &str = "system:serviceaccount:demo:carnet";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// An issuer on this machine, with the number of requests it got.
struct Issuer {
    url: String,
    key: SigningKey,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let made = rcgen::CertificateParams::new(vec!["issuer".into()]).unwrap().self_signed(&pair).unwrap();
        let key = SigningKey::new(&SecretBytes::new(pair.serialize_der()), made.der()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let keys = json!({ "keys": [key.jwk(None)] }).to_string();
        let metadata = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string();
        let count = asked.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).await.unwrap();
                let wants_keys = head[..length].starts_with(b"GET /keys");
                let body = if wants_keys { &keys } else { &metadata };
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, key, asked }
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = NOW.seconds();
        let mut claims = json!({
            "iss": self.url, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 3600,
        });
        change(&mut claims);
        self.key.sign(Version::V2, claims.to_string().as_bytes()).unwrap()
    }

    async fn contoso(&self, trusted: bool) -> Contoso {
        let policy =
            if trusted { format!("danger_allow_issuers = [\"{}\"]", self.url) } else { String::new() };
        let table = format!(
            "[[application]]\nname = \"workload\"\nclient_id = \"{CLIENT}\"\n\
             federated = [{{ name = \"demo\", issuer = \"{}\", subject = \"{SUBJECT}\", audience = \"{AUDIENCE}\" }}]\n",
            self.url
        );
        Contoso::with(&policy, &table).await
    }
}

async fn ask(t: &Contoso, assertion: &str) -> Reply {
    t.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("scope", "https://api.powerplatform.com/.default"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ])
    .await
}

#[tokio::test]
async fn exactly_the_configured_token_stands_for_a_secret_row_57() {
    let issuer = Issuer::start().await;
    let t = issuer.contoso(true).await;
    let token = issuer.token(|_| ());
    // An hour long, and shown as often as its workload likes.
    for _ in 0..2 {
        assert_eq!(ask(&t, &token).await.claims()["appid"], CLIENT);
    }
    for (name, value, no) in [
        ("iss", "https://issuer.example", "401 invalid_client 700211"),
        ("iss", &format!("{}/", issuer.url), "401 invalid_client 700211"),
        ("sub", "system:serviceaccount:demo:other", "401 invalid_client 700213"),
        ("sub", "System:serviceaccount:demo:carnet", "401 invalid_client 700213"),
        ("sub", "system:serviceaccount:demo:*", "401 invalid_client 700213"),
        ("sub", "system:serviceaccount:demo:", "401 invalid_client 700213"),
        ("sub", "system:serviceaccount:demo:carnet:more", "401 invalid_client 700213"),
        ("sub", "system:serviceaccount:demo:carnet ", "401 invalid_client 700213"),
        ("iss", "*", "401 invalid_client 700211"),
        ("iss", &issuer.url.to_uppercase(), "401 invalid_client 700211"),
        ("aud", "api://AzureADTokenExchange/", "401 invalid_client 7002121"),
    ] {
        let wrong = issuer.token(|claims| claims[name] = value.into());
        assert_eq!(ask(&t, &wrong).await.no(), no, "{name} {value}");
    }
    let over = issuer.token(|claims| claims["exp"] = (NOW.seconds() - 301).into());
    assert_eq!(ask(&t, &over).await.no(), "401 invalid_client 700024");
    let stranger = Issuer::start().await;
    let forged = stranger.token(|claims| claims["iss"] = issuer.url.as_str().into());
    assert_eq!(ask(&t, &forged).await.no(), "401 invalid_client 700027");
}

#[tokio::test]
async fn an_issuer_on_this_machine_is_asked_only_where_the_operator_says_so() {
    let issuer = Issuer::start().await;
    let t = issuer.contoso(false).await;
    assert_eq!(ask(&t, &issuer.token(|_| ())).await.no(), "401 invalid_client 700027");
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_the_issuer_once_row_24() {
    let issuer = Issuer::start().await;
    let t = issuer.contoso(true).await;
    let token = issuer.token(|_| ());
    let (_, rest) = token.split_once('.').unwrap();
    for number in 0..1000 {
        let head =
            carnet_wire::jose::encode_base64url(format!(r#"{{"alg":"RS256","kid":"k{number}"}}"#).as_bytes());
        assert_eq!(ask(&t, &format!("{head}.{rest}")).await.no(), "401 invalid_client 700027");
    }
    // Metadata and keys, once.
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
    let _ = ask(&t, &token).await.good();
}

#[tokio::test]
async fn a_credential_counts_in_another_tenant_as_far_as_it_counts_at_home() {
    let issuer = Issuer::start().await;
    let trust = format!("danger_allow_issuers = [\"{}\"]", issuer.url);
    let table = format!(
        "[[application]]\nname = \"workload\"\nclient_id = \"{CLIENT}\"\naudience = \"AzureADMultipleOrgs\"\n\
         federated = [{{ name = \"demo\", issuer = \"{}\", subject = \"{SUBJECT}\", audience = \"{AUDIENCE}\" }}]\n",
        issuer.url
    );
    let trusting =
        FABRIKAM.replace("\n# The same object", &format!("\n[tenant.policy]\n{trust}\n# The same object"));
    // Whether the issuer may be asked is the home tenant's to say.
    for (at_home, other, told) in [(&*trust, FABRIKAM, 200), ("", &*trusting, 401)] {
        let t = Setup::new(at_home, &table).and(other).start().await;
        let fields = [
            ("grant_type", "password"),
            ("client_id", AZURE_CLI),
            ("scope", "https://graph.microsoft.com/.default"),
            ("username", "admin@fabrikam.example"),
            ("password", PASSWORD),
        ];
        let path = format!("/{OTHER_TENANT}/oauth2/v2.0/token");
        let admin = t.form(&path, &fields).await.access_token();
        let made = t.call("POST", "/v1.0/servicePrincipals", &admin, json!({ "appId": CLIENT })).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let asked = issuer.asked.load(Ordering::SeqCst);
        let ask = async |assertion: &str| {
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", CLIENT),
                ("scope", "https://graph.microsoft.com/.default"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion),
            ];
            t.form(&path, &fields).await
        };
        let reply = ask(&issuer.token(|_| ())).await;
        assert_eq!(reply.status, told, "{}", reply.text());
        if told == 200 {
            assert_eq!(reply.claims()["tid"], OTHER_TENANT);
            let other = issuer.token(|claims| claims["sub"] = "system:serviceaccount:demo:other".into());
            assert_eq!(ask(&other).await.no(), "401 invalid_client 700213");
            // A token of ours is no outside issuer's, neither this tenant's nor the home tenant's.
            for tid in [OTHER_TENANT, carnet_tests::TENANT] {
                let ours = issuer
                    .token(|claims| claims["iss"] = format!("https://localhost:8443/{tid}/v2.0").into());
                assert_eq!(ask(&ours).await.no(), "401 invalid_client 700222", "{tid}");
            }
        } else {
            assert_eq!(
                (reply.no().as_str(), issuer.asked.load(Ordering::SeqCst)),
                ("401 invalid_client 700027", asked)
            );
        }
    }
}
