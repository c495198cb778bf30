//! Redirect URIs: what may be registered (`security.md`, S13 and S15). Anything that two readers could
//! read differently is refused before it is compared with anything.

use carnet_wire::percent;
use std::borrow::Cow;

/// Parameters of the answers that go to a redirect URI (`login/answer.rs`, RFC 6749 and OpenID Connect).
/// One that is registered in the query would stand in the answer twice, and the application would read one or the
/// other. `tenant`, `scope` and `claims`, which a few answers carry as well, are not in the list: they decide
/// nothing, and applications use these names themselves.
const ANSWER_PARAMETERS: [&str; 13] = [
    "access_token",
    "admin_consent",
    "client_info",
    "code",
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "id_token",
    "iss",
    "session_state",
    "state",
    "token_type",
];

/// What follows `urn:` in the two names that older programs use for a page that shows the code.
const OUT_OF_BAND: [&str; 2] = ["ietf:wg:oauth:2.0:oob", "ietf:wg:oauth:2.0:oob:auto"];

/// Longest redirect URI, in bytes.
const LONGEST: usize = 2048;

/// The parameter of an answer that a redirect URI has in its own query (`security.md`, row 160). Names count as
/// servers read them: decoded, in any letter case, with either separator, and with the brackets that make a list.
#[must_use]
pub fn answer_parameter(uri: &str) -> Option<&'static str> {
    let (_, query) = uri.split_once('?')?;
    let read = |part: &str| {
        let name = part.split('=').next().unwrap_or_default();
        let name = percent::decode_text(name, true).unwrap_or_else(|| name.to_owned());
        let plain = name.split(['[', '\0']).next().unwrap_or_default().trim().to_ascii_lowercase();
        ANSWER_PARAMETERS.into_iter().find(|it| *it == plain)
    };
    query.split(['&', ';', '?']).find_map(read)
}

/// Whether a URI may be registered for a platform; the error says why not.
///
/// # Errors
/// The end of a sentence that begins with the URI.
pub fn check(uri: &str, public: bool) -> Result<(), &'static str> {
    if uri.len() > LONGEST {
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
        "urn" if public && OUT_OF_BAND.contains(&rest) => Ok(()),
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

/// The URI without a port that is its scheme's own: RFC 3986, 6.2.3, calls both the same.
#[must_use]
pub fn without_default_port(uri: &str) -> Cow<'_, str> {
    let short = || {
        let (scheme, rest) = uri.split_once("://")?;
        let port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return None,
        };
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let host = host.strip_suffix(port)?;
        let one_host = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
        if host.is_empty() || host.contains(['@', '\\']) || !one_host {
            return None;
        }
        Some([scheme, "://", host, path].concat())
    };
    short().map_or(Cow::Borrowed(uri), Cow::Owned)
}

