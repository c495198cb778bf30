//! Who asks too often, and when the service itself is at fault (4.8 of the reference).

use super::*;

pub(super) async fn rows(table: &mut Table) {
    loops(table).await;
    floods(table).await;
    let free = Contoso::with("", APPLICATIONS).await;
    for _ in 0..20 {
        password(&free, "ada", &[]).await.good();
    }
    crowd(table, &free).await;
    faults(table, &free).await;
}

/// More passwords at once than may wait.
async fn crowd(table: &mut Table, t: &Contoso) {
    let all = futures_util::future::join_all((0..100).map(|_| password(t, "ada", &[]))).await;
    let (busy, good): (Vec<_>, Vec<_>) = all.iter().partition(|reply| reply.status == 503);
    assert!(!good.is_empty() && good.iter().all(|reply| reply.status == 200));
    assert_eq!(busy[0].header("retry-after"), "1");
    table.add(90_033, "a hundred passwords at once", "503 temporarily_unavailable", busy[0]);
}

/// A store that is damaged, and one that is away.
async fn faults(table: &mut Table, t: &Contoso) {
    let file = rusqlite::Connection::open(t.folder().join("carnet.db")).unwrap();
    let harm = "update object set body = x'00' where kind = 'user'";
    assert!(file.execute(harm, []).unwrap() > 0);
    let broken = password(t, "admin", &[]).await;
    table.add(50_000, "an account that is damaged in the store", "500 server_error", &broken);
    assert!(!broken.text().contains("store") && !broken.text().contains("damaged"));
    let browser = Browser::new(t);
    let account = open(&browser, TENANT, PAGES, &[]).await;
    let asked = browser.submit(&account, &[("username", "ada@contoso.example")]).await;
    t.store.close().await;
    let away = password(t, "admin", &[]).await;
    assert_eq!(away.header("retry-after"), "1");
    table.add(90_006, "a store that is away", "503 temporarily_unavailable", &away);
    // MSAL4J leaves it at the `Accept` of Java's HttpURLConnection, and reads JSON.
    let mut java = form(
        &format!("/{TENANT}/oauth2/v2.0/token"),
        &[
            ("grant_type", "client_credentials"),
            ("client_id", FRONT),
            ("client_secret", "x"),
            ("scope", SCOPE),
        ],
    );
    let accept = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2";
    java.headers_mut().insert("accept", http::HeaderValue::from_static(accept));
    let reply = t.send(java).await;
    assert_eq!((reply.status, reply.no().as_str()), (503, "503 temporarily_unavailable 90006"));
    // Whoever looks at it gets a page.
    let mut typed = carnet_tests::browser::submission(&asked, &[("passwd", PASSWORD)]);
    typed.headers_mut().insert("accept", http::HeaderValue::from_static("text/html,*/*;q=0.8"));
    let page = browser.send(typed).await;
    assert_eq!((page.status, page.header("retry-after"), &*told(&page)), (503, "1", "page 90006"));
    assert!(page.text().contains("Wait a moment"));
}

/// One user through one client for the same, again and again.
async fn loops(table: &mut Table) {
    let t = Contoso::with("repeats_per_minute = 3", APPLICATIONS).await;
    for _ in 0..3 {
        password(&t, "ada", &[]).await.good();
    }
    let round = password(&t, "ada", &[]).await;
    table.add(50_196, "the same token a fourth time in a minute", "400 invalid_grant", &round);
    password(&t, "admin", &[]).await.good();
    let other = [("client_id", FRONT), ("scope", "api://middle/act")];
    password(&t, "ada", &other).await.good();
    // Each grant is counted for itself, and a browser that comes round is stopped on a page.
    let browser = Browser::new(&t);
    assert!(back(&sign_in(&browser, "ada", PAGES, &[]).await).contains_key("code"));
    let silent = [("prompt", "none")];
    for _ in 0..2 {
        assert!(back(&open(&browser, TENANT, PAGES, &silent).await).contains_key("code"));
    }
    assert_eq!(told(&open(&browser, TENANT, PAGES, &[]).await), "page 50196");
    assert_eq!(told(&open(&browser, TENANT, PAGES, &silent).await), "back interaction_required 50196");
    t.later(60);
    password(&t, "ada", &[]).await.good();
    assert!(back(&open(&browser, TENANT, PAGES, &[]).await).contains_key("code"));
}

/// A tenant that asks more than it may.
async fn floods(table: &mut Table) {
    let tables = format!("{APPLICATIONS}\n{SPA_TABLE}");
    let t = Setup::new("requests_per_minute = 4", &tables).and(FABRIKAM).start().await;
    // Who proves nothing uses nothing up.
    for _ in 0..9 {
        assert_eq!(password(&t, "ada", &[("grant_type", "")]).await.no(), "400 invalid_request 900144");
        assert_eq!(password(&t, "ada", &[("password", "Wrong-1")]).await.no(), "400 invalid_grant 50126");
        assert_eq!(refresh(&t, TENANT, PAGES, "1.x").await.no(), "400 invalid_grant 9002313");
    }
    for _ in 0..3 {
        password(&t, "ada", &[]).await.good();
    }
    // The client proved itself, if not its user.
    let api = [("client_id", API), ("client_secret", carnet_tests::SECRET), ("password", "Wrong-1")];
    assert_eq!(password(&t, "ada", &api).await.no(), "400 invalid_grant 50126");
    t.later(10);
    let flood = password(&t, "ada", &[]).await;
    assert_eq!(flood.header("retry-after"), "50");
    table.add(90_055, "a tenant's fifth request in a minute", "429 temporarily_unavailable", &flood);
    let fields = [("grant_type", "refresh_token"), ("client_id", SPA), ("refresh_token", "1.x")];
    let mut script = form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields);
    script.headers_mut().insert("origin", http::HeaderValue::from_static("https://spa.example"));
    let script = t.send(script).await;
    assert_eq!(script.no(), "429 temporarily_unavailable 90055");
    assert_eq!(script.header("access-control-allow-origin"), "https://spa.example");
    assert!(script.header("access-control-expose-headers").contains("retry-after"));
    let fields = [
        ("grant_type", "password"),
        ("client_id", carnet_tests::AZURE_CLI),
        ("scope", "https://graph.microsoft.com/.default"),
        ("username", "ada@fabrikam.example"),
        ("password", PASSWORD),
    ];
    t.form(&format!("/{}/oauth2/v2.0/token", carnet_tests::OTHER_TENANT), &fields).await.good();
    t.later(50);
    password(&t, "ada", &[]).await.good();
}
