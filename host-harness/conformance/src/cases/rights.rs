//! What people and clients may do by their roles, and that nobody gives more than they have.

use guestlist_contract::rights::Rights;
use guestlist_memory::Assignee;

use super::prelude::*;

const AREA: &str = "rights";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        a_role_gives_rights,
        "`standing` has what the roles of somebody give, beside what they may do directly."
    ),
    case!(
        AREA,
        a_group_has_roles,
        "Whoever is in a group may do what its roles give, for as long as it has them."
    ),
    case!(
        AREA,
        a_client_has_roles,
        "A client may do what its roles give; with a role that gives nothing it has access."
    ),
    case!(
        AREA,
        an_issuers_word_ends,
        "What somebody has by the word of an issuer counts until its instant, and until the issuer says otherwise."
    ),
    case!(
        AREA,
        nobody_gives_more,
        "A role is not `grantable` by somebody who lacks one of its rights; nor is a group that has such a role."
    ),
    case!(
        AREA,
        rights_of_the_host_count,
        "Nor is one that gives a permission of the host which the inviter lacks."
    ),
    case!(
        AREA,
        it_is_judged_again,
        "Where a role gives more from now on, or a group has another role, `grantable` says so at once."
    ),
];

async fn standing(t: &Trial, who: Principal) -> Outcome<Option<Permissions>> {
    ok("standing", t.host.directory.standing(&t.admin(), "acme".into(), who).await)
}

async fn grantable(t: &Trial, who: Principal, grants: Vec<Grant>) -> Outcome<Vec<Option<bool>>> {
    let found = ok("resolve", t.host.membership.resolve(&t.admin(), "acme".into(), who, grants).await)?;
    Ok(found.into_iter().map(|found| found.map(|found| found.grantable)).collect())
}

fn the_deputy() -> Principal {
    Principal::User(deputy())
}

fn role_rights(role: &str, rights: impl Into<Rights>) -> Event {
    Event::SetRoleRights { organization: "acme".into(), role: role.into(), rights: rights.into() }
}

fn assigned(role: &str, to: Assignee) -> Event {
    Event::AssignRole { organization: "acme".into(), role: role.into(), to }
}

fn of_acme(id: &str) -> Principal {
    Principal::User(user("acme", id))
}

async fn a_role_gives_rights(ground: Ground) -> Outcome {
    let t = ground.world("roles").await?;
    let ida = || of_acme("u-ida");
    same("by her role", &standing(&t, ida()).await?, &Some(Permissions::VIEW))?;
    t.happen(role_rights("r-audit", Permissions::RESEND | Permissions::REVOKE)).await?;
    let other = Permissions::RESEND | Permissions::REVOKE;
    same("with other rights of it", &standing(&t, ida()).await?, &Some(other))?;
    let permissions = Permissions::INVITE | Permissions::REVOKE;
    t.happen(Event::SetPermissions { organization: "acme".into(), who: ida(), permissions }).await?;
    same("and what she may do directly", &standing(&t, ida()).await?, &Some(other | Permissions::INVITE))?;
    t.happen(Event::DeleteRole { organization: "acme".into(), id: "r-audit".into() }).await?;
    same("when it is gone", &standing(&t, ida()).await?, &Some(permissions))?;
    same("somebody without it", &standing(&t, the_deputy()).await?, &Some(Permissions::INVITE))
}

async fn a_group_has_roles(ground: Ground) -> Outcome {
    let t = ground.world("roles").await?;
    let ivo = || of_acme("u-ivo");
    same("in the group", &standing(&t, ivo()).await?, &Some(Permissions::APPROVE))?;
    let (organization, role) = ("acme".to_owned(), "r-admin".to_owned());
    t.happen(Event::UnassignRole { organization, role, from: Assignee::Group("g-ops".into()) }).await?;
    same("when it has no role", &standing(&t, ivo()).await?, &Some(Permissions::empty()))?;
    t.happen(assigned("r-audit", Assignee::Group("g-ops".into()))).await?;
    same("when it has another", &standing(&t, ivo()).await?, &Some(Permissions::VIEW))?;
    t.happen(Event::DeleteGroup { organization: "acme".into(), id: "g-ops".into() }).await?;
    same("when it is gone", &standing(&t, ivo()).await?, &Some(Permissions::empty()))
}

