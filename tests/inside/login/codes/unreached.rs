//! The codes of the table that no request to this server is answered with, and why. A new row is provoked, or
//! stands here.

/// Of things that a tenant here does not have.
const ABSENT: &[(&str, &[u32])] = &[
    (
        "devices, their state and their compliance",
        &[50_097, 50_129, 50_155, 50_131, 53_000, 53_001, 53_002, 53_005],
    ),
    ("guests, and policies between tenants", &[90_072, 500_212, 500_213, 500_571, 50_014]),
    ("personal and social accounts", &[500_207, 50_085, 90_132]),
    ("accounts from a directory on premises, and Windows sign-in", &[51_004, 50_144, 50_180, 50_064]),
    ("a judgement of risk", &[50_135, 53_011, 530_032, 900_941]),
    ("challenges of other providers, and registration by policy", &[50_158, 53_004, 530_035]),
    ("SAML", &[7_000_020]),
    ("certificates by subject and issuer", &[700_028, 700_030, 700_031]),
    ("managed identities, and policies on federation", &[700_223, 7_000_226]),
    ("delegated administration by partners", &[90_099]),
    ("an approval queue for consent", &[90_095]),
    ("unmanaged tenants and removed services", &[650_051, 650_054, 1_000_031]),
    ("signing keys of single applications", &[50_146]),
    ("a salt for pairwise subjects that could be missing: it comes of the seal key", &[50_042]),
    ("regions, old TLS and parts that are switched off", &[1_002_016, 51_000]),
];

/// Old or second numbers of what another number says here.
const DOUBLED: &[(&str, &[u32])] = &[
    (
        "9010010 says that the resource parameter and the scope differ; one that agrees is accepted",
        &[901_002],
    ),
    ("50059 and 900023 say that no tenant is named", &[90_019]),
    ("700016 says that an application is unknown", &[700_011, 70_001]),
    ("7000229 says that a service principal is missing", &[7_000_217]),
    ("700025 says that a public client has no secret", &[9_002_319]),
    ("7000215 and 700027 say that a credential is wrong", &[70_002, 50_012]),
    ("500014 says that an API is switched off", &[7_000_117]),
    ("500011 says that an API is unknown", &[50_001]),
    ("500112 says that a redirect URI differs", &[700_044]),
    ("700007 says that a grant is another client's", &[7_000_220]),
    ("500131 and 7000114 say that an assertion does not do", &[90_089]),
    ("65001, 650053 and 650056 say what of consent is missing", &[650_011, 65_005, 90_008]),
    ("50126 says as little of an old password as of any other", &[50_054]),
];

/// Questions on pages, which go on and refuse nothing.
const QUESTIONS: &[(&str, &[u32])] = &[
    ("a device code is always confirmed", &[50_199]),
    ("whether to stay signed in is a box on the password's page", &[50_140]),
    ("16000 says that an account has to be chosen", &[16_001]),
];

/// All of them, with their reasons.
pub(super) fn all() -> impl Iterator<Item = (u32, &'static str)> {
    let groups = [ABSENT, DOUBLED, QUESTIONS].into_iter().flatten();
    groups.flat_map(|(why, codes)| codes.iter().map(|code| (*code, *why)))
}
