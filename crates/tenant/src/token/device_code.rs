//! Device codes: asked for by a device, approved by somebody on a page, redeemed once by polling. Redeeming
//! judges everything again (`security.md`, S19).

use super::{
    Approval, Denial, Effect, RefreshBody, Run, ServiceNo,
    client_auth::{self, Client, Wants},
    password, refresh_life, scope,
};
use crate::{application::Platform, directory::Directory};
use carnet_wire::{
    aadsts::{self, Row},
    authority::TenantName,
    authorize::target_of,
    device::{DeviceRequest, UserCodeProblem},
    ids::{AppId, ObjectId},
    time::Timestamp,
    token::request::{Target, Version},
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use uuid::Uuid;

/// Device codes of one source that may wait for their user at the same time. A whole classroom may be one source.
pub const PENDING_OF_SOURCE: i64 = 100;
/// Device codes of one tenant that may wait for their user at the same time.
pub const PENDING_OF_TENANT: i64 = 5000;
/// Seconds after which whoever asks for too many is told to ask again.
const PENDING_WAIT: i64 = 60;

/// The denial of a device code where too many wait already.
#[must_use]
pub const fn too_many_pending() -> Denial {
    Denial::Service(ServiceNo::Throttled { wait: PENDING_WAIT })
}

/// What a device asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceBody {
    /// The client.
    pub app: AppId,
    /// The edition of the endpoint.
    pub v1: bool,
    /// The scope (v2.0) or resource (v1.0).
    pub scope: String,
    /// From where it was asked, for the person who approves it.
    pub address: IpAddr,
    /// When it ends.
    pub expires: Timestamp,
    /// It was asked for over `common` or `organizations`: the person who signs in decides the tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_tenant: bool,
}

impl DeviceBody {
    /// The version of the endpoint that gave the code.
    #[must_use]
    pub const fn version(&self) -> Version {
        if self.v1 { Version::V1 } else { Version::V2 }
    }

    /// What the token will be for.
    ///
    /// # Errors
    /// [`DeviceNo::Unknown`] when what is kept cannot be read.
    pub fn target(&self) -> Result<Target, Denial> {
        target_of(self.version(), &self.scope).map_err(|_| Denial::Device(DeviceNo::Unknown))
    }
}

/// What somebody said to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceAnswer {
    /// Yes.
    Approved {
        /// Who.
        user: ObjectId,
        /// When they signed in.
        signed_in: Timestamp,
        /// How.
        methods: Vec<String>,
    },
    /// No.
    Declined,
}

/// A device code as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDevice {
    /// What it stands for.
    pub body: DeviceBody,
    /// Its digest.
    pub digest: [u8; 32],
    /// It was redeemed before.
    pub spent: bool,
    /// What somebody said; nobody yet.
    pub answer: Option<DeviceAnswer>,
}

/// Why a device code gives no token, or none is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceNo {
    /// Nobody has said anything yet.
    Pending,
    /// Somebody said no.
    Declined,
    /// It is over.
    Expired,
    /// Not a device code of this tenant.
    Unknown,
    /// It was given to another client.
    OtherClient,
    /// It was redeemed before.
    Redeemed,
    /// The client has a credential.
    Confidential,
    /// The code that somebody typed is none.
    UserCode,
    /// No user code was typed.
    UserCodeMissing,
    /// What was typed cannot be a user code.
    UserCodeForm(UserCodeProblem),
    /// The user code was right and is over.
    UserCodeExpired,
    /// Somebody answered it already.
    Answered,
}

