//! What ends a sign-in: the answer that goes back to the client, or a page that says why it does not go on.

use super::{authorize::Good, issue, pages, sign_in};
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    web::error_page,
};
use carnet_store::{
    Once,
    artifact::{Place, code_digest, new_text},
};
use carnet_tenant::{
    authorize::{Admitted, SignedIn},
    token::{Approval, CodeBody, Denial, authorization_code, denial::SessionNo},
};
use carnet_wire::{
    aadsts::error_for,
    authorize::{AuthorizeRequest, Prompt, ResponseMode, Wants},
    ids::TenantId,
    percent,
    secret::AuthorizationCode,
    token::{reply::ClientInfo, request::Version},
};

/// What somebody who is signed in takes back to the client.
pub(super) struct Granted {
    /// What a code would stand for.
    pub(super) body: CodeBody,
    /// The tokens that come from the authorize endpoint itself, where some were asked for.
    pub(super) tokens: Option<Approval>,
}

/// A denial on a page.
pub(super) fn refused(cx: &Context, denial: &Denial) -> Reply {
    error_page::refused(denial, &cx.envelope, None)
}

/// A denial for the client.
pub(super) fn back_with_no(
    cx: &Context,
    request: &AuthorizeRequest,
    admitted: &Admitted,
    denial: &Denial,
) -> Reply {
    let (row, _) = denial.entry();
    let silent = request.rest.as_ref().is_ok_and(|asked| asked.prompt == Prompt::None);
    let error = match denial {
        // Both as documented for the endpoints of admin consent.
        Denial::ConsentDeclined if request.wants == Wants::AdminConsent => match request.version {
            Version::V1 => "permission_denied",
            Version::V2 => "consent_required",
        },
        Denial::ConsentMissing { .. } if silent => "interaction_required",
        Denial::ConsentMissing { .. } => "consent_required",
        // What somebody would be asked for on a page.
        _ if silent && row.suberror == Some("basic_action") => "interaction_required",
        // An authorization answer has no `invalid_grant` (RFC 6749, 4.1.2.1): somebody has to sign in anew, or
        // to do something that a page asks for (OpenID Connect Core, 3.1.2.6).
        Denial::Session(SessionNo::Ended | SessionNo::PasswordChanged | SessionNo::TooOld) => {
            "login_required"
        }
        _ => match denial.error_name().unwrap_or_else(|| error_for(row, request.version)) {
            "invalid_grant" => "interaction_required",
            other => other,
        },
    };
    let mut fields = no_fields(cx, error, denial);
    if request.wants == Wants::AdminConsent && request.version == Version::V2 {
        fields.insert(0, ("admin_consent", "True".to_owned()));
    }
    back(request, admitted, fields)
}

/// The fields of a no.
pub(super) fn no_fields(cx: &Context, error: &str, denial: &Denial) -> Vec<(&'static str, String)> {
    let (row, sentence) = denial.entry();
    let ids = &cx.envelope;
    let description = format!(
        "AADSTS{}: {sentence} Trace ID: {} Correlation ID: {} Timestamp: {}",
        row.number,
        ids.trace,
        ids.correlation,
        ids.now.plain()
    );
    let mut fields = vec![
        ("error", error.to_owned()),
        ("error_description", description),
        ("error_uri", format!("{}/error?code={}", ids.origin.login(), row.number)),
    ];
    fields.extend(denial.challenge().map(|it| ("claims", it.json())));
    fields
}

/// Sends back what was asked for: a code, which is kept, tokens, or both. Where a page asked for it, the
/// page is used up.
///
/// # Errors
/// [`Failure::PageUsed`] when another post of the page was faster; the rest of [`Failure`]
pub(super) async fn give(
    cx: &Context,
    good: &Good,
    signed_in: &SignedIn<'_>,
    Granted { body, tokens }: Granted,
    once: Option<Once>,
) -> Result<Reply, Failure> {
    let (tenant, asked) = (&good.directory.tenant, &good.asked);
    let mut fields = Vec::new();
    let code = match asked.response.code {
        true => Some(keep_code(cx, tenant.id, body, once).await?),
        false => {
            if let Some(once) = once {
                cx.state.store.spend(once).await?;
            }
            None
        }
    };
    if let Some(code) = &code {
        fields.push(("code", code.expose().to_owned()));
    }
    if let Some(approval) = tokens {
        let mut record =
            sign_in::page_record(cx, &good.directory, &good.admitted.client, Some(signed_in.user));
        record.resource = asked.response.token.then_some(approval.resource.principal.app_id);
        let tokens =
            issue::front_channel(cx, tenant, &approval, asked.response, (code.as_ref(), record)).await?;
        if let Some(access) = tokens.access {
            fields.push(("access_token", access));
            fields.push(("token_type", "Bearer".to_owned()));
            // As at the token endpoint, one second less than the token lives.
            fields.push(("expires_in", (approval.lifetime - 1).to_string()));
            fields.extend(approval.scope_text.map(|text| ("scope", text)));
        }
        fields.extend(tokens.id.map(|text| ("id_token", text)));
    }
    fields.push(("session_state", signed_in.session.to_string()));
    if asked.client_info {
        let info = ClientInfo { uid: signed_in.user.id, utid: tenant.id };
        fields.push(("client_info", info.encode()));
    }
    Ok(back(&good.request, &good.admitted, fields))
}

async fn keep_code(
    cx: &Context,
    tenant: TenantId,
    body: CodeBody,
    once: Option<Once>,
) -> Result<AuthorizationCode, Failure> {
    let text = AuthorizationCode::new(new_text(cx.now(), &*cx.state.entropy));
    let place = Place {
        tenant,
        family: body.family,
        user: body.user,
        created: cx.now(),
        expires: cx.now().plus_seconds(authorization_code::LIFETIME),
    };
    cx.state.store.put_code(&code_digest(&text), place, body, once).await?;
    Ok(text)
}

/// Tells a client that an administrator consented.
pub(super) fn consented(good: &Good) -> Reply {
    let mut fields = vec![("admin_consent", "True".to_owned())];
    fields.push(("tenant", good.directory.tenant.id.to_string()));
    if good.request.version == Version::V2 {
        fields.push(("scope", good.asked.scope.clone()));
    }
    back(&good.request, &good.admitted, fields)
}

/// Sends fields to the client, by its response mode.
pub(super) fn back(
    request: &AuthorizeRequest,
    admitted: &Admitted,
    mut fields: Vec<(&'static str, String)>,
) -> Reply {
    // No `iss` (RFC 9207): Microsoft Entra sends none and announces none, and over `common` it could never equal
    // the issuer of the metadata, which clients that check it compare it with.
    if let Some(state) = &request.state {
        fields.push(("state", state.clone()));
    }
    let uri = with_path(&admitted.redirect_uri);
    match request.mode {
        ResponseMode::FormPost => pages::form_post(&uri, &fields),
        ResponseMode::Fragment => Reply::see_other(&format!("{uri}#{}", pairs(&fields))),
        ResponseMode::Query => Reply::see_other(&with_query(&uri, &fields)),
    }
}

/// An address with a path: Entra sends one without to its slash.
fn with_path(uri: &str) -> String {
    let bare = uri.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?']));
    if bare { format!("{uri}/") } else { uri.to_owned() }
}

fn pairs(fields: &[(&'static str, String)]) -> String {
    let each: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", percent::encode(value))).collect();
    each.join("&")
}

/// An address with fields in its query.
pub(super) fn with_query(uri: &str, fields: &[(&'static str, String)]) -> String {
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{}{separator}{}", with_path(uri), pairs(fields))
}
