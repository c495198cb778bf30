//! Redirect URIs: what may be registered (`security.md`, S13 and S15). Anything that two readers could
//! read differently is refused before it is compared with anything.

/// Whether a URI may be registered for a platform; the error says why not.
///
/// # Errors
/// The end of a sentence that begins with the URI.
pub fn check(uri: &str, public: bool) -> Result<(), &'static str> {
    if uri.len() > 2048 {
        return Err("is longer than 2048 characters");
    }
    if !uri.is_ascii() || uri.bytes().any(|b| b.is_ascii_control() || b" \\\"<>^`{|}".contains(&b)) {
        return Err("has characters that a URI does not have; write host names in their ASCII form");
    }
    if uri.contains(['#', '*']) {
        return Err("may not have a fragment or a wildcard");
    }
    let Some((scheme, rest)) = uri.split_once(':') else { return Err("has no scheme") };
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        "https" | "http" => {
            let Some(after) = rest.strip_prefix("//") else { return Err("has no host") };
            let host = after.split(['/', '?']).next().unwrap_or_default();
            if host.is_empty() || host.contains(['@', '%']) {
                return Err("may not have a user name or escapes in its host");
            }
            if scheme == "http" && !is_loopback(host) {
                return Err("must use https, unless it is http://localhost");
            }
            if after.to_ascii_lowercase().contains("%2e") || after.split('/').any(|segment| segment == "..") {
                return Err("may not have dot segments");
            }
            Ok(())
        }
        "javascript" | "data" | "file" | "vbscript" | "about" | "blob" => {
            Err("has a scheme that runs or reads something")
        }
        "urn" if public && rest.starts_with("ietf:wg:oauth:2.0:oob") => Ok(()),
        other => {
            let form = !other.is_empty()
                && other.starts_with(|c: char| c.is_ascii_alphabetic())
                && other.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
            match public && form && rest.starts_with("//") {
                true => Ok(()),
                false => Err("has a scheme that this platform does not take"),
            }
        }
    }
}

/// Longest address for a sign-out, in characters.
const LONGEST_LOGOUT: usize = 255;

/// Whether an address may be registered for hearing of a sign-out (`reference/authorize-and-device.md`, 6).
///
/// # Errors
/// The end of a sentence that begins with the URI.
pub fn check_logout(uri: &str) -> Result<(), &'static str> {
    check(uri, false)?;
    let Some(rest) = uri.strip_prefix("https://") else { return Err("must use https") };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    if uri.len() > LONGEST_LOGOUT {
        return Err("is longer than 255 characters");
    }
    // It becomes a source in the sign-out page's policy.
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b)) {
        return Err("has no sound host");
    }
    Ok(())
}

/// Whether a redirect URI that is asked for is this registered one: byte for byte, save that a public client's
/// loopback address matches under any port, and that an empty path is a slash (`security.md`, S13).
#[must_use]
pub fn matches(registered: &str, asked: &str, public: bool) -> bool {
    if registered == asked {
        return true;
    }
    let parts = |uri: &str| {
        let rest = uri.strip_prefix("http://")?;
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok() => {
                name
            }
            _ => host,
        };
        let path = if path.is_empty() { "/" } else { path };
        is_loopback(host).then(|| (name.to_ascii_lowercase(), path.to_owned()))
    };
    public && check(asked, true).is_ok() && parts(registered).is_some_and(|one| Some(one) == parts(asked))
}

/// The origin of an address: scheme, host and port in lower case, without the port on this machine, where
/// programs under development listen on whatever is free. `None`: it has none that could be compared.
#[must_use]
pub fn origin(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty() && !host.contains('@'))?;
    let scheme = scheme.to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let name = match (scheme.as_str(), host.rsplit_once(':')) {
        ("http", Some((name, port))) if is_loopback(&host) && !port.ends_with(']') => name,
        ("https", Some((name, "443"))) | ("http", Some((name, "80"))) => name,
        ("https" | "http", _) => host.as_str(),
        _ => return None,
    };
    Some(format!("{scheme}://{name}"))
}

