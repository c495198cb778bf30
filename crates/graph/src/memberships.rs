//! `memberOf`, `transitiveMemberOf`, `getMemberGroups`, `getMemberObjects`, `checkMemberGroups` and
//! `checkMemberObjects` of users, service principals and groups: the groups that one is in. `getMemberObjects` is where a
//! token sends clients when somebody's groups did not fit. Directory roles are no objects of their own here, so no
//! answer has any.

use super::{
    Whose, groups,
    list::{Page, body, entity, searched},
    service_principals, shape, user_actions,
    users::found,
};
use carnet_http::{
    caller::Called,
    context::Context,
    reply::{Failure, Reply},
    route::Call,
};
use carnet_tenant::{
    directory::Directory,
    group::{Group, MemberKind, MembershipKey, all_of},
    refusal::Refusal,
    user,
};
use carnet_wire::{graph::members::Members, ids::ObjectId};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// Maximum number of ids that one `checkMember…` request may ask about, as Graph has it.
const MOST_CHECKED: usize = 20;
/// Properties of groups that a filter may speak of.
const FILTERABLE: &[&str] =
    &["id", "displayName", "description", "mailNickname", "mailEnabled", "securityEnabled"];

/// How far memberships are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only the groups that somebody is in directly.
    Direct,
    /// The groups that those are in too.
    Transitive,
}

/// What the segment after `memberOf` selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cast {
    /// There is none: everything, each object with its type.
    Everything,
    /// `microsoft.graph.group`: objects that are all groups.
    Groups,
    /// `microsoft.graph.directoryRole` or another type that this server has no objects of.
    OtherKind,
    /// One object by id.
    One(ObjectId),
}

impl Cast {
    /// Reads the segment. Kiota's clients leave the first word of a type's name out.
    ///
    /// # Errors
    /// [`Failure::NoRoute`] where it is neither a type nor an id.
    fn read(segment: Option<&String>) -> Result<Self, Failure> {
        let Some(segment) = segment else { return Ok(Self::Everything) };
        let name = segment.to_ascii_lowercase();
        let name = name.strip_prefix("microsoft.").unwrap_or(&name);
        match name {
            "graph.group" => Ok(Self::Groups),
            "graph.directoryrole" | "graph.administrativeunit" => Ok(Self::OtherKind),
            _ => segment.parse().map(Self::One).map_err(|_| Failure::NoRoute),
        }
    }
}

/// `GET …/memberOf` and `GET …/transitiveMemberOf`, whole, of one type, or one object of it.
pub(super) async fn list(
    cx: Context,
    mut called: Called,
    call: Call,
    whose: Whose,
    reach: Reach,
) -> Result<Reply, Failure> {
    let member = member(&cx, &mut called, &call, whose).await?;
    let after_id = usize::from(whose != Whose::Me);
    let cast = Cast::read(call.variables.get(after_id))?;
    if let Cast::One(id) = cast {
        let shown = |_: &_, directory: &Directory| {
            one(directory, (member, reach), id).map(|it| shape::typed(MemberKind::Group, shape::group(it)))
        };
        let group = cx.confirmed(&mut called, shown).await?;
        return entity(&cx, &call, "directoryObjects", group);
    }
    let page = Page::of(&call, FILTERABLE)?;
    searched(cx, called, move |cx, called| listed(cx, called, ((member, reach), cast, page))).await
}

fn one(
    directory: &Directory,
    (member, reach): (ObjectId, Reach),
    group: ObjectId,
) -> Result<&Arc<Group>, Refusal> {
    let holds = match reach {
        Reach::Direct => directory.is_member(&MembershipKey { member, group }),
        Reach::Transitive => all_of(directory, member).contains(&group),
    };
    let found = directory.group(group).filter(|_| holds);
    found.ok_or_else(|| Refusal::NotFound { id: group.to_string() })
}

