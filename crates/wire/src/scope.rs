//! The `scope` parameter: `.default`, full URIs, the double slash, a bare GUID, short Graph names.

/// A `scope` parameter that has the shape of one: one resource at most, and the OIDC scopes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeRequest {
    /// The permissions of a resource. `None`: only OIDC scopes, so the token is for Graph's userinfo.
    pub resource: Option<ResourceScope>,
    /// A second resource was named too; the grants that take several use the first.
    pub others: Vec<String>,
    /// `openid`.
    pub openid: bool,
    /// `profile`.
    pub profile: bool,
    /// `email`.
    pub email: bool,
    /// `offline_access`.
    pub offline_access: bool,
}

/// What is wanted of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceScope {
    /// The resource as the client wrote it, without the part after the last slash: an identifier URI
    /// (whose own trailing slash survives as in `https://management.azure.com/`), an application's
    /// GUID, or `https://graph.microsoft.com` for names without a resource.
    pub resource: String,
    /// The client left the resource out, so answers use short names.
    pub implied: bool,
    /// The permissions.
    pub wanted: Wanted,
}

/// Which permissions of the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `/.default`: everything consented.
    Default,
    /// These values, in the order sent.
    Named(Vec<String>),
}
