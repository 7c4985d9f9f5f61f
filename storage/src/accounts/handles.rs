//! Handles: what organizations are called in URLs, and the way from an organization up to its root.

use guestlist_contract::audit::EventKind;

use super::{AccountError, Accounts, Actor, no_organization};
use crate::{
    audit::{Of, note},
    error::{DbError, OperationError},
    people::in_the_way,
    sql::{Connection, Operation, Row, Scope, values},
};

/// An organization that a handle or an id has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Its handle; absent where it has none in its root.
    pub handle: Option<String>,
    /// Absent for a root.
    pub parent: Option<String>,
    /// False: it is suspended.
    pub active: bool,
}

/// One organization of a path.
pub type Step = Handled;

impl Accounts {
    /// Gives an organization this handle: 1 to 63 of `a` to `z`, `0` to `9` and `-`, which neither begins nor ends
    /// it, and not `api`.
    ///
    /// A handle is unique among all of one root, and that of a root in the server, too. It is never given to
    /// another organization, also when this one has another by now or was deleted; this one may take it back. An
    /// organization that moves to another root, or becomes one, has no handle there until it is given one.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) where it is no handle; [`Taken`](AccountError::Taken) where another
    /// organization has or had it, or has it as its id in that root; [`NotFound`](AccountError::NotFound) where
    /// there is no such organization, or it is below a deleted one.
    pub async fn set_handle(
        &self,
        actor: &Actor,
        organization: &str,
        handle: &str,
    ) -> Result<(), AccountError> {
        self.ask(SetHandle {
            actor: actor.clone(),
            organization: organization.to_owned(),
            handle: handle.to_owned(),
        })
        .await
    }

    /// The root with this handle.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn root_by_handle(&self, handle: &str) -> Result<Option<Handled>, AccountError> {
        self.ask(Find { root: String::new(), text: handle.to_owned() }).await
    }

    /// The organization with this id or handle, where it is that root or below it. Nothing of any other root is
    /// ever answered.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn organization_by_handle(
        &self,
        root: &str,
        handle_or_id: &str,
    ) -> Result<Option<Handled>, AccountError> {
        self.ask(Find { root: root.to_owned(), text: handle_or_id.to_owned() }).await
    }

    /// The id of the root that an organization is in: itself, where it has no parent. Absent where the
    /// organization, or one above it, is not there or was deleted.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn root_of(&self, organization: &str) -> Result<Option<String>, AccountError> {
        Ok(self.path_of(organization).await?.into_iter().next().map(|root| root.id))
    }

    /// The way from the root down to an organization, both included; empty where
    /// [`root_of`](Self::root_of) has no answer.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn path_of(&self, organization: &str) -> Result<Vec<Step>, AccountError> {
        self.ask(Path { organization: organization.to_owned() }).await
    }
}

/// Tells whether a text has the form of a handle, as [`set_handle`](Accounts::set_handle) demands it.
#[must_use]
pub fn is_handle(text: &str) -> bool {
    let letters = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    (1..=63).contains(&text.len())
        && letters
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text != "api"
}

fn check(handle: &str) -> Result<(), OperationError> {
    if is_handle(handle) {
        return Ok(());
    }
    let text = "a handle has 1 to 63 of `a` to `z`, `0` to `9` and `-`, neither begins nor ends with `-`, and is \
                not `api`";
    Err(AccountError::Invalid(text.into()).into())
}

/// The columns of [`read`], of an organization `o` in the root that `$1` names.
const COLUMNS: &str = "o.id, o.name, (select h.handle from handle h where h.organization = o.id and h.root = $1 \
    and h.current = 1), o.parent, o.active";

fn read(row: &Row) -> Result<Handled, DbError> {
    Ok(Handled {
        id: row.get(0)?,
        name: row.get(1)?,
        handle: row.get(2)?,
        parent: row.get(3)?,
        active: row.get(4)?,
    })
}

/// The ids from an organization up to its root; empty where any of them is not there or was deleted.
pub(crate) async fn path_of<C: Connection>(db: &mut C, organization: &str) -> Result<Vec<String>, DbError> {
    // No more steps than any sane tree has: a damaged one could be a ring.
    let sql = "with recursive up (id, parent, step) as ( \
                   select id, parent, 0 from organization where id = $1 and deleted = 0 \
                   union all \
                   select o.id, o.parent, up.step + 1 from up join organization o on o.id = up.parent \
                   where o.deleted = 0 and up.step < 1000) \
               select id, parent from up order by step";
    let rows = db.rows(sql, values![organization]).await?;
    let is_whole = match rows.last() {
        Some(last) => last.get::<Option<String>>(1)?.is_none(),
        None => false,
    };
    if !is_whole {
        return Ok(Vec::new());
    }
    rows.iter().map(|row| row.get(0)).collect()
}

