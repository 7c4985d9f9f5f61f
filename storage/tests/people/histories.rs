//! Applying and closing, in the midst of everything that happens to the member, to what they get and to where
//! they come from: random histories, each step of which has the same answer and leaves the same behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use guestlist_contract::{
    host::{Call, Operation},
    types::{HostError, Principal, State, Step, StepOutcome, UserRef},
};
use guestlist_memory::NewUser;
use guestlist_testkit::Dice;

use super::both::{Both, alice, ann, group, key, role, user};

fn steps(dice: &mut Dice) -> Vec<Step> {
    let all = [
        Step::Member,
        Step::Grant(group("g-help")),
        Step::Grant(role("r-admin")),
        Step::Grant(group("g-own")),
        Step::Grant(group("g-nothing")),
        Step::Grant(group("g\0")),
    ];
    match dice.below(3) {
        0 => vec![all[dice.below(all.len())].clone()],
        1 => all[..3].to_vec(),
        _ => (0..dice.below(6)).map(|_| all[dice.below(all.len())].clone()).collect(),
    }
}

fn caller(both: &Both, dice: &mut Dice) -> Call {
    let call = |operation, place, who| both.memory.call(operation, place, who);
    match dice.below(8) {
        0 => call(Operation::Accept, None, Principal::User(user("root", "u-bob"))),
        1 => call(Operation::Sweep, Some("globex"), Principal::System),
        2 => call(Operation::Accept, Some("acme"), Principal::Anonymous),
        3 => {
            let bearer = call(Operation::Accept, Some("acme"), Principal::Anonymous);
            bearer.admit(&key("inv-a"));
            bearer
        }
        4 | 5 => call(Operation::Sweep, Some("acme"), Principal::System),
        _ => call(Operation::Accept, None, Principal::User(alice())),
    }
}

async fn apply(
    both: &Both,
    call: &Call,
    who: UserRef,
    steps: Vec<Step>,
) -> Result<Vec<StepOutcome>, HostError> {
    both.ask(call, |host, call: Arc<Call>| {
        let (who, steps) = (who.clone(), steps.clone());
        async move { host.membership.apply(&call, "acme".into(), "inv-a".into(), who, steps).await }
    })
    .await
}

/// What became of steps, by the words of the contract.
type Reached = BTreeMap<String, u32>;

async fn close(both: &Both, call: &Call) {
    let closed = |host: guestlist_contract::host::Host, call: Arc<Call>| async move {
        host.membership.close(&call, "acme".into(), "inv-a".into()).await
    };
    both.ask(call, closed).await.ok();
}

macro_rules! both {
    ($both:expr, $function:ident ( $($argument:expr),* $(,)? )) => {{
        let in_memory = $both.memory.$function($($argument),*);
        Both::same(in_memory, $both.administration().$function($($argument),*).await)
    }};
}

/// One thing that happens.
async fn happen(both: &Both, dice: &mut Dice, reached: &mut Reached) {
    let alice2 = || NewUser { id: "u-x".into(), name: "ALICE".into(), store: None, email: None };
    match dice.below(28) {
        0 => both!(both, remove_user("acme", "u-x")),
        1 => both!(both, add_user("acme", alice2())),
        2 | 3 => both!(both, add_member("acme", &alice())),
        4..=6 => both!(both, remove_member("acme", &alice())),
        7 => both!(both, add_grant("acme", &alice(), &group("g-help"))),
        8 => both!(both, remove_grant("acme", &alice(), &group("g-help"))),
        9 => both!(both, remove_grant("acme", &alice(), &role("r-admin"))),
        10 if dice.below(3) == 0 => both!(both, delete_group("acme", "g-help")),
        11 if dice.below(6) == 0 => both!(both, remove_user("root", "u-alice")),
        12 if dice.below(6) == 0 => both!(both, delete_organization("acme")),
        13 if dice.below(6) == 0 => both!(both, delete_organization("root")),
        14 => both!(both, set_user_active("root", "u-alice", false)),
        15 if dice.below(3) == 0 => {
            close(both, &caller(both, dice)).await;
            true
        }
        _ => {
            let who = if dice.below(12) == 0 { user("root", "u-bob") } else { alice() };
            let (call, steps) = (caller(both, dice), steps(dice));
            let answer = apply(both, &call, who, steps).await;
            let words = match &answer {
                Ok(outcomes) => outcomes.iter().map(|outcome| format!("{outcome:?}")).collect(),
                Err(error) => vec![format!("{error:?}")],
            };
            words.into_iter().for_each(|word| *reached.entry(word).or_default() += 1);
            answer.is_ok()
        }
    };
}

