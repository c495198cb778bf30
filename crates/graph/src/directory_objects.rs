//! `/v1.0/directoryObjects/getByIds`: objects of several kinds by their ids. Sign-ins turn the group ids of a token
//! into names with it.

use super::{
    list::{body, searched},
    shape,
};
use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{group::MemberKind, refusal::Refusal, user::User};
use carnet_wire::{
    graph::{members::Members, query::Query},
    ids::ObjectId,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio::runtime::Handle;

/// Maximum number of ids in one request, as Graph has it.
const MOST_IDS: usize = 1000;
/// Maximum number of people among the answer, each of which is read from the store.
const MOST_PEOPLE: usize = 100;

/// A kind of object that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
    ServicePrincipal,
    Application,
}

/// What is asked for.
struct Asked {
    ids: BTreeSet<ObjectId>,
    /// `None`: objects of every kind.
    kinds: Option<Vec<Kind>>,
    query: Query,
}

impl Asked {
    fn wants(&self, kind: Kind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}

/// `POST /v1.0/directoryObjects/getByIds`
pub(super) async fn by_ids(cx: Context, called: Called, mut call: Call) -> Result<Reply, Failure> {
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let ids = members.texts("ids")?.unwrap_or_default();
    let kinds = members.texts("types")?.map(|names| kinds(&names)).transpose()?.flatten();
    members.finish()?;
    if ids.is_empty() || ids.len() > MOST_IDS {
        return Err(members.wrong("ids", "a list of 1 to 1000 object ids").into());
    }
    let ids = ids.iter().map(|id| id.parse().map_err(|_| members.wrong("ids", "a list of object ids")));
    let asked = Asked { ids: ids.collect::<Result<_, _>>()?, kinds, query: Query::parse(call.query())? };
    let runtime = Handle::current();
    searched(cx, called, move |cx, called| shown(cx, called, (&asked, &runtime))).await
}

/// The kinds that were named; `None`: all. A kind that this server has no objects of matches nothing.
fn kinds(names: &[String]) -> Result<Option<Vec<Kind>>, Refusal> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut kinds = Vec::new();
    for name in names {
        match name.to_ascii_lowercase().as_str() {
            "directoryobject" => return Ok(None),
            "user" => kinds.push(Kind::User),
            "group" => kinds.push(Kind::Group),
            "serviceprincipal" => kinds.push(Kind::ServicePrincipal),
            "application" => kinds.push(Kind::Application),
            "device" | "orgcontact" | "administrativeunit" | "directoryrole" => {}
            _ => {
                let name: String = name.chars().take(80).collect();
                let message =
                    format!("the property 'types' names '{name}', which is no type of directory object");
                return Err(Refusal::BadRequest { message, target: Some("types".into()) });
            }
        }
    }
    Ok(Some(kinds))
}

fn shown(cx: &Context, called: &Called, (asked, runtime): (&Asked, &Handle)) -> Result<Reply, Failure> {
    let directory = &called.directory;
    let mut found: HashMap<ObjectId, Value> = HashMap::new();
    let mut people: Vec<ObjectId> = Vec::new();
    for id in &asked.ids {
        let object = if let Some(group) = directory.group(*id) {
            asked.wants(Kind::Group).then(|| shape::typed(MemberKind::Group, shape::group(group)))
        } else if let Some(principal) = directory.principal(*id) {
            let shown = || shape::typed(MemberKind::ServicePrincipal, shape::principal(principal, directory));
            asked.wants(Kind::ServicePrincipal).then(shown)
        } else if let Some(application) = directory.application(*id) {
            let shown = || shape::typed_application(shape::application(application, directory, false));
            asked.wants(Kind::Application).then(shown)
        } else {
            people.extend(asked.wants(Kind::User).then_some(*id));
            None
        };
        found.extend(object.map(|object| (*id, object)));
    }
    if people.len() > MOST_PEOPLE {
        let message = format!("at most {MOST_PEOPLE} users can be asked for at once");
        return Err(Refusal::BadRequest { message, target: Some("ids".into()) }.into());
    }
    let read = || runtime.block_on(cx.state.store.users_with(directory.tenant.id, &people));
    let users: Vec<Arc<User>> =
        if people.is_empty() { Vec::new() } else { cx.state.searcher.reading(read)? };
    let user = |it: &Arc<User>| (it.id, shape::typed(MemberKind::User, shape::user(it, false)));
    found.extend(users.iter().map(user));
    let value: Vec<Value> = asked
        .ids
        .iter()
        .filter_map(|id| found.remove(id))
        .map(|object| asked.query.selected(object))
        .collect();
    let context = format!("{}/v1.0/$metadata#directoryObjects", cx.envelope.origin.graph());
    Reply::json(&json!({ "@odata.context": context, "value": value }))
}
