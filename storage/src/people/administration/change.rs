//! One change, as a transaction. Each finds out first whether it is possible and says so in the words of the
//! in-memory host.

use guestlist_contract::{
    audit::EventKind,
    bounds,
    lookup::{DEFAULT_STORE, store_name},
    rights::Rights,
    settings::Values,
    types::{Grant, GrantKind, Permissions, Principal, Step, UserRef},
};
use guestlist_memory::{
    Assignee, EventError, NewUser, Role, Rule, SettingsPatch, Target, check_address, default_settings, judge,
    no_store,
};

use super::{NewOrganization, judging::OnBehalf};
use crate::{
    audit::{Actor, Event, Of, note},
    codec::{folded, from_json, json, planned, principal},
    error::{DbError, OperationError},
    invitations::rows::ACTIVE,
    people::{
        applying,
        guests::{Joining, can_join, join, letting_in},
        in_the_way,
    },
    sql::{Connection, Operation, Scope, Value, values},
};

pub(super) enum Change {
    CreateOrganization(NewOrganization),
    CreateStandard { new: NewOrganization, administrator: Option<UserRef>, handle: Option<String> },
    SetOrganizationActive(bool),
    MoveOrganization(Option<String>),
    DeleteOrganization,
    AddUser(NewUser),
    RenameUser { id: String, name: String },
    SetEmail { id: String, email: Option<String> },
    SetUserActive { id: String, active: bool },
    RemoveUser(String),
    SetStoreAnswers { store: String, answers: bool },
    AddMember(UserRef, Vec<Grant>),
    RemoveMember(UserRef),
    CreateGroup(String, Target),
    CreateRole(String, Box<Role>),
    RenameTarget(Grant, String),
    DeleteTarget(Grant),
    AddGrant(UserRef, Grant),
    RemoveGrant(UserRef, Grant),
    SetRoleRights(String, Rights),
    AssignRole(String, Assignee),
    UnassignRole(String, Assignee),
    LeaseRoles { account: UserRef, issuer: String, roles: Vec<String>, until: u64 },
    SetPermissions(Principal, Permissions),
    SetSettings(Box<Values>),
    PatchSettings(Box<SettingsPatch>),
    SetPolicy(Vec<Rule>),
}

impl Changing {
    /// Whoever makes it: the host itself, or somebody who asked for it.
    fn actor(&self) -> Result<Actor, DbError> {
        let host = Actor::host()?;
        Ok(match &self.behalf {
            Some(behalf) => {
                Actor { who: principal(&behalf.actor)?, request_id: behalf.request_id.clone(), ..host }
            }
            None => host,
        })
    }

    pub(super) fn event_of(&self, kind: EventKind, of: &Of<'_>) -> Result<Event, DbError> {
        Ok(self.actor()?.event(Some(&self.organization), kind, of))
    }

    /// An account of the organization itself.
    pub(super) fn local(&self, id: &str) -> UserRef {
        UserRef { organization: self.organization.clone(), id: id.to_owned() }
    }

    /// The events of the change.
    fn events(&self) -> Result<Vec<Event>, DbError> {
        let mut events = Vec::new();
        match &self.change {
            Change::AddMember(account, grants) => return self.events_of_member(account, grants),
            Change::CreateStandard { administrator, .. } => {
                events = self.events_of_standard(administrator.as_ref())?;
            }
            _ => {}
        }
        events.insert(0, self.event()?);
        Ok(events)
    }