impl DeviceNo {
    /// Row and sentence.
    #[must_use]
    pub const fn entry(self) -> (&'static Row, &'static str) {
        match self {
            Self::Pending => (
                &aadsts::DEVICE_PENDING,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            ),
            Self::Declined => (&aadsts::CONSENT_DECLINED, "The sign-in was declined on the page."),
            Self::Expired => {
                (&aadsts::DEVICE_CODE_EXPIRED, "This device code has expired; ask for a new one.")
            }
            Self::Unknown => (&aadsts::DEVICE_CODE_UNKNOWN, "The device_code is none of this tenant's."),
            Self::OtherClient => {
                (&aadsts::GRANT_OF_OTHER_CLIENT, "The device code was issued to another client.")
            }
            Self::Redeemed => (&aadsts::CODE_REDEEMED, "The device code was already redeemed."),
            Self::Confidential => (
                &aadsts::DEVICE_CODE_CONFIDENTIAL,
                "Device codes are for public clients; set the public client switch.",
            ),
            Self::UserCode => (
                &aadsts::USER_CODE_WRONG,
                "That code isn't known or has expired. Check it, or get a new one on your device.",
            ),
            Self::UserCodeMissing => (&aadsts::USER_CODE_MISSING, "Enter the code that your device shows."),
            Self::UserCodeForm(UserCodeProblem::Length) => {
                (&aadsts::USER_CODE_FORMAT, "A code has nine letters. Check it on your device.")
            }
            Self::UserCodeForm(UserCodeProblem::Characters) => (
                &aadsts::USER_CODE_FORMAT,
                "A code has no vowels, no Y and no digits. Check it on your device.",
            ),
            Self::UserCodeExpired => {
                (&aadsts::USER_CODE_EXPIRED, "That code has expired. Get a new one on your device.")
            }
            Self::Answered => (&aadsts::USER_CODE_USED, "This code was answered already."),
        }
    }

    /// The OAuth error, where it is not the row's.
    #[must_use]
    pub const fn error_name(self) -> Option<&'static str> {
        match self {
            Self::Declined => Some("authorization_declined"),
            _ => None,
        }
    }
}

/// May this client ask people by device code?
///
/// # Errors
/// [`Denial`]
pub fn may_ask(
    directory: &Directory,
    tenant: &TenantName,
    request: &DeviceRequest,
    graphs: &[String],
) -> Result<Client, Denial> {
    let client = client_auth::find(directory, tenant, request.client_id)?.enabled()?;
    if *tenant == TenantName::Consumers {
        // Nobody here has a personal account.
        return Err(Denial::NoTenantNamed);
    }
    if !client.fallback_public {
        return Err(Denial::Device(DeviceNo::Confidential));
    }
    served(directory, &client)?;
    let resolved = scope::resolve_usable(directory, graphs, &request.target)?;
    scope::over(tenant, &client, &resolved.resource)?;
    Ok(client)
}

/// The client of a device code, when somebody is about to answer it.
///
/// # Errors
/// [`Denial`]
pub fn client(directory: &Directory, body: &DeviceBody, now: Timestamp) -> Result<Client, Denial> {
    if body.expires <= now {
        return Err(Denial::Device(DeviceNo::Expired));
    }
    let client = client_auth::find(directory, &TenantName::Id(directory.tenant.id), body.app)?.enabled()?;
    served(directory, &client)?;
    Ok(client)
}

fn served(directory: &Directory, client: &Client) -> Result<(), Denial> {
    let own = client.application.as_ref().and_then(|it| it.policy.device_code);
    match own.unwrap_or(directory.tenant.policy.device_code) {
        true => Ok(()),
        false => Err(Denial::Blocked(vec![directory.tenant.rule_id("device_code", "")])),
    }
}

pub(super) fn verdict(run: &mut Run<'_>, client: Client) -> Result<Approval, Denial> {
    let no = |why| Err(Denial::Device(why));
    let Some(held) = run.facts.device.clone() else {
        // Nobody's code tells nothing; who asks still has to be the client.
        run.authenticate(&client, Wants::Either)?;
        return no(DeviceNo::Unknown);
    };
    let body = held.body;
    if body.app != client.app {
        return no(DeviceNo::OtherClient);
    }
    let credential = run.authenticate(&client, Wants::Either)?;
    served(&run.facts.directory, &client)?;
    if held.spent {
        return no(DeviceNo::Redeemed);
    }
    if body.expires <= run.asking.now {
        return no(DeviceNo::Expired);
    }
    let (id, signed_in, methods) = match held.answer {
        None => return no(DeviceNo::Pending),
        Some(DeviceAnswer::Declined) => return no(DeviceNo::Declined),
        Some(DeviceAnswer::Approved { user, signed_in, methods }) => (user, signed_in, methods),
    };
    run.known.user = Some(id);
    let user = run.holder(id)?;
    if signed_in < user.sessions_valid_from {
        return Err(Denial::RefreshRevoked { issued: signed_in });
    }
    password::usable(&user)?;
    password::still_enough(run, (&user, &methods, signed_in), client.app)?;
    let target = run.with_resource_parameter(body.target()?);
    let resolved = scope::resolve(run, &target)?;
    let platform = if credential.key().is_none() { Platform::Public } else { Platform::Web };
    let approval = password::for_user(
        run,
        (client, credential),
        (user, methods.clone(), signed_in),
        (&target, resolved),
    )?;
    run.effects.push(Effect::SpendDevice { digest: held.digest });
    run.if_lost = Some(Denial::Device(DeviceNo::Redeemed));
    if approval.refresh {
        let expires = run.asking.now.plus_seconds(refresh_life(platform));
        let family: Uuid = run.asking.entropy.uuid_at(run.asking.now);
        let scope = password::asked(&target);
        let kept = RefreshBody {
            family,
            app: body.app,
            user: id,
            platform,
            signed_in,
            scope,
            methods,
            session: None,
        };
        run.effects.push(Effect::KeepRefresh { body: kept.into(), generation: 0, expires });
    }
    Ok(approval)
}

