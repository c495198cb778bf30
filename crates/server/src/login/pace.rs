//! Who asks too often: a tenant, a device that does not wait, an application that sends its user round and round. The
//! numbers are `tenant::pace`'s, and `work::pace` counts.

use super::authorize::Good;
use crate::{context::Context, reply::Reply};
use carnet_tenant::{
    pace::Counted,
    tenant::Tenant,
    token::{CodeBody, Decision, Denial, Facts, Subject},
};
use carnet_wire::{
    authorize::Prompt,
    ids::{AppId, ObjectId},
    token::request::Grant,
};

impl Context {
    /// The tenant may ask once more.
    pub(super) fn room(&self, tenant: &Tenant) -> Result<(), Denial> {
        self.state.pace.room(Counted::Requests, &tenant.policy, &[tenant.id.uuid().as_bytes()], self.now())
    }

    /// Neither the tenant nor a device whose code nobody has answered asks too often.
    pub(super) fn keeps_pace(&self, facts: &Facts) -> Result<(), Denial> {
        let tenant = &facts.directory.tenant;
        if let Some(device) = facts.device.as_ref().filter(|it| it.answer.is_none()) {
            self.state.pace.count(Counted::Polls, &tenant.policy, &[&device.digest], self.now())?;
        }
        self.room(tenant)
    }

    /// A decision that counts for its tenant and its client, if somebody proved who they are; a no where the client
    /// signs its user in for the same again and again.
    pub(super) fn counted(&self, tenant: &Tenant, decision: Decision, grant: &Grant) -> Decision {
        if decision.verdict.is_ok() || decision.known.credential.is_some() {
            // One that was under way already is let through.
            let id = tenant.id.uuid();
            let _ = self.state.pace.count(Counted::Requests, &tenant.policy, &[id.as_bytes()], self.now());
        }
        let Ok(yes) = &decision.verdict else { return decision };
        let Subject::User { user, .. } = &yes.subject else { return decision };
        if tenant.policy.repeats_per_minute.is_none() {
            return decision;
        }
        let (resource, mut scopes) = (yes.resource.principal.id.uuid(), yes.scopes.clone());
        scopes.sort_unstable();
        let scopes = scopes.join(" ");
        let what = [resource.as_bytes(), scopes.as_bytes(), grant.name().as_bytes()];
        match self.repeats(tenant, (yes.client.app, user.id), &what) {
            Ok(()) => decision,
            Err(denial) => decision.into_no(denial),
        }
    }

    /// The answer for a browser that comes for the same code again and again: not back to the application, which
    /// would send it round once more, unless that waits for no page.
    pub(super) fn comes_round(&self, good: &Good, body: &CodeBody) -> Option<Reply> {
        let mut words: Vec<&str> = body.scope.split_whitespace().collect();
        words.sort_unstable();
        let scope = words.join(" ");
        let what = [scope.as_bytes(), b"authorize"];
        let denial = self.repeats(&good.directory.tenant, (body.app, body.user), &what).err()?;
        Some(match good.asked.prompt {
            Prompt::None => self.back_with_no(&good.request, &good.admitted, &denial),
            _ => self.refused(&denial),
        })
    }

    /// Counts what a user gets through a client.
    ///
    /// # Errors
    /// [`ServiceNo::ClientLoop`] where that is the same again and again.
    fn repeats(
        &self,
        tenant: &Tenant,
        (client, user): (AppId, ObjectId),
        what: &[&[u8]],
    ) -> Result<(), Denial> {
        let ids = [tenant.id.uuid(), client.uuid(), user.uuid()].map(uuid::Uuid::into_bytes).concat();
        let whole = [&[ids.as_slice()], what].concat();
        self.state.pace.count(Counted::Repeats, &tenant.policy, &whole, self.now())
    }
}