    /// The event that comes first.
    fn event(&self) -> Result<Event, DbError> {
        use EventKind as Kind;
        let target = |grant: &Grant, of_group, of_role| match grant.kind {
            GrantKind::Group => of_group,
            GrantKind::Role => of_role,
        };
        let either = |truth: &bool, one, other| if *truth { one } else { other };
        let event = |kind, of: &Of<'_>| self.event_of(kind, of);
        let local = |kind, id: &String| event(kind, &Of::user(&self.local(id)));
        let role = |kind, id: &String, about: Option<&str>| {
            let grant = Grant { kind: GrantKind::Role, id: id.clone() };
            event(kind, &Of { about, ..Of::grant(&grant) })
        };
        match &self.change {
            Change::CreateOrganization(_) | Change::CreateStandard { .. } => {
                event(Kind::WorldOrganizationCreated, &Of::default())
            }
            Change::SetOrganizationActive(active) => {
                let kind = either(active, Kind::WorldOrganizationEnabled, Kind::WorldOrganizationDisabled);
                event(kind, &Of::default())
            }
            Change::MoveOrganization(parent) => {
                event(Kind::WorldOrganizationMoved, &Of { about: parent.as_deref(), ..Of::default() })
            }
            Change::DeleteOrganization => event(Kind::WorldOrganizationDeleted, &Of::default()),
            Change::AddUser(user) => local(Kind::WorldUserAdded, &user.id),
            Change::RenameUser { id, .. } => local(Kind::WorldUserRenamed, id),
            Change::SetEmail { id, .. } => local(Kind::WorldEmailChanged, id),
            Change::SetUserActive { id, active } => {
                local(either(active, Kind::WorldUserEnabled, Kind::WorldUserDisabled), id)
            }
            Change::RemoveUser(id) => local(Kind::WorldUserRemoved, id),
            Change::SetStoreAnswers { store, answers } => {
                let kind = either(answers, Kind::WorldStoreAnswers, Kind::WorldStoreSilent);
                event(kind, &Of::id(&store_name(store)))
            }
            Change::AddMember(account, _) => event(Kind::WorldMemberAdded, &Of::user(account)),
            Change::RemoveMember(account) => event(Kind::WorldMemberRemoved, &Of::user(account)),
            Change::CreateGroup(id, _) => {
                let grant = Grant { kind: GrantKind::Group, id: id.clone() };
                event(Kind::WorldGroupCreated, &Of::grant(&grant))
            }
            Change::CreateRole(id, _) => role(Kind::WorldRoleCreated, id, None),
            Change::RenameTarget(grant, _) => {
                event(target(grant, Kind::WorldGroupRenamed, Kind::WorldRoleRenamed), &Of::grant(grant))
            }
            Change::DeleteTarget(grant) => {
                event(target(grant, Kind::WorldGroupDeleted, Kind::WorldRoleDeleted), &Of::grant(grant))
            }
            Change::AddGrant(account, grant) => {
                event(Kind::WorldGrantAdded, &Of { grant: Some(grant), ..Of::user(account) })
            }
            Change::RemoveGrant(account, grant) => {
                event(Kind::WorldGrantRemoved, &Of { grant: Some(grant), ..Of::user(account) })
            }
            Change::SetRoleRights(id, _) => role(Kind::WorldRoleRightsSet, id, None),
            Change::AssignRole(id, to) => role(Kind::WorldRoleAssigned, id, Some(&to.name())),
            Change::UnassignRole(id, from) => role(Kind::WorldRoleUnassigned, id, Some(&from.name())),
            Change::LeaseRoles { account, issuer, roles, .. } => {
                let kind = either(&roles.is_empty(), Kind::WorldLeasesEnded, Kind::WorldRolesLeased);
                event(kind, &Of { about: Some(issuer), ..Of::user(account) })
            }
            Change::SetPermissions(who, _) => match who {
                Principal::User(user) => event(Kind::WorldPermissionsSet, &Of::user(user)),
                Principal::Client(client) => {
                    event(Kind::WorldPermissionsSet, &Of::id(&format!("client:{client}")))
                }
                Principal::Anonymous | Principal::System => event(Kind::WorldPermissionsSet, &Of::default()),
            },
            Change::SetSettings(_) | Change::PatchSettings(_) => {
                event(Kind::WorldSettingsChanged, &Of::default())
            }
            Change::SetPolicy(_) => event(Kind::WorldPolicySet, &Of::default()),
        }
    }
}

/// A change of one organization.
pub(super) struct Changing {
    pub(super) organization: String,
    pub(super) change: Change,
    /// Absent where the host makes it by itself.
    pub(super) behalf: Option<OnBehalf>,
}

