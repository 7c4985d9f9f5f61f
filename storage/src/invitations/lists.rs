//! Lists, a page at a time. Pages are cut by key: the condition is on the columns of the index that the
//! list is sorted by, so that a page costs what is on it, wherever it is.

use guestlist_contract::{
    bounds,
    host::Call,
    paging::{Key, Place, Walk},
    storage::StoreError,
    types::{InvitationFilter, Page, PageRequest, SortKey, State},
};
use serde::Serialize;

use super::{
    access::Asker,
    reading::run_out,
    rows::{COLUMNS, read, states},
};
use crate::{
    codec,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Scope, Value, values},
};

/// A key that all processes share, by its name.
pub(crate) struct Secret(pub(crate) &'static str);

impl Operation for Secret {
    type Output = [u8; 32];
    const NAME: &'static str = "secret";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<[u8; 32], OperationError> {
        let found = db.row("select value from secret where name = $1", values![self.0]).await?;
        let key: Option<Vec<u8>> = found.map(|row| row.get(0)).transpose()?;
        let missing = || DbError::Damaged(format!("the key of {} is missing", self.0).into());
        Ok(key.and_then(|key| key.try_into().ok()).ok_or_else(missing)?)
    }
}

/// A condition for rows, as SQL and its values.
struct Condition {
    all: Vec<String>,
    values: Vec<Value>,
}

impl Condition {
    fn add(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// The state in force at `now` is one of these; of none: any.
    fn states(&mut self, wanted: &[State], now: i64) {
        if !wanted.is_empty() {
            let now = self.add(now);
            let state = format!("case when {} then 'expired' else state end", run_out(&now));
            self.all.push(format!("{state} in {}", states(wanted.iter().copied())));
        }
    }

    fn equal(&mut self, column: &str, value: impl Into<Value>) {
        let value = self.add(value);
        self.all.push(format!("{column} = {value}"));
    }
}

/// A page of a walk.
struct Turn<'a> {
    walk: Walk,
    after: Option<&'a str>,
    sort: SortKey,
    descending: bool,
    /// The columns by which rows with the same key are sorted.
    then: &'a [&'a str],
    limit: usize,
}

impl Turn<'_> {
    async fn page<C: Connection>(
        &self,
        db: &mut C,
        mut condition: Condition,
    ) -> Result<Page, OperationError> {
        let (key, sorted) = match self.sort {
            SortKey::CreatedAt => ("created_at", "created_at"),
            SortKey::ExpiresAt => ("expires_at", "coalesce(expires_at, 9223372036854775807)"),
            SortKey::Name => ("name", "name"),
        };
        debug_assert!(COLUMNS.contains(key));
        let order: Vec<_> = [sorted].iter().chain(self.then).copied().collect();
        if let Some(place) = self.walk.start(self.after)? {
            let key = match place.key {
                Key::Time(at) => at.into(),
                Key::Never => Value::Integer(i64::MAX),
                Key::Name(name) => name.into(),
            };
            let mut places = vec![condition.add(key)];
            for column in self.then {
                places.push(condition.add(if *column == "id" { &place.id } else { &place.organization }));
            }
            let than = if self.descending { "<" } else { ">" };
            condition.all.push(format!("({}) {than} ({})", order.join(", "), places.join(", ")));
        }
        let way = if self.descending { " desc" } else { "" };
        let order: Vec<_> = order.iter().map(|column| format!("{column}{way}")).collect();
        let limit = condition.add(i64::try_from(self.limit + 1).unwrap_or(i64::MAX));
        let sql = format!(
            "select {COLUMNS} from invitation where {} order by {} limit {limit}",
            condition.all.join(" and "),
            order.join(", ")
        );
        let found = db.rows(&sql, &condition.values).await?;
        let more = found.len() > self.limit;
        let rows = found.iter().take(self.limit).map(|row| read(row, 0)).collect::<Result<Vec<_>, _>>()?;
        let last = rows.last().filter(|_| more).map(|row| Place::of(&row.invitation, self.sort));
        let now = db.now();
        let items = rows.into_iter().map(|row| row.at(now)).collect();
        Ok(Page { items, next: last.and_then(|last| self.walk.cursor(last)) })
    }
}

