//! Changes of groups and roles, of who has them, and of what they give.

use guestlist_contract::{
    rights::Rights,
    types::{Grant, GrantKind, UserRef},
};
use guestlist_memory::{Assignee, Role, Target};

use super::change::{Changing, check_id, impossible};
use crate::{
    bulk_sql,
    codec::{Word as _, json},
    error::{DbError, OperationError},
    people::in_the_way,
    sql::{Connection, Value, values},
};

impl Changing {
    pub(super) async fn create_group<C: Connection>(
        &self,
        db: &mut C,
        id: &str,
        group: &Target,
    ) -> Result<(), OperationError> {
        check_id("the id of a group", id)?;
        self.create_target(db, GrantKind::Group, id, group, Rights::empty(), false).await
    }

    pub(super) async fn create_role<C: Connection>(
        &self,
        db: &mut C,
        id: &str,
        role: &Role,
    ) -> Result<(), OperationError> {
        check_id("the id of a role", id)?;
        self.create_target(db, GrantKind::Role, id, &role.target, role.rights, role.standard).await?;
        for group in &role.groups {
            self.assign_role(db, id, &Assignee::Group(group.clone())).await?;
        }
        for client in &role.clients {
            self.assign_role(db, id, &Assignee::Client(client.clone())).await?;
        }
        Ok(())
    }

    async fn create_target<C: Connection>(
        &self,
        db: &mut C,
        kind: GrantKind,
        id: &str,
        target: &Target,
        rights: Rights,
        standard: bool,
    ) -> Result<(), OperationError> {
        let sql = "insert into target \
            (organization, kind, id, name, grantable_by, receivable_by, rights, standard) \
            values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
        let values = values![
            &self.organization,
            kind.word(),
            id,
            &target.name,
            target.grantable_by.as_ref().map(json).transpose()?,
            target.receivable_by.as_ref().map(json).transpose()?,
            json(&rights)?,
            standard
        ];
        match db.change(sql, values).await? {
            0 => Err(impossible(format!("{} `{id}` is there already", kind.word()))),
            _ => Ok(()),
        }
    }

    pub(super) async fn rename_target<C: Connection>(
        &self,
        db: &mut C,
        grant: &Grant,
        name: &str,
    ) -> Result<(), OperationError> {
        let sql = "update target set name = $4 where organization = $1 and kind = $2 and id = $3";
        match db.change(sql, values![&self.organization, grant.kind.word(), &grant.id, name]).await? {
            0 => Err(self.no_target(&grant.id)),
            _ => Ok(()),
        }
    }

    pub(super) async fn delete_target<C: Connection>(
        &self,
        db: &mut C,
        grant: &Grant,
    ) -> Result<(), OperationError> {
        let sql = "delete from target where organization = $1 and kind = $2 and id = $3";
        match db.change(sql, values![&self.organization, grant.kind.word(), &grant.id]).await? {
            0 => Err(self.no_target(&grant.id)),
            _ => Ok(()),
        }
    }

    pub(super) async fn add_grant<C: Connection>(
        &self,
        db: &mut C,
        account: &UserRef,
        grant: &Grant,
    ) -> Result<(), OperationError> {
        self.find_target(db, grant.kind, &grant.id).await?;
        let person = self.local_id(db, account).await?.ok_or_else(|| self.no_user(&account.id))?;
        let sql = "insert into held (organization, person, kind, target) values ($1, $2, $3, $4) \
                   on conflict do nothing";
        let values = values![&self.organization, person, grant.kind.word(), &grant.id];
        db.change(sql, values).await.map_err(in_the_way)?;
        Ok(())
    }

    pub(super) async fn remove_grant<C: Connection>(
        &self,
        db: &mut C,
        account: &UserRef,
        grant: &Grant,
    ) -> Result<(), OperationError> {
        let person = self.local_id(db, account).await?.ok_or_else(|| self.no_user(&account.id))?;
        let sql = "delete from held where organization = $1 and person = $2 and kind = $3 and target = $4";
        match db.change(sql, values![&self.organization, person, grant.kind.word(), &grant.id]).await? {
            0 => Err(self.no_target(&grant.id)),
            _ => Ok(()),
        }
    }

