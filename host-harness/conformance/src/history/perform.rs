//! Does one act to one host, and tells the answer as plain data.

use std::fmt::Debug;

use serde::Serialize;
use serde_json::{Value, json};

use super::act::{Act, Ask, Changed, Clock, Insert, Made, Row, Who};
use crate::{
    Profile,
    check::{Outcome, broken},
    make::{self, STATES, ann, code, deputy, fingerprint, group, id, role, user},
    trial::Trial,
};
use guestlist_contract::{
    audit::{Refusal, Word},
    host::Operation,
    storage::{
        Batch, Change, ClockGuard, CodeChange, Delivery, Draft, Guard, LifetimeChange, RecordedOutcome,
        StoreError,
    },
    types::{HostError, Invitation, InvitationFilter, Notify, Page, PageRequest, SortKey, Step},
};

/// The most pages that a walk may have.
const PAGES: usize = 500;

/// Performs an act and tells what it came to. `Null` where it has no answer.
pub(super) async fn perform(t: &Trial, act: &Act) -> Outcome<Value> {
    match act {
        Act::Passes(milliseconds) => t.pass(*milliseconds).await.map(|()| Value::Null),
        Act::Happens(event) => t.happen(event.clone()).await.map(|()| Value::Null),
        Act::Ask(who, ask) => ask_one(t, *who, ask).await,
    }
}

fn data(answer: &(impl Serialize + Debug)) -> Outcome<Value> {
    serde_json::to_value(answer).map_err(|_| broken("an answer", "data", answer))
}

fn step(word: &str) -> Step {
    match word {
        "member" => Step::Member,
        word if word.starts_with("r-") => Step::Grant(role(word)),
        word => Step::Grant(group(word)),
    }
}

