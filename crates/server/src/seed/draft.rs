//! A file decided on: rule after rule over a working copy of the directory. Pure; what it says is kept in
//! one batch or not at all.

use super::{
    Did, Known, Loaded,
    assignments::{self, Holders},
    groups, objects, people,
};
use carnet_store::Store;
use carnet_tenant::{
    access::Caller,
    change::{Audit, Change, Decided, Moment, Object, ObjectKey},
    directory::Directory,
    refusal::Refusal,
    service_principal,
    tenant::{self, AssertionReplay, AuthenticationContext, Policy, RefreshReuse, Subjects, Tenant},
    user,
};
use carnet_wire::{
    catalogue::Catalogue,
    ids::{AppId, TenantId},
    secret::ClientSecret,
    tenant_file::{ContextTable, PolicyTable, Replay, Reuse, Who},
};
use std::{collections::HashMap, sync::Arc};

/// A refusal, with the object it is about.
pub(super) type Refused = (String, Refusal);

/// A decision under way.
pub(super) struct Draft {
    /// The directory with everything decided so far.
    pub(super) directory: Directory,
    /// Who decides.
    pub(super) caller: Caller,
    /// What to keep.
    pub(super) changes: Vec<Change>,
    /// What to write down.
    pub(super) audit: Vec<Audit>,
    /// Somebody will see a generated secret.
    pub(super) show: bool,
    /// What was done.
    pub(super) outcome: Outcome,
}

/// What people are told.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) report: Vec<(&'static str, String, Did)>,
    pub(super) generated: Vec<(String, String, ClientSecret)>,
}

impl From<Draft> for Outcome {
    fn from(draft: Draft) -> Self {
        draft.outcome
    }
}

impl Draft {
    /// The outcome of a file that changes nothing.
    pub(super) fn nothing() -> Outcome {
        Outcome::default()
    }

    /// Takes a rule's decision in, and says whether it changed anything.
    pub(super) fn take<T>(&mut self, decided: Decided<T>) -> (T, bool) {
        let any = !decided.changes.is_empty();
        self.directory.apply(decided.changes.iter().cloned());
        self.changes.extend(decided.changes);
        self.audit.extend(decided.audit);
        (decided.value, any)
    }

    /// Notes what became of an object.
    pub(super) fn report(&mut self, kind: &'static str, name: &str, (there, changed): (bool, bool)) {
        let did = match (there, changed) {
            (false, _) => Did::Created,
            (true, true) => Did::Changed,
            (true, false) => Did::Unchanged,
        };
        self.outcome.report.push((kind, name.to_owned(), did));
    }

    /// Notes a further change to an object that was reported already.
    pub(super) fn touch(&mut self, kind: &str, name: &str, changed: bool) {
        let line = self.outcome.report.iter_mut().find(|line| line.0 == kind && line.1 == name);
        if let Some(line) = line.filter(|line| changed && line.2 == Did::Unchanged) {
            line.2 = Did::Changed;
        }
    }

    /// The service principal of an application, made when it is missing.
    pub(super) fn principal(
        &mut self,
        app: AppId,
        at: &Moment<'_>,
    ) -> Result<carnet_wire::ids::ObjectId, Refusal> {
        if let Some(principal) = self.directory.principal_by_app(app) {
            return Ok(principal.id);
        }
        let decided = service_principal::create(&self.caller, &self.directory, (app, None), at)?;
        Ok(self.take(decided).0.id)
    }
}

