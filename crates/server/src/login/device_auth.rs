//! `/{tenant}/oauth2/deviceauth`: where somebody types the code that a device shows, signs in, and says yes or
//! no to that very application (`security.md`, S19).

use super::{
    flow::{Flow, Purpose, Question},
    pages::{self, Step},
    session::Shown,
};
use crate::{
    context::{Context, cut},
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
    lockout::Attempt,
    pace::Counted,
    restriction::allowed,
    tenant::Policy,
    token::{
        Denial, DeviceAnswer, DeviceBody, ServiceNo,
        client_auth::Client,
        device_code::{DeviceNo, client},
    },
    user::User,
};
use carnet_wire::{
    authority::TenantName, device::UserCode, digest, ids::TenantId, secret::Password, source::Source,
    time::Timestamp,
};
use std::sync::Arc;
use uuid::Uuid;

/// Seconds in which guesses are counted together.
const WINDOW: i64 = 15 * 60;
/// Counters of a tenant.
const COUNTERS: u8 = 7;

/// A device code that somebody is about to answer.
pub(super) struct Device {
    pub directory: Arc<Directory>,
    pub client: Client,
    body: DeviceBody,
    digest: [u8; 32],
}

/// The page for the code.
pub(super) async fn get(cx: Context, call: Call) -> Result<Reply, Failure> {
    let Ok(tenant) = TenantName::parse(call.variable(0)) else {
        return Ok(cx.refused(&Denial::TenantName(cut(call.variable(0), 64))));
    };
    let tenant = tenant.to_string();
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
    match cx.find_code(typed, &flow).await? {
        Ok((tenant, device)) => {
            flow.restart(None);
            flow.purpose = Purpose::Device { digest: Some(device) };
            flow.tenant = tenant.to_string();
            cx.advance(&call, flow, None).await
        }
        Err(denial @ Denial::Service(_)) => Ok(cx.refused(&denial)),
        Err(denial) => {
            let (row, sentence) = denial.entry();
            cx.ask_code(&flow, Some(&format!("{sentence} (AADSTS{})", row.number)))
        }
    }
}

/// The counter of a guess among those of a tenant: each lasts 15 minutes, in which it lets at most 14 through
/// (`tenant::lockout`: 10, and one after each lock), so that seven let fewer than 100. They are not forgiven, since
/// right codes do not end guessing; they are over by themselves.
fn counter(code: &str, now: Timestamp) -> String {
    let part = digest::sha256(&[code.as_bytes()])[0] % COUNTERS;
    format!("user code {part} at {}", now.seconds() / WINDOW)
}

impl Context {
    fn ask_code(&self, flow: &Flow, wrong: Option<&str>) -> Result<Reply, Failure> {
        let sealed = self.seal_flow(flow)?;
        let action = format!("/{}/oauth2/deviceauth", flow.tenant);
        Ok(pages::user_code(&Step { action: &action, flow: &sealed, application: "", wrong }))
    }

    /// The counter of user-code guesses of the caller's source.
    fn guesses(&self) -> (TenantId, String) {
        (TenantId::new(Uuid::nil()), format!("user code from {}", Source::of(self.envelope.address)))
    }

    /// Under which they are counted once more, wherever they come from: the tenant whose page it is, or the
    /// server.
    async fn guesses_at(&self, flow: &Flow, code: &UserCode) -> Result<(TenantId, String), Failure> {
        let directory = match TenantName::parse(&flow.tenant) {
            Ok(name) => self.state.store.directory_named(&name).await?,
            Err(_) => None,
        };
        let tenant = directory.map_or(TenantId::new(Uuid::nil()), |it| it.tenant.id);
        Ok((tenant, counter(code.as_str(), self.now())))
    }

    /// The device code of a user code. A right one is no end of guessing: anybody can ask for one of their own.
    ///
    /// The numbers of `security.md`, section 2: 5 of a browser, 20 of an address (10, then ever fewer), and 100 of a
    /// tenant in 15 minutes. Who forgets their cookies is another browser, from the same address.
    async fn find_code(
        &self,
        typed: &str,
        flow: &Flow,
    ) -> Result<Result<(TenantId, String), Denial>, Failure> {
        if typed.trim().is_empty() {
            return Ok(Err(Denial::Device(DeviceNo::UserCodeMissing)));
        }
        let Some(code) = UserCode::parse(typed) else {
            return Ok(Err(Denial::Device(DeviceNo::UserCodeForm)));
        };
        let (pace, none) = (&self.state.pace, Policy::default());
        let browser: (&[&[u8]], Timestamp) = (&[flow.browser().as_bytes()], self.now());
        if let Err(denial) = pace.room(Counted::Guesses, &none, browser) {
            return Ok(Err(denial));
        }
        let from = (self.envelope.address, self.now());
        let guess = Password::new(code.as_str().to_owned());
        // Who is stopped by their address counts no further against everyone else.
        for (whose, key) in [self.guesses(), self.guesses_at(flow, &code).await?] {
            let (attempt, _) = self.state.store.reserve(whose, (&key, &guess), from).await?;
            if let Attempt::Locked(until) = attempt {
                let wait = (until.seconds() - self.now().seconds()).clamp(1, WINDOW);
                return Ok(Err(Denial::Service(ServiceNo::Throttled { wait })));
            }
        }
        let digest = text_digest(USER_CODE, code.as_str());
        let found = self.state.store.artifact_anywhere::<String>(USER_CODE, &digest).await?;
        let Some((tenant, found)) = found else {
            let wrong = Denial::Device(DeviceNo::UserCode);
            return Ok(Err(pace.count(Counted::Guesses, &none, browser).err().unwrap_or(wrong)));
        };
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
        let digest = flow.device().and_then(digest::from_hex);
        let (Some(tenant), Some(digest)) = (tenant, digest) else { return unknown };
        let Some(directory) = self.state.store.directory(tenant).await? else { return unknown };
        if let Err(denial) = allowed(&self.envelope.restrictions, &directory.tenant) {
            return Ok(Err(denial));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_counters_are_few_and_begin_anew() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let of = |seconds| -> std::collections::BTreeSet<String> {
            (0..500).map(|it| counter(&format!("code {it}"), at(seconds))).collect()
        };
        assert_eq!((of(0).len(), of(0)), (7, of(899)));
        assert!(of(0).is_disjoint(&of(900)));
    }
}