async fn ask_one(t: &Trial, who: Who, ask: &Ask) -> Outcome<Value> {
    let (storage, membership, directory) = (&t.host.storage, &t.host.membership, &t.host.directory);
    let here = who.organization();
    let call = |operation| who.call(t, operation);
    match ask {
        Ask::Insert(request) => insert(t, who, request).await,
        Ask::Recall { operation } => {
            let print = fingerprint(operation);
            let call = call(Operation::Invite);
            data(&storage.recall(&call, here.into(), operation.clone(), print).await)
        }
        Ask::Get(row) => data(&seen(storage.get(&call(Operation::Get), row.key()).await)),
        Ask::ByCode { code: name, of } => {
            let call = call(Operation::Accept);
            let found = storage.by_code(&call, code(name)).await;
            let then = storage.get(&call, of.key()).await;
            data(&(found, seen(then)))
        }
        Ask::Change(row, changed) => change(t, who, *row, changed).await,
        Ask::Dismiss(row) => data(&seen(storage.dismiss(&call(Operation::Dismiss), row.key()).await)),
        Ask::List { states, prefix, invitee, dismissed, sort, descending, limit } => {
            let filter = InvitationFilter {
                states: states.clone(),
                grant: None,
                inviter: None,
                invitee: invitee.map(|person| person.account()),
                name_prefix: prefix.clone(),
                dismissed: *dismissed,
            };
            let request = |after| PageRequest { sort: *sort, descending: *descending, after, limit: *limit };
            let list = |after| {
                let call = call(Operation::List);
                let filter = filter.clone();
                async move { storage.list(&call, here.into(), filter, request(after)).await }
            };
            rows(walk(list).await?, *sort)
        }
        Ask::Mine { states, limit } => {
            let mine = |after| {
                let call = call(Operation::ListMine);
                async move { storage.mine(&call, states.clone(), after, *limit).await }
            };
            rows(walk(mine).await?, SortKey::CreatedAt)
        }
        Ask::Due { hold } => {
            let answer = storage.due(&call(Operation::Sweep), here.into(), 200, *hold).await;
            data(&answer.map(|mut items| {
                // Equals may come in any order.
                items.sort_by_key(|item| {
                    (format!("{:?}", item.kind), item.row.name.clone(), format!("{:?}", item.message))
                });
                items
            }))
        }
        Ask::Settle { row, version, kind, outcome } => {
            let delivery = Delivery {
                invitation: id(&row.name()),
                version: *version,
                kind: kind.clone(),
                outcome: outcome.clone(),
            };
            let organization = row.organization().into();
            data(&storage.settle(&call(Operation::Sweep), organization, vec![delivery]).await)
        }
        Ask::Purge { retention } => {
            data(&storage.purge(&call(Operation::Sweep), here.into(), *retention, 200).await)
        }
        Ask::Apply { row, person, steps } => {
            let (organization, invitation) = (row.organization(), id(&row.name()));
            let steps: Vec<Step> = steps.iter().map(|word| step(word)).collect();
            let call = call(Operation::Accept);
            let apply = || {
                let (invitation, steps) = (invitation.clone(), steps.clone());
                membership.apply(&call, organization.into(), invitation, person.account(), steps)
            };
            let mut answer = apply().await;
            if let (Profile::External, Err(HostError::Unavailable(Some(wait)))) = (t.profile, &answer) {
                t.pass(*wait).await?;
                answer = apply().await;
            }
            data(&answer)
        }
        Ask::Close(row) => {
            let organization = row.organization().into();
            data(&membership.close(&call(Operation::Sweep), organization, id(&row.name())).await)
        }
        Ask::Resolve => {
            let grants = vec![group("g-help"), group("g-ops"), role("r-admin"), role("g-help")];
            let inviter = call(Operation::Invite).context.caller;
            data(&membership.resolve(&call(Operation::Invite), here.into(), inviter, grants).await)
        }
        Ask::Eligible => {
            let users = ["u-alice", "u-bob", "u-carol"].map(|id| user("root", id));
            let users = users.into_iter().chain([ann()]).collect();
            data(
                &membership
                    .eligible(&call(Operation::Invite), here.into(), users, vec![group("g-ops")])
                    .await,
            )
        }
        Ask::Users => {
            let names = ["alice", "gusguest", "never"].map(str::to_owned).into();
            let call = call(Operation::Invite);
            let found = directory.find_users(&call, "root".into(), None, names).await;
            let accounts = vec![user("root", "u-alice"), user("partner", "p-gus"), user("root", "u-never")];
            data(&(found, directory.get_users(&call, "root".into(), accounts).await))
        }
        Ask::Standing => {
            let deputy = guestlist_contract::types::Principal::User(deputy());
            data(&directory.standing(&call(Operation::Sweep), here.into(), deputy).await)
        }
        Ask::Settings => data(&t.host.settings.get(&call(Operation::Accept), here.into()).await),
        Ask::Refuse(row) => {
            let invitation = row.map(|row| id(&row.name()));
            let refusal = Refusal {
                operation: "invitee.accept".into(),
                invitation,
                subject: None,
                name: None,
                word: Word::NotUsable,
            };
            let organization = (who == Who::Ann).then(|| here.to_owned());
            data(&t.host.audit.record_refusals(&call(Operation::Accept), organization, vec![refusal]).await)
        }
    }
}

/// Merges what a call may not see: for such a row `not-found` and `denied` are one answer.
fn seen<T>(answer: Result<T, StoreError>) -> Result<T, StoreError> {
    answer.map_err(|error| match error {
        StoreError::Host(HostError::Denied(_)) => StoreError::NotFound,
        other => other,
    })
}

fn draft(made: &Made, position: u32) -> Draft {
    let name = made.row.name();
    let draft = match made.awaits {
        true => make::awaiting(&name, made.person.account()),
        false => make::draft(&name, made.person.account()),
    };
    Draft { position, lifetime: made.lifetime, accept_with: made.accept_with, ..draft }
}

