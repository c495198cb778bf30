//! Tenant restrictions: headers in which a network's proxy tells the token service which tenants its users may sign
//! in to (Microsoft Entra, "Restrict access to a tenant"). `carnet_tenant` decides what they forbid.

/// Maximum number of tenants in one header. Further tenants are ignored, so access to them is denied.
const MOST: usize = 500;

/// The tenants that a network allows. The default allows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// The lists of `Restrict-Access-To-Tenants`, one for each time the header was sent: ids or domains, in lower
    /// case. A tenant must be in every list. A header that cannot be parsed is an empty list.
    pub tenants: Vec<Vec<String>>,
    /// The tenant in `sec-Restrict-Tenant-Access-Policy` (`TENANT:POLICY`), in lower case. It is empty, which matches
    /// no tenant, if the header cannot be parsed or was sent twice.
    pub policy_of: Option<String>,
}

impl Restrictions {
    /// Reads the headers. `header` returns all values of a header by its name in lower case; `None` stands for a
    /// value that is not text. Because all values count, a client cannot replace the header that the proxy adds by
    /// sending its own.
    #[must_use]
    pub fn read<'a>(header: impl Fn(&str) -> Vec<Option<&'a str>>) -> Self {
        let list = |text: &str| {
            let names = text.split(',').map(|name| name.trim().to_ascii_lowercase());
            names.filter(|name| !name.is_empty()).take(MOST).collect()
        };
        let tenants = header("restrict-access-to-tenants").into_iter();
        let tenants = tenants.map(|text| text.map(list).unwrap_or_default()).collect();
        let policy_of = match header("sec-restrict-tenant-access-policy")[..] {
            [] => None,
            // The value that blocks personal accounts, which this server does not have.
            [Some(text)] if text.trim().eq_ignore_ascii_case("restrict-msa") => None,
            [Some(text)] => Some(text.split_once(':').map_or("", |(tenant, _)| tenant)),
            _ => Some(""),
        };
        Self { tenants, policy_of: policy_of.map(|tenant| tenant.trim().to_ascii_lowercase()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_header_is_read(text in ".{0,80}") {
            let _ = Restrictions::read(|_| vec![Some(&text)]);
        }
    }

    #[test]
    fn names_fold_and_an_empty_list_names_nobody() {
        let read = |list| {
            Restrictions::read(|name| match name {
                "restrict-access-to-tenants" => vec![list],
                _ => Vec::new(),
            })
        };
        assert_eq!(read(Some(" A.example,,b ")).tenants, [["a.example", "b"]]);
        assert_eq!(read(Some("")).tenants, [Vec::<String>::new()]);
        assert_eq!(read(None).tenants, [Vec::<String>::new()]);
        assert_eq!(Restrictions::read(|_| Vec::new()), Restrictions::default());
    }

    #[test]
    fn every_value_counts_and_a_policy_comes_once() {
        let read = |values: &[Option<&'static str>]| Restrictions::read(|_| values.to_vec());
        assert_eq!(read(&[Some("a"), Some("b,c")]).tenants, [vec!["a"], vec!["b", "c"]]);
        let policy = |values| read(values).policy_of;
        assert_eq!(policy(&[Some("A.example:one")]).as_deref(), Some("a.example"));
        assert_eq!(policy(&[Some("restrict-msa")]), None);
        for nobodys in [
            &[Some("a.example:one"), Some("a.example:one")][..],
            &[Some("restrict-msa"), Some("a.example:one")],
            &[Some("a.example")],
            &[None],
        ] {
            assert_eq!(policy(nobodys).as_deref(), Some(""), "{nobodys:?}");
        }
    }
}
