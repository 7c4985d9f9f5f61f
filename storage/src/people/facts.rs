//! Facts that policy components judge by, from the tables.

use std::collections::BTreeMap;

use guestlist_contract::{
    address_domain, bounds,
    host::Call,
    policy,
    rules::{AcceptFacts, Candidate, Held, InviteFacts, Inviter, NamedGrant, Surroundings},
    types::{Grant, GrantKind, HostError, InvitationKey, Principal, Subject, UserRef},
};

use super::persons::{listed, listed_grants};
use crate::{
    bulk_sql,
    codec::Word as _,
    error::{DbError, OperationError},
    invitations::{
        access::{self, Asker},
        reading,
        rows::{ACTIVE, OPEN},
    },
    sql::{Connection, Operation, Scope, Value, values},
};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// Most invitations that are counted as pending.
const COUNTED: u32 = u32::MAX;

/// `invite-facts`.
pub(super) struct OfInvite {
    asker: Asker,
    asked: policy::InviteFacts,
}

impl OfInvite {
    pub(super) fn new(call: &Call, asked: policy::InviteFacts) -> Result<Self, DbError> {
        Ok(Self { asker: Asker::of(call, [])?, asked })
    }

    fn check(&self) -> Result<(), HostError> {
        if self.asker.is_invitee() || self.asker.is_elsewhere(&self.asked.organization) {
            return Err(Call::not_there());
        }
        if self.asked.inviter != self.asker.caller {
            return Err(other_question());
        }
        bounds::count("candidates", self.asked.candidates.len(), 100)?;
        bounds::grants(&self.asked.grants)?;
        bounds::metadata(&self.asked.metadata)
    }
}

fn other_question() -> HostError {
    HostError::Denied("this call is of another inviter, or of another parent".into())
}

impl Operation for OfInvite {
    const NAME: &'static str = "policy.invite-facts";
    type Output = InviteFacts;
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Asker::within(&self.asked.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        self.check()?;
        let asked = &self.asked;
        let (surroundings, parent) = surroundings(db, &asked.organization, &asked.parent).await?;
        if parent.as_ref() != Some(&asked.parent) {
            return Err(other_question().into());
        }
        let people = asked
            .candidates
            .iter()
            .map(|one| (one.account.clone(), one.via.clone(), one.name.clone()))
            .collect();
        Ok(InviteFacts {
            inviter: inviter(db, &asked.organization, &asked.inviter).await?,
            grants: named(db, &asked.organization, &asked.grants).await?,
            lifetime: asked.lifetime,
            notify: asked.notify,
            metadata: asked.metadata.clone(),
            candidates: candidates(db, &surroundings, people).await?,
            surroundings,
        })
    }
}

/// `accept-facts`.
pub(super) struct OfAccept {
    asker: Asker,
    key: InvitationKey,
}

impl OfAccept {
    pub(super) fn new(call: &Call, asked: &policy::AcceptFacts) -> Result<Self, DbError> {
        let key = asked.invitation.key.clone();
        Ok(Self { asker: Asker::of(call, [&key])?, key })
    }
}

impl Operation for OfAccept {
    const NAME: &'static str = "policy.accept-facts";
    type Output = AcceptFacts;
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Asker::within(&self.key.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let found = reading::find(db, &self.key).await?.filter(|(row, told)| self.asker.sees(row, *told));
        let (row, _) = found.ok_or_else(access::not_there)?;
        let row = row.at(db.now());
        let Subject::User(account) = row.subject else { return Err(access::not_there().into()) };
        let (surroundings, _) = surroundings(db, &self.key.organization, &row.parent).await?;
        let is_guest = account.organization != row.parent;
        let via =
            if is_guest { locals(db, &row.parent, std::slice::from_ref(&account)).await? } else { vec![] };
        let via = via.into_iter().next();
        let via = via.map(|local| UserRef { organization: row.parent.clone(), id: local.id });
        let mut invitee = candidates(db, &surroundings, vec![(account, via, row.name)]).await?;
        let invitee = invitee.pop().ok_or_else(access::not_there)?;
        Ok(AcceptFacts {
            inviter: inviter(db, &self.key.organization, &row.inviter).await?,
            invitee,
            grants: named(db, &self.key.organization, &row.grants).await?,
            accept_with: row.accept_with,
            created_at: row.created_at,
            expires_at: row.expires_at,
            metadata: row.metadata,
            surroundings,
        })
    }
}