pub(crate) struct SetHandle {
    pub(crate) actor: Actor,
    pub(crate) organization: String,
    pub(crate) handle: String,
}

impl Operation for SetHandle {
    type Output = ();
    const NAME: &'static str = "accounts.set-handle";

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        check(&self.handle)?;
        let Self { organization, handle, .. } = self;
        // It stays in its root meanwhile, and whoever gives it another handle comes before or after.
        db.advisory_lock("organizations are moved").await?;
        db.advisory_lock(&format!("handle of {organization}")).await?;
        let path = path_of(db, organization).await?;
        let root = path.last().ok_or_else(|| no_organization(organization))?;
        // An id leads to whom it belongs, here as long as it is there, and nowhere once it was deleted.
        let id = "select deleted from organization where id = $1 and id <> $2";
        if let Some(other) = db.row(id, values![handle, organization]).await?
            && (other.get::<bool>(0)? || path_of(db, handle).await?.last() == Some(root))
        {
            return Err(taken(handle));
        }
        let roots = if root == organization { vec![root.as_str(), ""] } else { vec![root.as_str()] };
        for root in roots {
            let sql = "insert into handle (root, handle, organization, current) values ($1, $2, $3, 0) \
                       on conflict do nothing";
            db.change(sql, values![root, handle, organization]).await.map_err(in_the_way)?;
            let own = "select 1 from handle where root = $1 and handle = $2 and organization = $3";
            db.row(own, values![root, handle, organization]).await?.ok_or_else(|| taken(handle))?;
            let former =
                "update handle set current = 0 where organization = $1 and root = $2 and current = 1";
            db.change(former, values![organization, root]).await?;
            let now = "update handle set current = 1 where root = $1 and handle = $2";
            db.change(now, values![root, handle]).await?;
        }
        let event = self.actor.internal()?.event(
            Some(organization),
            EventKind::OrganizationHandleSet,
            &Of::default(),
        );
        Ok(note(db, &[event]).await?)
    }
}

fn taken(handle: &str) -> OperationError {
    AccountError::Taken(format!("the handle `{handle}` is or was another organization's; choose another"))
        .into()
}

/// Finds an organization of a root; of the server, where the root is empty.
struct Find {
    root: String,
    text: String,
}

impl Operation for Find {
    type Output = Option<Handled>;
    const NAME: &'static str = "accounts.find-organization";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Option<Handled>, OperationError> {
        // Nothing that is stored has this character, and PostgreSQL cannot be asked for it.
        if self.root.contains('\0') || self.text.contains('\0') {
            return Ok(None);
        }
        let by_handle = format!(
            "select {COLUMNS} from handle k join organization o on o.id = k.organization and o.deleted = 0 \
             where k.root = $1 and k.handle = $2 and k.current = 1"
        );
        let asked = values![&self.root, &self.text];
        if self.root.is_empty() {
            let found = db.row(&by_handle, asked).await?.map(|row| read(&row)).transpose()?;
            return Ok(found.filter(|root| root.parent.is_none()));
        }
        let by_id = format!("select {COLUMNS} from organization o where o.id = $2 and o.deleted = 0");
        for sql in [by_id, by_handle] {
            let Some(row) = db.row(&sql, asked).await? else { continue };
            let found = read(&row)?;
            // INVARIANT: whoever asks at one root is told nothing of another.
            if path_of(db, &found.id).await?.last() == Some(&self.root) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

struct Path {
    organization: String,
}

impl Operation for Path {
    type Output = Vec<Step>;
    const NAME: &'static str = "accounts.path";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<Step>, OperationError> {
        if self.organization.contains('\0') {
            return Ok(Vec::new());
        }
        let path = path_of(db, &self.organization).await?;
        let Some(root) = path.last() else { return Ok(Vec::new()) };
        let sql = format!("select {COLUMNS} from organization o where o.id = $2");
        let mut steps = Vec::new();
        for id in path.iter().rev() {
            let row = db.row(&sql, values![root, id]).await?;
            steps.extend(row.map(|row| read(&row)).transpose()?);
        }
        Ok(steps)
    }
}
