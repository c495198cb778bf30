//! The table of AADSTS codes. Both halves use this one table: the token service answers from it, the
//! client looks a number up in it. Numbers, OAuth errors and statuses are Microsoft's
//! (`reference/errors.md` of the sources named there); sentences are ours and live with the variants
//! of `tenant::token::Denial`.

/// One code: what the wire shows besides the sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The number after `AADSTS`.
    pub number: u32,
    /// The OAuth `error` value of the v2.0 endpoint.
    pub error: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// `suberror`, where Entra sends one.
    pub suberror: Option<&'static str>,
    /// Which step of the article's five mends it.
    pub step: Step,
    /// Seen on the wire (true), or inferred by class from documentation (false).
    pub observed: bool,
}

/// The steps of the setup, and what lies beside them.
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
    /// The account or its policy, not the setup.
    Account,
    /// The service; trying again may help.
    Service,
}
