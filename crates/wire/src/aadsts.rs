//! The table of AADSTS codes. The token service answers from it and the client looks numbers up in it. Numbers, OAuth
//! errors and statuses are Microsoft's (Microsoft Entra authentication and authorization error codes). The sentences
//! are Carnet's own and are in `carnet_tenant`'s `Denial`.

use crate::token::request::Version;

/// One AADSTS code and what an answer shows besides its sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The number after `AADSTS`.
    pub number: u32,
    /// The OAuth `error` value of the v2.0 endpoint.
    pub error: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The `suberror` value, if Entra sends one with this code.
    pub suberror: Option<&'static str>,
    /// The step of the setup that fixes the cause.
    pub step: Step,
    /// True if the code was observed with this error and status, false if they were inferred from documentation.
    pub observed: bool,
}

/// The part of the setup in which an error is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Step 1: the application registration.
    Registration,
    /// Step 2: API permissions and admin consent.
    Permissions,
    /// Step 3: the public client switch.
    PublicClient,
    /// Step 4: certificates and secrets.
    Credentials,
    /// Step 5: the token request itself.
    RequestToken,
    /// The user's account or a policy on it, not the setup.
    Account,
    /// The service; the request may be repeated.
    Service,
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = ($number:literal, $error:literal, $status:literal, $suberror:expr, $step:ident, $observed:literal);)*) => {
        $($(#[$doc])* pub const $name: Row = Row {
            number: $number, error: $error, status: $status, suberror: $suberror, step: Step::$step, observed: $observed,
        };)*

        /// Every row, in the order of the table.
        pub const ALL: &[&Row] = &[$(&$name),*];
    };
}

