//! The rows of an invite and of an accept, written by hand: the same tables, the same columns, the same
//! transactions, and nothing else. What a program would do that trusts its callers and forgets nothing.

use std::sync::Arc;

use guestlist_durability::{host::Dice, place::Place, server::connect};
use tokio::sync::{Mutex, Semaphore, oneshot};

use crate::crowd::{ROOT, admin, helpers};

/// What is bound.
#[derive(Clone, Debug)]
pub enum Bound {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
}

impl From<&str> for Bound {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Bound {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Bound {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// A statement, with its values.
type Said = (String, Vec<Bound>);

/// Somebody who writes transactions.
#[derive(Clone)]
pub enum Hand {
    /// One thread writes, as in the store.
    Sqlite(std::sync::mpsc::Sender<(Vec<Said>, oneshot::Sender<()>)>),
    /// As many connections as the store has.
    Postgres(Arc<Vec<Mutex<tokio_postgres::Client>>>, Arc<Semaphore>),
}

const CONNECTIONS: usize = 8;

/// As long as a UUID, and one after the other as the plugin's are.
fn id(number: usize) -> String {
    format!("hand-{number:031}")
}

impl Hand {
    pub async fn on(place: &Place) -> Self {
        let Some(file) = place.file() else {
            let mut clients = Vec::new();
            for _ in 0..CONNECTIONS {
                let client = connect(place.url()).await.expect("a connection");
                client.batch_execute("set search_path to guestlist").await.expect("a schema");
                clients.push(Mutex::new(client));
            }
            return Self::Postgres(Arc::new(clients), Arc::new(Semaphore::new(CONNECTIONS)));
        };
        let (sender, jobs) = std::sync::mpsc::channel::<(Vec<Said>, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            let connection = rusqlite::Connection::open(file).expect("a file");
            let set = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
                       pragma secure_delete = on; pragma busy_timeout = 5000";
            connection.execute_batch(set).expect("settings");
            connection.set_prepared_statement_cache_capacity(256);
            for (said, done) in jobs {
                connection.execute_batch("begin immediate").expect("a transaction");
                for (sql, values) in said {
                    let mut statement =
                        connection.prepare_cached(&sql.replace('$', "?")).expect("a statement");
                    statement.execute(rusqlite::params_from_iter(values)).expect("a change");
                }
                connection.execute_batch("commit").expect("a commit");
                let _ = done.send(());
            }
        });
        Self::Sqlite(sender)
    }

    /// One transaction.
    async fn write(&self, said: Vec<Said>) {
        match self {
            Self::Sqlite(jobs) => {
                let (done, answer) = oneshot::channel();
                jobs.send((said, done)).expect("the thread");
                answer.await.expect("a commit");
            }
            Self::Postgres(clients, free) => {
                let _free = free.acquire().await.expect("a connection");
                let mut client = clients.iter().find_map(|client| client.try_lock().ok());
                let client = client.as_mut().expect("one is free");
                client.batch_execute("begin").await.expect("a transaction");
                for (sql, values) in said {
                    let values: Vec<_> = values.iter().map(Bound::for_postgres).collect();
                    client.execute(&sql, &values).await.expect("a change");
                }
                client.batch_execute("commit").await.expect("a commit");
            }
        }
    }