    async fn find_target<C: Connection>(
        &self,
        db: &mut C,
        kind: GrantKind,
        id: &str,
    ) -> Result<(), OperationError> {
        let sql = "select id from target where organization = $1 and kind = $2 and id = $3";
        let row = db.row(sql, values![&self.organization, kind.word(), id]).await?;
        row.map(drop).ok_or_else(|| self.no_target(id))
    }

    // ---- Rights

    pub(super) async fn set_role_rights<C: Connection>(
        &self,
        db: &mut C,
        role: &str,
        rights: Rights,
    ) -> Result<(), OperationError> {
        let sql = "update target set rights = $3 where organization = $1 and kind = 'role' and id = $2";
        match db.change(sql, values![&self.organization, role, json(&rights)?]).await? {
            0 => Err(self.no_target(role)),
            _ => Ok(()),
        }
    }

    pub(super) async fn assign_role<C: Connection>(
        &self,
        db: &mut C,
        role: &str,
        to: &Assignee,
    ) -> Result<(), OperationError> {
        self.find_target(db, GrantKind::Role, role).await?;
        let (table, id) = match to {
            Assignee::Group(id) => {
                self.find_target(db, GrantKind::Group, id).await?;
                ("role_group (organization, role, group_id)", id)
            }
            Assignee::Client(id) => {
                check_id("the id of a client", id)?;
                ("role_client (organization, role, client)", id)
            }
        };
        let sql = format!("insert into {table} values ($1, $2, $3) on conflict do nothing");
        db.change(&sql, values![&self.organization, role, id]).await.map_err(in_the_way)?;
        Ok(())
    }

    pub(super) async fn unassign_role<C: Connection>(
        &self,
        db: &mut C,
        role: &str,
        from: &Assignee,
    ) -> Result<(), OperationError> {
        self.find_target(db, GrantKind::Role, role).await?;
        let (table, column, id) = match from {
            Assignee::Group(id) => ("role_group", "group_id", id),
            Assignee::Client(id) => ("role_client", "client", id),
        };
        let sql = format!("delete from {table} where organization = $1 and role = $2 and {column} = $3");
        match db.change(&sql, values![&self.organization, role, id]).await? {
            0 => Err(self.no_target(id)),
            _ => Ok(()),
        }
    }

    /// Replaces what an issuer has given somebody.
    pub(super) async fn lease_roles<C: Connection>(
        &self,
        db: &mut C,
        account: &UserRef,
        issuer: &str,
        roles: &[String],
        until: u64,
    ) -> Result<(), OperationError> {
        for role in roles {
            self.find_target(db, GrantKind::Role, role).await?;
        }
        // Two who sign in at the same time come one after the other.
        let sql = format!(
            "select id from person where organization = $1 and account_organization = $2 and account_id = $3{}",
            db.for_update()
        );
        let whose = values![&self.organization, &account.organization, &account.id];
        let person = db.row(&sql, whose).await?.ok_or_else(|| self.no_user(&account.id))?;
        let person: String = person.get(0)?;
        let sql = "delete from role_lease where organization = $1 and person = $2 and issuer = $3";
        db.change(sql, values![&self.organization, &person, issuer]).await?;
        let lease = |role: &String| {
            [
                Value::from(&self.organization),
                Value::from(&person),
                Value::from(role),
                Value::from(issuer),
                Value::from(until),
            ]
        };
        let into = "role_lease (organization, person, role, issuer, until)";
        let rows = roles.iter().map(lease).collect();
        bulk_sql::insert(db, into, rows, "on conflict do nothing").await.map_err(in_the_way)?;
        Ok(())
    }

    pub(super) async fn local_id<C: Connection>(
        &self,
        db: &mut C,
        account: &UserRef,
    ) -> Result<Option<String>, DbError> {
        let sql =
            "select id from person where organization = $1 and account_organization = $2 and account_id = $3";
        let row = db.row(sql, values![&self.organization, &account.organization, &account.id]).await?;
        row.map(|row| row.get(0)).transpose()
    }
}
