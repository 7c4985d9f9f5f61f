//! The log of a host whose members are elsewhere: each answer is what the log in memory has.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use guestlist_connect::{GrantRecords, MemoryRecords, Progress, Put, Recipient};
use guestlist_contract::{
    host::{Operation, Storage as _},
    storage::{ClockGuard, Guard},
    types::{HostError, Principal, State, Step},
};
use guestlist_memory::Realm;
use guestlist_storage::{Clock, Grants, NewOrganization};
use tokio::sync::Barrier;

use super::both::{Both, Place, alice, ann, batch, change, compare, group, key, role, user};

const DAY: u64 = 24 * 3_600_000;

const ALL: [Progress; 6] = [
    Progress::Unwritten,
    Progress::Doubtful,
    Progress::Applied,
    Progress::Removed,
    Progress::GivenUp,
    Progress::Settled,
];

/// A log in memory and one in a database, with one clock.
struct Two {
    memory: MemoryRecords,
    grants: Grants,
    place: Place,
    clock: Arc<AtomicU64>,
}

impl Two {
    async fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(10_000));
        let hand = clock.clone();
        let place = Place::new(Clock::Moved(Arc::new(move || hand.load(Ordering::SeqCst)))).await;
        let hand = clock.clone();
        let memory = MemoryRecords::with_clock(move || Duration::from_millis(hand.load(Ordering::SeqCst)));
        Self { memory, grants: place.open().await.grant_records(), place, clock }
    }

    fn pass(&self, milliseconds: u64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    async fn put(&self, to: &Recipient, step: &Step, seen: u64, progress: Progress) -> Put {
        let one = self.memory.put(to, step, seen, progress).await;
        same(one, self.grants.put(to, step, seen, progress).await)
    }

    async fn close(&self, organization: &str, invitation: &str) {
        let one = self.memory.close(organization, invitation).await;
        same(one, self.grants.close(organization, invitation).await);
    }

    /// The steps that are watched, longest unchanged first.
    async fn watched(&self, organization: &str, limit: usize) -> Vec<(String, Step)> {
        let one = self.memory.watched(organization, limit).await;
        let watched = same(one, self.grants.watched(organization, limit).await);
        watched.into_iter().map(|record| (record.to.invitation, record.step)).collect()
    }

    async fn leftovers(&self, to: &Recipient) -> usize {
        same(self.memory.leftovers(to).await, self.grants.leftovers(to).await).len()
    }

    /// Every question, about every invitation.
    async fn compare(&self) {
        for organization in ["acme", "globex"] {
            for invitation in ["i-1", "i-2", "i-3", "i-unknown"] {
                let one = self.memory.read(organization, invitation).await;
                same(one, self.grants.read(organization, invitation).await);
                for account in [alice(), user("root", "u-bob")] {
                    self.leftovers(&to(organization, invitation, account)).await;
                }
            }
            for limit in [0, 1, 3, usize::MAX] {
                self.watched(organization, limit).await;
            }
        }
    }
}

/// The answer that both have given.
fn same<T: Debug>(in_memory: Result<T, HostError>, in_database: Result<T, HostError>) -> T {
    assert_eq!(
        format!("{in_memory:?}"),
        format!("{in_database:?}"),
        "in memory first, then from the database"
    );
    in_database.unwrap()
}

fn to(organization: &str, invitation: &str, user: guestlist_contract::types::UserRef) -> Recipient {
    Recipient { organization: organization.into(), invitation: invitation.into(), user }
}

fn first() -> Recipient {
    to("acme", "i-1", alice())
}

fn help() -> Step {
    Step::Grant(group("g-help"))
}