fn walk(
    secret: [u8; 32],
    about: &impl Serialize,
    sort: SortKey,
    descending: bool,
) -> Result<Walk, StoreError> {
    Walk::new(secret, &(about, sort, descending))
}

/// `list`.
pub(super) struct List {
    organization: String,
    filter: InvitationFilter,
    request: PageRequest,
    limit: usize,
    pub(super) secret: [u8; 32],
}

impl List {
    pub(super) fn new(
        call: &Call,
        organization: String,
        filter: InvitationFilter,
        request: PageRequest,
    ) -> Result<Self, OperationError> {
        call.acts_in(&organization)?;
        bounds::filter(&filter)?;
        let limit = bounds::limit(request.limit)?;
        Ok(Self { organization, filter, request, limit, secret: [0; 32] })
    }
}

impl Operation for List {
    type Output = Page;
    const NAME: &'static str = "storage.list";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Asker::within(&self.organization)
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Page, OperationError> {
        let Self { organization, filter, request, .. } = self;
        let mut condition = Condition { all: Vec::new(), values: Vec::new() };
        // Of one invitee there are few rows, wherever they are, and of an organization many: where both are asked
        // for, no index by organization is to be used, and there is none of an expression.
        let column = if filter.invitee.is_some() { "organization || ''" } else { "organization" };
        condition.equal(column, organization);
        condition.states(&filter.states, db.now());
        if let Some(grant) = &filter.grant {
            let part = condition.add(codec::grant_in_list(grant)?);
            condition.all.push(format!("{} > 0", db.find("grants", &part)));
        }
        if let Some(inviter) = &filter.inviter {
            condition.equal("inviter", codec::principal(inviter)?);
        }
        if let Some(invitee) = &filter.invitee {
            condition.equal("subject_organization", &invitee.organization);
            condition.equal("subject_id", &invitee.id);
        }
        if let Some(prefix) = &filter.name_prefix {
            let prefix = condition.add(prefix);
            condition.all.push(format!("name >= {prefix} and substr(name, 1, length({prefix})) = {prefix}"));
        }
        if let Some(dismissed) = filter.dismissed {
            condition.equal("dismissed", dismissed);
        }
        let (sort, descending) = (request.sort, request.descending);
        let walk = walk(self.secret, &(organization, filter), sort, descending)?;
        let after = request.after.as_deref();
        Turn { walk, after, sort, descending, then: &["id"], limit: self.limit }.page(db, condition).await
    }
}

/// `mine`.
pub(super) struct Mine {
    asker: Asker,
    states: Vec<State>,
    after: Option<String>,
    limit: usize,
    pub(super) secret: [u8; 32],
}

impl Mine {
    pub(super) fn new(
        call: &Call,
        states: Vec<State>,
        after: Option<String>,
        limit: u32,
    ) -> Result<Self, OperationError> {
        bounds::count("states", states.len(), 8)?;
        let limit = bounds::limit(limit)?;
        Ok(Self { asker: Asker::of(call, [])?, states, after, limit, secret: [0; 32] })
    }
}

impl Operation for Mine {
    type Output = Page;
    const NAME: &'static str = "storage.mine";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { organization: None, ..self.asker.around() }
    }

    /// Lists the caller's invitations. Somebody who is not a signed-in person has none.
    async fn run<C: Connection>(&self, db: &mut C) -> Result<Page, OperationError> {
        let user = self.asker.user();
        let mut condition = Condition { all: Vec::new(), values: Vec::new() };
        condition.equal("subject_organization", user.map(|user| &user.organization));
        condition.equal("subject_id", user.map(|user| &user.id));
        let told = "exists (select 1 from code c where c.organization = invitation.organization \
                    and c.invitation = invitation.id)";
        condition.all.push(told.into());
        condition.states(&self.states, db.now());
        let (sort, descending) = (SortKey::CreatedAt, true);
        let walk = walk(self.secret, &("mine", user, &self.states), sort, descending)?;
        let after = self.after.as_deref();
        let then = &["organization", "id"];
        Turn { walk, after, sort, descending, then, limit: self.limit }.page(db, condition).await
    }
}
