//! A host that lies, alone or with an honest failure before or after it. The plugin believes what it
//! cannot check, and nothing else: it never panics, and where an answer does not fit the question it does
//! nothing more. First every lie at every host call of every operation, then what single ones must lead to.

use std::{collections::HashSet, sync::Arc};

use guestlist_contract::{
    Function,
    exports::invitee::Handle,
    types::{State, Subject},
};
use guestlist_harness::{CallError, Entry, Reason, Request, operations as op};
use guestlist_testkit::{Fault, FaultPlan};
use serde_json::{Value, json};

use crate::{
    asking::{Asked, Case},
    cases::{self, every_case},
    guarantees::{Word, always},
    lies::{Liar, OTHER_ID, Strike, entries, instead, lies_at, row_before, set},
    recovery::OnPanic,
    rig::*,
};

/// More than an operation on a few invitations makes, whatever it is told.
const HOST_CALLS: usize = 260;

/// Nobody but Alice became a member, with nothing but what she was invited to; nothing is anywhere but
/// in Acme; and no code went to anybody but the subject of its invitation.
fn nothing_more(case: &Case, place: &str) {
    let world = case.rig.host.snapshot();
    for (organization, view) in &world.organizations {
        for member in view.members.iter().filter(|member| member.invitation.is_some()) {
            let invited = organization == "acme"
                && member.account == user("root", "u-alice")
                && member.groups.keys().all(|id| id == "g-help")
                && member.roles.keys().all(|id| id == "r-audit");
            assert!(invited, "I-SUBJ, I-LEAST: {member:?}\n{place}");
        }
    }
    for row in &world.invitations {
        let invited = matches!(&row.invitation.subject, Subject::User(user) if ["u-alice", "u-bob", "u-mia"].contains(&user.id.as_str()));
        assert!(invited && row.invitation.key.organization == "acme", "I-TEN: {row:?}\n{place}");
    }
    for mail in world.mails.iter().filter(|mail| mail.code.is_some()) {
        let mut rows = world.invitations.iter().map(|row| &row.invitation);
        // Not there any more: it was purged.
        let Some(row) = rows.find(|row| row.key.id == mail.invitation) else { continue };
        assert_eq!(row.subject, Subject::User(mail.to.clone()), "I-SEC1: {mail:?}\n{place}");
    }
}

/// In an administrator's call and in a sweep the plugin asks for no effect in another organization,
/// whatever it was told, and whatever the host would have let it do.
fn asked_here_only(reply: &Asked, case: &Case, place: &str) {
    let Some(here) = case.organization.filter(|_| !matches!(case.ask, Request::Accept(_))) else { return };
    for entry in reply.trace.entries.iter().filter(|entry| entry.function.is_effect()) {
        let (plain, keyed) = (&entry.arguments["organization"], &entry.arguments["key"]["organization"]);
        assert!(plain == here || keyed == here, "I-TEN: {entry:?}\n{place}");
    }
}

/// Whether the call came to an end of its own. Otherwise it was cut off where the host broke the
/// contract's types or wanted too much memory.
fn is_contained(words: &Result<Vec<String>, CallError>, place: &str) -> bool {
    let Err(error) = words else { return true };
    let reason = &error.trapped().expect("an instance").reason;
    let no_answer = matches!(reason, Reason::Other(why) if why.contains("none of its answers"));
    let bounded = matches!(reason, Reason::Memory(_) | Reason::HostCallBytes(_) | Reason::Injected(_));
    assert!(no_answer || bounded, "I-BOX: {error}\n{place}");
    !no_answer
}

/// A case, the worlds that lies have left of it, and how many were told.
struct Hostile {
    case: Case,
    before: Value,
    worlds: HashSet<String>,
    /// Lies alone, and with a failure.
    counts: [u32; 2],
}

impl Hostile {
    fn of(case: Case) -> Self {
        let before = row_before(&case);
        Self { case, before, worlds: HashSet::new(), counts: [0; 2] }
    }

