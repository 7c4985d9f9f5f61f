//! The organizations that somebody is in.

use guestlist_contract::types::UserRef;

use super::{
    Listed, PageOf, Reading,
    page::{Turn, name_and_id, named},
    refuse_nul,
};
use crate::{
    AccountError, Handled,
    error::{DbError, OperationError},
    sql::{Connection, Operation, Row, Scope, Value, values},
};

/// An organization that somebody is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipRow {
    /// The organization.
    pub organization: Handled,
    /// Their id in it.
    pub person: String,
    /// False: they are disabled there.
    pub active: bool,
}

impl Reading {
    /// The organizations that an account is in, as a resident or a guest, by id. Handles are those in this root.
    ///
    /// # Errors
    /// [`Invalid`](AccountError::Invalid), [`InvalidCursor`](AccountError::InvalidCursor).
    pub async fn memberships(
        &self,
        root: &str,
        account: &UserRef,
        page: &PageOf,
    ) -> Result<Listed<MembershipRow>, AccountError> {
        let (root, account) = (root.to_owned(), account.clone());
        self.ask(Memberships { root, account, page: page.clone(), secret: self.secret().await? }).await
    }
}

struct Memberships {
    root: String,
    account: UserRef,
    page: PageOf,
    secret: [u8; 32],
}

impl Operation for Memberships {
    type Output = Listed<MembershipRow>;
    const NAME: &'static str = "reading.memberships";
    const READS: bool = true;

    fn scope(&self) -> Scope {
        // In whatever organization they are a guest.
        Scope { everything: true, ..Scope::default() }
    }

    async fn run<C: Connection>(&self, db: &mut C) -> Result<Self::Output, OperationError> {
        let Self { root, account: UserRef { organization, id }, page, secret } = self;
        refuse_nul(&[root, organization, id])?;
        let turn = Turn::new(*secret, &("memberships", root, organization, id), page)?;
        let after = turn.after.clone().map(name_and_id).transpose()?.map(|(_, id)| id).unwrap_or_default();
        // Where they are resident, and where they are a guest: each has an index of its own.
        let sql = "with place (organization, person, active) as ( \
                select organization, id, active from person where organization = $1 and id = $2 \
                    and account_organization = $1 and account_id = $2 \
                union all select organization, id, active from person where account_organization = $1 \
                    and account_id = $2 and account_organization <> organization) \
            select o.id, o.name, (select h.handle from handle h where h.organization = o.id and h.root = $3 \
                and h.current = 1), o.parent, o.active, p.person, p.active \
            from place p join organization o on o.id = p.organization and o.deleted = 0 \
            where o.id > $4 order by o.id limit $5";
        let asked: &[Value] = values![organization, id, root, after, turn.rows()];
        let row = |row: &Row| {
            let organization = Handled {
                id: row.get(0)?,
                name: row.get(1)?,
                handle: row.get(2)?,
                parent: row.get(3)?,
                active: row.get(4)?,
            };
            let place = named("", &organization.id);
            let found = MembershipRow { organization, person: row.get(5)?, active: row.get(6)? };
            Ok::<_, DbError>((found, place))
        };
        let rows = db.rows(sql, asked).await?;
        Ok(turn.page(rows.iter().map(row).collect::<Result<_, _>>()?))
    }
}
