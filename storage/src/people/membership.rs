//! `membership`, as far as it only reads.

use std::collections::BTreeSet;

use guestlist_contract::{
    AddressDomains, bounds,
    host::Call,
    membership::{Eligibility, Resolved},
    types::{Grant, GrantKind, Permissions, Principal, UserRef},
};

use super::{
    persons::{listed, listed_grants},
    rights::{given_by, rights},
    visibility::concerns,
};
use crate::{
    bulk_sql,
    codec::{Word as _, from_json},
    error::{DbError, OperationError},
    invitations::access::Asker,
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// A group or role that exists.
struct Target {
    grant: Grant,
    name: String,
    /// The people and clients who may give it; absent: everybody who may invite.
    grantable_by: Option<Vec<Principal>>,
    /// The roles of the parent, one of which somebody needs to receive it; absent: everybody may.
    receivable_by: Option<Vec<String>>,
}

impl Target {
    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            grant: Grant { kind: GrantKind::of(&row.get::<String>(0)?)?, id: row.get(1)? },
            name: row.get(2)?,
            grantable_by: row.get::<Option<String>>(3)?.as_deref().map(from_json).transpose()?,
            receivable_by: row.get::<Option<String>>(4)?.as_deref().map(from_json).transpose()?,
        })
    }

    /// Finds those of `grants` that exist; none where the organization was deleted.
    async fn all<C: Connection>(
        db: &mut C,
        organization: &str,
        grants: &[Grant],
    ) -> Result<Vec<Self>, DbError> {
        let Some((wanted, values)) = listed_grants(values![organization], grants) else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select kind, id, name, grantable_by, receivable_by from target \
             where {wanted} \
             and exists (select 1 from organization o where o.id = target.organization and o.deleted = 0)"
        );
        db.rows(&sql, &values).await?.iter().map(Self::read).collect()
    }
}

/// `resolve`.
pub(super) struct Resolve {
    asker: Asker,
    organization: String,
    inviter: Principal,
    grants: Vec<Grant>,
}

impl Resolve {
    pub(super) fn new(
        call: &Call,
        organization: String,
        inviter: Principal,
        grants: Vec<Grant>,
    ) -> Result<Self, DbError> {
        Ok(Self { asker: Asker::around_call(call)?, organization, inviter, grants })
    }
}

impl Operation for Resolve {
    type Output = Vec<Option<Resolved>>;
    const NAME: &'static str = "membership.resolve";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        concerns(db, &self.asker, &self.organization).await?;
        bounds::grants(&self.grants)?;
        let targets = Target::all(db, &self.organization, &self.grants).await?;
        let own = match targets.is_empty() {
            true => None,
            false => rights(db, &self.organization, &self.inviter).await?,
        };
        let own = own.filter(|rights| rights.contains(Permissions::INVITE.into()));
        let given = match own {
            Some(_) => given_by(db, &self.organization, &self.grants).await?,
            None => Vec::new(),
        };
        // INVARIANT: nobody lets others do what they may not do themselves.
        let is_below = |grant: &Grant| {
            own.is_some_and(|own| given.iter().all(|(of, rights)| of != grant || own.contains(*rights)))
        };
        let resolved = |grant: &Grant| {
            let target = targets.iter().find(|target| target.grant == *grant)?;
            let listed = target.grantable_by.as_ref().is_none_or(|givers| givers.contains(&self.inviter));
            Some(Resolved { display_name: target.name.clone(), grantable: listed && is_below(grant) })
        };
        Ok(self.grants.iter().map(resolved).collect())
    }
}

/// `eligible`.
pub(super) struct Eligible {
    asker: Asker,
    organization: String,
    users: Vec<UserRef>,
    grants: Vec<Grant>,
}

impl Eligible {
    pub(super) fn new(
        call: &Call,
        organization: String,
        users: Vec<UserRef>,
        grants: Vec<Grant>,
    ) -> Result<Self, DbError> {
        Ok(Self { asker: Asker::around_call(call)?, organization, users, grants })
    }