    /// The host calls that are made, and the honest answers to them.
    async fn entries(&self, places: &[(usize, Strike)]) -> Vec<Entry> {
        let mut case = self.case.fork();
        let liar = Liar::new(&case, places);
        case.ask(Some(Arc::new(liar))).await.trace.entries
    }

    /// One call in which these strike. Each world that is left is looked at once, also at rest. What the
    /// plugin repeats of a lie is not held against it.
    async fn strike(&mut self, places: &[(usize, Strike)]) -> Vec<Entry> {
        let single = places.len() == 1;
        let mut case = if single { self.case.fork() } else { self.case.quick_fork() };
        let place = format!("{places:?} of {:?}", case.ask);
        let told = case.history.0.len();
        let liar = Arc::new(Liar::new(&case, places));
        let mut entries = Vec::new();
        let words = if single {
            let reply = case.ask(Some(liar)).await;
            asked_here_only(&reply, &case, &place);
            entries = reply.trace.entries;
            assert!(entries.len() < HOST_CALLS, "I-BOX: {place}");
            reply.words
        } else {
            case.ask_quickly(Some(liar)).await
        };
        if !is_contained(&words, &place) {
            return Vec::new();
        }
        self.counts[usize::from(!single)] += 1;
        let repeated = case.history.0.split_off(told);
        case.history.0.extend(repeated.into_iter().filter(|told| matches!(told.word, Word::Shown(..))));
        if self.worlds.insert(case.as_text()) {
            let _told = OnPanic(place.clone());
            always(&case.rig, &case.history);
            nothing_more(&case, &place);
            case.rig.settle().await;
            always(&case.rig, &case.history);
            nothing_more(&case, &place);
            case.rig.find_leaks();
        }
        entries
    }

    async fn singles(&mut self) {
        for (index, entry) in self.entries(&[]).await.iter().enumerate() {
            for lie in lies_at(entry, &self.before) {
                self.strike(&[(index + 1, lie)]).await;
            }
        }
    }

    /// Lies at effects and at rows, where they can do more than hinder; single ones are told everywhere.
    fn lies_in_pairs(&self, entry: &Entry) -> Vec<Strike> {
        let is_told = match entry.function {
            Function::StorageGet | Function::StorageByCode => true,
            Function::AuditRecordRefusals => false,
            function => function.is_effect(),
        };
        let lies = if is_told { lies_at(entry, &self.before) } else { Vec::new() };
        lies.into_iter().filter(|lie| !lie.is_huge()).collect()
    }

    /// A lie at each effect and each row that is read, with an honest failure at each later host call;
    /// and a failure, with a lie at each later one.
    async fn pairs(&mut self) {
        let faults = [Fault::FailBefore, Fault::FailAfter, Fault::Conflict, Fault::CrashAfter];
        let faults = faults.map(Strike::Fault);
        for (index, entry) in self.entries(&[]).await.iter().enumerate() {
            let first = index + 1;
            for lie in self.lies_in_pairs(entry) {
                let calls = self.strike(&[(first, lie.clone())]).await.len();
                for second in first + 1..=calls {
                    for fault in &faults {
                        self.strike(&[(first, lie.clone()), (second, fault.clone())]).await;
                    }
                }
            }
            for fault in &faults {
                let failed = (first, fault.clone());
                let entries = self.entries(std::slice::from_ref(&failed)).await;
                for (index, entry) in entries.iter().enumerate().skip(first) {
                    for lie in self.lies_in_pairs(entry) {
                        self.strike(&[failed.clone(), (index + 1, lie)]).await;
                    }
                }
            }
        }
    }
}

macro_rules! told {
    ($how:ident: $($case:ident)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $case() {
                let mut told = Hostile::of(cases::$case().await);
                told.$how().await;
                let ([alone, paired], worlds) = (told.counts, told.worlds.len());
                println!("{}: {alone} lies alone, {paired} with a failure, {worlds} worlds", stringify!($case));
                assert!(alone > 0);
            }
        )*
    };
}

