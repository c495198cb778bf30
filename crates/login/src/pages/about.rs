//! The page at `/`: what this server is, and how a client is pointed at it.

use carnet_http::{
    context::Origin,
    reply::Reply,
    web::page::{Forms, escape, name, page},
};
use carnet_tenant::tenant::Tenant;
use std::{fmt::Write, sync::Arc};

/// How many tenants the page names.
const TENANTS: usize = 20;

/// What the page says of the server.
pub struct About<'a> {
    /// The names under which the server was asked.
    pub origin: &'a Origin,
    /// All tenants.
    pub tenants: &'a [Arc<Tenant>],
    /// SHA-256 of the certificates that clients have to trust; empty where the operator brought the certificate.
    pub authorities: &'a [String],
}

/// The page at `/`.
pub fn about(server: &About<'_>) -> Reply {
    let body = format!(
        "<h1>Carnet</h1><p>This server is an identity provider that speaks the protocols of Microsoft Entra ID. It also serves \
         parts of Microsoft Graph and of the Power Platform API.</p>\
         <p>To sign in, open the application that you want to use. \
         <a href=\"/devicelogin\">Enter a code from a device</a></p>{}{}{}{}\
         <p class=\"quiet\">Not a Microsoft service.</p>",
        tenants(server),
        endpoints(server.origin),
        clients(server),
        certificates(server.authorities),
    );
    page("Carnet", &body, None, Forms::Nowhere)
}

fn tenants(server: &About<'_>) -> String {
    let mut list = String::from("<h2>Tenants</h2>");
    if server.tenants.is_empty() {
        return list + "<p>There is no tenant yet.</p>";
    }
    list.push_str("<dl>");
    for tenant in server.tenants.iter().take(TENANTS) {
        let domain = tenant.domains.first().map_or("", String::as_str);
        let _ = write!(
            list,
            "<dt>{}</dt><dd>{}<br><code>{}</code></dd>",
            name(&tenant.display_name),
            escape(domain),
            tenant.id
        );
    }
    list.push_str("</dl>");
    match server.tenants.len() - server.tenants.len().min(TENANTS) {
        0 => list,
        more => format!("{list}<p>And {more} more.</p>"),
    }
}

fn endpoints(origin: &Origin) -> String {
    let rows = [
        ("Authority", format!("{}/{{tenant}}", origin.login())),
        (
            "OpenID Connect metadata",
            format!("{}/{{tenant}}/v2.0/.well-known/openid-configuration", origin.login()),
        ),
        ("Microsoft Graph", format!("{}/v1.0", origin.graph())),
        ("Power Platform API", origin.power_platform()),
        ("Power Platform administration API (BAP)", origin.bap()),
    ];
    let mut list = String::from("<h2>Endpoints</h2><dl>");
    for (what, url) in rows {
        let _ = write!(list, "<dt>{what}</dt><dd><code>{}</code></dd>", breakable(&url));
    }
    list + "</dl><p>{tenant} is the id or the domain of a tenant, <code>organizations</code> or <code>common</code>.</p>"
}

fn clients(server: &About<'_>) -> String {
    let tenant = server.tenants.first().and_then(|tenant| tenant.domains.first());
    let authority = [server.origin.login().as_str(), "/", tenant.map_or("{tenant}", |it| it)].concat();
    format!(
        "<h2>Connect a client</h2><p>Give MSAL this authority, and turn its instance discovery off or name this host as a known \
         authority:</p><p class=\"exact\">{0}</p><p>Libraries that read <code>AZURE_AUTHORITY_HOST</code> take \
         <code>{1}</code> there. The client has to trust the certificate of this server.</p>",
        breakable(&authority),
        breakable(&server.origin.login()),
    )
}

fn certificates(authorities: &[String]) -> String {
    let mut list = String::from("<h2>Certificate</h2>");
    if authorities.is_empty() {
        return list + "<p>The operator chose the certificate of this server.</p>";
    }
    list.push_str(
        "<p>The certificate of this server is signed by its own certificate authority. Copy <code>ca.pem</code> from the \
         server's data folder and trust it where the client runs; its SHA-256 fingerprint is:</p>",
    );
    for fingerprint in authorities {
        let _ = write!(list, "<p class=\"exact\">{}</p>", breakable(fingerprint));
    }
    list
}

/// An address or fingerprint, escaped, that a narrow page breaks at its marks and not inside a word.
fn breakable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for part in text.split_inclusive(['/', '.', ':', '-']) {
        out.push_str(&escape(part));
        out.push_str("<wbr>");
    }
    out
}
