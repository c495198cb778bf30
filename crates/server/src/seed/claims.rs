//! What an application of a tenant file says of the claims of its tokens.

use carnet_tenant::{
    optional_claims::{GroupClaims, Listed, OptionalClaim, OptionalClaims},
    refusal::Refusal,
};
use carnet_wire::tenant_file::{ClaimTable, OptionalClaimsTable};

/// The optional claims of a table.
pub(super) fn optional_claims(table: &OptionalClaimsTable) -> OptionalClaims {
    let one = |it: &ClaimTable| {
        let (name, additional) = it.parts();
        let (name, additional_properties) = (name.to_owned(), additional.to_vec());
        OptionalClaim { name, additional_properties, ..OptionalClaim::default() }
    };
    let list = |tables: &[ClaimTable]| Listed::from(tables.iter().map(one).collect::<Vec<_>>());
    OptionalClaims {
        id_token: list(&table.id_token),
        access_token: list(&table.access_token),
        ..OptionalClaims::default()
    }
}

/// The groups that tokens name, in Graph's words.
pub(super) fn group_claims(words: &str) -> Result<GroupClaims, Refusal> {
    GroupClaims::parse(words).ok_or_else(|| {
        let message =
            format!("`{words}` is none of None, SecurityGroup, DirectoryRole, ApplicationGroup, All");
        Refusal::BadRequest { message, target: Some("group_membership_claims".into()) }
    })
}
