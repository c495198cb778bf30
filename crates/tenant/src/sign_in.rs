//! Sign-in records: one for every answer of the token service in a known tenant, yes or no.

use carnet_wire::{
    ids::{AppId, CorrelationId, KeyId, ObjectId, TenantId, TraceId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One answer of the token service, as the tenant's administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// When.
    pub at: Timestamp,
    /// In which tenant.
    pub tenant: TenantId,
    /// The answer's trace id.
    pub trace: TraceId,
    /// The client's correlation id.
    pub correlation: CorrelationId,
    /// From where.
    pub address: IpAddr,
    /// `User-Agent`, cut at 256 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
    /// The grant type as asked, cut at 64 bytes.
    pub grant: String,
    /// The client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The client's service principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<ObjectId>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<ObjectId>,
    /// The user name as typed, cut at 256 bytes; empty for application sign-ins.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_name: String,
    /// The resource's application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<AppId>,
    /// Which credential of the client was right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<KeyId>,
    /// 0 for yes, else the AADSTS number.
    pub error: u32,
}