table! {
    // tenant, endpoint, audience
    /// AADSTS90002: tenant not found.
    TENANT_NOT_FOUND = (90002, "invalid_request", 400, None, RequestToken, true);
    /// AADSTS900023: tenant name invalid.
    TENANT_NAME_INVALID = (900023, "invalid_request", 400, None, RequestToken, true);
    /// AADSTS50049: unknown instance.
    UNKNOWN_INSTANCE = (50049, "invalid_instance", 400, None, RequestToken, true);
    /// AADSTS50050: discovery malformed.
    DISCOVERY_MALFORMED = (50050, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS50059: no tenant named.
    NO_TENANT_NAMED = (50059, "invalid_request", 400, None, RequestToken, true);
    /// AADSTS50128: the domain names no tenant.
    NO_TENANT_NAMED_DOMAIN = (50128, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90019: the request names no tenant (realm).
    REALM_MISSING = (90019, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90038: the tenant is in another cloud.
    TENANT_IN_OTHER_CLOUD = (90038, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS50020: the user is in another tenant.
    USER_OF_OTHER_TENANT = (50020, "invalid_grant", 400, None, Account, false);
    /// AADSTS90072: the user is in another tenant and has to be added as a guest first.
    USER_OF_OTHER_TENANT_MFA = (90072, "invalid_grant", 400, None, Account, false);
    /// AADSTS50194: the application is not multitenant.
    NOT_MULTI_TENANT = (50194, "invalid_request", 400, None, Registration, false);
    /// AADSTS90130: the application cannot be used through `/common`.
    NOT_OVER_COMMON = (90130, "invalid_request", 400, None, Registration, false);
    /// AADSTS90124: the resource cannot be used through `/common`.
    RESOURCE_NOT_OVER_COMMON = (90124, "invalid_resource", 400, None, RequestToken, false);
    /// AADSTS9001023: the grant type cannot be used through `/common`.
    GRANT_NOT_OVER_COMMON = (9001023, "invalid_request", 400, None, RequestToken, true);
    /// AADSTS9002331: personal accounts only.
    PERSONAL_ACCOUNTS_ONLY = (9002331, "invalid_request", 400, None, Registration, false);
    /// AADSTS9002332: work accounts only.
    WORK_ACCOUNTS_ONLY = (9002332, "invalid_request", 400, None, Registration, false);
    /// AADSTS9002328: admin consent needs an endpoint of one tenant.
    ADMIN_CONSENT_NEEDS_TENANT = (9002328, "invalid_request", 400, None, Permissions, false);
    /// AADSTS90027: v1.0 tokens are not issued for personal accounts.
    V1_NOT_FOR_PERSONAL = (90027, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS500201: a v1.0 token was requested for a personal account.
    V1_NOT_FOR_PERSONAL_TOKEN = (500201, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS500207: the account type cannot be used for the resource.
    ACCOUNT_TYPE_NOT_FOR_RESOURCE = (500207, "invalid_request", 400, None, Account, false);
    /// AADSTS500208: the domain is not valid for the account type.
    DOMAIN_NOT_FOR_ACCOUNT_TYPE = (500208, "invalid_request", 400, None, Account, false);
    /// AADSTS500021: tenant restrictions deny access to the tenant.
    TENANT_RESTRICTED = (500021, "access_denied", 400, None, Account, false);
    /// AADSTS500022: the tenant restriction header is not valid.
    TENANT_RESTRICTED_HEADER = (500022, "access_denied", 400, None, Account, false);
    /// AADSTS500212: cross-tenant access is blocked for outbound users.
    CROSS_TENANT_OUTBOUND = (500212, "access_denied", 400, None, Account, false);
    /// AADSTS500213: cross-tenant access is blocked for inbound users.
    CROSS_TENANT_INBOUND = (500213, "access_denied", 400, None, Account, false);
    // malformed or missing parameters
    /// AADSTS900144: parameter missing.
    PARAMETER_MISSING = (900144, "invalid_request", 400, None, RequestToken, true);
    /// AADSTS900143: parameter required by grant.
    PARAMETER_REQUIRED_BY_GRANT = (900143, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90014: credential field missing.
    CREDENTIAL_FIELD_MISSING = (90014, "invalid_request", 400, None, RequestToken, true);
    /// AADSTS90100: parameter empty.
    PARAMETER_EMPTY = (90100, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS9002313: request malformed.
    REQUEST_MALFORMED = (9002313, "invalid_request", 400, None, RequestToken, true);
    /// AADSTS90023: request invalid.
    REQUEST_INVALID = (90023, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90004: request format.
    REQUEST_FORMAT = (90004, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90013: input invalid.
    INPUT_INVALID = (90013, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90015: query too long.
    QUERY_TOO_LONG = (90015, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90121: request empty.
    REQUEST_EMPTY = (90121, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS901002: the `resource` parameter was sent to the v2.0 endpoint.
    RESOURCE_ON_V2 = (901002, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS9010010: the `resource` parameter and the scope name different APIs.
    RESOURCE_DIFFERS = (9010010, "invalid_target", 400, None, RequestToken, true);
    /// AADSTS900561: the endpoint accepts POST requests only.
    POST_ONLY = (900561, "invalid_request", 400, None, RequestToken, true);
    /// AADSTS9002324: several credentials.
    SEVERAL_CREDENTIALS = (9002324, "invalid_request", 400, None, Credentials, false);
    /// AADSTS90112: client id not a guid.
    CLIENT_ID_NOT_A_GUID = (90112, "invalid_request", 400, None, Registration, false);
    /// AADSTS700038: client id zero.
    CLIENT_ID_ZERO = (700038, "unauthorized_client", 400, None, Registration, false);
    /// AADSTS700039: resource id zero.
    RESOURCE_ID_ZERO = (700039, "invalid_resource", 400, None, RequestToken, false);
    /// AADSTS70003: grant unsupported.
    GRANT_UNSUPPORTED = (70003, "unsupported_grant_type", 400, None, RequestToken, true);
    /// AADSTS1002017: logout hint invalid.
    LOGOUT_HINT_INVALID = (1002017, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS70007: response mode unsupported.
    RESPONSE_MODE_UNSUPPORTED = (70007, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS70005: response type unsupported.
    RESPONSE_TYPE_UNSUPPORTED = (70005, "unsupported_response_type", 400, None, RequestToken, false);
    /// AADSTS700051: access tokens from the authorization endpoint are not enabled for the application.
    RESPONSE_TYPE_TOKEN_OFF = (700051, "unsupported_response_type", 400, None, Registration, false);
    /// AADSTS700054: ID tokens from the authorization endpoint are not enabled for the application.
    RESPONSE_TYPE_ID_TOKEN_OFF = (700054, "unsupported_response_type", 400, None, Registration, false);
    /// AADSTS50147: code challenge size.
    CODE_CHALLENGE_SIZE = (50147, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS50149: code challenge method.
    CODE_CHALLENGE_METHOD = (50149, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS501491: code challenge method invalid.
    CODE_CHALLENGE_METHOD_INVALID = (501491, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS9002325: spa needs pkce.
    SPA_NEEDS_PKCE = (9002325, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS9002326: a cross-origin request for a redirect URI that is not of a single-page application.
    CROSS_ORIGIN_NOT_SPA = (9002326, "invalid_request", 400, None, Registration, false);
    /// AADSTS9002327: a single-page application's code was redeemed without an `Origin` header.
    SPA_NEEDS_ORIGIN = (9002327, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90005: sid with hint.
    SID_WITH_HINT = (90005, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90138: sid with prompt.
    SID_WITH_PROMPT = (90138, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90131: sid with prompt select.
    SID_WITH_PROMPT_SELECT = (90131, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS50011: redirect not registered.
    REDIRECT_NOT_REGISTERED = (50011, "invalid_request", 400, None, Registration, true);
    /// AADSTS500112: the redirect URI differs from the one of the authorization request.
    REDIRECT_DIFFERS = (500112, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS700044: the redirect URI differs from the one of the authorization request (later code).
    REDIRECT_DIFFERS_LATER = (700044, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS700009: the redirect URI is missing at the token endpoint.
    REDIRECT_MISSING_AT_TOKEN = (700009, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS500113: no redirect registered.
    NO_REDIRECT_REGISTERED = (500113, "invalid_request", 400, None, Registration, false);
    /// AADSTS900971: no redirect given.
    NO_REDIRECT_GIVEN = (900971, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS500117: redirect not secure.
    REDIRECT_NOT_SECURE = (500117, "invalid_request", 400, None, Registration, false);
    // client identity and credentials
    /// AADSTS700016: unknown application.
    UNKNOWN_APPLICATION = (700016, "unauthorized_client", 400, None, Registration, true);
    /// AADSTS700011: unknown application in the organization.
    UNKNOWN_APPLICATION_ORG = (700011, "unauthorized_client", 400, None, Registration, false);
    /// AADSTS70001: unknown application (older code).
    UNKNOWN_APPLICATION_OLD = (70001, "unauthorized_client", 400, None, Registration, false);
    /// AADSTS7000112: application disabled.
    APPLICATION_DISABLED = (7000112, "unauthorized_client", 400, None, Registration, false);
    /// AADSTS7000116: the application is disabled in the tenant.
    APPLICATION_DISABLED_IN_TENANT = (7000116, "unauthorized_client", 400, None, Registration, false);
    /// AADSTS7000117: the resource's service principal is disabled.
    RESOURCE_PRINCIPAL_DISABLED = (7000117, "invalid_resource", 400, None, Permissions, false);
    /// AADSTS500014: resource disabled.
    RESOURCE_DISABLED = (500014, "invalid_resource", 400, None, Permissions, false);
    /// AADSTS7000229: the client has no service principal in the tenant.
    CLIENT_PRINCIPAL_MISSING = (7000229, "invalid_client", 401, None, Registration, true);
    /// AADSTS7000217: the named service principal does not exist.
    PRINCIPAL_NAMED_MISSING = (7000217, "invalid_client", 401, None, Registration, false);
    /// AADSTS7000215: wrong secret.
    WRONG_SECRET = (7000215, "invalid_client", 401, None, Credentials, true);
    /// AADSTS7000222: secret expired.
    SECRET_EXPIRED = (7000222, "invalid_client", 401, None, Credentials, true);
    /// AADSTS7000218: credential missing.
    CREDENTIAL_MISSING = (7000218, "invalid_client", 401, None, PublicClient, true);
    /// AADSTS7000216: the application must send a credential.
    CREDENTIAL_MISSING_FOR_APP = (7000216, "invalid_client", 401, None, Credentials, false);
    /// AADSTS7000219: the grant type requires a credential.
    CREDENTIAL_MISSING_FOR_GRANT = (7000219, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700025: a public client sent a credential.
    PUBLIC_CLIENT_WITH_CREDENTIAL = (700025, "invalid_client", 401, None, PublicClient, true);
    /// AADSTS9002319: a public client sent a secret (older code).
    PUBLIC_CLIENT_WITH_SECRET_OLD = (9002319, "invalid_request", 400, None, PublicClient, false);
    /// AADSTS70002: credentials are not valid (older code).
    CREDENTIALS_INVALID_OLD = (70002, "invalid_client", 401, None, Credentials, true);
    /// AADSTS700021: the assertion is for another application.
    ASSERTION_OF_OTHER_APP = (700021, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700022: assertion without subject.
    ASSERTION_WITHOUT_SUBJECT = (700022, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700023: the assertion's audience is wrong.
    ASSERTION_AUDIENCE = (700023, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700024: the assertion is outside its valid time range.
    ASSERTION_TIME = (700024, "invalid_client", 401, None, Credentials, true);
    /// AADSTS700026: no keys configured.
    NO_KEYS_CONFIGURED = (700026, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700027: the assertion's signature is not valid.
    ASSERTION_SIGNATURE = (700027, "invalid_client", 401, None, Credentials, true);
    /// AADSTS700028: certificate not authorized.
    CERTIFICATE_NOT_AUTHORIZED = (700028, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700030: certificate invalid.
    CERTIFICATE_INVALID = (700030, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700031: certificate subject.
    CERTIFICATE_SUBJECT = (700031, "invalid_client", 401, None, Credentials, false);
    /// AADSTS50012: the assertion's signature is not valid (older code).
    ASSERTION_SIGNATURE_OLD = (50012, "invalid_client", 401, None, Credentials, false);
    /// AADSTS50048: the assertion's subject differs from its issuer.
    ASSERTION_SUBJECT_NOT_ISSUER = (50048, "invalid_client", 401, None, Credentials, false);
    /// AADSTS50027: assertion malformed.
    ASSERTION_MALFORMED = (50027, "invalid_client", 401, None, Credentials, false);
    /// AADSTS70021: no federated credential matches the assertion.
    FEDERATED_NO_MATCH = (70021, "invalid_client", 401, None, Credentials, true);
    /// AADSTS700211: no federated credential has the assertion's issuer.
    FEDERATED_ISSUER = (700211, "invalid_client", 401, None, Credentials, true);
    /// AADSTS7002121: no federated credential has the assertion's audience.
    FEDERATED_AUDIENCE = (7002121, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700213: no federated credential has the assertion's subject.
    FEDERATED_SUBJECT = (700213, "invalid_client", 401, None, Credentials, true);
    /// AADSTS70025: the application has no federated credentials.
    FEDERATED_NONE_CONFIGURED = (70025, "invalid_client", 401, None, Credentials, true);
    /// AADSTS700222: a token of this token service was sent as a federated assertion.
    FEDERATED_OWN_TOKEN = (700222, "invalid_client", 401, None, Credentials, true);
    /// AADSTS700229: a user's token was sent as a federated assertion.
    FEDERATED_USER_TOKEN = (700229, "invalid_client", 401, None, Credentials, false);
    /// AADSTS700223: federated credentials are not allowed for the application.
    FEDERATED_FORBIDDEN = (700223, "invalid_client", 401, None, Credentials, true);
    /// AADSTS7000226: a policy blocks the federated credential.
    FEDERATED_POLICY = (7000226, "invalid_client", 401, None, Credentials, false);
    /// AADSTS90136: a confidential client used the device code grant.
    DEVICE_CODE_CONFIDENTIAL = (90136, "unauthorized_client", 400, None, PublicClient, false);
    /// AADSTS7000113: the application is not authorized for on-behalf-of requests.
    ON_BEHALF_NOT_AUTHORIZED = (7000113, "unauthorized_client", 400, None, Registration, false);
    /// AADSTS7000114: the application is not allowed to make on-behalf-of requests.
    ON_BEHALF_NOT_ALLOWED = (7000114, "unauthorized_client", 400, None, Registration, false);
    /// AADSTS7000110: several client ids.
    SEVERAL_CLIENT_IDS = (7000110, "invalid_client", 401, None, Credentials, false);
    /// AADSTS90099: delegated admin app.
    DELEGATED_ADMIN_APP = (90099, "unauthorized_client", 400, None, Registration, false);
    // codes, refresh tokens, assertions, device codes
    /// AADSTS54005: code redeemed.
    CODE_REDEEMED = (54005, "invalid_grant", 400, None, RequestToken, true);
    /// AADSTS70000: grant invalid.
    GRANT_INVALID = (70000, "invalid_grant", 400, Some("bad_token"), RequestToken, true);
    /// AADSTS70008: grant expired.
    GRANT_EXPIRED = (70008, "invalid_grant", 400, None, RequestToken, true);
    /// AADSTS700082: the refresh token expired because it was not used.
    REFRESH_INACTIVE = (700082, "invalid_grant", 400, None, RequestToken, true);
    /// AADSTS700081: the refresh token reached its maximum age.
    REFRESH_MAXIMUM_AGE = (700081, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS700084: the refresh token of a single-page application reached its fixed lifetime.
    REFRESH_SPA_AGE = (700084, "invalid_grant", 400, Some("token_expired"), RequestToken, false);
    /// AADSTS70043: the refresh token expired because of the sign-in frequency policy.
    SIGN_IN_FREQUENCY = (70043, "invalid_grant", 400, Some("token_expired"), RequestToken, false);
    /// AADSTS70044: the session expired because of the sign-in frequency policy.
    SIGN_IN_FREQUENCY_SESSION = (70044, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS50173: grant revoked.
    GRANT_REVOKED = (50173, "invalid_grant", 400, Some("bad_token"), RequestToken, true);
    /// AADSTS50132: session invalid.
    SESSION_INVALID = (50132, "invalid_grant", 400, None, Account, false);
    /// AADSTS50133: the session is not valid because the password changed.
    SESSION_PASSWORD_CHANGED = (50133, "invalid_grant", 400, None, Account, false);
    /// AADSTS50089: flow token expired.
    FLOW_TOKEN_EXPIRED = (50089, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS50085: a refresh token needs a sign-in at a social identity provider.
    SOCIAL_REFRESH = (50085, "invalid_grant", 400, None, Account, false);
    /// AADSTS700005: the code was issued for another tenant.
    CODE_OF_OTHER_TENANT = (700005, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS7000012: the grant was issued for another tenant.
    GRANT_OF_OTHER_TENANT = (7000012, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS700007: the grant was issued to another client.
    GRANT_OF_OTHER_CLIENT = (700007, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS7000220: the client of the grant differs from the client of the request.
    GRANT_CLIENT_DIFFERS = (7000220, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS501481: verifier mismatch.
    VERIFIER_MISMATCH = (501481, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS50148: verifier missing.
    VERIFIER_MISSING = (50148, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS50013: the signature of an on-behalf-of assertion is not valid.
    OBO_SIGNATURE = (50013, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS500131: the audience of an on-behalf-of assertion is wrong.
    OBO_AUDIENCE = (500131, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS500132: an on-behalf-of assertion is malformed.
    OBO_MALFORMED = (500132, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS500133: an on-behalf-of assertion has expired.
    OBO_EXPIRED = (500133, "invalid_grant", 400, None, RequestToken, true);
    /// AADSTS500136: an on-behalf-of assertion has the wrong token version.
    OBO_TOKEN_VERSION = (500136, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS240002: an ID token was sent as an on-behalf-of assertion.
    OBO_ID_TOKEN = (240002, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS1000014: an on-behalf-of assertion is of another tenant.
    OBO_OTHER_TENANT = (1000014, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS90089: an on-behalf-of assertion is not a user's token.
    OBO_USER_TOKEN = (90089, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS7000020: saml encoding.
    SAML_ENCODING = (7000020, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS70016: device pending.
    DEVICE_PENDING = (70016, "authorization_pending", 400, None, RequestToken, true);
    /// AADSTS70018: user code wrong.
    USER_CODE_WRONG = (70018, "bad_verification_code", 400, None, RequestToken, false);
    /// AADSTS70019: user code expired.
    USER_CODE_EXPIRED = (70019, "expired_token", 400, None, RequestToken, false);
    /// AADSTS70020: device code expired.
    DEVICE_CODE_EXPIRED = (70020, "expired_token", 400, None, RequestToken, true);
    /// AADSTS7000014: device code unknown.
    DEVICE_CODE_UNKNOWN = (7000014, "bad_verification_code", 400, None, RequestToken, false);
    /// AADSTS90132: the device code grant is not available for personal accounts.
    DEVICE_CODE_PERSONAL = (90132, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90119: user code missing.
    USER_CODE_MISSING = (90119, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS90120: user code used.
    USER_CODE_USED = (90120, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS50189: user code format.
    USER_CODE_FORMAT = (50189, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS50199: confirmation needed.
    CONFIRMATION_NEEDED = (50199, "interaction_required", 400, None, Account, false);
    // user sign-in
    /// AADSTS50126: wrong password.
    WRONG_PASSWORD = (50126, "invalid_grant", 400, None, RequestToken, true);
    /// AADSTS50034: unknown user.
    UNKNOWN_USER = (50034, "invalid_grant", 400, None, Account, true);
    /// AADSTS500341: user deleted.
    USER_DELETED = (500341, "invalid_grant", 400, None, Account, false);
    /// AADSTS51004: user not in directory.
    USER_NOT_IN_DIRECTORY = (51004, "invalid_grant", 400, None, Account, false);
    /// AADSTS50053: account locked.
    ACCOUNT_LOCKED = (50053, "invalid_grant", 400, None, Account, true);
    /// AADSTS50055: password expired.
    PASSWORD_EXPIRED = (50055, "invalid_grant", 400, Some("user_password_expired"), Account, true);
    /// AADSTS50144: password expired on premises.
    PASSWORD_EXPIRED_ON_PREMISES = (50144, "invalid_grant", 400, Some("user_password_expired"), Account, false);
    /// AADSTS50056: no password.
    NO_PASSWORD = (50056, "invalid_grant", 400, None, Account, false);
    /// AADSTS50057: user disabled.
    USER_DISABLED = (50057, "invalid_grant", 400, None, Account, false);
    /// AADSTS500571: guest disabled.
    GUEST_DISABLED = (500571, "invalid_grant", 400, None, Account, false);
    /// AADSTS50064: credential validation.
    CREDENTIAL_VALIDATION = (50064, "invalid_grant", 400, None, Account, false);
    /// AADSTS50054: old password.
    OLD_PASSWORD = (50054, "invalid_grant", 400, None, Account, false);
    /// AADSTS50135: the password must be changed because of account risk.
    PASSWORD_CHANGE_FOR_RISK = (50135, "invalid_grant", 400, None, Account, false);
    /// AADSTS50014: guest not redeemed.
    GUEST_NOT_REDEEMED = (50014, "invalid_grant", 400, None, Account, false);
    /// AADSTS50105: user not assigned.
    USER_NOT_ASSIGNED = (50105, "invalid_grant", 400, None, Permissions, false);
    /// AADSTS501051: app not assigned.
    APP_NOT_ASSIGNED = (501051, "invalid_grant", 400, None, Permissions, true);
    /// AADSTS50058: no session.
    NO_SESSION = (50058, "login_required", 400, None, RequestToken, true);
    /// AADSTS16000: several sessions.
    SEVERAL_SESSIONS = (16000, "interaction_required", 400, None, Account, false);
    /// AADSTS16001: account selection.
    ACCOUNT_SELECTION = (16001, "interaction_required", 400, None, Account, false);
    /// AADSTS50140: stay signed in.
    STAY_SIGNED_IN = (50140, "interaction_required", 400, None, Account, false);
    /// AADSTS50143: session of other tenant.
    SESSION_OF_OTHER_TENANT = (50143, "interaction_required", 400, None, Account, false);
    /// AADSTS50107: federation realm missing.
    FEDERATION_REALM_MISSING = (50107, "invalid_request", 400, None, Account, false);
    /// AADSTS50180: windows sign in needed.
    WINDOWS_SIGN_IN_NEEDED = (50180, "interaction_required", 400, None, Account, false);
    /// AADSTS50197: user not found again.
    USER_NOT_FOUND_AGAIN = (50197, "interaction_required", 400, None, Account, false);
    // second factor and conditional access
    /// AADSTS50076: second factor needed.
    SECOND_FACTOR_NEEDED = (50076, "invalid_grant", 400, Some("basic_action"), Account, true);
    /// AADSTS50079: the user has to register a second factor.
    SECOND_FACTOR_ENROL = (50079, "invalid_grant", 400, Some("basic_action"), Account, false);
    /// AADSTS50072: the user has to register a second factor now.
    SECOND_FACTOR_ENROL_NOW = (50072, "invalid_grant", 400, Some("basic_action"), Account, false);
    /// AADSTS50074: strong authentication.
    STRONG_AUTHENTICATION = (50074, "invalid_grant", 400, Some("basic_action"), Account, false);
    /// AADSTS50078: second factor expired.
    SECOND_FACTOR_EXPIRED = (50078, "invalid_grant", 400, Some("basic_action"), Account, false);
    /// AADSTS500121: second factor failed.
    SECOND_FACTOR_FAILED = (500121, "invalid_grant", 400, None, Account, false);
    /// AADSTS50097: device authentication.
    DEVICE_AUTHENTICATION = (50097, "invalid_grant", 400, Some("additional_action"), Account, false);
    /// AADSTS50129: device not joined.
    DEVICE_NOT_JOINED = (50129, "invalid_grant", 400, Some("additional_action"), Account, false);
    /// AADSTS50155: device authentication failed.
    DEVICE_AUTHENTICATION_FAILED = (50155, "invalid_grant", 400, Some("additional_action"), Account, false);
    /// AADSTS50131: device state.
    DEVICE_STATE = (50131, "invalid_grant", 400, None, Account, false);
    /// AADSTS50158: external challenge.
    EXTERNAL_CHALLENGE = (50158, "invalid_grant", 400, Some("basic_action"), Account, false);
    /// AADSTS53000: device not compliant.
    DEVICE_NOT_COMPLIANT = (53000, "invalid_grant", 400, Some("additional_action"), Account, false);
    /// AADSTS53001: device not domain joined.
    DEVICE_NOT_DOMAIN_JOINED = (53001, "invalid_grant", 400, Some("additional_action"), Account, false);
    /// AADSTS53002: app not approved.
    APP_NOT_APPROVED = (53002, "invalid_grant", 400, Some("additional_action"), Account, false);
    /// AADSTS53003: blocked by policy.
    BLOCKED_BY_POLICY = (53003, "invalid_grant", 400, Some("message_only"), Account, true);
    /// AADSTS53004: registration blocked.
    REGISTRATION_BLOCKED = (53004, "invalid_grant", 400, None, Account, false);
    /// AADSTS53005: app protection.
    APP_PROTECTION = (53005, "invalid_grant", 400, Some("protection_policy_required"), Account, false);
    /// AADSTS53011: user at risk.
    USER_AT_RISK = (53011, "invalid_grant", 400, Some("message_only"), Account, false);
    /// AADSTS530032: security policy.
    SECURITY_POLICY = (530032, "invalid_grant", 400, Some("message_only"), Account, false);
    /// AADSTS530035: security defaults.
    SECURITY_DEFAULTS = (530035, "invalid_grant", 400, None, Account, false);
    // resource, scope, consent
    /// AADSTS500011: resource principal missing.
    RESOURCE_PRINCIPAL_MISSING = (500011, "invalid_resource", 400, None, Permissions, true);
    /// AADSTS50001: resource unknown.
    RESOURCE_UNKNOWN = (50001, "invalid_resource", 400, None, Permissions, false);
    /// AADSTS65001: consent missing.
    CONSENT_MISSING = (65001, "invalid_grant", 400, Some("consent_required"), Permissions, true);
    /// AADSTS650011: consent is missing for an application named by URI.
    CONSENT_MISSING_URI = (650011, "invalid_grant", 400, None, Permissions, false);
    /// AADSTS65002: consent between Microsoft's own applications needs preauthorization.
    FIRST_PARTY_PREAUTHORIZATION = (65002, "invalid_grant", 400, None, Permissions, false);
    /// AADSTS65003: a Microsoft application requested a token for itself.
    FIRST_PARTY_TO_ITSELF = (65003, "invalid_grant", 400, None, Permissions, false);
    /// AADSTS65004: the user declined consent.
    CONSENT_DECLINED = (65004, "access_denied", 400, None, Permissions, false);
    /// AADSTS65005: scope not on app.
    SCOPE_NOT_ON_APP = (65005, "invalid_client", 400, None, Permissions, false);
    /// AADSTS650051: unmanaged tenant.
    UNMANAGED_TENANT = (650051, "invalid_client", 400, None, Permissions, true);
    /// AADSTS650052: service not in organization.
    SERVICE_NOT_IN_ORGANIZATION = (650052, "invalid_client", 400, None, Permissions, false);
    /// AADSTS650053: scope unknown.
    SCOPE_UNKNOWN = (650053, "invalid_client", 400, None, Permissions, true);
    /// AADSTS650054: resource removed.
    RESOURCE_REMOVED = (650054, "invalid_client", 400, None, Permissions, false);
    /// AADSTS650056: misconfigured application.
    MISCONFIGURED_APPLICATION = (650056, "unauthorized_client", 400, None, Permissions, false);
    /// AADSTS650057: resource not listed.
    RESOURCE_NOT_LISTED = (650057, "invalid_resource", 400, None, Permissions, false);
    /// AADSTS65006: no matching permission.
    NO_MATCHING_PERMISSION = (65006, "invalid_client", 400, None, Permissions, false);
    /// AADSTS70011: scope invalid.
    SCOPE_INVALID = (70011, "invalid_scope", 400, None, RequestToken, true);
    /// AADSTS1002012: scope not default.
    SCOPE_NOT_DEFAULT = (1002012, "invalid_scope", 400, None, RequestToken, true);
    /// AADSTS28000: several resources.
    SEVERAL_RESOURCES = (28000, "invalid_scope", 400, None, RequestToken, false);
    /// AADSTS28002: scope invalid at redemption.
    SCOPE_INVALID_AT_REDEMPTION = (28002, "invalid_scope", 400, None, RequestToken, false);
    /// AADSTS28003: scope empty at redemption.
    SCOPE_EMPTY_AT_REDEMPTION = (28003, "invalid_scope", 400, None, RequestToken, false);
    /// AADSTS90008: sign in permission missing.
    SIGN_IN_PERMISSION_MISSING = (90008, "invalid_grant", 400, None, Permissions, false);
    /// AADSTS90009: token for itself.
    TOKEN_FOR_ITSELF = (90009, "invalid_resource", 400, None, RequestToken, false);
    /// AADSTS90094: admin consent needed.
    ADMIN_CONSENT_NEEDED = (90094, "access_denied", 400, None, Permissions, false);
    /// AADSTS90095: admin consent request.
    ADMIN_CONSENT_REQUEST = (90095, "access_denied", 400, None, Permissions, false);
    /// AADSTS900941: risky application.
    RISKY_APPLICATION = (900941, "access_denied", 400, None, Permissions, false);
    /// AADSTS650061: the app role is for users only.
    ROLE_FOR_USERS_ONLY = (650061, "invalid_client", 400, None, Permissions, false);
    /// AADSTS1000031: application inaccessible.
    APPLICATION_INACCESSIBLE = (1000031, "invalid_grant", 400, None, Registration, false);
    // keys, throttling, service
    /// AADSTS50196: the client repeats the same request in a loop.
    CLIENT_LOOP = (50196, "invalid_grant", 400, None, RequestToken, false);
    /// AADSTS90055: tenant throttled.
    TENANT_THROTTLED = (90055, "temporarily_unavailable", 429, None, Service, false);
    /// AADSTS90033: transient.
    TRANSIENT = (90033, "temporarily_unavailable", 503, None, Service, false);
    /// AADSTS90006: service unavailable.
    SERVICE_UNAVAILABLE = (90006, "temporarily_unavailable", 503, None, Service, false);
    /// AADSTS50000: issuance failed.
    ISSUANCE_FAILED = (50000, "server_error", 500, None, Service, false);
    /// AADSTS50146: the application requires a signing key of its own.
    SIGNING_KEY_NEEDED = (50146, "invalid_request", 400, None, Registration, false);
    /// AADSTS50042: pairwise salt missing.
    PAIRWISE_SALT_MISSING = (50042, "server_error", 500, None, Service, false);
    /// AADSTS50068: sign out invalid.
    SIGN_OUT_INVALID = (50068, "invalid_request", 400, None, RequestToken, false);
    /// AADSTS51000: feature disabled.
    FEATURE_DISABLED = (51000, "invalid_request", 412, None, Service, false);
    /// AADSTS1002016: tls too old.
    TLS_TOO_OLD = (1002016, "invalid_request", 400, None, RequestToken, false);
}

/// Finds the row of an AADSTS number.
#[must_use]
pub fn find(number: u32) -> Option<&'static Row> {
    ALL.iter().copied().find(|row| row.number == number)
}

/// The OAuth error of a row at one version of the endpoint. If a second factor or a policy stands in the way, v1.0
/// answers `interaction_required`, v2.0 `invalid_grant` with a suberror.
#[must_use]
pub fn error_for(row: &Row, version: Version) -> &'static str {
    let interactive = matches!(row.suberror, Some("basic_action" | "additional_action" | "message_only"));
    if version == Version::V1 && interactive { "interaction_required" } else { row.error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_number_stands_once_and_there_are_enough_of_them() {
        let numbers: HashSet<u32> = ALL.iter().map(|row| row.number).collect();
        assert_eq!(numbers.len(), ALL.len());
        assert!(ALL.len() >= 120, "{}", ALL.len());
    }

    #[test]
    fn an_invalid_client_is_401_unless_its_trouble_is_a_permission() {
        for row in ALL.iter().filter(|row| row.error == "invalid_client") {
            let wanted = if row.step == Step::Permissions { 400 } else { 401 };
            assert_eq!(row.status, wanted, "AADSTS{}", row.number);
        }
    }

    #[test]
    fn the_two_editions_word_a_second_factor_differently() {
        assert_eq!(error_for(&SECOND_FACTOR_NEEDED, Version::V1), "interaction_required");
        assert_eq!(error_for(&SECOND_FACTOR_NEEDED, Version::V2), "invalid_grant");
        assert_eq!(error_for(&WRONG_PASSWORD, Version::V1), "invalid_grant");
    }

    #[test]
    fn a_number_finds_its_row_and_others_find_none() {
        assert_eq!(find(7_000_215), Some(&WRONG_SECRET));
        assert_eq!(find(1), None);
    }
}
