//! Judges a change that is made on behalf of somebody, in the commit of the change.
//!
//! One rule: nobody gives or takes a right that they lack, and nobody lays hands on a person who is stronger
//! than they are. Rights are read within the transaction. Whoever loses one at the same time acted before or
//! after that.

use guestlist_contract::{
    rights::{HostPermissions, Rights},
    types::{Grant, GrantKind, Permissions, Principal, UserRef},
};

use super::change::{Change, Changing, impossible, parent_of};
use crate::{
    codec::{from_json, principal},
    error::{DbError, OperationError},
    people::rights::{Known, given_by, rights},
    sql::{Connection, Row, values},
};

/// Somebody for whom changes are made.
#[derive(Clone, Debug)]
pub(super) struct OnBehalf {
    pub(super) actor: Principal,
    pub(super) judged: Judged,
    pub(super) request_id: String,
}

/// The measure of a change that is made on behalf of somebody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    /// What the actor has to have.
    pub(crate) needs: HostPermissions,
    /// What counts of their rights: a token may let through less than its holder has.
    pub(crate) most: Rights,
}

impl Judged {
    /// Judges a change of a resident: by all that hangs on their account.
    pub(crate) async fn of_resident<C: Connection>(
        self,
        db: &mut C,
        actor: &Principal,
        account: &UserRef,
    ) -> Result<(), OperationError> {
        let judge = Judge::within(db, &account.organization, actor, self).await?;
        judge_account(db, &judge, account).await
    }