#[tokio::test]
async fn every_history_is_the_same_as_in_memory() {
    let both = Both::new().await;
    let begin = both.memory.realm();
    let mut reached = Reached::new();
    for number in 0..150 {
        let mut dice = Dice::new(number);
        both.memory.set_realm(begin.clone());
        both.database.load(&begin).await.unwrap();
        both.invite(alice()).await;
        if number % 10 > 0 {
            both.go(1, State::Pending, State::Accepting).await;
        }
        if number % 3 == 0 {
            both!(both, add_member("acme", &alice()));
        }
        for _ in 0..12 {
            happen(&both, &mut dice, &mut reached).await;
        }
        if number % 10 == 1 {
            both.go(2, State::Accepting, State::Accepted).await;
            let sweep = both.memory.call(Operation::Sweep, Some("acme"), Principal::System);
            apply(&both, &sweep, alice(), vec![Step::Member]).await.ok();
            close(&both, &sweep).await;
        }
        both.compare().await;
    }
    let words: Vec<_> = reached.keys().map(|word| word.split("::").last().unwrap_or(word)).collect();
    let every = [
        "AlreadyApplied",
        "AlreadyPresent",
        "Applied",
        "Closed",
        "NameTaken",
        "NoSuchTarget",
        "NotAMember",
        "WasRemoved",
    ];
    for word in every {
        assert!(words.contains(&word), "no history came to {word}: {reached:?}");
    }
}

#[tokio::test]
async fn at_most_51_steps_and_only_where_there_is_an_invitation() {
    let both = Both::new().await;
    both.invite(alice()).await;
    both.go(1, State::Pending, State::Accepting).await;
    let sweep = both.memory.call(Operation::Sweep, Some("acme"), Principal::System);
    let much = apply(&both, &sweep, alice(), vec![Step::Member; 52]).await;
    assert!(matches!(much, Err(HostError::Invalid(_))));
    for (place, invitation) in
        [("acme", "inv-x"), ("acme", "inv\0"), ("globex", "inv-a"), ("ac\0me", "inv-a")]
    {
        let denied = both
            .ask(&sweep, |host, call: Arc<Call>| async move {
                let steps = vec![Step::Member];
                host.membership.apply(&call, place.into(), invitation.into(), alice(), steps).await
            })
            .await;
        assert!(matches!(denied, Err(HostError::Denied(_))));
        let denied = both
            .ask(&sweep, |host, call: Arc<Call>| async move {
                host.membership.close(&call, place.into(), invitation.into()).await
            })
            .await;
        assert!(matches!(denied, Err(HostError::Denied(_))));
    }
}

#[tokio::test]
async fn somebody_who_comes_and_goes_gets_another_id_each_time() {
    let both = Both::new().await;
    let administration = both.administration();
    let mut ids = BTreeSet::new();
    for _ in 0..30 {
        administration.add_member("acme", &alice()).await.unwrap();
        let realm = both.database.dump().await.unwrap();
        let people = &realm.organizations["acme"].people;
        let (id, _) = people.iter().find(|(_, person)| person.account == alice()).unwrap();
        assert!(ids.insert(id.clone()), "{id} was his before");
        administration.remove_member("acme", &alice()).await.unwrap();
    }
    let sweep = both.memory.call(Operation::Invite, Some("acme"), ann());
    let [_, host] = both.hosts();
    let seen = host.directory.get_users(&sweep, "acme".into(), vec![alice()]).await.unwrap();
    assert_eq!(seen, [None]);
}
