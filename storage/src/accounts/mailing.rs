//! How many e-mails one person gets in a day, from all organizations together.
//!
//! Below the bound organizations take turns: whose e-mail had to wait goes before whoever wrote to that person later,
//! so that nobody who asks often keeps the others from it.

use guestlist_contract::types::{Principal, UserRef};

use super::{AccountError, Accounts};
use crate::{
    codec::principal,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, values},
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The time for which an e-mail is known, in milliseconds: a day for the bound, and another for the turns.
pub(super) const KEPT: i64 = 2 * DAY;

impl Accounts {
    /// Counts one more e-mail of an organization to each of these people, unless they have had enough for a day
    /// ([`mails_per_day`](guestlist_memory::Realm::mails_per_day)), or it is another organization's turn. Answers for
    /// each in how many milliseconds it may be tried again; `None`: it may go now. Who is there twice is counted
    /// twice.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn count_mails(
        &self,
        organization: &str,
        to: &[UserRef],
    ) -> Result<Vec<Option<u64>>, AccountError> {
        self.ask(Count { organization: organization.to_owned(), to: to.to_vec() }).await
    }

    /// Takes back the newest of those that were counted, because that person did not get it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn uncount_mail(&self, organization: &str, to: &UserRef) -> Result<(), AccountError> {
        self.ask(Uncount { organization: organization.to_owned(), to: to.clone() }).await
    }
}

fn everything() -> Scope {
    Scope { everything: true, ..Scope::default() }
}

/// E-mails of one organization at one instant.
struct Mailed {
    organization: String,
    at: i64,
    mails: u32,
    waits: bool,
}

struct Count {
    organization: String,
    to: Vec<UserRef>,
}

impl Operation for Count {
    type Output = Vec<Option<u64>>;
    const NAME: &'static str = "accounts.count-mails";