    /// Judges a change of a client, or that one is made: whoever has its secret may do what it may, wherever that
    /// is.
    pub(crate) async fn of_client<C: Connection>(
        self,
        db: &mut C,
        actor: &Principal,
        organization: &str,
        client: &str,
    ) -> Result<(), OperationError> {
        let judge = Judge::within(db, organization, actor, self).await?;
        let who = Principal::Client(client.to_owned());
        let places = "select organization from role_client where client = $1 \
            union select organization from permission where who = $2 order by 1";
        for row in db.rows(places, values![client, principal(&who)?]).await? {
            let known = Known::read(db, &row.get::<String>(0)?, &who).await?;
            judge.allows(known.and_then(|known| known.rights()).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The rights of the actor where they act.
struct Judge {
    organization: String,
    own: Rights,
}

impl Judge {
    async fn within<C: Connection>(
        db: &mut C,
        organization: &str,
        actor: &Principal,
        judged: Judged,
    ) -> Result<Self, OperationError> {
        let own = rights(db, organization, actor).await?.unwrap_or_default();
        let own = own.without(own.without(judged.most));
        let judge = Self { organization: organization.to_owned(), own };
        judge.allows(judged.needs.into())?;
        Ok(judge)
    }

    /// Allows what the actor has all the rights for.
    fn allows(&self, rights: Rights) -> Result<(), OperationError> {
        match self.own.contains(rights) {
            true => Ok(()),
            false => Err(OperationError::NotPermitted {
                organization: self.organization.clone(),
                lacking: rights.without(self.own),
            }),
        }
    }

    /// Allows a change of rights where each that is given or taken is the actor's.
    fn allows_change(&self, before: Rights, after: Rights) -> Result<(), OperationError> {
        self.allows(before.without(after) | after.without(before))
    }
}

impl Changing {
    /// Judges the change, where it is made on behalf of somebody.
    pub(super) async fn judge<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        let Some(behalf) = &self.behalf else { return Ok(()) };
        let place = self.judged_in(db).await?;
        let judge = Judge::within(db, &place, &behalf.actor, behalf.judged).await?;
        match &self.change {
            Change::CreateOrganization(_)
            | Change::SetOrganizationActive(_)
            | Change::SetStoreAnswers { .. }
            | Change::CreateGroup(..)
            | Change::RenameTarget(..)
            | Change::SetSettings(_)
            | Change::PatchSettings(_)
            | Change::SetPolicy(_) => Ok(()),
            Change::CreateStandard { administrator, .. } => match administrator {
                Some(_) => judge.allows(Rights::all()),
                None => Ok(()),
            },
            Change::MoveOrganization(parent) => {
                let parent = parent.as_ref().ok_or_else(|| impossible(ROOT))?;
                Judge::within(db, parent, &behalf.actor, behalf.judged).await.map(drop)
            }
            Change::DeleteOrganization => self.judge_deletion(db, &judge).await,
            Change::AddUser(user) => judge_account(db, &judge, &self.local(&user.id)).await,
            Change::RenameUser { id, .. }
            | Change::SetEmail { id, .. }
            | Change::SetUserActive { id, .. }
            | Change::RemoveUser(id) => self.judge_person(db, &judge, id).await,
            Change::RemoveMember(account) => judge.allows(held(db, &self.organization, account).await?),
            Change::AddMember(_, grants) => judge.allows(self.given(db, grants).await?),
            Change::CreateRole(_, role) if role.standard => {
                Err(impossible("a standard role is made together with its organization"))
            }
            Change::CreateRole(_, role) => judge.allows(role.rights),
            Change::DeleteTarget(grant) | Change::AddGrant(_, grant) | Change::RemoveGrant(_, grant) => {
                judge.allows(self.given(db, std::slice::from_ref(grant)).await?)
            }
            Change::SetRoleRights(role, after) => {
                judge.allows_change(self.given(db, &[named(role)]).await?, *after)
            }
            Change::AssignRole(role, _) | Change::UnassignRole(role, _) => {
                judge.allows(self.given(db, &[named(role)]).await?)
            }
            Change::LeaseRoles { account, issuer, roles, .. } => {
                let roles: Vec<_> = roles.iter().map(|role| named(role)).collect();
                let before = self.leased(db, account, issuer).await?;
                judge.allows_change(before, self.given(db, &roles).await?)
            }
            Change::SetPermissions(who, after) => {
                let before = directly(db, &self.organization, who).await?;
                judge.allows_change(before, Rights::from(*after))
            }
        }
    }

    /// The organization whose rights count: of organizations themselves the one above them.
    async fn judged_in<C: Connection>(&self, db: &mut C) -> Result<String, OperationError> {
        let above = match &self.change {
            Change::CreateOrganization(new) | Change::CreateStandard { new, .. } => {
                let parent = new.parent.as_ref().ok_or_else(|| impossible(ROOT))?;
                parent_of(db, parent).await?;
                return Ok(parent.clone());
            }
            Change::SetOrganizationActive(_) | Change::MoveOrganization(_) | Change::DeleteOrganization => {
                parent_of(db, &self.organization).await?
            }
            _ => None,
        };
        Ok(above.unwrap_or_else(|| self.organization.clone()))
    }

    /// The rights that these groups and roles give together.
    async fn given<C: Connection>(&self, db: &mut C, grants: &[Grant]) -> Result<Rights, DbError> {
        let given = given_by(db, &self.organization, grants).await?;
        Ok(given.into_iter().map(|(_, rights)| rights).collect())
    }

    /// The rights that somebody has by the word of an issuer.
    async fn leased<C: Connection>(
        &self,
        db: &mut C,
        account: &UserRef,
        issuer: &str,
    ) -> Result<Rights, OperationError> {
        let sql = "select t.rights from person p \
            join role_lease l on l.organization = p.organization and l.person = p.id \
            join target t on t.organization = l.organization and t.kind = 'role' and t.id = l.role \
            where p.organization = $1 and p.account_organization = $2 and p.account_id = $3 and l.issuer = $4 \
            and l.until > $5";
        let asked = values![&self.organization, &account.organization, &account.id, issuer, db.now()];
        Ok(together(&db.rows(sql, asked).await?)?)
    }

    /// Judges a change of a local account: by all that hangs on it.
    async fn judge_person<C: Connection>(
        &self,
        db: &mut C,
        judge: &Judge,
        id: &str,
    ) -> Result<(), OperationError> {
        let sql = "select account_organization, account_id from person where organization = $1 and id = $2";
        let row = db.row(sql, values![&self.organization, id]).await?.ok_or_else(|| self.no_user(id))?;
        let account = UserRef { organization: row.get(0)?, id: row.get(1)? };
        match account.organization == self.organization {
            true => judge_account(db, judge, &account).await,
            // The account of a guest counts here only.
            false => judge.allows(held(db, &self.organization, &account).await?),
        }
    }

    /// An organization is suspended before it is deleted, and goes with everybody who is in it, and with all that
    /// its residents may do elsewhere.
    async fn judge_deletion<C: Connection>(&self, db: &mut C, judge: &Judge) -> Result<(), OperationError> {
        let active = "select active from organization where id = $1";
        let active = db.row(active, values![&self.organization]).await?;
        if active.map_or(Ok(false), |row| row.get::<bool>(0))? {
            return Err(impossible(format!("organization `{}` works: suspend it first", self.organization)));
        }
        for whose in [
            "p.organization = $1",
            "p.account_organization = $1 and p.account_organization <> p.organization",
        ] {
            let sql = format!(
                "select distinct t.rights from person p \
                 join held h on h.organization = p.organization and h.person = p.id and h.kind = 'role' \
                 join target t on t.organization = h.organization and t.kind = 'role' and t.id = h.target \
                 where {whose} \
                 union select t.rights from person p \
                 join held h on h.organization = p.organization and h.person = p.id and h.kind = 'group' \
                 join role_group g on g.organization = h.organization and g.group_id = h.target \
                 join target t on t.organization = g.organization and t.kind = 'role' and t.id = g.role \
                 where {whose} \
                 union select t.rights from person p \
                 join role_lease l on l.organization = p.organization and l.person = p.id and l.until > $2 \
                 join target t on t.organization = l.organization and t.kind = 'role' and t.id = l.role \
                 where {whose}"
            );
            judge.allows(together(&db.rows(&sql, values![&self.organization, db.now()]).await?)?)?;
        }
        // The accounts of one organization are written alike, and are neighbours in the index.
        let first = principal(&Principal::User(self.local("")))?;
        let first = first.trim_end_matches("\"\"}}").to_owned();
        let beyond = format!("{first}#");
        let sql = "select permissions from permission where organization = $1 \
                   union select permissions from permission where who >= $2 and who < $3";
        let mut direct = Rights::empty();
        for row in db.rows(sql, values![&self.organization, first, beyond]).await? {
            direct = direct | Rights::from(from_json::<Permissions>(&row.get::<String>(0)?)?);
        }
        judge.allows(direct)
    }
}

const ROOT: &str = "only the host itself makes an organization that has none above it";

fn named(role: &str) -> Grant {
    Grant { kind: GrantKind::Role, id: role.to_owned() }
}

fn together(rows: &[Row]) -> Result<Rights, DbError> {
    rows.iter().map(|row| from_json::<Rights>(&row.get::<String>(0)?)).collect()
}

/// Judges a change of a resident, whose account counts wherever they may do something.
async fn judge_account<C: Connection>(
    db: &mut C,
    judge: &Judge,
    account: &UserRef,
) -> Result<(), OperationError> {
    judge.allows(held(db, &account.organization, account).await?)?;
    let elsewhere = "select organization from person where account_organization = $1 and account_id = $2 \
        and account_organization <> organization \
        union select organization from permission where who = $3 order by 1";
    let who = principal(&Principal::User(account.clone()))?;
    for row in db.rows(elsewhere, values![&account.organization, &account.id, who]).await? {
        judge.allows(held(db, &row.get::<String>(0)?, account).await?)?;
    }
    Ok(())
}

/// All rights that somebody holds in an organization, whether they count at present or not: who is disabled
/// today works again tomorrow.
async fn held<C: Connection>(
    db: &mut C,
    organization: &str,
    account: &UserRef,
) -> Result<Rights, OperationError> {
    let known = Known::read(db, organization, &Principal::User(account.clone())).await?;
    Ok(known.and_then(|known| known.rights()).unwrap_or_default())
}

async fn directly<C: Connection>(
    db: &mut C,
    organization: &str,
    who: &Principal,
) -> Result<Rights, OperationError> {
    let sql = "select permissions from permission where organization = $1 and who = $2";
    let row = db.row(sql, values![organization, principal(who)?]).await?;
    let read = |row: Row| from_json::<Permissions>(&row.get::<String>(0)?).map(Rights::from);
    Ok(row.map(read).transpose()?.unwrap_or_default())
}
