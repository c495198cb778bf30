//! Scripts in browsers: which of them may read what Graph answers (`security.md`, S23).

use bytes::Bytes;
use carnet_tests::{Contoso, FABRIKAM, OTHER_TENANT, PASSWORD, Reply, setup::Setup};
use http::Request;

const HOME: &str = "https://spa.example";
const TABLE: &str = "[[application]]\nname = \"spa\"\nclient_id = \"a0000000-0000-4000-8000-0000000000a1\"\n\
    redirect_uris = { spa = [\"https://spa.example/cb\", \"http://localhost/cb\"], web = [\"https://web.example/cb\"] }\n";
const FOREIGN: [&str; 4] =
    ["https://evil.example", "null", "https://web.example", "https://spa.example.evil.example"];

struct Script<'a> {
    t: &'a Contoso,
    origin: &'a str,
}

impl Script<'_> {
    async fn send(&self, method: &str, path: &str, token: &str) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost:8443")
            .header("origin", self.origin);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.t.send(request.body(Bytes::new()).unwrap()).await
    }

    async fn preflight(&self, path: &str) -> Reply {
        let request = Request::builder()
            .method("OPTIONS")
            .uri(path)
            .header("host", "localhost:8443")
            .header("origin", self.origin)
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,content-type,client-request-id");
        self.t.send(request.body(Bytes::new()).unwrap()).await
    }
}

fn allowed(reply: &Reply) -> &str {
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    reply.header("access-control-allow-origin")
}

#[tokio::test]
async fn scripts_of_registered_single_page_origins_read_answers_and_refusals_row_76() {
    let t = Contoso::with("", TABLE).await;
    let token = t.graph_token("admin").await;
    for (path, token, status) in [
        ("/v1.0/me", token.as_str(), 200),
        ("/beta/users", &token, 200),
        ("/v1.0/me/memberOf", &token, 200),
        ("/v1.0/users/nobody@contoso.example", &token, 404),
        ("/v1.0/no/such/path", &token, 400),
        ("/v1.0/me", "", 401),
        ("/v1.0/me", "nonsense", 401),
        ("/oidc/userinfo", &token, 200),
    ] {
        for origin in [HOME, "http://localhost:5173"] {
            let reply = Script { t: &t, origin }.send("GET", path, token).await;
            assert_eq!((reply.status, allowed(&reply)), (status, origin), "{path}");
            assert!(reply.header("access-control-expose-headers").contains("request-id"), "{path}");
            assert_eq!(reply.header("vary"), "Origin");
        }
        for origin in FOREIGN {
            let reply = Script { t: &t, origin }.send("GET", path, token).await;
            assert_eq!((reply.status, allowed(&reply)), (status, ""), "{path} {origin}");
        }
        assert_eq!(allowed(&t.get(path, token).await), "", "{path}");
    }
    let reply = Script { t: &t, origin: HOME }.send("DELETE", "/v1.0/groups/x", &token).await;
    assert_eq!((reply.status, allowed(&reply)), (404, HOME));
}

#[tokio::test]
async fn a_preflight_of_any_path_and_method_is_allowed_to_registered_origins_alone() {
    let t = Contoso::with("", TABLE).await;
    for path in ["/v1.0/me", "/beta/applications/x", "/v1.0/groups/x/members/$ref", "/oidc/userinfo"] {
        for origin in [HOME, "http://localhost:5173"] {
            let reply = Script { t: &t, origin }.preflight(path).await;
            assert_eq!((reply.status, allowed(&reply)), (204, origin), "{path}");
            assert_eq!(
                reply.header("access-control-allow-headers"),
                "authorization,content-type,client-request-id"
            );
            // Userinfo is no part of Graph on this server's own name, and has two methods.
            let changes = reply.header("access-control-allow-methods").contains("PATCH");
            assert_eq!(changes, path != "/oidc/userinfo", "{path}");
        }
        for origin in FOREIGN {
            let reply = Script { t: &t, origin }.preflight(path).await;
            assert_eq!((reply.status, allowed(&reply)), (204, ""), "{path} {origin}");
            assert_eq!(reply.header("access-control-allow-methods"), "");
        }
    }
    // Without the header that makes it a preflight it is a method that no path has.
    let reply = Script { t: &t, origin: HOME }.send("OPTIONS", "/v1.0/me", "").await;
    assert_eq!(reply.status, 405);
}

#[tokio::test]
async fn an_origin_of_one_tenant_reads_nothing_of_another() {
    let t = Setup::new("", TABLE).and(FABRIKAM).start().await;
    let scope = "https://graph.microsoft.com/.default";
    let fields = [
        ("grant_type", "password"),
        ("username", "admin@fabrikam.example"),
        ("password", PASSWORD),
        ("client_id", carnet_tests::AZURE_CLI),
        ("scope", scope),
    ];
    let path = format!("/{OTHER_TENANT}/oauth2/v2.0/token");
    let foreign = t.form(&path, &fields).await.access_token();
    let script = Script { t: &t, origin: HOME };
    let reply = script.send("GET", "/v1.0/me", &foreign).await;
    assert_eq!((reply.status, allowed(&reply)), (200, ""));
    let refused = script.send("GET", "/v1.0/users/nobody", &foreign).await;
    assert_eq!((refused.status, allowed(&refused)), (404, ""));
    let own = script.send("GET", "/v1.0/me", &t.graph_token("ada").await).await;
    assert_eq!((own.status, allowed(&own)), (200, HOME));
}
