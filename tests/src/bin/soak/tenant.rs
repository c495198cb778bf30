//! The tenant that is attacked, and requests of its token endpoint.

use carnet_tests::process::{Ports, Process};
use std::{fs, path::Path};
use tempfile::TempDir;

/// Its id.
pub const TENANT: &str = "b7a1c0de-0000-4000-8000-000000000001";
/// The path of its token endpoint.
pub const TOKEN: &str = "/b7a1c0de-0000-4000-8000-000000000001/oauth2/v2.0/token";
/// An application with a secret.
pub const APPLICATION: &str = "a0000000-0000-4000-8000-000000000001";
/// An application that people use without a secret.
pub const PUBLIC: &str = "a0000000-0000-4000-8000-000000000002";
/// A good request by secret.
pub const SECRET_GRANT: &str = "client_id=a0000000-0000-4000-8000-000000000001&client_secret=s3cret-value~soak&grant_type=client_credentials&scope=https%3A%2F%2Fapi.powerplatform.com%2F.default";
/// A request for the member's token at Microsoft Graph, with Graph's own command line.
pub const MEMBER_GRANT: &str = "client_id=1950a258-227b-4e31-a9cf-717495945fc2&username=ada%40contoso.example&password=Correct-horse-7&grant_type=password&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
/// Users beside the member; they have no password.
const USERS: usize = 2000;

fn file() -> String {
    let mut text = format!("version = 1\n[tenant]\nid = \"{TENANT}\"\ndomain = \"contoso.example\"\n");
    text += "[[user]]\nname = \"ada@contoso.example\"\npassword = \"Correct-horse-7\"\n";
    for number in 0..USERS {
        text += &format!("[[user]]\nname = \"user{number}@contoso.example\"\n");
    }
    let permissions = "permissions = [{ api = \"8578e004-a5c6-46e7-913e-12f58912df43\", delegated = [\"AppManagement.ApplicationPackages.Read\"] }]\nadmin_consent = true\n";
    for (name, id, more) in [
        ("secret", APPLICATION, "secrets = [{ name = \"soak\", value = \"s3cret-value~soak\" }]"),
        ("public", PUBLIC, "public_client = true"),
    ] {
        text += &format!("[[application]]\nname = \"{name}\"\nclient_id = \"{id}\"\n{permissions}{more}\n");
    }
    text
}

/// A folder with the tenant file and a store that it was applied to.
pub fn seed(carnet: &Path) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("tenant.toml"), file()).expect("a file");
    Process::start(carnet, folder.path(), Ports::free()).stop();
    folder
}

/// Copies the folder of a stopped server.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a file");
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_private(&source, &copy);
        } else if source.is_file() {
            fs::copy(&source, &copy).expect("a copy");
        }
    }
}

/// A folder keeps its permissions: the server refuses one that others may read.
fn copy_private(from: &Path, to: &Path) {
    copy(from, to);
    let permissions = fs::metadata(from).expect("a folder").permissions();
    fs::set_permissions(to, permissions).expect("an own folder");
}
