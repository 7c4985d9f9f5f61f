//! What a server needs to know for writing e-mails: addresses, names, and who may approve.

use std::collections::BTreeMap;

use guestlist_contract::types::{Invitation, Principal, UserRef};

use super::Reading;
use crate::{
    AccountError,
    accounts::handles::path_of,
    bulk_sql,
    codec::from_json,
    error::{DbError, OperationError},
    invitations::rows,
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// The most that is asked for at once.
const MOST: usize = 200;

/// Approvers that are written to.
const APPROVERS: i64 = 50;

/// Somebody as the server writes to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Their user name where they are resident.
    pub name: String,
    /// Their address there; absent where they have none.
    pub email: Option<String>,
}

/// What a letter about an invitation of an organization says of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterFacts {
    /// The name of the organization.
    pub name: String,
    /// The handle of its root; its id where it has none.
    pub root_handle: String,
    /// The minutes to add to UTC for its local time.
    pub utc_offset_minutes: i32,
}

fn few<T>(asked: &[T]) -> Result<(), AccountError> {
    if asked.len() > MOST {
        return Err(AccountError::Invalid(format!("at most {MOST} are answered at once")));
    }
    Ok(())
}

impl Reading {
    /// The names and addresses of accounts where they are resident, in the order of the accounts; absent where there
    /// is none (any more). At most 200.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) for more.
    pub async fn contacts(&self, accounts: &[UserRef]) -> Result<Vec<Option<Contact>>, AccountError> {
        few(accounts)?;
        self.ask(Contacts { accounts: accounts.to_vec() }).await
    }

    /// Invitations of an organization by id, in the order of the ids, in the state that is in force. At most 200.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid) for more.
    pub async fn invitations(
        &self,
        organization: &str,
        ids: &[String],
    ) -> Result<Vec<Option<Invitation>>, AccountError> {
        few(ids)?;
        self.ask(Rows { organization: organization.to_owned(), ids: ids.to_vec() }).await
    }

    /// What a letter says of an organization; absent where it was deleted.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn letter_facts(&self, organization: &str) -> Result<Option<LetterFacts>, AccountError> {
        self.ask(Facts { organization: organization.to_owned() }).await
    }

    /// The people who may approve invitations of an organization, at most 50.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn approvers(&self, organization: &str) -> Result<Vec<UserRef>, AccountError> {
        self.ask(Approvers { organization: organization.to_owned() }).await
    }
}

struct Contacts {
    accounts: Vec<UserRef>,
}

impl Operation for Contacts {
    type Output = Vec<Option<Contact>>;
    const NAME: &'static str = "reading.contacts";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let askable = |account: &&UserRef| !account.organization.contains('\0') && !account.id.contains('\0');
        let keys: Vec<_> = self
            .accounts
            .iter()
            .filter(askable)
            .map(|account| (account.organization.as_str(), account.id.as_str()))
            .collect();
        if keys.is_empty() {
            return Ok(self.accounts.iter().map(|_| None).collect());
        }
        let mut bound = Vec::new();
        let those = bulk_sql::either(None, ["organization", "id"], keys, &mut bound);
        let sql = format!(
            "select organization, id, name, email from person \
             where {those} and account_organization = organization and account_id = id"
        );
        let read = |row: &Row| {
            let account: (String, String) = (row.get(0)?, row.get(1)?);
            Ok::<_, DbError>((account, Contact { name: row.get(2)?, email: row.get(3)? }))
        };
        let rows = db.rows(&sql, &bound).await?;
        let known: BTreeMap<_, Contact> = rows.iter().map(read).collect::<Result<_, _>>()?;
        let contact =
            |account: &UserRef| known.get(&(account.organization.clone(), account.id.clone())).cloned();
        Ok(self.accounts.iter().map(contact).collect())
    }
}

struct Rows {
    organization: String,
    ids: Vec<String>,
}