/// A plain http address of another machine, which nothing may be sent to. One that only looks like this machine
/// is not insecure but nobody's (`security.md`, row 60).
#[must_use]
pub fn is_insecure(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let looks_like_ours =
        ["localhost", "127.", "0", "["].iter().any(|it| host.to_ascii_lowercase().starts_with(it));
    scheme.eq_ignore_ascii_case("http") && !host.contains(['@', '\\', '%']) && !looks_like_ours
}

/// The host, with or without a port, is this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_public_loopback_address_matches_under_any_port_row_32() {
        assert!(matches("http://localhost", "http://localhost:4711/", true));
        assert!(matches("http://localhost:1/a", "http://localhost:2/a", true));
        for (registered, asked, public) in [
            ("http://localhost", "http://localhost:4711", false),
            ("http://localhost/a", "http://localhost:1/b", true),
            ("http://localhost", "http://127.0.0.1:1", true),
            ("http://localhost", "http://localhost:1@evil.example/", true),
            ("http://localhost", "http://localhost.evil.example:1/", true),
            ("http://localhost", "http://localhost:1\\@evil.example", true),
            ("http://localhost", "http://localhost:1/%2e%2e/", true),
            ("https://a.example/cb", "https://a.example/cb/x", true),
            ("https://a.example/cb", "https://a.example/CB", true),
        ] {
            assert!(!matches(registered, asked, public), "{registered} {asked}");
        }
    }

    #[test]
    fn a_sign_out_is_told_over_https_to_a_host() {
        assert_eq!(check_logout("https://app.example:8443/out?a=b"), Ok(()));
        let long = format!("https://app.example/{}", "a".repeat(240));
        for uri in ["http://localhost/out", "app://out", "https://a;b.example/", "https:///out", &long] {
            assert!(check_logout(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_and_on_this_machine_no_port() {
        let same = |one: &str, other: &str| origin(one).is_some() && origin(one) == origin(other);
        assert!(same("https://App.example/cb?x", "https://app.example:443"));
        assert!(same("http://localhost:3000", "http://localhost/app"));
        for (one, other) in [
            ("https://app.example", "http://app.example"),
            ("https://app.example", "https://app.example:8443"),
            ("https://app.example", "https://app.example.evil.example"),
            ("http://localhost:3000", "http://127.0.0.1:3000"),
            ("https://localhost:1", "https://localhost:2"),
            ("null", "null"),
            ("https://", "https://"),
            ("https://evil.example@app.example", "https://app.example"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(uri in ".{0,80}", public: bool) {
            let _ = (check(&uri, public), origin(&uri));
        }
    }

    #[test]
    fn what_applications_really_use_may_be_registered() {
        for uri in [
            "https://app.example/cb?x=1",
            "http://localhost",
            "http://127.0.0.1:18080/redirect_uri",
            "http://[::1]/",
        ] {
            assert_eq!(check(uri, false), Ok(()), "{uri}");
        }
        assert_eq!(check("app://58145B91-0C36-4500-8554-080854F2AC97", true), Ok(()));
        assert_eq!(check("urn:ietf:wg:oauth:2.0:oob", true), Ok(()));
        assert!(check("app://x", false).is_err());
    }

    #[test]
    fn what_misleads_may_not_rows_59_to_61() {
        for uri in [
            "JavaScript:alert(1)",
            "data:text/html,x",
            "http://evil.example",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "https://a@b.example",
            "https://a.example/#x",
            "https://*.example/",
            "https://a.example/../b",
            "https://a.example/%2e%2e/b",
            "https://ex\u{e4}mple.example",
            "https://a.example/\t",
            "https://",
            "nonsense",
            "",
        ] {
            assert!(check(uri, true).is_err(), "{uri}");
        }
    }
}