    /// Invites people, and settles their mails: the two transactions of an invite.
    pub async fn invite(&self, organization: &str, people: &[usize]) {
        let now = i64::try_from(guestlist_durability::host::micros() / 1000).expect("a time");
        let inviter = serde_json::to_string(&guestlist_contract::types::Principal::User(admin(organization)))
            .expect("json");
        let grants = serde_json::to_string(&[helpers()]).expect("json");
        let operation = format!("by-hand-{}", people[0]);
        let rows = |columns: &str, row: &dyn Fn(usize) -> Vec<Bound>| -> Said {
            let rows: Vec<Vec<Bound>> = people.iter().map(|number| row(*number)).collect();
            let mut place = 0;
            let lists: Vec<_> = rows
                .iter()
                .map(|row| {
                    let places: Vec<_> = row
                        .iter()
                        .map(|_| {
                            place += 1;
                            format!("${place}")
                        })
                        .collect();
                    format!("({})", places.join(", "))
                })
                .collect();
            (
                format!("insert into {columns} values {}", lists.join(", ")),
                rows.into_iter().flatten().collect(),
            )
        };
        let invitation = |number: usize| -> Vec<Bound> {
            vec![
                organization.into(),
                id(number).into(),
                ROOT.into(),
                1.into(),
                1.into(),
                "pending".into(),
                ROOT.into(),
                format!("u-{number}").into(),
                format!("user-{number}").into(),
                inviter.clone().into(),
                grants.clone().into(),
                "[]".into(),
                "invitee".into(),
                "internal".into(),
                "queued".into(),
                "[]".into(),
                now.into(),
                259_200_000.into(),
                (now + 259_200_000).into(),
                0.into(),
                0.into(),
                operation.clone().into(),
                0.into(),
                0.into(),
                0.into(),
            ]
        };
        let code = |number: usize| {
            // Digests are as good as random, which costs every index of them a page for each.
            let mut dice = Dice::new(number as u64);
            let digest = (0..4).flat_map(|_| dice.roll().to_be_bytes()).collect();
            vec![Bound::Bytes(digest), organization.into(), id(number).into(), 1.into()]
        };
        let caller = inviter.clone();
        self.write(vec![
            (
                "insert into operation (organization, caller, operation, fingerprint, at) values ($1, $2, $3, $4, $5)".into(),
                vec![organization.into(), caller.clone().into(), operation.clone().into(), Bound::Bytes(vec![0; 32]), now.into()],
            ),
            rows(
                "invitation (organization, id, parent, schema, version, state, subject_organization, subject_id, name, \
                 inviter, grants, outcomes, accept_with, notify, mail, metadata, created_at, lifetime, expires_at, claims, \
                 resends, last_operation, dismissed, reminded, hidden_until)",
                &invitation,
            ),
            rows("code (digest, organization, invitation, version)", &code),
            rows("outbox (organization, invitation, kind, version, due_at, tries, taken)", &|number| {
                vec![organization.into(), id(number).into(), "invitation".into(), 1.into(), (now + 60_000).into(), 0.into(), 0.into()]
            }),
            rows("operation_item (organization, caller, operation, position, invitation)", &|number| {
                let position = i64::try_from(number - people[0]).expect("a position");
                vec![organization.into(), caller.clone().into(), operation.clone().into(), position.into(), id(number).into()]
            }),
            rows(
                "audit (at, organization, actor, request_id, kind, operation, invitation, subject_organization, subject_id)",
                &|number| {
                    vec![
                        now.into(), organization.into(), caller.clone().into(), "bench".into(),
                        "invitation.created".into(), "invite".into(), id(number).into(), ROOT.into(),
                        format!("u-{number}").into(),
                    ]
                },
            ),
        ])
        .await;
        let places: Vec<_> = (2..people.len() + 2).map(|place| format!("${place}")).collect();
        let places = places.join(", ");
        let those: Vec<Bound> =
            [organization.into()].into_iter().chain(people.iter().map(|number| id(*number).into())).collect();
        let settled = vec![
            (
                format!(
                    "delete from outbox where organization = $1 and kind = 'invitation' and invitation in ({places})"
                ),
                those.clone(),
            ),
            (
                format!(
                    "update invitation set mail = 'sent', mailed_at = {now} where organization = $1 and id in ({places})"
                ),
                those.clone(),
            ),
            (
                format!(
                    "delete from code where organization = $1 and version < 1 and invitation in ({places})"
                ),
                those,
            ),
        ];
        self.write(settled).await;
    }