mod alone {
    use super::*;

    every_case! { told! singles: }
}

mod with_a_failure {
    use super::*;

    told! {
        pairs:
        invite_with_key
        invite_external
        resend_expired
        accept_by_code
        accept_by_id
        accept_by_bearer
        accept_where_the_name_is_taken
        sweep_a_take_over
        sweep_a_take_over_half_way
        sweep_a_take_over_refused
        sweep_a_take_over_refused_half_way
        sweep_a_mail
        sweep_a_notice
        sweep_a_purge
    }
}

/// One answer is changed; what was asked after it is counted.
async fn lied(
    case: &mut Case,
    function: Function,
    lie: impl Fn(Value) -> Value + Send + Sync + 'static,
) -> Asked {
    let plan = FaultPlan::always(function, Fault::Hostile(Arc::new(lie)));
    let reply = case.ask(Some(Arc::new(plan))).await;
    assert!(asked(&reply, function) > 0, "the lie was told: {}", reply.trace);
    reply
}

fn asked(reply: &Asked, function: Function) -> usize {
    reply.trace.entries.iter().filter(|entry| entry.function == function).count()
}

const EFFECTS: [Function; 4] = [
    Function::StorageTransition,
    Function::StorageInsert,
    Function::MembershipApply,
    Function::NotificationsSend,
];

/// The answer is this word, and none of these was asked for.
fn closed(reply: &Asked, words: &[&str], without: &[Function]) {
    assert_eq!(reply.words.as_ref().unwrap(), words, "{}", reply.trace);
    for function in without {
        assert_eq!(asked(reply, *function), 0, "{}", reply.trace);
    }
}

#[tokio::test]
async fn a_row_of_somebody_else_is_not_accepted() {
    let mut case = cases::accept_by_code().await;
    let reply = lied(&mut case, Function::StorageByCode, |row| instead(row, "u-alice", "u-bob")).await;
    closed(&reply, &["NotUsable"], &EFFECTS);
    let mut case = cases::accept_by_id().await;
    let reply = lied(&mut case, Function::StorageGet, |row| {
        set(row, &["key"], json!({ "organization": "beta", "id": OTHER_ID }))
    })
    .await;
    closed(&reply, &["Host"], &EFFECTS);
    let mut case = cases::accept_by_a_stranger().await;
    let stolen = case.rig.row(&case.rig.host.snapshot().invitations[0].invitation.key);
    let reply = lied(&mut case, Function::StorageByCode, move |_| json!({ "Ok": stolen })).await;
    closed(&reply, &["NotUsable"], &EFFECTS);
}

#[tokio::test]
async fn a_row_that_a_newer_plugin_wrote_is_left_alone() {
    for (mut case, function, word) in [
        (cases::accept_by_code().await, Function::StorageByCode, "Host"),
        (cases::decline().await, Function::StorageByCode, "Host"),
        (cases::revoke().await, Function::StorageGet, "Host"),
        (cases::resend_pending().await, Function::StorageGet, "Host"),
        (cases::approve().await, Function::StorageGet, "Host"),
        (cases::sweep_a_take_over().await, Function::StorageDue, "ok"),
        (cases::sweep_an_expiry().await, Function::StorageDue, "ok"),
        (cases::sweep_a_mail().await, Function::StorageDue, "ok"),
    ] {
        let reply = lied(&mut case, function, |answer| set(answer, &["schema"], 2.into())).await;
        closed(&reply, &[word], &EFFECTS);
    }
}

#[tokio::test]
async fn work_of_another_organization_is_not_done() {
    for mut case in
        [cases::sweep_a_take_over().await, cases::sweep_an_expiry().await, cases::sweep_a_mail().await]
    {
        let reply = lied(&mut case, Function::StorageDue, |due| instead(due, "acme", "beta")).await;
        closed(&reply, &["ok"], &EFFECTS);
    }
    let mut case = cases::revoke_all().await;
    let reply = lied(&mut case, Function::StorageList, |page| instead(page, "acme", "beta")).await;
    closed(&reply, &["ok"], &EFFECTS);
}