/// Reads what is around, and the parent that the organization has now.
async fn surroundings<C: Connection>(
    db: &mut C,
    organization: &str,
    parent: &str,
) -> Result<(Surroundings, Option<String>), DbError> {
    let sql = "select name, parent, utc_offset_minutes from organization where id = $1 and deleted = 0";
    let place = db.row(sql, values![organization]).await?;
    let (name, now_parent, offset) = match &place {
        Some(row) => (row.get(0)?, row.get(1)?, row.get::<i64>(2)?),
        None => (String::new(), None, 0),
    };
    let sql = format!(
        "select count(*) from invitation where organization = $1 and state in {ACTIVE} \
         and not (state in {OPEN} and expires_at is not null and expires_at <= $2)"
    );
    let count = db.row(&sql, values![organization, db.now()]).await?;
    let pending = count.map_or(Ok(0), |row| row.get::<i64>(0))?;
    let surroundings = Surroundings {
        organization: organization.to_owned(),
        organization_name: name,
        parent: parent.to_owned(),
        pending: u32::try_from(pending).unwrap_or(COUNTED),
        now: u64::try_from(db.now()).unwrap_or_default(),
        utc_offset_minutes: i32::try_from(offset).unwrap_or_default(),
    };
    Ok((surroundings, now_parent))
}

async fn inviter<C: Connection>(db: &mut C, organization: &str, who: &Principal) -> Result<Inviter, DbError> {
    let mut held = BTreeMap::new();
    let mut local = None;
    if let Principal::User(account) = who {
        let locals = locals(db, organization, std::slice::from_ref(account)).await?;
        local = locals.into_iter().next().map(|local| local.id);
        held = held_by(db, organization, local.as_slice()).await?;
    }
    let (groups, roles) = local.and_then(|id| held.remove(&id)).unwrap_or_default();
    Ok(Inviter { who: who.clone(), groups, roles })
}

/// Names grants. One that is gone keeps its id as a name.
async fn named<C: Connection>(
    db: &mut C,
    organization: &str,
    grants: &[Grant],
) -> Result<Vec<NamedGrant>, DbError> {
    let mut names = BTreeMap::new();
    if let Some((wanted, values)) = listed_grants(values![organization], grants) {
        let sql = format!("select kind, id, name from target where {wanted}");
        for row in db.rows(&sql, &values).await? {
            names.insert((row.get::<String>(0)?, row.get::<String>(1)?), row.get::<String>(2)?);
        }
    }
    let name = |grant: &Grant| {
        let known = names.get(&(grant.kind.word().to_owned(), grant.id.clone()));
        NamedGrant { display_name: known.unwrap_or(&grant.id).clone(), grant: grant.clone() }
    };
    Ok(grants.iter().map(name).collect())
}

/// A local account, with what is known of it where it is resident.
struct Local {
    account: UserRef,
    id: String,
    name: String,
    store: String,
    active: bool,
    resident_active: bool,
    email: Option<String>,
}

async fn locals<C: Connection>(
    db: &mut C,
    organization: &str,
    accounts: &[UserRef],
) -> Result<Vec<Local>, DbError> {
    const ACCOUNT: [&str; 2] = ["p.account_organization", "p.account_id"];
    let within = Some("p.organization = $1");
    let Some((wanted, values)) = listed(within, ACCOUNT, values![organization], accounts) else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "select p.account_organization, p.account_id, p.id, p.name, p.store, p.active, \
         case when o.id is null or r.account_organization <> r.organization or r.account_id <> r.id then null \
         else r.active end, r.email from person p \
         left join person r on r.organization = p.account_organization and r.id = p.account_id \
         left join organization o on o.id = r.organization and o.deleted = 0 where {wanted}"
    );
    let read = |row: &crate::sql::Row| {
        let resident: Option<bool> = row.get(6)?;
        Ok(Local {
            account: UserRef { organization: row.get(0)?, id: row.get(1)? },
            id: row.get(2)?,
            name: row.get(3)?,
            store: row.get(4)?,
            active: row.get(5)?,
            resident_active: resident == Some(true),
            email: resident.map_or(Ok(None), |_| row.get(7))?,
        })
    };
    db.rows(&sql, &values).await?.iter().map(read).collect()
}

