//! `/{tenant}/oauth2/deviceauth`: where somebody types the code that a device shows, signs in, and says yes or
//! no to that very application (`security.md`, S19).

use super::{
    flow::{Flow, Purpose, Question},
    pages::{self, Step},
    session::Shown,
};
use crate::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_store::{
    StoreError,
    artifact::{DEVICE, DEVICE_ANSWER, Place, USER_CODE, answer_digest, text_digest},
};
use carnet_tenant::{
    authorize::on_device,
    directory::Directory,
    token::{
        Denial, DeviceAnswer, DeviceBody,
        client_auth::Client,
        device_code::{DeviceNo, client},
    },
    user::User,
};
use carnet_wire::{device::UserCode, ids::TenantId, secret::Password};
use std::sync::Arc;
use uuid::Uuid;

/// A device code that somebody is about to answer.
pub(super) struct Device {
    pub directory: Arc<Directory>,
    pub client: Client,
    body: DeviceBody,
    digest: [u8; 32],
}

/// The page for the code.
pub(super) async fn get(cx: Context, call: Call) -> Result<Reply, Failure> {
    let tenant = call.variable(0).to_owned();
    let (flow, cookie) = cx.begin(&call, Purpose::Device { digest: None }, tenant);
    let reply = cx.ask_code(&flow, None)?;
    Ok(cookie.into_iter().fold(reply, Reply::cookie))
}

/// The code, or the answer.
pub(super) async fn post(cx: Context, mut call: Call) -> Result<Reply, Failure> {
    let (form, mut flow) = match cx.posted(&mut call).await? {
        Ok(posted) => posted,
        Err(denial) => return Ok(cx.refused(&denial)),
    };
    if let Some(answer) = form.get("answer").filter(|_| flow.device().is_some()) {
        return cx.answer_device(&call, &flow, answer == "yes").await;
    }
    let typed = form.get("user_code").unwrap_or_default();
    match cx.find_code(typed).await? {
        Ok((tenant, device)) => {
            flow.restart(None);
            flow.purpose = Purpose::Device { digest: Some(device) };
            flow.tenant = tenant.to_string();
            cx.advance(&call, flow, None).await
        }
        Err(Denial::Busy) => Ok(cx.refused(&Denial::Busy)),
        Err(denial) => {
            let (row, sentence) = denial.entry();
            cx.ask_code(&flow, Some(&format!("{sentence} (AADSTS{})", row.number)))
        }
    }
}

impl Context {
    fn ask_code(&self, flow: &Flow, wrong: Option<&str>) -> Result<Reply, Failure> {
        let sealed = self.seal_flow(flow)?;
        let action = format!("/{}/oauth2/deviceauth", flow.tenant);
        Ok(pages::user_code(&Step { action: &action, flow: &sealed, application: "", wrong }))
    }

    /// Under which guesses of user codes are counted: by address, as wrong passwords are by account.
    fn guesses(&self) -> (TenantId, String) {
        (TenantId::new(Uuid::nil()), format!("user code from {}", self.envelope.address))
    }

    /// The device code of a user code. A right one is no end of guessing: anybody can ask for one of their own.
    async fn find_code(&self, typed: &str) -> Result<Result<(TenantId, String), Denial>, Failure> {
        let wrong = Ok(Err(Denial::Device(DeviceNo::UserCode)));
        if typed.trim().is_empty() {
            return Ok(Err(Denial::Device(DeviceNo::UserCodeMissing)));
        }
        let Some(code) = UserCode::parse(typed) else {
            return Ok(Err(Denial::Device(DeviceNo::UserCodeForm)));
        };
        let ((nobody, key), from) = (self.guesses(), (self.envelope.address, self.now()));
        let guess = Password::new(code.as_str().to_owned());
        let (attempt, _) = self.state.store.reserve(nobody, (&key, &guess), from).await?;
        if !attempt.evaluates() {
            return Ok(Err(Denial::Busy));
        }
        let digest = text_digest(USER_CODE, code.as_str());
        let found = self.state.store.artifact_anywhere::<String>(USER_CODE, &digest).await?;
        let Some((tenant, found)) = found else { return wrong };
        if found.expires <= self.now() {
            return Ok(Err(Denial::Device(DeviceNo::UserCodeExpired)));
        }
        Ok(Ok((tenant, found.body)))
    }