impl Operation for Changing {
    type Output = ();
    const NAME: &'static str = "administration";

    fn scope(&self) -> Scope {
        // Who is deleted is a guest elsewhere, too, and somebody's invitations are of any organization.
        let everything = matches!(
            self.change,
            Change::RemoveUser(_) | Change::DeleteOrganization | Change::SetEmail { .. }
        );
        Scope { organization: Some(self.organization.clone()), everything, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        if !matches!(self.change, Change::CreateOrganization(_) | Change::CreateStandard { .. }) {
            parent_of(db, &self.organization).await?;
        }
        self.judge(db).await?;
        let guarded = self.guarded(db).await?;
        self.make(db).await?;
        note(db, &self.events()?).await?;
        match &self.change {
            Change::RemoveUser(id) => self.remove_guests(db, Some(id)).await?,
            Change::DeleteOrganization => self.remove_guests(db, None).await?,
            _ => {}
        }
        self.check_administrators(db, guarded).await
    }
}

pub(super) fn impossible(text: impl Into<String>) -> OperationError {
    EventError::Impossible(text.into()).into()
}

/// Checks that what names something for ever has 1 to 255 bytes.
pub(super) fn check_id(what: &str, id: &str) -> Result<(), OperationError> {
    bounds::id(what, id).map_err(|_| impossible(format!("{what} has 1 to 255 bytes")))
}

/// The parent of an organization that is there and was not deleted.
pub(super) async fn parent_of<C: Connection>(
    db: &mut C,
    organization: &str,
) -> Result<Option<String>, OperationError> {
    let sql = "select parent from organization where id = $1 and deleted = 0";
    let row = db.row(sql, values![organization]).await?;
    Ok(row.ok_or_else(|| EventError::NoOrganization(organization.to_owned()))?.get(0)?)
}

impl Changing {
    pub(super) fn no_user(&self, user: &str) -> OperationError {
        EventError::NoUser { organization: self.organization.clone(), user: user.to_owned() }.into()
    }

    pub(super) fn no_target(&self, id: &str) -> OperationError {
        EventError::NoTarget { organization: self.organization.clone(), id: id.to_owned() }.into()
    }

    async fn make<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        match &self.change {
            Change::CreateOrganization(new) => self.create_organization(db, new).await,
            Change::CreateStandard { new, administrator, handle } => {
                self.create_standard(db, new, administrator.as_ref()).await?;
                match handle {
                    Some(handle) => self.set_handle(db, handle).await,
                    None => Ok(()),
                }
            }
            Change::SetOrganizationActive(active) => self.set_active(db, *active).await,
            Change::MoveOrganization(parent) => self.move_below(db, parent.as_deref()).await,
            Change::DeleteOrganization => self.delete_organization(db).await,
            Change::AddUser(user) => self.add_user(db, user).await,
            Change::RenameUser { id, name } => self.rename_user(db, id, name).await,
            Change::SetEmail { id, email } => self.set_email(db, id, email.as_deref()).await,
            Change::SetUserActive { id, active } => self.set_user_active(db, id, *active).await,
            Change::RemoveUser(id) => self.remove_user(db, id).await,
            Change::SetStoreAnswers { store, answers } => self.set_store_answers(db, store, *answers).await,
            Change::AddMember(account, grants) => self.add_member(db, account, grants).await,
            Change::RemoveMember(account) => self.remove_member(db, account).await,
            Change::CreateGroup(id, group) => self.create_group(db, id, group).await,
            Change::CreateRole(id, role) => self.create_role(db, id, role).await,
            Change::RenameTarget(grant, name) => self.rename_target(db, grant, name).await,
            Change::DeleteTarget(grant) => self.delete_target(db, grant).await,
            Change::AddGrant(account, grant) => self.add_grant(db, account, grant).await,
            Change::RemoveGrant(account, grant) => self.remove_grant(db, account, grant).await,
            Change::SetRoleRights(role, rights) => self.set_role_rights(db, role, *rights).await,
            Change::AssignRole(role, to) => self.assign_role(db, role, to).await,
            Change::UnassignRole(role, from) => self.unassign_role(db, role, from).await,
            Change::LeaseRoles { account, issuer, roles, until } => {
                self.lease_roles(db, account, issuer, roles, *until).await
            }
            Change::SetPermissions(who, permissions) => self.set_permissions(db, who, *permissions).await,
            Change::SetSettings(settings) => self.set_settings(db, settings).await,
            Change::PatchSettings(patch) => self.change_settings(db, patch).await,
            Change::SetPolicy(rules) => self.set_policy(db, rules).await,
        }
    }

