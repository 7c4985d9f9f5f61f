//! Organizations: the roots, the children of one, or all that are below it.

use guestlist_contract::paging::Place;

use super::{
    Listed, PageOf, Reading,
    page::{Statement, Turn, name_and_id, named},
    refuse_nul,
};
use crate::{
    AccountError, Handled,
    accounts::path_of,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// Which organizations are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Organizations {
    /// The roots of the server, by name.
    Roots,
    /// The children of this one, by name.
    Children(String),
    /// All below this one: each is followed by those below it, and beside each other they stand by name. One that
    /// is moved or renamed during the walk may be shown twice, or not.
    Below(String),
}

/// An organization in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRow {
    /// The organization.
    pub organization: Handled,
    /// How far it is below the one that was asked about: 1 for a child. 0 for a root in a list of roots.
    pub depth: u32,
}

impl Reading {
    /// Organizations, those that were deleted left out. Of one that is not there, or was deleted, there are none.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid), [`InvalidCursor`](AccountError::InvalidCursor).
    pub async fn organizations(
        &self,
        which: &Organizations,
        page: &PageOf,
    ) -> Result<Listed<OrganizationRow>, AccountError> {
        self.ask(List { which: which.clone(), page: page.clone(), secret: self.secret().await? }).await
    }
}

struct List {
    which: Organizations,
    page: PageOf,
    secret: [u8; 32],
}

/// The columns of [`read`] of an organization `o`; `root` is a placeholder for the root that handles are of.
fn columns(root: &str) -> String {
    format!(
        "o.id, o.name, (select h.handle from handle h where h.organization = o.id and h.root = {root} \
         and h.current = 1), o.parent, o.active"
    )
}

fn read(row: &Row) -> Result<(Handled, Place), DbError> {
    let found = Handled {
        id: row.get(0)?,
        name: row.get(1)?,
        handle: row.get(2)?,
        parent: row.get(3)?,
        active: row.get(4)?,
    };
    let place = named(&found.name, &found.id);
    Ok((found, place))
}

impl Operation for List {
    type Output = Listed<OrganizationRow>;
    const NAME: &'static str = "reading.organizations";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let (word, top) = match &self.which {
            Organizations::Roots => ("roots", None),
            Organizations::Children(top) => ("children", Some(top)),
            Organizations::Below(top) => ("below", Some(top)),
        };
        refuse_nul(&[top.map_or("", String::as_str)])?;
        let turn = Turn::new(self.secret, &("organizations", word, top), &self.page)?;
        let Some(top) = top else { return beside(db, &turn, None, "").await };
        let path = path_of(db, top).await?;
        let Some(root) = path.last() else { return Ok(turn.page(Vec::new())) };
        match self.which {
            Organizations::Below(_) => below(db, &turn, top, root, path.len()).await,
            _ => beside(db, &turn, Some(top), root).await,
        }
    }
}

/// The children of one, or the roots.
async fn beside<C: Connection>(
    db: &mut C,
    turn: &Turn,
    parent: Option<&str>,
    root: &str,
) -> Result<Listed<OrganizationRow>, OperationError> {
    let mut statement = Statement::default();
    let root = statement.bind(root);
    match parent {
        Some(parent) => statement.equal("o.parent", parent),
        None => statement.require("o.parent is null"),
    }
    statement.require("o.deleted = 0");
    statement.range(["o.name", "o.id"], None, turn.after.clone())?;
    // The parent is one and the same, and by it the order is that of the index.
    let rest = format!("order by o.parent, o.deleted, o.name, o.id limit {}", statement.bind(turn.rows()));
    let rows = statement.rows(db, &format!("select {} from organization o", columns(&root)), &rest).await?;
    let depth = u32::from(parent.is_some());
    let row =
        |row: &Row| read(row).map(|(organization, place)| (OrganizationRow { organization, depth }, place));
    Ok(turn.page(rows.iter().map(row).collect::<Result<_, _>>()?))
}

/// All below one, of which `above` is the number of organizations from it up to the root.
///
/// A walk through the tree, one organization after the other: first down to the first child, where there is none
/// to the next beside it, and where there is none up again. So a page costs what is on it, and the way up. `entered`
/// is 1 where the walk comes from above or from beside.
async fn below<C: Connection>(
    db: &mut C,
    turn: &Turn,
    top: &str,
    root: &str,
    above: usize,
) -> Result<Listed<OrganizationRow>, OperationError> {
    let (start, name, depth) = match turn.after.clone() {
        None => (top.to_owned(), None, 0),
        Some(place) => {
            let (name, id) = name_and_id(place)?;
            let depth = depth_below(db, &id, top, above).await?.ok_or(AccountError::InvalidCursor)?;
            (id, Some(name), depth)
        }
    };
    let sql = format!(
        "with recursive walk (id, parent, name, depth, entered, seen, step) as ( \
             select id, parent, coalesce($3, name), cast($4 as bigint), 1 - deleted, cast(0 as bigint), 0 \
             from organization where id = $2 \
             union all \
             select o.id, o.parent, o.name, \
                 walk.depth + case when o.parent = walk.id then 1 when o.id = walk.parent then -1 else 0 end, \
                 case when o.id = walk.parent then 0 else 1 end, \
                 walk.seen + case when o.id = walk.parent then 0 else 1 end, walk.step + 1 \
             from walk cross join organization o \
             where walk.seen < $5 and (walk.depth > 0 or walk.entered = 1) and o.id = coalesce( \
                 case when walk.entered = 1 then (select c.id from organization c where c.parent = walk.id \
                     and c.deleted = 0 order by c.parent, c.deleted, c.name, c.id limit 1) end, \
                 case when walk.depth > 0 then coalesce( \
                     (select n.id from organization n where n.parent = walk.parent and n.deleted = 0 \
                         and (n.name, n.id) > (walk.name, walk.id) order by n.parent, n.deleted, n.name, n.id limit 1), \
                     walk.parent) end) \
         ) \
         select {}, walk.depth from walk join organization o on o.id = walk.id \
         where walk.entered = 1 and walk.step > 0 order by walk.step",
        columns("$1")
    );
    let values: &[Value] = values![root, start, name, depth, turn.rows()];
    let row = |row: &Row| {
        let (organization, place) = read(row)?;
        Ok::<_, DbError>((OrganizationRow { organization, depth: row.get(5)? }, place))
    };
    db.by_index().await?;
    let rows = db.rows(&sql, values).await?;
    Ok(turn.page(rows.iter().map(row).collect::<Result<_, _>>()?))
}

/// How far an organization is below another; `None` where it is not (any more).
async fn depth_below<C: Connection>(
    db: &mut C,
    id: &str,
    top: &str,
    above: usize,
) -> Result<Option<i64>, DbError> {
    // It may have been deleted since it was shown: then its parent tells.
    let sql = "select parent from organization where id = $1";
    let Some(row) = db.row(sql, values![id]).await? else { return Ok(None) };
    let Some(parent) = row.get::<Option<String>>(0)? else { return Ok(None) };
    let path = path_of(db, &parent).await?;
    let steps = (path.len() + 1).checked_sub(above);
    let is_below = path.iter().any(|step| step == top);
    Ok(steps.filter(|_| is_below).and_then(|steps| i64::try_from(steps).ok()))
}