/// Groups and roles.
type Both = (Vec<Held>, Vec<Held>);

/// The groups and roles of local accounts, each in the order of their ids.
async fn held_by<C: Connection>(
    db: &mut C,
    organization: &str,
    ids: &[String],
) -> Result<BTreeMap<String, Both>, DbError> {
    let mut found = BTreeMap::<String, Both>::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "select h.person, h.kind, h.target, t.name from held h join target t on t.organization = h.organization \
         and t.kind = h.kind and t.id = h.target where h.organization = $1 and h.person in {}",
        bulk_sql::list(2, ids.len())
    );
    let bound: Vec<Value> =
        std::iter::once(Value::from(organization)).chain(ids.iter().map(Value::from)).collect();
    for row in db.rows(&sql, &bound).await? {
        let held = Held { id: row.get(2)?, display_name: row.get(3)? };
        let (groups, roles) = found.entry(row.get(0)?).or_default();
        match GrantKind::of(&row.get::<String>(1)?)? {
            GrantKind::Group => groups.push(held),
            GrantKind::Role => roles.push(held),
        }
    }
    for (groups, roles) in found.values_mut() {
        groups.sort_by(|one, other| one.id.cmp(&other.id));
        roles.sort_by(|one, other| one.id.cmp(&other.id));
    }
    Ok(found)
}

/// People as the parent sees them; their addresses are where they are resident. Of each the account, the local
/// one that is known already, and what the inviter wrote.
async fn candidates<C: Connection>(
    db: &mut C,
    around: &Surroundings,
    people: Vec<(UserRef, Option<UserRef>, String)>,
) -> Result<Vec<Candidate>, DbError> {
    let accounts: Vec<_> = people.iter().map(|(account, ..)| account.clone()).collect();
    let locals = locals(db, &around.parent, &accounts).await?;
    let ids: Vec<_> = locals.iter().map(|local| local.id.clone()).collect();
    let held = held_by(db, &around.parent, &ids).await?;
    let sent = sent_lately(db, &around.organization, &accounts).await?;
    let candidate = |(account, via, as_written): (UserRef, Option<UserRef>, String)| {
        let local = locals.iter().find(|local| local.account == account);
        let (groups, roles) = local.and_then(|local| held.get(&local.id)).cloned().unwrap_or_default();
        Candidate {
            via,
            name: local.map(|local| local.name.clone()).unwrap_or_default(),
            as_written,
            userstore: local.map(|local| local.store.clone()).unwrap_or_default(),
            active: local.is_some_and(|local| local.active && local.resident_active),
            address_domain: local.and_then(|local| local.email.as_deref()).and_then(address_domain),
            groups,
            roles,
            sent_lately: sent.get(&(account.organization.clone(), account.id.clone())).copied().unwrap_or(0),
            account,
        }
    };
    Ok(people.into_iter().map(candidate).collect())
}

/// E-mails about the organization's invitations, by account: those that the mail system accepted within a
/// day, and those that wait. Of one invitation the last accepted one is known.
async fn sent_lately<C: Connection>(
    db: &mut C,
    organization: &str,
    accounts: &[UserRef],
) -> Result<BTreeMap<(String, String), u32>, DbError> {
    const SUBJECT: [&str; 2] = ["i.subject_organization", "i.subject_id"];
    let since = db.now().saturating_sub(DAY);
    let before = values![organization, since];
    let Some((wanted, values)) = listed(Some("i.organization = $1"), SUBJECT, before, accounts) else {
        return Ok(BTreeMap::new());
    };
    let sql = format!(
        "select i.subject_organization, i.subject_id, \
         cast(sum((case when i.mailed_at > $2 then 1 else 0 end) + (select count(*) from outbox m \
             where m.organization = i.organization and m.invitation = i.id \
             and m.kind in ('invitation', 'reminder'))) as bigint) from invitation i \
         where {wanted} group by i.subject_organization, i.subject_id"
    );
    let count = |row: &crate::sql::Row| {
        let count = u32::try_from(row.get::<i64>(2)?).unwrap_or(u32::MAX);
        Ok(((row.get(0)?, row.get(1)?), count))
    };
    db.rows(&sql, &values).await?.iter().map(count).collect()
}