    // ---- Organizations

    pub(super) async fn create_organization<C: Connection>(
        &self,
        db: &mut C,
        new: &NewOrganization,
    ) -> Result<(), OperationError> {
        check_id("the id of an organization", &new.id)?;
        if let Some(parent) = &new.parent {
            parent_of(db, parent).await?;
        }
        let settings = default_settings();
        let sql = "insert into organization (id, name, parent, active, deleted, utc_offset_minutes, settings, \
            landings, policy, retention, reminder_before) values ($1, $2, $3, 1, 0, $4, $5, '[]', '[]', $6, $7) \
            on conflict do nothing";
        let values = values![
            &new.id,
            &new.name,
            new.parent.as_ref(),
            i64::from(new.utc_offset_minutes),
            json(&settings)?,
            planned(settings.retention),
            settings.reminder_before.map(planned)
        ];
        if db.change(sql, values).await? == 0 {
            return Err(impossible(format!("organization id `{}` is or was another's", new.id)));
        }
        self.add_store(db, DEFAULT_STORE).await
    }

    async fn set_active<C: Connection>(&self, db: &mut C, active: bool) -> Result<(), OperationError> {
        let sql = "update organization set active = $2 where id = $1";
        db.change(sql, values![&self.organization, active]).await?;
        Ok(())
    }

    async fn move_below<C: Connection>(
        &self,
        db: &mut C,
        parent: Option<&str>,
    ) -> Result<(), OperationError> {
        // Two moves at the same time could make a ring that neither of them sees.
        db.advisory_lock("organizations are moved").await?;
        let (mut above, mut seen) = (parent.map(str::to_owned), Vec::new());
        while let Some(ancestor) = above {
            if ancestor == self.organization {
                return Err(impossible(format!("`{ancestor}` would be its own ancestor")));
            }
            if seen.contains(&ancestor) {
                return Err(DbError::Damaged("an organization is its own ancestor".into()).into());
            }
            above = parent_of(db, &ancestor).await?;
            seen.push(ancestor);
        }
        let sql = "update organization set parent = $2 where id = $1";
        db.change(sql, values![&self.organization, parent]).await?;
        Ok(())
    }