/// Decides on a whole file.
pub(super) fn decide(
    loaded: &Loaded,
    (seen, store): (Option<&Directory>, &Store),
    known: Vec<Known>,
    (digest, at, show): (&str, &Moment<'_>, bool),
) -> Result<Draft, Refused> {
    let file = &loaded.file;
    let caller = Caller::Operator { digest: digest.to_owned() };
    let directory = match seen {
        Some(seen) => seen.clone(),
        None => {
            let blank = Arc::new(blank(loaded, at));
            Directory::among(blank, store.catalogue().clone(), store.registry().clone())
        }
    };
    let mut draft = Draft {
        directory,
        caller,
        changes: Vec::new(),
        audit: Vec::new(),
        outcome: Outcome::default(),
        show,
    };
    let catalogue = store.catalogue();
    for app in catalogue.applications.iter().filter(|app| app.in_every_tenant) {
        draft.principal(app.app_id, at).map_err(|no| (app.display_name.clone(), no))?;
    }
    let apps = objects::applications(&mut draft, loaded, at)?;
    let wanted = described(&draft.directory, loaded, &apps).map_err(|no| ("[tenant]".to_owned(), no))?;
    let name = wanted.domains.first().cloned().unwrap_or_default();
    let decided =
        tenant::change(&draft.caller, &draft.directory, wanted).map_err(|no| ("[tenant]".to_owned(), no))?;
    let (_, changed) = draft.take(decided);
    draft.report("tenant", &name, (seen.is_some(), changed));
    let mut users = HashMap::new();
    for (table, known) in file.users.iter().zip(known) {
        let made = people::user(&mut draft, table, known, at);
        let id = made.map_err(|no| (format!("user `{}`", table.name), no))?;
        users.insert(user::fold(&table.name), id);
    }
    let groups = groups::groups(&mut draft, loaded, (&users, &apps), at)?;
    assignments::assignments(
        &mut draft,
        loaded,
        &Holders { apps: &apps, users: &users, groups: &groups },
        at,
    )?;
    objects::permissions(&mut draft, loaded, &apps, at)?;
    objects::environments(&mut draft, loaded, at)?;
    draft.changes = last_of_each(std::mem::take(&mut draft.changes));
    Ok(draft)
}

/// A new tenant, before its file is looked at further.
fn blank(loaded: &Loaded, at: &Moment<'_>) -> Tenant {
    let table = &loaded.file.tenant;
    Tenant {
        id: table.id.unwrap_or_else(|| TenantId::new(at.entropy.uuid())),
        domains: vec![table.domain.to_lowercase()],
        display_name: table.name.clone().unwrap_or_else(|| table.domain.clone()),
        created: at.now,
        country: table.country.clone(),
        policy: Policy::default(),
    }
}

/// The tenant as the file describes it.
fn described(directory: &Directory, loaded: &Loaded, apps: &[AppId]) -> Result<Tenant, Refusal> {
    let old = &directory.tenant;
    let table = &loaded.file.tenant;
    let domain = table.domain.to_lowercase();
    let mut domains = vec![domain.clone()];
    domains.extend(old.domains.iter().filter(|it| **it != domain).cloned());
    let named: HashMap<&str, AppId> =
        loaded.file.applications.iter().map(|it| it.name.as_str()).zip(apps.iter().copied()).collect();
    Ok(Tenant {
        id: old.id,
        domains,
        display_name: table.name.clone().unwrap_or_else(|| old.display_name.clone()),
        created: old.created,
        country: table.country.clone(),
        policy: policy(&table.policy, &named, &directory.catalogue)?,
    })
}

fn policy(
    table: &PolicyTable,
    apps: &HashMap<&str, AppId>,
    catalogue: &Catalogue,
) -> Result<Policy, Refusal> {
    let safe = Policy::default();
    let subjects =
        |list: &[Who]| list.iter().map(|who| subject(who, apps, catalogue)).collect::<Result<Vec<_>, _>>();
    Ok(Policy {
        assertion_replay: match table.assertion_replay {
            Some(Replay::Refuse) => AssertionReplay::Refuse,
            Some(Replay::Tolerate) | None => AssertionReplay::Tolerate,
        },
        refresh_reuse: table.refresh_reuse.map_or(safe.refresh_reuse, reuse),
        reveal_user: table.reveal_user.unwrap_or(safe.reveal_user),
        password_grant: table.password_grant.unwrap_or(safe.password_grant),
        device_code: table.device_code.unwrap_or(safe.device_code),
        require_mfa: subjects(&table.require_mfa)?,
        block: subjects(&table.block)?,
        refresh_max_age_days: table.refresh_max_age_days,
        sign_in_frequency_hours: table.sign_in_frequency_hours,
        second_factor_hours: table.second_factor_hours,
        requests_per_minute: table.requests_per_minute,
        repeats_per_minute: table.repeats_per_minute,
        danger_allow_issuers: table.danger_allow_issuers.clone(),
        authentication_contexts: table.authentication_contexts.iter().map(context).collect(),
        users_create_applications: table.users_create_applications.unwrap_or(safe.users_create_applications),
        objects_per_person: table.objects_per_person.unwrap_or(safe.objects_per_person),
        secret_max_days: table.secret_max_days.unwrap_or(safe.secret_max_days),
        known_source_days: table.known_source_days.unwrap_or(safe.known_source_days),
        source_failures: table.source_failures.unwrap_or(safe.source_failures),
        audit_days: table.audit_days.unwrap_or(safe.audit_days),
    })
}

fn context(table: &ContextTable) -> AuthenticationContext {
    AuthenticationContext { id: table.id.clone(), require_mfa: table.require_mfa }
}

/// The file's word for what becomes of used refresh tokens.
pub(super) const fn reuse(word: Reuse) -> RefreshReuse {
    match word {
        Reuse::Grace => RefreshReuse::Grace,
        Reuse::Tolerate => RefreshReuse::Tolerate,
    }
}

fn subject(who: &Who, apps: &HashMap<&str, AppId>, catalogue: &Catalogue) -> Result<Subjects, Refusal> {
    let unknown = |text: String| Refusal::BadRequest { message: text, target: Some("policy".into()) };
    Ok(match who {
        Who::All => Subjects::All,
        Who::Role(name) => {
            let role = catalogue
                .role(name)
                .ok_or_else(|| unknown(format!("there is no directory role `{name}`")))?;
            Subjects::Role(role.id)
        }
        Who::User(name) => Subjects::User(user::fold(name)),
        Who::App(name) => {
            let id = name.parse().ok().or_else(|| apps.get(name.as_str()).copied());
            Subjects::App(id.ok_or_else(|| unknown(format!("there is no application `{name}` in the file")))?)
        }
        Who::Network(address, prefix) => Subjects::Network { address: *address, prefix: *prefix },
    })
}

/// One change for each object: its last one.
fn last_of_each(changes: Vec<Change>) -> Vec<Change> {
    let key = |change: &Change| match change {
        Change::Put(object) => object.key(),
        Change::Remove(key) => key.clone(),
    };
    let last: HashMap<ObjectKey, usize> =
        changes.iter().enumerate().map(|(at, change)| (key(change), at)).collect();
    let tenant = |change: &Change| matches!(change, Change::Put(Object::Tenant(_)));
    let kept = changes.into_iter().enumerate().filter(|(at, change)| last.get(&key(change)) == Some(at));
    // The tenant's own body goes first: the rest hangs on it.
    let (first, rest): (Vec<_>, Vec<_>) = kept.map(|(_, change)| change).partition(tenant);
    first.into_iter().chain(rest).collect()
}
