//! `carnet register-admin`: registration with Power Platform, which requires an administrator user.

use super::{Print, session::AdminSession};
use crate::{args::RegisterAdmin, failure::Failure, output};
use serde_json::json;

/// Registers, unregisters or lists applications.
pub async fn run(print: &Print, arguments: RegisterAdmin) -> Result<(), Failure> {
    let authority = arguments.tenant.authority()?;
    let bap = AdminSession::new(authority, &arguments.administrator)?.bap().await?;
    if arguments.list {
        return print.data(&bap.registered().await?.into());
    }
    let app = arguments.app.ok_or_else(|| Failure::usage("no application specified"))?;
    if arguments.remove {
        bap.unregister(app).await?;
        output::say(&format!("removed the registration of {app} with Power Platform"));
        return print.data(&json!({ "applicationId": app, "registered": false }));
    }
    bap.register(app).await?;
    output::say(&format!("registered {app} with Power Platform as an administrator"));
    print.data(&json!({ "applicationId": app, "registered": true }))
}