#[tokio::test]
async fn a_step_changes_when_the_version_that_was_seen_is_the_present_one() {
    let two = Two::new().await;
    assert_eq!(two.put(&first(), &Step::Member, 1, Progress::Applied).await, Put::Stale, "there is none");
    assert_eq!(two.put(&first(), &Step::Member, 0, Progress::Doubtful).await, Put::Written);
    assert_eq!(two.put(&first(), &Step::Member, 0, Progress::Doubtful).await, Put::Stale);
    two.pass(700);
    two.compare().await;
    assert_eq!(two.put(&first(), &Step::Member, 1, Progress::Applied).await, Put::Written);
    assert_eq!(two.put(&first(), &Step::Member, 1, Progress::Removed).await, Put::Stale);
    assert_eq!(two.put(&first(), &Step::Member, u64::MAX, Progress::Removed).await, Put::Stale);
    assert_eq!(two.put(&first(), &help(), 0, Progress::Unwritten).await, Put::Written);
    two.pass(1);
    two.compare().await;
    // As the next process has it.
    let again = two.place.open().await.grant_records().read("acme", "i-1").await.unwrap();
    let found: Vec<_> = again.records.iter().map(|it| (it.step.clone(), it.version, it.age)).collect();
    let age = Duration::from_millis(1);
    assert_eq!(found, [(Step::Member, 2, age), (help(), 1, age)], "in the order in which they were made");
    assert!(again.records.iter().all(|record| record.to == first()));
}

#[tokio::test]
async fn nothing_is_begun_for_what_is_closed() {
    let two = Two::new().await;
    assert_eq!(two.put(&first(), &Step::Member, 0, Progress::Doubtful).await, Put::Written);
    two.close("acme", "i-1").await;
    two.close("acme", "i-1").await;
    two.close("acme", "i-unknown").await;
    assert_eq!(two.put(&first(), &help(), 0, Progress::Doubtful).await, Put::Closed);
    assert_eq!(two.put(&first(), &Step::Member, 1, Progress::Doubtful).await, Put::Closed);
    assert_eq!(two.put(&first(), &Step::Member, 7, Progress::Doubtful).await, Put::Closed);
    assert_eq!(two.put(&first(), &Step::Member, 7, Progress::GivenUp).await, Put::Stale);
    assert_eq!(two.put(&first(), &Step::Member, 1, Progress::GivenUp).await, Put::Written);
    assert_eq!(two.put(&to("globex", "i-1", alice()), &help(), 0, Progress::Doubtful).await, Put::Written);
    two.compare().await;
}

#[tokio::test]
async fn what_may_still_land_is_watched_longest_unchanged_first() {
    let two = Two::new().await;
    for (number, invitation) in ["i-3", "i-1", "i-2"].into_iter().enumerate() {
        two.put(&to("acme", invitation, alice()), &help(), 0, Progress::GivenUp).await;
        two.put(&to("acme", invitation, alice()), &Step::Member, 0, Progress::Doubtful).await;
        two.pass(number as u64 * 10);
    }
    let help = |invitation: &str| (invitation.to_owned(), help());
    let member = |invitation: &str| (invitation.to_owned(), Step::Member);
    // The first two were written at the same time.
    assert_eq!(two.watched("acme", 9).await, [help("i-1"), help("i-3"), help("i-2")]);
    two.close("acme", "i-3").await;
    assert_eq!(two.watched("acme", 9).await, [help("i-1"), help("i-3"), member("i-3"), help("i-2")]);
    assert_eq!(two.watched("acme", 2).await, [help("i-1"), help("i-3")]);
    assert_eq!(two.leftovers(&first()).await, 3);
    assert_eq!(two.leftovers(&to("acme", "i-1", user("root", "u-bob"))).await, 0);
    assert_eq!(two.leftovers(&to("globex", "i-1", alice())).await, 0);
    two.put(&to("acme", "i-1", alice()), &help("i-1").1, 1, Progress::Settled).await;
    assert_eq!(two.watched("acme", 9).await, [help("i-3"), member("i-3"), help("i-2")]);
    two.compare().await;
}