    fn scope(&self) -> Scope {
        everything()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Vec<Option<u64>>, OperationError> {
        let Some(limit) = limit(db).await? else { return Ok(vec![None; self.to.len()]) };
        // In one order, so that two of these never wait for each other.
        let mut people: Vec<_> =
            self.to.iter().map(|to| format!("mailing {}/{}", to.organization, to.id)).collect();
        people.sort();
        people.dedup();
        for name in people {
            db.advisory_lock(&name).await?;
        }
        let mut answers = Vec::with_capacity(self.to.len());
        for to in &self.to {
            answers.push(self.count(db, to, limit).await?);
        }
        Ok(answers)
    }
}

async fn limit<C: Connection>(db: &mut C) -> Result<Option<usize>, DbError> {
    let row = db.row("select mails_per_day from realm", &[]).await?;
    let limit: Option<u32> = row.map_or(Ok(None), |row| row.get(0))?;
    Ok(limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// The rows about one person.
const THEIRS: &str = "where account_organization = $1 and account_id = $2";

impl Count {
    async fn count<C: Connection>(
        &self,
        db: &mut C,
        to: &UserRef,
        limit: usize,
    ) -> Result<Option<u64>, DbError> {
        let now = db.now();
        let UserRef { organization: account, id } = to;
        db.change(&format!("delete from mailing {THEIRS} and at <= $3"), values![account, id, now - KEPT])
            .await?;
        let sql = format!("select organization, at, mails, waits from mailing {THEIRS} order by at");
        let read = |row: &Row| {
            Ok(Mailed { organization: row.get(0)?, at: row.get(1)?, mails: row.get(2)?, waits: row.get(3)? })
        };
        let rows = db.rows(&sql, values![account, id]).await?;
        let known: Vec<Mailed> = rows.iter().map(read).collect::<Result<_, DbError>>()?;
        let held_back = self.held_back(db, to, &known, limit).await?;
        let sql = format!("update mailing set waits = 0 {THEIRS} and organization = $3 and waits = 1");
        db.change(&sql, values![account, id, &self.organization]).await?;
        let (mails, waits) = if held_back.is_some() { (0_i64, 1_i64) } else { (1, 0) };
        let sql = "insert into mailing (account_organization, account_id, organization, at, mails, waits) \
                   values ($1, $2, $3, $4, $5, $6) on conflict (account_organization, account_id, organization, at) \
                   do update set mails = mailing.mails + excluded.mails, waits = excluded.waits";
        db.change(sql, values![account, id, &self.organization, now, mails, waits]).await?;
        Ok(held_back)
    }

    /// The time for which an e-mail has to wait; `None`: it may go now.
    ///
    /// One organization alone has all but one of the day's e-mails.
    async fn held_back<C: Connection>(
        &self,
        db: &mut C,
        to: &UserRef,
        known: &[Mailed],
        limit: usize,
    ) -> Result<Option<u64>, DbError> {
        let now = db.now();
        let own = |mailed: &&Mailed| mailed.organization == self.organization;
        let each = |mailed: &Mailed| {
            std::iter::repeat_n(mailed.at, usize::try_from(mailed.mails).unwrap_or(usize::MAX))
        };
        let today = || known.iter().filter(|mailed| now.saturating_sub(mailed.at) < DAY);
        let all: Vec<i64> = today().flat_map(each).collect();
        let ours: Vec<i64> = today().filter(own).flat_map(each).collect();
        // When the one at the bound is a day old there is room again.
        let until_room = |mails: &[i64], bound: usize| match mails.len().checked_sub(bound) {
            None => 0,
            Some(index) => mails.get(index).map_or(DAY, |at| at.saturating_add(DAY).saturating_sub(now)),
        };
        let share = limit.saturating_sub(1).max(1);
        let wait = until_room(&all, limit).max(until_room(&ours, share));
        if let Some(wait) = u64::try_from(wait).ok().filter(|wait| *wait > 0) {
            return Ok(Some(wait));
        }
        let last = |of: &str| {
            known
                .iter()
                .filter(|mailed| mailed.organization == of && mailed.mails > 0)
                .map(|mailed| mailed.at)
                .max()
        };
        let waiting = known.iter().filter(|mailed| {
            mailed.waits
                && now.saturating_sub(mailed.at) <= DAY + HOUR
                && mailed.organization != self.organization
                && last(&mailed.organization) < last(&self.organization)
        });
        let mut earlier = 0;
        for other in waiting {
            earlier += usize::from(has_mail_for(db, &other.organization, to).await?);
        }
        let room = limit.saturating_sub(all.len());
        Ok((earlier >= room).then(|| u64::try_from(HOUR).unwrap_or_default()))
    }
}

/// Tells whether an organization has an e-mail for somebody that still makes sense.
async fn has_mail_for<C: Connection>(db: &mut C, organization: &str, to: &UserRef) -> Result<bool, DbError> {
    let sql = "select 1 from outbox o \
        join organization w on w.id = o.organization and w.active = 1 and w.deleted = 0 \
        join invitation i on i.organization = o.organization and i.id = o.invitation \
        where o.organization = $1 and case o.kind \
            when 'invitation' then i.subject_organization = $2 and i.subject_id = $3 and i.state = 'pending' \
                and (i.expires_at is null or i.expires_at > $5) \
            when 'reminder' then i.subject_organization = $2 and i.subject_id = $3 and i.state = 'pending' \
                and (i.expires_at is null or i.expires_at > $5) \
            when 'approval-requested' then i.state = 'awaiting-approval' \
            else i.inviter = $4 end limit 1";
    let inviter = principal(&Principal::User(to.clone()))?;
    let found = db.row(sql, values![organization, &to.organization, &to.id, inviter, db.now()]).await?;
    Ok(found.is_some())
}

struct Uncount {
    organization: String,
    to: UserRef,
}

impl Operation for Uncount {
    type Output = ();
    const NAME: &'static str = "accounts.uncount-mail";

    fn scope(&self) -> Scope {
        everything()
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<(), OperationError> {
        let UserRef { organization: account, id } = &self.to;
        let sql = format!(
            "update mailing set mails = mails - 1 {THEIRS} and organization = $3 and mails > 0 and at = \
             (select max(m.at) from mailing m where m.account_organization = $1 and m.account_id = $2 \
             and m.organization = $3 and m.mails > 0)"
        );
        db.change(&sql, values![account, id, &self.organization]).await?;
        Ok(())
    }
}