async fn a_client_has_roles(ground: Ground) -> Outcome {
    let t = ground.world("roles").await?;
    let robot = || Principal::Client("robot".into());
    same("with its role", &standing(&t, robot()).await?, &Some(Permissions::VIEW))?;
    t.happen(role_rights("r-audit", Rights::empty())).await?;
    same("which gives nothing", &standing(&t, robot()).await?, &Some(Permissions::empty()))?;
    t.happen(assigned("r-admin", Assignee::Client("hr".into()))).await?;
    let both = Permissions::INVITE | Permissions::VIEW | Permissions::APPROVE;
    same("with what it had", &standing(&t, hr()).await?, &Some(both))?;
    t.happen(Event::DeleteRole { organization: "acme".into(), id: "r-audit".into() }).await?;
    same("without any role", &standing(&t, robot()).await?, &None)
}

async fn an_issuers_word_ends(ground: Ground) -> Outcome {
    let t = ground.world("roles").await?;
    let lease = |roles: &[&str], lasting: u64| Event::LeaseRoles {
        organization: "acme".into(),
        account: deputy(),
        issuer: "sso".into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        lasting,
    };
    let more = Permissions::INVITE | Permissions::APPROVE;
    t.happen(lease(&["r-admin"], 4 * t.unit)).await?;
    same("at first", &standing(&t, the_deputy()).await?, &Some(more))?;
    t.pass(5 * t.unit).await?;
    same("afterwards", &standing(&t, the_deputy()).await?, &Some(Permissions::INVITE))?;
    t.happen(lease(&["r-admin"], 1000 * t.unit)).await?;
    same("once more", &standing(&t, the_deputy()).await?, &Some(more))?;
    t.happen(lease(&["r-audit"], 1000 * t.unit)).await?;
    let other = Permissions::INVITE | Permissions::VIEW;
    same("in place of it", &standing(&t, the_deputy()).await?, &Some(other))?;
    t.happen(lease(&[], 0)).await?;
    same("when it is taken back", &standing(&t, the_deputy()).await?, &Some(Permissions::INVITE))
}

async fn nobody_gives_more(ground: Ground) -> Outcome {
    let t = ground.world("roles").await?;
    let grants = || vec![group("g-help"), group("g-ops"), role("r-admin")];
    same(
        "the deputy",
        &grantable(&t, the_deputy(), grants()).await?,
        &vec![Some(true), Some(false), Some(false)],
    )?;
    same("ann", &grantable(&t, Principal::User(ann()), grants()).await?, &vec![Some(true); 3])
}

async fn rights_of_the_host_count(ground: Ground) -> Outcome {
    let t = ground.world("roles").await?;
    let grants = || vec![role("r-people"), role("r-admin")];
    let by_ann = || Principal::User(ann());
    same("ann", &grantable(&t, by_ann(), grants()).await?, &vec![Some(false), Some(true)])?;
    t.happen(role_rights("r-people", Permissions::APPROVE)).await?;
    same("without it", &grantable(&t, by_ann(), grants()).await?, &vec![Some(true); 2])
}

async fn it_is_judged_again(ground: Ground) -> Outcome {
    let t = ground.world("roles").await?;
    let grants = || vec![group("g-help"), role("r-empty")];
    same("before", &grantable(&t, the_deputy(), grants()).await?, &vec![Some(true); 2])?;
    t.happen(assigned("r-empty", Assignee::Group("g-help".into()))).await?;
    same("with an empty role", &grantable(&t, the_deputy(), grants()).await?, &vec![Some(true); 2])?;
    t.happen(role_rights("r-empty", Permissions::REVOKE)).await?;
    same("with more rights", &grantable(&t, the_deputy(), grants()).await?, &vec![Some(false); 2])?;
    t.happen(role_rights("r-empty", Permissions::INVITE)).await?;
    same("with the inviter's", &grantable(&t, the_deputy(), grants()).await?, &vec![Some(true); 2])
}