fn listed(
    cx: &Context,
    called: &Called,
    ((member, reach), cast, page): ((ObjectId, Reach), Cast, Page),
) -> Result<Reply, Failure> {
    let after = page.after(cx)?;
    let directory = &called.directory;
    let ids: BTreeSet<ObjectId> = match (cast, reach) {
        (Cast::OtherKind, _) => BTreeSet::new(),
        (_, Reach::Direct) => directory.memberships_of(member).map(|it| it.key.group).collect(),
        (_, Reach::Transitive) => all_of(directory, member),
    };
    let shown = |group: &Arc<Group>| match cast {
        Cast::Groups => shape::group(group),
        _ => shape::typed(MemberKind::Group, shape::group(group)),
    };
    let items = ids
        .into_iter()
        .filter_map(|id| directory.group(id))
        .map(|it| (it.id.to_string(), shown(it)))
        .filter(|(id, it)| after.as_ref().is_none_or(|after| id > after) && page.passes(it));
    page.reply(cx, if cast == Cast::Groups { "groups" } else { "directoryObjects" }, items)
}

/// `POST …/getMemberGroups` and `POST …/getMemberObjects`: every group by id, groups within groups too.
pub(super) async fn ids(
    cx: Context,
    mut called: Called,
    mut call: Call,
    whose: Whose,
) -> Result<Reply, Failure> {
    let member = member(&cx, &mut called, &call, whose).await?;
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let only = members.boolean("securityEnabledOnly")?.flatten();
    let only = only.ok_or_else(|| members.wrong("securityEnabledOnly", "true or false"))?;
    members.finish()?;
    searched(cx, called, move |cx, called| counted(cx, &called.directory, (member, only))).await
}

/// `POST …/checkMemberGroups` and `POST …/checkMemberObjects`: those of the named groups that somebody is in, through
/// other groups too. `property` is the one that names them.
pub(super) async fn check(
    cx: Context,
    mut called: Called,
    mut call: Call,
    whose: Whose,
    property: &'static str,
) -> Result<Reply, Failure> {
    let member = member(&cx, &mut called, &call, whose).await?;
    let map = body(&mut call).await?;
    let mut members = Members::of(&map);
    let named = members.texts(property)?.filter(|it| (1..=MOST_CHECKED).contains(&it.len()));
    let named = named.ok_or_else(|| members.wrong(property, "a list of 1 to 20 object ids"))?;
    members.finish()?;
    let named =
        named.iter().map(|id| id.parse().map_err(|_| members.wrong(property, "a list of object ids")));
    let named: Vec<ObjectId> = named.collect::<Result<_, _>>()?;
    searched(cx, called, move |cx, called| {
        let all = all_of(&called.directory, member);
        strings(cx, named.into_iter().filter(|id| all.contains(id)).collect())
    })
    .await
}

fn counted(cx: &Context, directory: &Directory, (member, only): (ObjectId, bool)) -> Result<Reply, Failure> {
    let counts = |id: &ObjectId| directory.group(*id).is_some_and(|it| it.security_enabled || !only);
    strings(cx, all_of(directory, member).into_iter().filter(counts).collect())
}

fn strings(cx: &Context, value: Vec<ObjectId>) -> Result<Reply, Failure> {
    let context = format!("{}/v1.0/$metadata#Collection(Edm.String)", cx.envelope.origin.graph());
    Reply::json(&json!({ "@odata.context": context, "value": value }))
}

/// The member that the path names, once the caller may know their groups.
async fn member(cx: &Context, called: &mut Called, call: &Call, whose: Whose) -> Result<ObjectId, Failure> {
    Ok(match whose {
        Whose::Me => user_actions::me(&called.caller)?,
        Whose::User => named(cx, called, call.variable(0)).await?,
        Whose::Principal => principal(cx, called, call).await?,
        Whose::Group => group(cx, called, call.variable(0)).await?,
    })
}

/// The user that a path names, once the caller may know their groups.
async fn named(cx: &Context, called: &Called, name: &str) -> Result<ObjectId, Failure> {
    let user = found(cx, called, name).await?.map(|it| it.id);
    user::may_read_groups(&called.caller, &called.directory, user)?;
    user.ok_or_else(|| Refusal::NotFound { id: name.chars().take(120).collect() }.into())
}

async fn group(cx: &Context, called: &mut Called, id: &str) -> Result<ObjectId, Failure> {
    cx.confirmed(called, |_, directory| Ok(groups::find(directory, id)?.id)).await
}

async fn principal(cx: &Context, called: &mut Called, call: &Call) -> Result<ObjectId, Failure> {
    let named = super::list::key(call, "appId")?;
    cx.confirmed(called, |_, directory| Ok(service_principals::find(directory, &named)?.id)).await
}