/// Whether a redirect URI that is asked for is this registered one: byte for byte, save that a loopback address, of
/// any platform, matches under any port, that a default port is no port, and that an empty path is a slash
/// (`security.md`, S13).
#[must_use]
pub fn matches(registered: &str, asked: &str) -> bool {
    let (registered, asked) = (&*without_default_port(registered), &*without_default_port(asked));
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
    check(asked, true).is_ok() && parts(registered).is_some_and(|one| Some(one) == parts(asked))
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
    fn only_a_loopback_address_matches_under_any_port_row_32() {
        assert!(matches("http://localhost", "http://localhost:4711/"));
        assert!(matches("http://localhost:1/a", "http://localhost:2/a"));
        for (registered, asked) in [
            ("http://localhost/a", "http://localhost:1/b"),
            ("http://localhost", "http://127.0.0.1:1"),
            ("http://localhost", "http://localhost:1@evil.example/"),
            ("http://localhost", "http://localhost.evil.example:1/"),
            ("http://localhost", "http://localhost:1\\@evil.example"),
            ("http://localhost", "http://localhost:1/%2e%2e/"),
            ("https://a.example/cb", "https://a.example/cb/x"),
            ("https://a.example/cb", "https://a.example/CB"),
        ] {
            assert!(!matches(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn a_port_that_is_the_schemes_own_is_left_out() {
        for (uri, short) in [
            ("https://a.example:443/cb", "https://a.example/cb"),
            ("http://a.example:80", "http://a.example"),
            ("http://[::1]:80/?x", "http://[::1]/?x"),
            // Unchanged.
            ("http://a.example:443/cb", "http://a.example:443/cb"),
            ("https://a.example:80/cb", "https://a.example:80/cb"),
            ("app://a.example:443/cb", "app://a.example:443/cb"),
            ("https://[::1:443/cb", "https://[::1:443/cb"),
            ("https://::1]:443/cb", "https://::1]:443/cb"),
            ("https://:443/cb", "https://:443/cb"),
        ] {
            assert_eq!(without_default_port(uri), short, "{uri}");
        }
    }

    #[test]
    fn a_default_port_is_no_port_and_another_port_is_another_address() {
        for (registered, asked) in [
            ("https://a.example:443/cb", "https://a.example/cb"),
            ("https://a.example/cb?x=1", "https://a.example:443/cb?x=1"),
            ("http://localhost:80/cb", "http://localhost/cb"),
        ] {
            assert!(matches(registered, asked), "{registered} {asked}");
        }
        for (registered, asked) in [
            ("https://a.example/cb", "https://a.example:80/cb"),
            ("https://a.example/cb", "https://a.example:8443/cb"),
            ("https://a.example/cb", "https://a.example:4430/cb"),
            ("https://a.example/cb", "https://a.example:443@evil.example/cb"),
            ("https://a.example:1/cb", "https://a.example:1:443/cb"),
            ("https://a.example/cb", "https://a.example/cb:443"),
            ("https://a.example@b.example/cb", "https://a.example@b.example:443/cb"),
            ("app://a.example/cb", "app://a.example:443/cb"),
        ] {
            assert!(!matches(registered, asked), "{registered} {asked}");
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
    fn a_parameter_of_an_answer_may_not_be_registered_row_160() {
        for (uri, name) in [
            ("https://a.example/cb?code=x", "code"),
            ("https://a.example/cb?x=1&state=y", "state"),
            ("https://a.example/cb?x=1&iss", "iss"),
            ("https://a.example?error=", "error"),
            ("https://a.example/?%63ode=x", "code"),
            ("https://a.example/?c%6Fd%65=x", "code"),
            ("https://a.example/?CODE=x", "code"),
            ("https://a.example/?+code=x", "code"),
            ("https://a.example/?code[]=x", "code"),
            ("https://a.example/?code%5B0%5D=x", "code"),
            ("https://a.example/?code%00=x", "code"),
            ("https://a.example/?x=1;state=y", "state"),
            ("https://a.example/?x?state=y", "state"),
            ("app://callback?error_description=x", "error_description"),
            ("http://localhost/?session_state=x", "session_state"),
            ("https://a.example/?id_token=x", "id_token"),
            ("https://a.example/?access_token=x", "access_token"),
            ("https://a.example/?error_uri=x", "error_uri"),
            ("https://a.example/?client_info=x", "client_info"),
            ("https://a.example/?admin_consent=x", "admin_consent"),
            ("https://a.example/?token_type=x", "token_type"),
            ("https://a.example/?expires_in=x", "expires_in"),
        ] {
            assert_eq!(answer_parameter(uri), Some(name), "{uri}");
        }
        for uri in [
            "https://a.example/cb",
            "https://a.example/code",
            "https://a.example/cb?",
            "https://a.example/cb?dummy1=lorem&dummy2=ipsum",
            "https://a.example/cb?x=code",
            "https://a.example/cb?codes=1&states=2&errors=3&issuer=4&my_code=5",
            "https://a.example/cb?tenant=contoso&scope=x&claims=y",
            "https://a.example/cb?%zzcode=x",
            "https://a.example/cb?co%20de=x",
            "https://code.example/state&iss",
        ] {
            assert_eq!(answer_parameter(uri), None, "{uri}");
        }
    }

    /// What is wrong with a redirect URI, by a word of the sentence.
    #[track_caller]
    fn refused(uri: &str, public: bool, word: &str) {
        let why = check(uri, public).unwrap_err();
        assert!(why.contains(word), "{uri}: {why}");
    }

    #[test]
    fn a_redirect_uri_has_at_most_2048_bytes() {
        let of = |length: usize| format!("https://a.example/{}", "a".repeat(length - 18));
        assert_eq!((of(2048).len(), check(&of(2048), false)), (2048, Ok(())));
        refused(&of(2049), false, "2048");
        refused(&of(2049), true, "2048");
    }

    #[test]
    fn a_redirect_uri_has_the_characters_of_one() {
        for c in
            [' ', '\\', '"', '<', '>', '^', '`', '{', '|', '}', '\t', '\n', '\u{7f}', '\u{e4}', '\u{202e}']
        {
            for uri in
                [format!("https://a.example/{c}"), format!("https://a{c}.example/"), format!("{c}https://a/")]
            {
                refused(&uri, true, "characters that a URI does not have");
            }
        }
        for uri in ["https://a.example/#", "https://a.example/#x", "https://a.example/*", "app://*"] {
            refused(uri, true, "fragment or a wildcard");
        }
        assert_eq!(check("https://a.example/!$&'()+,;=:@~-._%20?x=y/?", false), Ok(()));
    }

    #[test]
    fn a_redirect_uri_has_a_scheme_and_a_host() {
        refused("localhost", true, "no scheme");
        for uri in ["https:", "https:/a.example", "http:localhost", "HTTPS:a"] {
            refused(uri, true, "no host");
        }
        for uri in [
            "https://",
            "https:///x",
            "https://?x",
            "https://a@b.example/",
            "https://a%2eb/",
            "http://@localhost",
        ] {
            refused(uri, true, "user name or escapes");
        }
        // Only in the host, where they mislead.
        for uri in
            ["https://a.example/@b", "https://a.example?x=@b", "https://a.example/%20", "HTTPS://a.example/"]
        {
            assert_eq!(check(uri, false), Ok(()), "{uri}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for uri in [
            "http://a.example/",
            "http://localhost.a.example/",
            "http://127.0.0.2/",
            "http://localhost:x/",
            "http://[::2]/",
            "http://0/",
        ] {
            refused(uri, true, "must use https");
        }
        for uri in
            ["http://localhost", "HTTP://LocalHost:1/x", "http://127.0.0.1:65535/", "http://[::1]:8080/?x"]
        {
            assert_eq!((check(uri, true), check(uri, false)), (Ok(()), Ok(())), "{uri}");
        }
    }

    #[test]
    fn a_redirect_uri_has_no_dot_segments() {
        for uri in [
            "https://a.example/..",
            "https://a.example/../b",
            "https://a.example/b/..",
            "https://a.example/%2E%2e",
            "https://a.example/x%2Ey",
            "http://localhost/..",
        ] {
            refused(uri, true, "dot segments");
        }
        for uri in
            ["https://a.example/..b", "https://a.example/a..b/", "https://a.example/...", "app://a/../b"]
        {
            assert_eq!(check(uri, true), Ok(()), "{uri}");
        }
    }

    #[test]
    fn other_schemes_are_for_programs_and_have_a_form() {
        for scheme in ["javascript", "data", "file", "vbscript", "about", "blob", "JavaScript", "FILE"] {
            for public in [true, false] {
                refused(&format!("{scheme}://a.example/"), public, "runs or reads");
            }
        }
        for uri in [
            "app://x",
            "App://x",
            "com.example.app://x",
            "a+b-c.d1://x",
            "ms-appx-web://x",
            "z://",
            "urn://x",
        ] {
            assert_eq!(check(uri, true), Ok(()), "{uri}");
            refused(uri, false, "this platform");
        }
        for uri in [
            "app:x",
            "app:/x",
            "1app://x",
            "+app://x",
            "-app://x",
            "a_b://x",
            "a/b://x",
            "://x",
            "mailto:a@b.example",
        ] {
            refused(uri, true, "this platform");
        }
    }

    #[test]
    fn the_page_that_shows_the_code_has_two_names() {
        for uri in
            ["urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob:auto", "URN:ietf:wg:oauth:2.0:oob"]
        {
            assert_eq!(check(uri, true), Ok(()), "{uri}");
            refused(uri, false, "this platform");
        }
        for uri in [
            "urn:ietf:wg:oauth:2.0:oob:",
            "urn:ietf:wg:oauth:2.0:oob:other",
            "urn:ietf:wg:oauth:2.0:oobx",
            "urn:ietf:wg:oauth:2.0:oob?x",
            "urn:ietf:wg:oauth:2.0",
            "urn:IETF:wg:oauth:2.0:oob",
            "urn:x",
        ] {
            refused(uri, true, "this platform");
        }
    }

    #[test]
    fn an_address_for_a_sign_out_has_at_most_255_characters_and_a_plain_host() {
        let of = |length: usize| format!("https://a.example/{}", "a".repeat(length - 18));
        assert_eq!((of(255).len(), check_logout(&of(255))), (255, Ok(())));
        let refused = |uri: &str, word: &str| {
            let why = check_logout(uri).unwrap_err();
            assert!(why.contains(word), "{uri}: {why}");
        };
        refused(&of(256), "255");
        refused(&of(2049), "2048");
        for uri in ["http://localhost/", "HTTPS://a.example/"] {
            refused(uri, "must use https");
        }
        refused("app://x", "this platform");
        for c in [';', ',', '\'', '(', '!', '$', '_', '~'] {
            refused(&format!("https://a{c}.example/"), "sound host");
        }
        for uri in [
            "https://A-1.example:8443",
            "https://[2001:db8::1]:1/x",
            "https://a.example?x=;",
            "https://a.example/_;,",
        ] {
            assert_eq!(check_logout(uri), Ok(()), "{uri}");
        }
    }

    #[test]
    fn a_registered_address_matches_byte_for_byte_even_one_that_may_not_be_registered_any_more() {
        for uri in ["https://a.example/?code=x", "http://a.example/", "nonsense"] {
            assert!(matches(uri, uri), "{uri}");
        }
        assert!(matches("http://localhost/?code=x", "http://localhost:1/?code=x"));
    }

    #[test]
    fn a_loopback_address_matches_under_any_port_by_name_and_path() {
        for (registered, asked) in [
            ("http://localhost", "http://localhost/"),
            ("http://localhost/", "http://localhost"),
            ("http://LOCALHOST", "http://localhost:1"),
            ("http://localhost:65535/a?b=c", "http://localhost:0/a?b=c"),
            ("http://127.0.0.1:1", "http://127.0.0.1:2/"),
            ("http://[::1]/a", "http://[::1]:8080/a"),
        ] {
            assert!(matches(registered, asked), "{registered} {asked}");
        }
        for (registered, asked) in [
            ("http://localhost", "http://localhost:65536/"),
            ("http://localhost", "http://localhost:/x"),
            ("http://localhost", "http://localhost:x/"),
            ("http://localhost", "http://localhost?x"),
            ("http://localhost/a", "http://localhost:1/A"),
            ("http://localhost/a", "http://localhost:1/a?b"),
            ("http://localhost/a?b", "http://localhost:1/a"),
            ("http://localhost", "https://localhost:1"),
            ("https://localhost:1", "https://localhost:2"),
            ("http://127.0.0.1", "http://[::1]:1"),
            ("http://localhost", "HTTP://localhost:1"),
            ("http://a.example:1/", "http://a.example:2/"),
            ("app://x", "app://y"),
        ] {
            assert!(!matches(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn an_origin_loses_the_port_that_its_scheme_implies_and_on_this_machine_any() {
        for (address, wanted) in [
            ("https://App.example/x", Some("https://app.example")),
            ("HTTPS://app.example:443?x", Some("https://app.example")),
            ("https://app.example:8443#x", Some("https://app.example:8443")),
            ("https://app.example:80", Some("https://app.example:80")),
            ("http://app.example:80/", Some("http://app.example")),
            ("http://app.example:443/", Some("http://app.example:443")),
            ("http://app.example", Some("http://app.example")),
            ("http://localhost:3000/x", Some("http://localhost")),
            ("http://127.0.0.1:1", Some("http://127.0.0.1")),
            ("http://[::1]:3000", Some("http://[::1]")),
            ("http://[::1]", Some("http://[::1]")),
            ("https://localhost:3000", Some("https://localhost:3000")),
            ("app://x", None),
            ("https:app.example", None),
            ("https:///x", None),
            ("https://a@app.example", None),
            ("null", None),
        ] {
            assert_eq!(origin(address).as_deref(), wanted, "{address}");
        }
    }

    #[test]
    fn plain_http_to_another_machine_is_insecure_and_what_looks_like_this_one_is_not() {
        for uri in
            ["http://a.example", "HTTP://a.example/x", "http://10.0.0.1?x", "http://a.example#x", "http://"]
        {
            assert!(is_insecure(uri), "{uri}");
        }
        for uri in [
            "https://a.example",
            "app://a.example",
            "nonsense",
            "http://localhost",
            "http://LOCALHOST.evil.example",
            "http://127.0.0.1",
            "http://127.evil.example",
            "http://0x7f000001",
            "http://[::1]",
            "http://a@b.example",
            "http://a\\b.example",
            "http://a%2eb",
        ] {
            assert!(!is_insecure(uri), "{uri}");
        }
    }

    #[test]
    fn this_machine_has_three_names_with_a_port_or_without() {
        for host in
            ["localhost", "LocalHost:1", "localhost:", "127.0.0.1", "127.0.0.1:65536", "[::1]", "[::1]:1"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            ":1",
            "localhost.",
            "localhost:x",
            "localhost:1:2",
            "127.0.0.2",
            "::1",
            "[::1",
            "[::1]x",
            "localhost:1@a",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
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