    async fn delete_organization<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        let sql = "update organization set deleted = 1 where id = $1";
        db.change(sql, values![&self.organization]).await?;
        // Their steps go with them.
        let sql = "delete from external_log where organization = $1";
        db.change(sql, values![&self.organization]).await?;
        Ok(())
    }

    // ---- People

    async fn add_user<C: Connection>(&self, db: &mut C, user: &NewUser) -> Result<(), OperationError> {
        let store = user.checked_store()?;
        let NewUser { id, name, email, .. } = user;
        check_id("the id of a user", id)?;
        let used = "select id from person where organization = $1 and id = $2 \
                    union all select id from spent where organization = $1 and id = $2";
        if db.row(used, values![&self.organization, id]).await?.is_some() {
            return Err(impossible(format!("user id `{id}` is or was somebody else's")));
        }
        self.check_name(db, id, name).await?;
        self.add_store(db, &store).await?;
        let insert = "insert into person (organization, id, name, folded, store, email, folded_email, active, \
            account_organization, account_id) values ($1, $2, $3, $4, $5, $6, $7, 1, $1, $2)";
        let folded_email = email.as_deref().map(folded);
        let values =
            values![&self.organization, id, name, folded(name), &store, email.as_ref(), folded_email];
        db.change(insert, values).await.map_err(in_the_way)?;
        Ok(())
    }

    /// Another than `id` may not have that name, in whatever store.
    async fn check_name<C: Connection>(
        &self,
        db: &mut C,
        id: &str,
        name: &str,
    ) -> Result<(), OperationError> {
        let sql = "select id from person where organization = $1 and folded = $2 and id <> $3 limit 1";
        match db.row(sql, values![&self.organization, folded(name), id]).await? {
            Some(_) => Err(impossible(format!("user name `{name}` is taken"))),
            None => Ok(()),
        }
    }

    async fn add_store<C: Connection>(&self, db: &mut C, store: &str) -> Result<(), OperationError> {
        let sql =
            "insert into userstore (organization, name, answers) values ($1, $2, 1) on conflict do nothing";
        db.change(sql, values![&self.organization, store]).await?;
        Ok(())
    }

    async fn rename_user<C: Connection>(
        &self,
        db: &mut C,
        id: &str,
        name: &str,
    ) -> Result<(), OperationError> {
        self.check_name(db, id, name).await?;
        let sql = "update person set name = $3, folded = $4 where organization = $1 and id = $2";
        let values = values![&self.organization, id, name, folded(name)];
        match db.change(sql, values).await.map_err(in_the_way)? {
            0 => Err(self.no_user(id)),
            _ => Ok(()),
        }
    }

    async fn set_user_active<C: Connection>(
        &self,
        db: &mut C,
        id: &str,
        active: bool,
    ) -> Result<(), OperationError> {
        let sql = "update person set active = $3 where organization = $1 and id = $2";
        match db.change(sql, values![&self.organization, id, active]).await? {
            0 => Err(self.no_user(id)),
            _ => Ok(()),
        }
    }

    async fn remove_user<C: Connection>(&self, db: &mut C, id: &str) -> Result<(), OperationError> {
        // Nobody lets them in anywhere in the meantime: that guest would not be seen below.
        db.advisory_lock(&letting_in(&self.organization, id)).await?;
        self.remove_person(db, id).await
    }

    /// INVARIANT: no guest outlives their account: the user name would be taken there, by nobody and for ever.
    ///
    /// Takes out all guests whose account was that one or, without one, of this organization. A deleted
    /// organization is an archive, and keeps its own.
    async fn remove_guests<C: Connection>(
        &self,
        db: &mut C,
        account: Option<&str>,
    ) -> Result<(), OperationError> {
        let which = if account.is_some() { "and p.account_id = $2" } else { "" };
        let guests = format!(
            "select p.organization, p.id, p.account_id from person p \
             join organization o on o.id = p.organization and o.deleted = 0 \
             where p.account_organization = $1 {which} and p.account_organization <> p.organization \
             order by p.organization, p.account_id"
        );
        let whose: Vec<_> =
            [Some(self.organization.as_str()), account].into_iter().flatten().map(Value::from).collect();
        let mut events = Vec::new();
        for guest in db.rows(&guests, &whose).await? {
            let (place, local): (String, String) = (guest.get(0)?, guest.get(1)?);
            db.change("delete from person where organization = $1 and id = $2", values![&place, &local])
                .await?;
            let spent = "insert into spent (organization, id) values ($1, $2) on conflict do nothing";
            db.change(spent, values![&place, &local]).await?;
            let account = UserRef { organization: self.organization.clone(), id: guest.get(2)? };
            events.push(self.actor()?.event(
                Some(&place),
                EventKind::WorldMemberRemoved,
                &Of::user(&account),
            ));
        }
        Ok(note(db, &events).await?)
    }

    /// INVARIANT: whoever reads an address that is somebody's no longer cannot use the codes that were sent
    /// there.
    ///
    /// The codes of all their pending invitations die, in whatever organization those are. In their place
    /// comes a digest that no code has, so that the invitation still counts as one that its invitee was told
    /// of.
    async fn set_email<C: Connection>(
        &self,
        db: &mut C,
        id: &str,
        email: Option<&str>,
    ) -> Result<(), OperationError> {
        email.map_or(Ok(()), check_address)?;
        let sql = format!(
            "select email, account_organization, account_id from person where organization = $1 and id = $2{}",
            db.for_update()
        );
        let person = db.row(&sql, values![&self.organization, id]).await?.ok_or_else(|| self.no_user(id))?;
        let account: (String, String) = (person.get(1)?, person.get(2)?);
        if account != (self.organization.clone(), id.to_owned()) {
            return Err(self.no_user(id));
        }
        if person.get::<Option<String>>(0)?.as_deref() == email {
            return Ok(());
        }
        let sql = "update person set email = $3, folded_email = $4 where organization = $1 and id = $2";
        db.change(sql, values![&self.organization, id, email, email.map(folded)]).await?;
        // Locked in one order, and before their codes, as by whoever changes one.
        let pending = format!(
            "select organization, id, version from invitation where subject_organization = $1 \
             and subject_id = $2 and state = 'pending' order by organization, id{}",
            db.for_update()
        );
        for row in db.rows(&pending, values![&self.organization, id]).await? {
            let (organization, invitation): (String, String) = (row.get(0)?, row.get(1)?);
            let dead = "delete from code where organization = $1 and invitation = $2";
            db.change(dead, values![&organization, &invitation]).await?;
            let sql = format!(
                "insert into code (digest, organization, invitation, version) values ({}, $1, $2, $3)",
                db.random()
            );
            db.change(&sql, values![&organization, &invitation, row.get::<u64>(2)?]).await?;
        }
        Ok(())
    }

    /// Removes a person, and their groups and roles with them. Their id stays spent.
    async fn remove_person<C: Connection>(&self, db: &mut C, id: &str) -> Result<(), OperationError> {
        let sql = "delete from person where organization = $1 and id = $2";
        if db.change(sql, values![&self.organization, id]).await? == 0 {
            return Err(self.no_user(id));
        }
        let spent = "insert into spent (organization, id) values ($1, $2) on conflict do nothing";
        db.change(spent, values![&self.organization, id]).await?;
        Ok(())
    }

    async fn set_store_answers<C: Connection>(
        &self,
        db: &mut C,
        store: &str,
        answers: bool,
    ) -> Result<(), OperationError> {
        let store = store_name(store);
        let sql = "update userstore set answers = $3 where organization = $1 and name = $2";
        if db.change(sql, values![&self.organization, &store, answers]).await? > 0 {
            return Ok(());
        }
        let known = "select name from userstore where organization = $1";
        let known = db.rows(known, values![&self.organization]).await?;
        let known = known.iter().map(|row| row.get(0)).collect::<Result<_, DbError>>()?;
        Err(no_store(&self.organization, &store, &known).into())
    }

    // ---- Members

    pub(super) async fn add_member<C: Connection>(
        &self,
        db: &mut C,
        account: &UserRef,
        grants: &[Grant],
    ) -> Result<(), OperationError> {
        match can_join(db, &self.organization, account).await? {
            Joining::Possible(name) => {
                join(db, &self.organization, None, account, &name).await?;
                for grant in grants {
                    self.add_grant(db, account, grant).await?;
                }
                Ok(())
            }
            Joining::NameTaken => Err(impossible("the user name is taken")),
            Joining::AlreadyPresent => Err(impossible("he is a member")),
            Joining::NoSuchTarget => {
                let (organization, user) = (account.organization.clone(), account.id.clone());
                Err(EventError::NoUser { organization, user }.into())
            }
        }
    }

    /// INVARIANT: nobody who was just removed comes back by an accept that had been claimed by then.
    ///
    /// Their active invitations are locked before anything is looked at. Whoever claims one, or applies steps
    /// for it, locks it as well: so each is wholly before the removal or wholly after it. What was claimed
    /// before is seen here as `accepting`. Where that accept has made them a member its log says so, and for
    /// ever: it answers `was-removed` from now on. Where it has not (they were a member by another way, or it
    /// is about to begin) it is closed. What is claimed after is another offer that they take up.
    async fn remove_member<C: Connection>(
        &self,
        db: &mut C,
        account: &UserRef,
    ) -> Result<(), OperationError> {
        let sql = format!(
            "select id, state from invitation where organization = $1 and subject_organization = $2 \
             and subject_id = $3 and state in {ACTIVE}{}",
            db.for_update()
        );
        let whose = values![&self.organization, &account.organization, &account.id];
        let invitations = db.rows(&sql, whose).await?;
        let id = self.local_id(db, account).await?.filter(|_| account.organization != self.organization);
        self.remove_person(db, &id.ok_or_else(|| self.no_user(&account.id))?).await?;
        for row in invitations {
            let (invitation, state): (String, String) = (row.get(0)?, row.get(1)?);
            let made_him =
                "select step from grant_log where organization = $1 and invitation = $2 and step = $3";
            let member = values![&self.organization, &invitation, json(&Step::Member)?];
            if state == "accepting" && db.row(made_him, member).await?.is_none() {
                applying::close(db, &self.organization, &invitation).await?;
            }
        }
        Ok(())
    }

    // ---- Rules

    async fn set_permissions<C: Connection>(
        &self,
        db: &mut C,
        who: &Principal,
        permissions: Permissions,
    ) -> Result<(), OperationError> {
        // Two at the same time would get one place.
        db.advisory_lock(&format!("permissions of {}", self.organization)).await?;
        let who = principal(who)?;
        db.change(
            "delete from permission where organization = $1 and who = $2",
            values![&self.organization, &who],
        )
        .await?;
        let last = "select max(place) from permission where organization = $1";
        let last = db.row(last, values![&self.organization]).await?;
        let last = last.map_or(Ok(None), |row| row.get::<Option<i64>>(0))?;
        let sql = "insert into permission (organization, who, permissions, place) values ($1, $2, $3, $4)";
        let place = last.map_or(0, |last| last + 1);
        db.change(sql, values![&self.organization, who, json(&permissions)?, place]).await?;
        Ok(())
    }

    async fn set_settings<C: Connection>(&self, db: &mut C, settings: &Values) -> Result<(), OperationError> {
        judge(settings).map_err(OperationError::Contradictory)?;
        let sql = "update organization set settings = $2, retention = $3, reminder_before = $4 where id = $1";
        let values = values![
            &self.organization,
            json(settings)?,
            planned(settings.retention),
            settings.reminder_before.map(planned)
        ];
        db.change(sql, values).await?;
        Ok(())
    }

    async fn change_settings<C: Connection>(
        &self,
        db: &mut C,
        patch: &SettingsPatch,
    ) -> Result<(), OperationError> {
        let sql = format!("select settings from organization where id = $1{}", db.for_update());
        let row = db.row(&sql, values![&self.organization]).await?;
        let row = row.ok_or_else(|| EventError::NoOrganization(self.organization.clone()))?;
        let mut settings: Values = from_json(&row.get::<String>(0)?)?;
        patch.apply(&mut settings);
        self.set_settings(db, &settings).await?;
        if let Some(domains) = &patch.address_domains {
            let domains = domains.as_ref().map(json).transpose()?;
            let sql = "update organization set address_domains = $2 where id = $1";
            db.change(sql, &[Value::from(&self.organization), Value::from(domains)]).await?;
        }
        if let Some(landings) = &patch.landings {
            if let Some(wrong) = landings.iter().find(|landing| bounds::landing(landing).is_err()) {
                return Err(impossible(format!(
                    "the landing place `{wrong}` is no absolute URL that begins with `https://` and a host name"
                )));
            }
            let sql = "update organization set landings = $2 where id = $1";
            db.change(sql, values![&self.organization, json(landings)?]).await?;
        }
        Ok(())
    }

    async fn set_policy<C: Connection>(&self, db: &mut C, rules: &[Rule]) -> Result<(), OperationError> {
        if rules.iter().any(|rule| rule.verdicts() != 1) {
            return Err(impossible("a rule needs exactly one verdict"));
        }
        let sql = "update organization set policy = $2 where id = $1";
        db.change(sql, values![&self.organization, json(&rules)?]).await?;
        Ok(())
    }
}