#[tokio::test]
async fn a_claim_that_is_another_is_not_believed() {
    let lies: [fn(Value) -> Value; 6] = [
        |row| set(row, &["version"], 7.into()),
        |row| set(row, &["state"], "Pending".into()),
        |row| set(row, &["state"], "Accepted".into()),
        |row| instead(row, "u-alice", "u-bob"),
        |row| set(row, &["last_operation"], "another".into()),
        |row| set(row, &["key"], json!({ "organization": "acme", "id": OTHER_ID })),
    ];
    for lie in lies {
        let mut case = cases::accept_by_code().await;
        let reply = lied(&mut case, Function::StorageTransition, lie).await;
        closed(&reply, &["Host"], &[Function::MembershipApply]);
        // The claim was made; the sweep brings it to its end.
        case.rig.settle().await;
        assert_eq!(case.rig.host.snapshot().invitations[0].invitation.state, State::Accepted);
    }
}

/// Neither another's steps nor ones that no close can find are taken for what had been applied.
#[tokio::test]
async fn a_close_that_names_other_steps_is_not_believed() {
    for step in [
        json!({ "step": { "Grant": { "kind": "Group", "id": "g-vault" } }, "outcome": "Applied" }),
        json!({ "step": "Member", "outcome": "Closed" }),
    ] {
        let mut case = cases::sweep_a_take_over_refused().await;
        let reply = lied(&mut case, Function::MembershipClose, move |_| json!({ "Ok": [step] })).await;
        assert_eq!(asked(&reply, Function::StorageTransition), 1, "taken over and not ended");
        case.rig.settle().await;
        assert_eq!(case.rig.host.snapshot().invitations[0].invitation.state, State::Failed);
    }
}

#[tokio::test]
async fn another_number_of_answers_than_questions_is_none() {
    let lies: [fn(Value) -> Value; 3] = [
        |answer| entries(answer, |items| drop(items.pop())),
        |answer| entries(answer, |items| items.extend(items.first().cloned())),
        |_| json!({ "Ok": [] }),
    ];
    for lie in lies {
        for function in
            [Function::DirectoryFindUsers, Function::MembershipEligible, Function::PolicyDecideInvite]
        {
            let mut case = cases::invite_internal().await;
            let reply = lied(&mut case, function, lie).await;
            let silent = function == Function::PolicyDecideInvite;
            closed(&reply, &[if silent { "PolicyUnavailable" } else { "Unavailable" }], &EFFECTS);
        }
        let mut case = cases::invite_internal().await;
        let reply = lied(&mut case, Function::MembershipResolve, lie).await;
        closed(&reply, &["Host"], &EFFECTS);
        let mut case = cases::invite_internal().await;
        let reply = lied(&mut case, Function::StorageInsert, lie).await;
        closed(&reply, &["Unavailable"], &[Function::NotificationsSend]);
        for function in
            [Function::DirectoryGetUsers, Function::MembershipResolve, Function::MembershipEligible]
        {
            let mut case = cases::accept_by_code().await;
            let reply = lied(&mut case, function, lie).await;
            closed(&reply, &["Host"], &EFFECTS);
        }
        let mut case = cases::accept_by_code().await;
        let reply = lied(&mut case, Function::MembershipApply, lie).await;
        closed(&reply, &["Host"], &[]);
        assert_eq!(asked(&reply, Function::StorageTransition), 1, "claimed and not ended");
    }
}

