//! Tenant restrictions: headers by which a network tells the token service into which tenants it lets people
//! sign in (Microsoft, "Restrict access to a tenant"). A proxy adds them; what they forbid is decided in
//! `tenant::restriction`.

/// The most tenants that one header names; a longer list lets nobody in beyond them.
const MOST: usize = 500;

/// What a network allows. The default allows everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// `Restrict-Access-To-Tenants`: ids or domains, in lower case.
    pub tenants: Option<Vec<String>>,
    /// The tenant in `sec-Restrict-Tenant-Access-Policy` (`TENANT:POLICY`), in lower case.
    pub policy_of: Option<String>,
}

impl Restrictions {
    /// Reads the headers, by a function that finds one by its name in lower case.
    #[must_use]
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let tenants = header("restrict-access-to-tenants").map(|text| {
            let names = text.split(',').map(|name| name.trim().to_ascii_lowercase());
            names.filter(|name| !name.is_empty()).take(MOST).collect()
        });
        // The same header has other words for personal accounts (`restrict-msa`), which are not here.
        let policy_of = header("sec-restrict-tenant-access-policy")
            .and_then(|text| text.split_once(':'))
            .map(|(tenant, _)| tenant.trim().to_ascii_lowercase());
        Self { tenants, policy_of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_header_is_read(text in ".{0,80}") {
            let _ = Restrictions::read(|_| Some(&text));
        }
    }

    #[test]
    fn names_fold_and_an_empty_list_names_nobody() {
        let read = |list| Restrictions::read(|name| (name == "restrict-access-to-tenants").then_some(list));
        assert_eq!(read(" A.example,,b ").tenants, Some(vec!["a.example".into(), "b".into()]));
        assert_eq!(read("").tenants, Some(Vec::new()));
        assert_eq!(Restrictions::read(|_| None), Restrictions::default());
    }
}