#[tokio::test]
async fn random_histories_have_the_same_answers() {
    for seed in 1..=3_u64 {
        let two = Two::new().await;
        let mut state = seed;
        let mut roll = |sides: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % sides
        };
        let steps = [Step::Member, help(), Step::Grant(role("r-\"admin\u{7f}ä"))];
        for number in 0..250 {
            let organization = ["acme", "acme", "globex"][roll(3)];
            let invitation = ["i-1", "i-2", "i-3"][roll(3)];
            let account = [alice(), alice(), user("root", "u-bob")][roll(3)].clone();
            match roll(12) {
                0 => two.close(organization, invitation).await,
                1 => two.pass(roll(50) as u64),
                _ => {
                    let to = to(organization, invitation, account);
                    let (step, seen, progress) = (&steps[roll(3)], roll(5) as u64, ALL[roll(6)]);
                    two.put(&to, step, seen, progress).await;
                }
            }
            if number % 25 == 0 {
                two.compare().await;
            }
        }
        two.compare().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_put_at_once_one_does() {
    let two = Two::new().await;
    for seen in 0..8 {
        let barrier = Arc::new(Barrier::new(4));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..4 {
            let grants =
                if number % 2 == 0 { two.grants.clone() } else { two.place.open().await.grant_records() };
            let barrier = barrier.clone();
            tasks.spawn(async move {
                barrier.wait().await;
                grants.put(&first(), &help(), seen, Progress::Doubtful).await.unwrap()
            });
        }
        let answers = tasks.join_all().await;
        let count = |put| answers.iter().filter(|answer| **answer == put).count();
        assert_eq!((count(Put::Written), count(Put::Stale)), (1, 3));
    }
    assert_eq!(two.grants.read("acme", "i-1").await.unwrap().records[0].version, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_begins_something_does_so_before_the_close_or_not_at_all() {
    let two = Two::new().await;
    let other = two.place.open().await.grant_records();
    for number in 0..24 {
        let to = to("acme", &format!("i-{number}"), alice());
        // Of half of them nothing is known before.
        if number % 2 == 0 {
            two.grants.put(&to, &Step::Member, 0, Progress::Applied).await.unwrap();
        }
        let barrier = Arc::new(Barrier::new(2));
        let (closing, closer, invitation) = (barrier.clone(), other.clone(), to.invitation.clone());
        let close = tokio::spawn(async move {
            closing.wait().await;
            closer.close("acme", &invitation).await.unwrap();
            // From here on nothing is begun.
            closer.read("acme", &invitation).await.unwrap()
        });
        barrier.wait().await;
        let put = two.grants.put(&to, &help(), 0, Progress::Doubtful).await.unwrap();
        let known = close.await.unwrap();
        assert!(known.closed);
        let begun = known.records.iter().any(|record| record.step == help());
        assert_eq!(put, if begun { Put::Written } else { Put::Closed });
        let late = two.grants.put(&to, &Step::Grant(group("g-own")), 0, Progress::Doubtful).await.unwrap();
        assert_eq!(late, Put::Closed);
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_told() {
    let two = Two::new().await;
    let wrong = two.grants.put(&to("acme", "i\0", alice()), &help(), 0, Progress::Doubtful).await;
    assert!(matches!(wrong, Err(HostError::Invalid(_))), "{wrong:?}");
    let wrong = two.grants.close("ac\0me", "i-1").await;
    assert!(matches!(wrong, Err(HostError::Invalid(_))), "{wrong:?}");
    // In JSON it has another form.
    let odd = Step::Grant(group("g\0"));
    assert_eq!(two.put(&first(), &odd, 0, Progress::Doubtful).await, Put::Written);
    two.compare().await;
}

/// `inv-a` is over, and kept no longer.
async fn over(both: &Both) {
    both.invite(alice()).await;
    both.go(1, State::Pending, State::Accepting).await;
    both.go(2, State::Accepting, State::Failed).await;
    both.memory.advance(1_000);
}

async fn purge(both: &Both) -> u32 {
    let sweep = both.memory.call(Operation::Sweep, Some("acme"), Principal::System);
    let invitations = both.database.invitations(both.memory.clone());
    invitations.purge(&sweep, "acme".into(), 0, 10).await.unwrap()
}

#[tokio::test]
async fn records_go_with_their_invitation_and_not_while_one_may_land() {
    let both = Both::new().await;
    let grants = both.database.grant_records();
    let invited = to("acme", "inv-a", alice());
    over(&both).await;
    grants.put(&invited, &Step::Member, 0, Progress::Applied).await.unwrap();
    grants.put(&invited, &help(), 0, Progress::Doubtful).await.unwrap();
    grants.put(&first(), &help(), 0, Progress::GivenUp).await.unwrap();
    grants.close("acme", "inv-a").await.unwrap();
    assert_eq!(purge(&both).await, 0, "it may land");
    grants.put(&invited, &help(), 1, Progress::GivenUp).await.unwrap();
    assert_eq!(purge(&both).await, 0);
    grants.put(&invited, &help(), 2, Progress::Settled).await.unwrap();
    assert_eq!(grants.read("acme", "inv-a").await.unwrap().records.len(), 2);
    assert_eq!(purge(&both).await, 1);
    let known = grants.read("acme", "inv-a").await.unwrap();
    assert!(known.closed && known.records.is_empty(), "{known:?}");
    let late = grants.put(&invited, &Step::Member, 0, Progress::Doubtful).await.unwrap();
    assert_eq!(late, Put::Closed, "whoever was let in before is too late");
    assert_eq!(grants.read("acme", "i-1").await.unwrap().records.len(), 1, "another's");
}

#[tokio::test]
async fn one_that_waits_keeps_no_other_from_being_purged() {
    let both = Both::new().await;
    let grants = both.database.grant_records();
    over(&both).await;
    grants.put(&to("acme", "inv-a", alice()), &help(), 0, Progress::GivenUp).await.unwrap();
    let call = both.memory.call(Operation::Invite, Some("acme"), ann());
    let invitations = both.database.invitations(both.memory.clone());
    let bob = user("root", "u-bob");
    invitations.insert(&call, "acme".into(), batch("inv-b", bob.clone())).await.unwrap().remove(0).unwrap();
    let guard = Guard { version: 1, states: vec![State::Pending], clock: ClockGuard::None };
    invitations.transition(&call, key("inv-b"), guard, change(State::Revoked)).await.unwrap();
    // It was never closed, and nobody waits for it.
    grants.put(&to("acme", "inv-b", bob), &help(), 0, Progress::Doubtful).await.unwrap();
    both.memory.advance(1_000);
    let sweep = both.memory.call(Operation::Sweep, Some("acme"), Principal::System);
    assert_eq!(invitations.purge(&sweep, "acme".into(), 0, 1).await, Ok(1));
    assert!(grants.read("acme", "inv-b").await.unwrap().records.is_empty());
    assert_eq!(grants.read("acme", "inv-a").await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn what_was_purged_a_day_ago_is_forgotten() {
    let both = Both::new().await;
    let grants = both.database.grant_records();
    over(&both).await;
    grants.close("acme", "inv-a").await.unwrap();
    assert_eq!(purge(&both).await, 1);
    let again = async |after: u64, id: &str| {
        both.memory.advance(after);
        let call = both.memory.call(Operation::Invite, Some("acme"), ann());
        let invitations = both.database.invitations(both.memory.clone());
        invitations.insert(&call, "acme".into(), batch(id, alice())).await.unwrap().remove(0).unwrap();
        let guard = Guard { version: 1, states: vec![State::Pending], clock: ClockGuard::None };
        invitations.transition(&call, key(id), guard, change(State::Revoked)).await.unwrap();
        grants.close("acme", id).await.unwrap();
        both.memory.advance(1);
        assert_eq!(purge(&both).await, 1);
        grants.read("acme", "inv-a").await.unwrap().closed
    };
    assert!(again(DAY - 1, "inv-b").await);
    assert!(!again(1, "inv-c").await);
    assert!(grants.read("acme", "inv-b").await.unwrap().closed);
}

#[tokio::test]
async fn records_of_an_organization_that_is_deleted_go_with_it() {
    let both = Both::new().await;
    let grants = both.database.grant_records();
    for organization in ["acme", "globex"] {
        grants.put(&to(organization, "i-1", alice()), &help(), 0, Progress::GivenUp).await.unwrap();
    }
    both.administration().delete_organization("acme").await.unwrap();
    assert!(grants.read("acme", "i-1").await.unwrap().records.is_empty());
    assert_eq!(grants.watched("globex", 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_world_that_is_loaded_has_no_records() {
    let two = Two::new().await;
    let database = two.place.open().await;
    assert!(database.is_empty().await.unwrap());
    two.grants.put(&first(), &help(), 0, Progress::GivenUp).await.unwrap();
    assert!(!database.is_empty().await.unwrap());
    compare(&database.dump().await.unwrap(), &Realm::default());
    database.load(&Realm::default()).await.unwrap();
    assert!(database.is_empty().await.unwrap());
    assert!(two.grants.watched("acme", 9).await.unwrap().is_empty());
    let new = NewOrganization { id: "acme".into(), name: "Acme".into(), parent: None, utc_offset_minutes: 0 };
    database.administration().create_organization(new).await.unwrap();
    assert!(!database.is_empty().await.unwrap());
}