#[tokio::test]
async fn a_verdict_that_widens_or_is_unknown_is_a_no() {
    let wide = json!({ "AllowWith": { "grants": [0, 1, 2], "lifetime": null, "signed_in_only": false } });
    let twice = json!({ "AllowWith": { "grants": [0, 0], "lifetime": null, "signed_in_only": false } });
    let longer = json!({ "AllowWith": { "grants": [0], "lifetime": u64::MAX, "signed_in_only": false } });
    let unknown = json!({ "Other": "perhaps" });
    for verdict in [wide.clone(), twice.clone(), longer, unknown.clone()] {
        let mut case = cases::invite_internal().await;
        lied(&mut case, Function::PolicyDecideInvite, move |_| json!({ "Ok": [verdict] })).await;
        assert!(case.rig.host.snapshot().invitations.is_empty());
    }
    let approval = json!({ "RequireApproval": { "reason": "why", "narrowed": null } });
    for verdict in [wide, twice, unknown, approval] {
        let mut case = cases::accept_by_code().await;
        let reply = lied(&mut case, Function::PolicyDecideAccept, move |_| json!({ "Ok": verdict })).await;
        closed(&reply, &["Obstacle"], &EFFECTS);
    }
}

#[tokio::test]
async fn people_and_places_that_are_others_are_no_answer() {
    for (function, from, to, word) in [
        (Function::DirectoryGetOrganization, "acme", "beta", "Obstacle"),
        (Function::DirectoryGetOrganization, "root", "partner", "Obstacle"),
        (Function::DirectoryGetUsers, "u-alice", "u-bob", "Obstacle"),
    ] {
        let mut case = cases::accept_by_code().await;
        let reply = lied(&mut case, function, move |answer| instead(answer, from, to)).await;
        closed(&reply, &[word], &EFFECTS);
    }
    let mut case = cases::invite_with_key().await;
    let reply =
        lied(&mut case, Function::DirectoryFindUsers, |users| instead(users, "u-bob", "u-alice")).await;
    closed(&reply, &["ok", "Duplicate"], &[]);
    let mut case = cases::invite_internal().await;
    let other = |answer| set(answer, &["id"], OTHER_ID.into());
    let reply = lied(&mut case, Function::StorageInsert, other).await;
    closed(&reply, &["ok"], &[Function::NotificationsSend]);
}

#[tokio::test]
async fn a_policy_that_asks_for_the_invitee_himself_is_heeded_after_the_claim_too() {
    let only_he = json!({ "grants": [0, 1], "lifetime": null, "signed_in_only": true });
    let answer = json!({ "Ok": { "AllowWith": only_he } });
    for (mut case, word) in
        [(cases::accept_by_bearer().await, "Ended"), (cases::accept_by_code().await, "ok")]
    {
        let answer = answer.clone();
        let lie = Fault::Hostile(Arc::new(move |_| answer.clone()));
        let plan = FaultPlan::once(Function::PolicyDecideAccept, 2, lie);
        let reply = case.ask(Some(Arc::new(plan))).await;
        let without: &[Function] = if word == "ok" { &[] } else { &[Function::MembershipApply] };
        closed(&reply, &[word], without);
    }
}

#[tokio::test]
async fn what_expired_stays_expired_when_the_clock_goes_back() {
    let mut case = cases::accept_by_code().await;
    let start = case.rig.host.now();
    case.rig.host.advance(HOURS_72);
    case.rig.host.set_clock(start);
    assert_eq!(case.ask(None).await.words.unwrap(), ["Ended"]);
    let handle = Handle::Id(case.rig.host.snapshot().invitations[0].invitation.key.clone());
    case.ask = op::Introspect { handle }.into();
    case.ask(None).await.words.unwrap();
    always(&case.rig, &case.history);
    case.rig.settle().await;
    assert_eq!(case.rig.host.snapshot().invitations[0].invitation.state, State::Expired);
    for instant in [0, u64::MAX] {
        let mut case = cases::accept_by_code().await;
        case.rig.host.set_clock(instant);
        case.ask(None).await.words.unwrap();
        always(&case.rig, &case.history);
    }
}