    /// Accepts one that was made by hand: the three transactions of an accept.
    pub async fn accept(&self, organization: &str, number: usize) {
        let now = i64::try_from(guestlist_durability::host::micros() / 1000).expect("a time");
        let (id, who) =
            (id(number), format!("{{\"User\":{{\"organization\":\"root\",\"id\":\"u-{number}\"}}}}"));
        let event = |event: &str, group: Option<&str>| -> Said {
            let mut values: Vec<Bound> = vec![
                now.into(),
                organization.into(),
                who.as_str().into(),
                "bench".into(),
                event.into(),
                "accept".into(),
                id.as_str().into(),
                ROOT.into(),
                format!("u-{number}").into(),
            ];
            let more = group.map_or("", |_| ", grant_kind, grant_id");
            values.extend(group.into_iter().flat_map(|group| [Bound::from("group"), Bound::from(group)]));
            let places: Vec<_> = (1..=values.len()).map(|place| format!("${place}")).collect();
            (
                format!(
                    "insert into audit (at, organization, actor, request_id, kind, operation, invitation, \
                     subject_organization, subject_id{more}) values ({})",
                    places.join(", ")
                ),
                values,
            )
        };
        self.write(vec![
            (
                "update invitation set state = 'accepting', version = version + 1, last_operation = $1, lease_until = $2, \
                 claims = claims + 1, hidden_until = 0 where organization = $3 and id = $4 and version = 1 and state = 'pending' \
                 and expires_at > $5".into(),
                vec![format!("claim-{number}").into(), (now + 30_000).into(), organization.into(), id.as_str().into(), now.into()],
            ),
            (
                "delete from outbox where organization = $1 and invitation = $2 and kind in ('invitation', 'reminder')".into(),
                vec![organization.into(), id.as_str().into()],
            ),
            event("invitation.claimed", None),
        ])
        .await;
        let guest = format!("guest-{number}");
        let log = "insert into grant_log (organization, invitation, step, place) values ($1, $2, $3, $4)";
        self.write(vec![
            (log.into(), vec![organization.into(), id.as_str().into(), "\"Member\"".into(), 1.into()]),
            (log.into(), vec![organization.into(), id.as_str().into(), "{\"Grant\":{\"kind\":\"Group\",\"id\":\"g-help\"}}".into(), 2.into()]),
            (
                "insert into person (organization, id, name, folded, store, active, account_organization, account_id, invitation) \
                 values ($1, $2, $3, $4, 'PRIMARY', 1, $5, $6, $7)".into(),
                vec![
                    organization.into(), guest.as_str().into(), format!("user-{number}").into(), format!("user-{number}").into(),
                    ROOT.into(), format!("u-{number}").into(), id.as_str().into(),
                ],
            ),
            (
                "insert into held (organization, person, kind, target, invitation) values ($1, $2, 'group', 'g-help', $3)".into(),
                vec![organization.into(), guest.as_str().into(), id.as_str().into()],
            ),
            event("member.added", None),
            event("grant.added", Some("g-help")),
        ])
        .await;
        self.write(vec![
            (
                "update invitation set state = 'accepted', version = version + 1, last_operation = $1, lease_until = null, \
                 ended_at = $2, outcomes = $3, hidden_until = 0 where organization = $4 and id = $5 and version = 2 \
                 and state = 'accepting'".into(),
                vec![format!("finish-{number}").into(), now.into(), "[{\"step\":\"Member\",\"outcome\":\"Applied\"}]".into(), organization.into(), id.as_str().into()],
            ),
            event("invitation.accepted", None),
        ])
        .await;
    }
}

impl Bound {
    fn for_postgres(&self) -> &(dyn tokio_postgres::types::ToSql + Sync) {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number,
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl rusqlite::ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Number(number) => number.to_sql(),
            Self::Bytes(bytes) => bytes.to_sql(),
        }
    }
}