impl Operation for Rows {
    type Output = Vec<Option<Invitation>>;
    const NAME: &'static str = "reading.invitations";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let askable: Vec<_> = self.ids.iter().filter(|id| !id.contains('\0')).collect();
        if askable.is_empty() || self.organization.contains('\0') {
            return Ok(self.ids.iter().map(|_| None).collect());
        }
        let sql = format!(
            "select {} from invitation where organization = $1 and id in {}",
            rows::COLUMNS,
            bulk_sql::list(2, askable.len())
        );
        let bound: Vec<_> = [&self.organization].into_iter().chain(askable).map(Value::from).collect();
        let found = db.rows(&sql, &bound).await?;
        let now = db.now();
        let read = |row: &Row| Ok::<_, DbError>(rows::read(row, 0)?.at(now));
        let found: Vec<Invitation> = found.iter().map(read).collect::<Result<_, _>>()?;
        Ok(self.ids.iter().map(|id| found.iter().find(|row| row.key.id == *id).cloned()).collect())
    }
}

struct Facts {
    organization: String,
}

impl Operation for Facts {
    type Output = Option<LetterFacts>;
    const NAME: &'static str = "reading.letter-facts";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope::default()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let sql = "select name, utc_offset_minutes from organization where id = $1 and deleted = 0";
        let Some(row) = db.row(sql, values![&self.organization]).await? else { return Ok(None) };
        let path = path_of(db, &self.organization).await?;
        let root = path.last().unwrap_or(&self.organization);
        let sql = "select handle from handle where organization = $1 and root = '' and current = 1";
        let handle = db.row(sql, values![root]).await?.map(|row| row.get(0)).transpose()?;
        Ok(Some(LetterFacts {
            name: row.get(0)?,
            utc_offset_minutes: i32::try_from(row.get::<i64>(1)?).unwrap_or_default(),
            root_handle: handle.unwrap_or_else(|| root.clone()),
        }))
    }
}

struct Approvers {
    organization: String,
}

impl Operation for Approvers {
    type Output = Vec<UserRef>;
    const NAME: &'static str = "reading.approvers";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        Scope { organization: Some(self.organization.clone()), ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        // From the few roles that let somebody approve to those who have them, and never through the people.
        let sql = "select p.account_organization, p.account_id from target t join held h \
                on h.organization = t.organization and h.kind = 'role' and h.target = t.id \
                join person p on p.organization = h.organization and p.id = h.person \
                where t.organization = $1 and t.kind = 'role' and t.rights like '%\"approve\"%' \
            union select p.account_organization, p.account_id from target t join role_group g \
                on g.organization = t.organization and g.role = t.id join held h \
                on h.organization = g.organization and h.kind = 'group' and h.target = g.group_id \
                join person p on p.organization = h.organization and p.id = h.person \
                where t.organization = $1 and t.kind = 'role' and t.rights like '%\"approve\"%' \
            union select p.account_organization, p.account_id from target t join role_lease l \
                on l.organization = t.organization and l.role = t.id \
                join person p on p.organization = l.organization and p.id = l.person \
                where t.organization = $1 and t.kind = 'role' and t.rights like '%\"approve\"%' and l.until > $3 \
            limit $2";
        let found = db.rows(sql, values![&self.organization, APPROVERS, db.now()]).await?;
        let account = |row: &Row| Ok::<_, DbError>(UserRef { organization: row.get(0)?, id: row.get(1)? });
        let mut approvers: Vec<UserRef> = found.iter().map(account).collect::<Result<_, _>>()?;
        let sql = "select who from permission where organization = $1 order by place limit 1000";
        for row in db.rows(sql, values![&self.organization]).await? {
            if let Principal::User(user) = from_json(&row.get::<String>(0)?)? {
                approvers.push(user);
            }
        }
        approvers.sort_by(|one, other| (&one.organization, &one.id).cmp(&(&other.organization, &other.id)));
        approvers.dedup();
        // Who may in truth, now: a suspended approver does not.
        let mut may = Vec::new();
        for user in approvers {
            let rights =
                crate::people::rights(db, &self.organization, &Principal::User(user.clone())).await?;
            if rights.is_some_and(|rights| {
                rights.permissions.contains(guestlist_contract::types::Permissions::APPROVE)
            }) {
                may.push(user);
            }
        }
        may.truncate(usize::try_from(APPROVERS).unwrap_or(usize::MAX));
        Ok(may)
    }
}