#[cfg(test)]
mod tests {
    use super::super::contoso::*;
    use super::*;

    const BODY: &str = "grant_type=device_code&device_code=x";

    fn held(answer: Option<DeviceAnswer>) -> HeldDevice {
        HeldDevice {
            body: DeviceBody {
                app: PUBLIC.parse().unwrap(),
                v1: false,
                scope: "https://api.powerplatform.com/.default offline_access".into(),
                address: [127, 0, 0, 1].into(),
                expires: Timestamp::from_seconds(NOW + 10),
                any_tenant: false,
            },
            digest: [3; 32],
            spent: false,
            answer,
        }
    }

    fn yes() -> Option<DeviceAnswer> {
        Some(DeviceAnswer::Approved {
            user: ADA.parse().unwrap(),
            signed_in: Timestamp::from_seconds(NOW),
            methods: vec!["pwd".into()],
        })
    }

    fn ask(device: Option<HeldDevice>, app: &str) -> super::super::Decision {
        Contoso { device, ..Contoso::new() }.ask(app, BODY)
    }

    #[test]
    fn an_approved_code_gives_tokens_and_is_spent() {
        let decision = ask(Some(held(yes())), PUBLIC);
        assert!(decision.verdict.is_ok_and(|it| it.refresh));
        assert!(decision.effects.contains(&Effect::SpendDevice { digest: [3; 32] }));
        assert_eq!(decision.if_lost, Some(Denial::Device(DeviceNo::Redeemed)));
    }

    #[test]
    fn what_it_waits_for_and_what_ended_it_are_told_apart() {
        let number = |device| number(&ask(device, PUBLIC));
        assert_eq!(number(Some(held(None))), 70_016);
        assert_eq!(number(Some(held(Some(DeviceAnswer::Declined)))), 65_004);
        assert_eq!(number(None), 7_000_014);
        assert_eq!(number(Some(HeldDevice { spent: true, ..held(yes()) })), 54_005);
        let mut old = held(yes());
        old.body.expires = Timestamp::from_seconds(NOW);
        assert_eq!(number(Some(old)), 70_020);
        let mut stranger = held(yes());
        stranger.body.app = UNCONSENTED.parse().unwrap();
        assert_eq!(number(Some(stranger)), 700_007);
    }

    #[test]
    fn a_second_factor_that_is_over_gives_nothing() {
        let told = |age: i64| {
            let (user, methods) = (ADA.parse().unwrap(), vec!["pwd".into(), "mfa".into()]);
            let signed_in = Timestamp::from_seconds(NOW - age);
            let device = Some(held(Some(DeviceAnswer::Approved { user, signed_in, methods })));
            let mut contoso = Contoso { device, ..Contoso::new() };
            contoso.tenant(|it| {
                it.policy.second_factor_hours = std::num::NonZeroU32::new(1);
                it.policy.require_mfa = vec![crate::tenant::Subjects::All];
            });
            number(&contoso.ask(PUBLIC, BODY))
        };
        assert_eq!((told(3599), told(3600)), (0, 50_078));
    }

    #[test]
    fn redeeming_judges_again() {
        let mut contoso = Contoso { device: Some(held(yes())), ..Contoso::new() };
        contoso.change_user(|user| user.enabled = false);
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 50_057);
        let mut contoso = Contoso { device: Some(held(yes())), ..Contoso::new() };
        contoso.tenant(|it| it.policy.device_code = false);
        assert_eq!(number(&contoso.ask(PUBLIC, BODY)), 53_003);
    }
}
