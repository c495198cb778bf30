//! Directory roles, by Microsoft's template ids, and who holds them.

use carnet_wire::ids::ObjectId;
use serde::{Deserialize, Serialize};

/// What names a directory role assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoleKey {
    /// The user or service principal.
    pub principal: ObjectId,
    /// The role's template id, the same in every tenant.
    pub role: ObjectId,
}

/// A directory role held by a principal, for the whole tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// Principal and role.
    pub key: RoleKey,
    /// Graph's id of the assignment.
    pub id: String,
}
