//! `/{tenant}/oauth2/v2.0/devicecode` and the same without `v2.0`: gives a device its two codes.

use super::{confirm, home};
use carnet_http::{
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_store::{
    StoreError,
    artifact::{DEVICE, Place, USER_CODE, text_digest},
    device::NewDevice,
};
use carnet_tenant::{
    directory::Directory,
    restriction::allowed,
    token::{
        Denial, DeviceBody,
        denial::TenantNo,
        device_code::{may_ask, too_many_pending},
    },
};
use carnet_wire::{
    authority::TenantName,
    device::{self, DeviceRequest, UserCode},
    ids::{ObjectId, TenantId},
    jose::encode_base64url,
    token::{
        form::{Form, LARGEST},
        request::Version,
    },
};
use uuid::Uuid;

/// How often another user code is drawn when one is taken.
const TRIES: usize = 5;

pub(super) async fn v2(cx: Context, call: Call) -> Result<Reply, Failure> {
    post(cx, call, Version::V2).await
}

pub(super) async fn v1(cx: Context, call: Call) -> Result<Reply, Failure> {
    post(cx, call, Version::V1).await
}

async fn post(cx: Context, mut call: Call, version: Version) -> Result<Reply, Failure> {
    let segment = call.variable(0).to_owned();
    let no = |denial: &Denial| Ok(carnet_http::reply::denial(denial, version, &cx.envelope));
    let Ok(tenant) = TenantName::parse(&segment) else {
        return no(&Denial::TenantName(carnet_http::context::cut(&segment, 64)));
    };
    let body = call.read(LARGEST).await?;
    let request = match Form::parse(&body).and_then(|form| DeviceRequest::parse(version, &form)) {
        Ok(request) => request,
        Err(error) => return no(&Denial::malformed(error, &tenant)),
    };
    if version == Version::V1 && tenant == TenantName::Consumers {
        return no(&Denial::Tenant(TenantNo::PersonalToken));
    }
    let directory = match tenant.is_alias() {
        false => cx.state.store.directory_named(&tenant).await?,
        // Nobody has named an account yet: the code waits where its client is registered until somebody signs in.
        true => home::home_of(&cx, request.client_id).await?,
    };
    let Some(mut directory) = directory else {
        return no(&Denial::UnknownTenant {
            name: carnet_http::context::cut(&segment, 64),
            discovery: false,
        });
    };
    if !tenant.is_alias()
        && let Err(denial) = allowed(&cx.envelope.restrictions, &directory.tenant)
    {
        return no(&denial);
    }
    let rule = |directory: &Directory| may_ask(directory, &tenant, &request, &cx.state.names.graphs);
    if let Err(denial) = confirm::confirmed_denial(&cx, (&mut directory, request.client_id), rule).await? {
        return no(&denial);
    }
    let asked = DeviceBody {
        app: request.client_id,
        v1: version == Version::V1,
        scope: request.scope,
        address: cx.envelope.address,
        expires: cx.now().plus_seconds(device::LIFETIME),
        any_tenant: tenant.is_alias(),
    };
    give(&cx, directory.tenant.id, asked, version).await
}

/// Keeps what was asked under two codes and gives them out, unless too many wait for their users already.
async fn give(cx: &Context, tenant: TenantId, asked: DeviceBody, version: Version) -> Result<Reply, Failure> {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    cx.state.entropy.fill(bytes.as_mut_slice());
    let text = zeroize::Zeroizing::new(encode_base64url(bytes.as_slice()));
    let place = Place {
        tenant,
        family: Uuid::nil(),
        user: ObjectId::new(Uuid::nil()),
        created: cx.now(),
        expires: asked.expires,
    };
    let device = text_digest(DEVICE, &text);
    for _ in 0..TRIES {
        let code = UserCode::new(&*cx.state.entropy);
        let user_code = text_digest(USER_CODE, code.as_str());
        let new = NewDevice { device: &device, user_code: &user_code, place, body: &asked };
        match cx.state.store.put_device_code(new).await {
            Ok(false) => return Ok(carnet_http::reply::denial(&too_many_pending(), version, &cx.envelope)),
            Ok(true) => {
                let page = format!("{}/devicelogin", cx.envelope.origin.login());
                return Reply::json(&device::reply(version, &text, &code, &page));
            }
            Err(StoreError::Exists) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Away)
}