    /// The device code that a flow speaks of.
    ///
    /// # Errors
    /// [`Failure`]
    pub(super) async fn device_of(&self, flow: &Flow) -> Result<Result<Device, Denial>, Failure> {
        let unknown = Ok(Err(Denial::Device(DeviceNo::Unknown)));
        let tenant: Option<TenantId> = flow.tenant.parse().ok();
        let digest = flow.device().and_then(carnet_wire::digest::from_hex);
        let (Some(tenant), Some(digest)) = (tenant, digest) else { return unknown };
        let Some(directory) = self.state.store.directory(tenant).await? else { return unknown };
        let Some(kept) = self.state.store.artifact::<DeviceBody>(tenant, DEVICE, &digest).await? else {
            return unknown;
        };
        Ok(client(&directory, &kept.body, self.now()).map(|client| Device {
            directory,
            client,
            body: kept.body,
            digest,
        }))
    }

    /// Takes the sign-in for a device as far as it goes: to a page for the account, or to the question.
    ///
    /// # Errors
    /// [`Failure`]
    pub(super) async fn advance_device(
        &self,
        mut flow: Flow,
        fresh: Option<(Shown, Arc<User>)>,
    ) -> Result<Reply, Failure> {
        let device = match self.device_of(&flow).await? {
            Ok(device) => device,
            Err(denial) => return Ok(self.refused(&denial)),
        };
        // Everyone signs in anew: who forwards a code finds no open session to abuse.
        let Some((shown, user)) = fresh else { return self.ask(flow, &device.client.name, None) };
        flow.session = Some(shown.session.id);
        let about = flow.device().unwrap_or_default().to_owned();
        flow.question = Some(Question { session: shown.session.id, about });
        let sealed = self.seal_flow(&flow)?;
        let action = format!("/{}/oauth2/deviceauth", flow.tenant);
        let step = Step { action: &action, flow: &sealed, application: &device.client.name, wrong: None };
        Ok(pages::confirm_device(&step, &user.name, &device.body.address.to_string()))
    }

    async fn answer_device(&self, call: &Call, flow: &Flow, yes: bool) -> Result<Reply, Failure> {
        let device = match self.device_of(flow).await? {
            Ok(device) => device,
            Err(denial) => return Ok(self.refused(&denial)),
        };
        let tenant = device.directory.tenant.id;
        // Who answers is who signed in for this and was asked, even if the browser signed somebody else in
        // meanwhile.
        if !flow.asks(flow.device().unwrap_or_default()) {
            return Ok(self.refused(&Denial::SignInLost));
        }
        let Some((Shown { session, .. }, user)) = self.signed_in(call, flow, tenant).await? else {
            return Ok(self.refused(&Denial::SignInLost));
        };
        let here = (device.client.app, self.envelope.address);
        if yes && let Err(denial) = on_device(&device.directory, (&user, &session.methods), here) {
            return Ok(self.refused(&denial));
        }
        let answer = match yes {
            true => DeviceAnswer::Approved {
                user: session.user,
                signed_in: session.signed_in,
                methods: session.methods,
            },
            false => DeviceAnswer::Declined,
        };
        let place = Place {
            tenant,
            family: Uuid::nil(),
            user: session.user,
            created: self.now(),
            expires: device.body.expires.plus_seconds(carnet_wire::device::LIFETIME),
        };
        match self
            .state
            .store
            .put_artifact(DEVICE_ANSWER, &answer_digest(&device.digest), place, &answer)
            .await
        {
            Ok(()) => {
                let ((nobody, key), from) = (self.guesses(), (self.envelope.address, self.now()));
                self.state.store.forgive(nobody, &key, from).await?;
                Ok(pages::device_done(&device.client.name, yes))
            }
            Err(StoreError::Exists) => Ok(self.refused(&Denial::Device(DeviceNo::Answered))),
            Err(error) => Err(error.into()),
        }
    }
}