/// Inserts as the plugin does: what the operation has refused before is not tried again.
async fn insert(t: &Trial, who: Who, request: &Insert) -> Outcome<Value> {
    let here = who.organization();
    let print = match request.other_request {
        true => fingerprint("another request"),
        false => fingerprint(&request.operation),
    };
    let call = who.call(t, Operation::Invite);
    let recalled = t.host.storage.recall(&call, here.into(), request.operation.clone(), print.clone()).await;
    let refused_before: Vec<u32> = recalled
        .iter()
        .flatten()
        .filter_map(|recorded| {
            matches!(recorded.outcome, RecordedOutcome::Refused(_)).then_some(recorded.position)
        })
        .collect();
    let drafts = (0..).zip(&request.drafts).map(|(position, made)| draft(made, position));
    let refused =
        (50..).take(request.refused).map(|position| make::refused_item(position, "somebody", "no-email"));
    let batch = Batch {
        operation: request.operation.clone(),
        fingerprint: print,
        grants: if here == "acme" { make::batch("", vec![]).grants } else { vec![] },
        notify: if request.external { Notify::External } else { Notify::Internal },
        active_limit: request.limit,
        announce: request.told,
        report_expired: request.told,
        hold: request.hold,
        drafts: drafts.filter(|draft| !refused_before.contains(&draft.position)).collect(),
        refused: refused.collect(),
        ..make::batch("", vec![])
    };
    let answer = t.host.storage.insert(&call, here.into(), batch).await;
    data(&(recalled, answer))
}

async fn change(t: &Trial, who: Who, row: Row, changed: &Changed) -> Outcome<Value> {
    let owner = if row.in_globex { Who::Gina } else { Who::Ann };
    let known = t.host.storage.get(&owner.call(t, Operation::Get), row.key()).await;
    let version = known.as_ref().map_or(1, |row| row.version);
    let guard = Guard {
        version: if changed.stale { version + 1 } else { version },
        states: if changed.from.is_empty() { STATES.to_vec() } else { changed.from.clone() },
        clock: match changed.clock {
            Clock::None => ClockGuard::None,
            Clock::Before => ClockGuard::BeforeExpiry,
            Clock::After => ClockGuard::AfterExpiry,
            Clock::LeaseOver => ClockGuard::LeaseOver,
        },
    };
    let change = Change {
        lease: changed.lease,
        code: match &changed.code {
            None => CodeChange::Keep,
            Some(new) if new.replaces => CodeChange::Replace(code(&new.name)),
            Some(new) => CodeChange::Add(code(&new.name)),
        },
        lifetime: changed.restart.map_or(LifetimeChange::Keep, LifetimeChange::Restart),
        reason: changed.reason.clone(),
        count_resend: changed.resend,
        adopt: changed.adopts,
        word: changed.word,
        messages: changed.messages.clone(),
        hold: changed.hold,
        ..make::change(changed.to)
    };
    let operation = if matches!(who, Who::Invitee(_)) { Operation::Accept } else { Operation::Revoke };
    data(&seen(t.host.storage.transition(&who.call(t, operation), row.key(), guard, change).await))
}

type Walked = Result<Vec<Invitation>, StoreError>;

async fn walk<F: Future<Output = Result<Page, StoreError>>>(
    page: impl Fn(Option<String>) -> F,
) -> Outcome<Walked> {
    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..PAGES {
        match page(after).await {
            Err(error) => return Ok(Err(error)),
            Ok(page) => {
                seen.extend(page.items);
                match page.next {
                    None => return Ok(Ok(seen)),
                    next => after = next,
                }
            }
        }
    }
    Err(broken("a walk", "an end", &"page after page"))
}

/// A walk in its order; equals may come in any.
fn rows(walked: Walked, sort: SortKey) -> Outcome<Value> {
    let key = |row: &Invitation| match sort {
        SortKey::CreatedAt => json!(row.created_at),
        SortKey::ExpiresAt => json!(row.expires_at),
        SortKey::Name => json!(row.name),
    };
    let walked = walked.map(|mut rows| {
        for equals in rows.chunk_by_mut(|one, other| key(one) == key(other)) {
            equals.sort_by(|one, other| one.key.id.cmp(&other.key.id));
        }
        rows
    });
    data(&walked)
}