    /// Finds those who are members.
    async fn members<C: Connection>(&self, db: &mut C) -> Result<Vec<UserRef>, DbError> {
        const ACCOUNT: [&str; 2] = ["account_organization", "account_id"];
        let Some((those, values)) =
            listed(Some("organization = $1"), ACCOUNT, values![&self.organization], &self.users)
        else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select account_organization, account_id from person \
             where {those}"
        );
        let account = |row: &Row| Ok(UserRef { organization: row.get(0)?, id: row.get(1)? });
        db.rows(&sql, &values).await?.iter().map(account).collect()
    }

    /// Finds those whose user name somebody of the organization has.
    async fn named_alike<C: Connection>(&self, db: &mut C) -> Result<Vec<UserRef>, DbError> {
        let Some((those, values)) = listed(None, ["r.organization", "r.id"], &[], &self.users) else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select r.organization, r.id, r.folded, r.account_organization, r.account_id from person r \
             where {those} and exists (select 1 from organization o where o.id = r.organization and o.deleted = 0)"
        );
        let mut named_users = Vec::new();
        for row in db.rows(&sql, &values).await? {
            let user = UserRef { organization: row.get(0)?, id: row.get(1)? };
            // A resident's local account is their account. As a condition PostgreSQL would believe that few are left.
            if (&user.organization, &user.id) == (&row.get::<String>(3)?, &row.get::<String>(4)?) {
                named_users.push((user, row.get::<String>(2)?));
            }
        }
        if named_users.is_empty() {
            return Ok(Vec::new());
        }
        let names: BTreeSet<&String> = named_users.iter().map(|(_, name)| name).collect();
        let sql = format!(
            "select p.folded from person p where p.organization = $1 and p.folded in {}",
            bulk_sql::list(2, names.len())
        );
        let bound: Vec<Value> = std::iter::once(&self.organization).chain(names).map(Value::from).collect();
        let taken = db.rows(&sql, &bound).await?;
        let taken = taken.iter().map(|row| row.get::<String>(0)).collect::<Result<BTreeSet<_>, DbError>>()?;
        let alike =
            named_users.into_iter().filter(|(_, name)| taken.contains(name)).map(|(user, _)| user).collect();
        Ok(alike)
    }

    /// Finds those whose address is in one of the domains. Somebody without an address has none that is
    /// allowed.
    async fn addressed<C: Connection>(
        &self,
        db: &mut C,
        domains: &AddressDomains,
    ) -> Result<Vec<UserRef>, DbError> {
        let Some((those, values)) = listed(None, ["p.organization", "p.id"], &[], &self.users) else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select p.organization, p.id, p.email from person p where {those} \
             and p.account_organization = p.organization and p.account_id = p.id and p.email is not null \
             and exists (select 1 from organization o where o.id = p.organization and o.deleted = 0)"
        );
        let mut allowed = Vec::new();
        for row in db.rows(&sql, &values).await? {
            if domains.allow(&row.get::<String>(2)?) {
                allowed.push(UserRef { organization: row.get(0)?, id: row.get(1)? });
            }
        }
        Ok(allowed)
    }

    /// Finds who of them has which role in the parent.
    async fn roles_above<C: Connection>(
        &self,
        db: &mut C,
        parent: Option<&String>,
    ) -> Result<Vec<(UserRef, String)>, DbError> {
        const THEIRS: [&str; 2] = ["p.account_organization", "p.account_id"];
        let Some((those, values)) = parent
            .and_then(|parent| listed(Some("p.organization = $1"), THEIRS, values![parent], &self.users))
        else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select p.account_organization, p.account_id, h.target from person p \
             join held h on h.organization = p.organization and h.person = p.id and h.kind = 'role' \
             where {those} \
             and exists (select 1 from organization o where o.id = p.organization and o.deleted = 0)"
        );
        let role =
            |row: &Row| Ok((UserRef { organization: row.get(0)?, id: row.get(1)? }, row.get::<String>(2)?));
        db.rows(&sql, &values).await?.iter().map(role).collect()
    }
}

impl Operation for Eligible {
    type Output = Vec<Eligibility>;
    const NAME: &'static str = "membership.eligible";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        self.asker.around()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        concerns(db, &self.asker, &self.organization).await?;
        bounds::count("users", self.users.len(), 100)?;
        bounds::grants(&self.grants)?;
        let sql = "select parent, address_domains from organization where id = $1 and deleted = 0";
        let Some(place) = db.row(sql, values![&self.organization]).await? else {
            // Nobody can receive anything in an organization that is gone.
            let withheld: Vec<_> = (0u32..).zip(&self.grants).map(|(index, _)| index).collect();
            let nothing = |_| Eligibility {
                member: false,
                name_taken: false,
                address_allowed: false,
                withheld: withheld.clone(),
            };
            return Ok(self.users.iter().map(nothing).collect());
        };
        let parent: Option<String> = place.get(0)?;
        let domains: Option<AddressDomains> =
            place.get::<Option<String>>(1)?.as_deref().map(from_json).transpose()?;
        let members = self.members(db).await?;
        let named_alike = self.named_alike(db).await?;
        let addressed = match &domains {
            Some(domains) => Some(self.addressed(db, domains).await?),
            None => None,
        };
        let mut restricted = Target::all(db, &self.organization, &self.grants).await?;
        restricted.retain(|target| target.receivable_by.is_some());
        let roles = match restricted.is_empty() {
            true => Vec::new(),
            false => self.roles_above(db, parent.as_ref()).await?,
        };
        // A group or role that does not exist is nobody's to withhold: `resolve` reports it.
        let may_receive = |user: &UserRef, grant: &Grant| {
            let target = restricted.iter().find(|target| target.grant == *grant);
            target.and_then(|target| target.receivable_by.as_ref()).is_none_or(|needed| {
                roles.iter().any(|(account, role)| account == user && needed.contains(role))
            })
        };
        let eligibility = |user: &UserRef| Eligibility {
            member: members.contains(user),
            name_taken: named_alike.contains(user) && !members.contains(user),
            address_allowed: addressed.as_ref().is_none_or(|allowed| allowed.contains(user)),
            withheld: (0u32..)
                .zip(&self.grants)
                .filter(|(_, grant)| !may_receive(user, grant))
                .map(|(index, _)| index)
                .collect(),
        };
        Ok(self.users.iter().map(eligibility).collect())
    }
}
