//! `carnet register-admin`: the registration with Power Platform that only an administrator user makes.

use super::{Print, place::Signer};
use crate::{args::RegisterAdmin, failure::Failure, output};
use serde_json::json;

/// Registers, unregisters or lists.
pub async fn run(print: &Print, arguments: RegisterAdmin) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let bap = Signer::new(place, &arguments.administrator)?.bap().await?;
    if arguments.list {
        return print.data(&bap.registered().await?.into());
    }
    let app = arguments.app.ok_or_else(|| Failure::asked("no application is named"))?;
    if arguments.remove {
        bap.unregister(app).await?;
        output::say(&format!("{app} is no longer registered with Power Platform"));
        return print.data(&json!({ "applicationId": app, "registered": false }));
    }
    bap.register(app).await?;
    output::say(&format!("{app} is registered with Power Platform as an administrator"));
    print.data(&json!({ "applicationId": app, "registered": true }))
}
