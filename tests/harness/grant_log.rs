//! Members that are kept elsewhere: what `apply`, `close` and `reconcile` answer.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use guestlist_connect::{GrantLog, Options, Progress, Recipient, WhenMissing};
use guestlist_contract::types::{
    HostError, Step,
    StepOutcome::{self, *},
    UserRef,
};

use crate::grant_log_directory::{FIRST, Fault, Nature, Scripted, grant, invited_by, steps};

const MARKED: Nature = Nature { marks: true, tells: true, lateness: 9 };
const PLAIN: Nature = Nature { marks: false, tells: false, lateness: 9 };

fn on(nature: Nature, options: Options) -> (Arc<Scripted>, GrantLog) {
    let directory = Arc::new(Scripted::new(nature));
    let log = directory.log(options);
    (directory, log)
}

fn apply_for(log: &GrantLog, invitation: &str, steps: &[Step]) -> Result<Vec<StepOutcome>, HostError> {
    log.apply(invited_by(invitation), steps).now_or_never().unwrap()
}

fn apply(log: &GrantLog) -> Result<Vec<StepOutcome>, HostError> {
    apply_for(log, FIRST, &steps())
}

fn close(log: &GrantLog, invitation: &str) -> Vec<(Step, StepOutcome)> {
    let results = log.close("acme", invitation).now_or_never().unwrap().unwrap();
    results.into_iter().map(|result| (result.step, result.outcome)).collect()
}

fn reconcile(log: &GrantLog) -> (usize, usize, usize) {
    let done = log.reconcile("acme", 100).now_or_never().unwrap().unwrap();
    assert_eq!(done.failed, []);
    (done.taken_back.len(), done.settled, done.waiting)
}

/// Leaves the first invitation's member step in doubt, with nothing written.
fn interrupted(directory: &Scripted, log: &GrantLog) {
    directory.plan(&[(6, Fault::CrashBefore)]);
    assert!(log.apply(invited_by(FIRST), &steps()).now_or_never().is_none(), "it breaks off");
    assert_eq!(directory.progress(FIRST, &Step::Member), Some(Progress::Doubtful));
}

#[test]
fn each_step_is_applied_once_and_what_was_removed_stays_removed() {
    for nature in [MARKED, PLAIN] {
        let (directory, log) = on(nature, Options::default());
        assert_eq!(apply(&log).unwrap(), [Applied, Applied, Applied]);
        assert_eq!(apply(&log).unwrap(), [AlreadyApplied, AlreadyApplied, AlreadyApplied]);
        directory.remove_by_hand(&grant("g-ops"));
        assert_eq!(apply(&log).unwrap(), [AlreadyApplied, AlreadyApplied, WasRemoved]);
        directory.add_by_hand(&grant("g-ops"));
        assert_eq!(apply(&log).unwrap(), [AlreadyApplied, AlreadyApplied, WasRemoved]);
        assert_eq!(close(&log, FIRST).len(), 3);
        assert_eq!(close(&log, FIRST)[2], (grant("g-ops"), WasRemoved));
        assert_eq!(apply(&log).unwrap(), [Closed, Closed, Closed]);
    }
}

#[test]
fn a_later_membership_by_another_way_gets_nothing_added() {
    for nature in [MARKED, PLAIN] {
        let (directory, log) = on(nature, Options::default());
        assert_eq!(apply_for(&log, FIRST, &[Step::Member]).unwrap(), [Applied]);
        directory.remove_by_hand(&Step::Member);
        if !nature.marks {
            // Nobody can tell the two apart unless somebody has looked in between.
            assert_eq!(apply_for(&log, FIRST, &[Step::Member]).unwrap(), [WasRemoved]);
        }
        directory.add_by_hand(&Step::Member);
        assert_eq!(apply(&log).unwrap(), [WasRemoved, NotAMember, NotAMember]);
    }
}

#[test]
fn what_was_there_before_is_never_the_invitations() {
    for nature in [MARKED, PLAIN] {
        let (directory, log) = on(nature, Options::default());
        directory.add_by_hand(&Step::Member);
        directory.add_by_hand(&grant("g-help"));
        assert_eq!(apply(&log).unwrap(), [AlreadyPresent, AlreadyPresent, Applied]);
        assert_eq!(close(&log, FIRST), [(grant("g-ops"), Applied)]);
        directory.advance(100);
        assert_eq!(reconcile(&log), (0, 0, 0));
        assert_eq!(directory.size(), 3);
    }
}

#[test]
fn what_appears_between_the_look_and_the_write_is_not_the_invitations_where_the_directory_tells() {
    for nature in [MARKED, Nature { marks: false, ..MARKED }] {
        let directory = Arc::new(Scripted::in_turns(nature));
        let log = directory.log(Options::default());
        let mut applying = Box::pin(log.apply(invited_by(FIRST), &[Step::Member]));
        // Up to the write.
        for _ in 0..6 {
            assert!(applying.as_mut().now_or_never().is_none());
        }
        assert_eq!(directory.progress(FIRST, &Step::Member), Some(Progress::Doubtful));
        directory.add_by_hand(&Step::Member);
        let outcomes = (0..20).find_map(|_| applying.as_mut().now_or_never());
        assert_eq!(outcomes.unwrap().unwrap(), [AlreadyPresent]);
        assert_eq!(directory.progress(FIRST, &Step::Member), Some(Progress::Unwritten));
    }
}

#[test]
fn a_step_in_doubt_is_decided_when_nothing_can_land_any_more() {
    let (directory, log) = on(PLAIN, Options::default());
    interrupted(&directory, &log);
    directory.advance(4);
    assert_eq!(apply(&log), Err(HostError::Unavailable(Some(6000))));
    directory.advance(6);
    assert_eq!(apply(&log).unwrap(), [Applied, Applied, Applied]);

    let options = Options { when_missing: WhenMissing::LeaveOut, ..Options::default() };
    let (directory, log) = on(PLAIN, options);
    interrupted(&directory, &log);
    directory.advance(10);
    assert_eq!(apply(&log).unwrap(), [WasRemoved, NotAMember, NotAMember]);
    assert_eq!(directory.size(), 0);
}

#[test]
fn a_repeated_write_that_surely_failed_does_not_end_the_doubt_about_the_first() {
    let (directory, log) = on(PLAIN, Options { lands_within: Duration::ZERO, ..Options::default() });
    interrupted(&directory, &log);
    directory.plan(&[(6, Fault::FailBefore)]);
    assert_eq!(apply(&log), Err(HostError::Unavailable(None)));
    directory.land(FIRST, &Step::Member);
    assert_eq!(close(&log, FIRST), [(Step::Member, Applied)]);
}

#[test]
fn what_lands_after_the_close_is_taken_back() {
    let told = guestlist_testkit::log();
    for nature in [MARKED, PLAIN] {
        let (directory, log) = on(nature, Options::default());
        directory.plan(&[(6, Fault::CrashLate)]);
        assert!(log.apply(invited_by(FIRST), &steps()).now_or_never().is_none());
        assert_eq!(close(&log, FIRST), []);
        assert_eq!(reconcile(&log), (0, 0, 1));
        directory.advance(9);
        assert!(directory.has(&Step::Member));
        assert_eq!(reconcile(&log), (1, 0, 1));
        assert_eq!(directory.size(), 0);
        directory.advance(1);
        assert_eq!(reconcile(&log), (0, 1, 0));
        assert_eq!(reconcile(&log), (0, 0, 0));
    }
    let lines = told.with(&["WARN", "operation=\"reconcile\"", "organization=\"acme\"", "is taken back"]);
    assert!(lines.iter().any(|line| line.contains("step=\"member\"")), "{lines:?}");
}

#[test]
fn a_later_invitation_waits_until_nothing_of_an_earlier_one_can_land() {
    for nature in [MARKED, PLAIN] {
        let (directory, log) = on(nature, Options::default());
        interrupted(&directory, &log);
        assert_eq!(close(&log, FIRST), []);
        directory.land(FIRST, &Step::Member);
        assert_eq!(apply_for(&log, "second", &steps()), Err(HostError::Unavailable(Some(10_000))));
        assert_eq!(close(&log, "another"), []);
        assert_eq!(apply_for(&log, "another", &[Step::Member]).unwrap(), [Closed]);
        assert_eq!(reconcile(&log), (1, 0, 1));
        directory.advance(10);
        assert_eq!(apply_for(&log, "second", &steps()), Err(HostError::Unavailable(Some(1000))));
        assert_eq!(reconcile(&log), (0, 1, 0));
        assert_eq!(apply_for(&log, "second", &steps()).unwrap(), [Applied, Applied, Applied]);
    }
}

#[test]
fn an_acknowledged_write_that_cannot_be_seen_is_not_acknowledged() {
    let (directory, log) = on(PLAIN, Options::default());
    directory.plan(&[(6, Fault::Forget)]);
    assert_eq!(apply(&log), Err(HostError::OutcomeUnknown));
    assert_eq!(directory.progress(FIRST, &Step::Member), Some(Progress::Doubtful));

    // A directory that lags: what is acknowledged counts until it has to be visible.
    let (directory, log) = on(PLAIN, Options { read_after_write: false, ..Options::default() });
    directory.plan(&[(6, Fault::Forget)]);
    assert_eq!(apply_for(&log, FIRST, &[Step::Member]).unwrap(), [Applied]);
    assert_eq!(apply_for(&log, FIRST, &[Step::Member]).unwrap(), [AlreadyApplied]);
    directory.advance(10);
    assert_eq!(apply_for(&log, FIRST, &[Step::Member]).unwrap(), [WasRemoved]);
}

#[test]
fn steps_that_cannot_be_applied_say_why_and_leave_no_doubt() {
    let (directory, log) = on(MARKED, Options::default());
    assert_eq!(apply_for(&log, FIRST, &[grant("g-help")]).unwrap(), [NotAMember]);
    let asked = [Step::Member, grant("no-group"), grant("g-help")];
    assert_eq!(apply_for(&log, FIRST, &asked).unwrap(), [Applied, NoSuchTarget, Applied]);
    assert_eq!(directory.progress(FIRST, &grant("no-group")), Some(Progress::Unwritten));
    let failing = vec![Step::Member; 52];
    assert_eq!(apply_for(&log, FIRST, &failing), Err(HostError::Invalid("more than 51 steps".into())));
    let bob = UserRef { organization: "root".into(), id: "u-bob".into() };
    let another = log.apply(Recipient { user: bob, ..invited_by(FIRST) }, &asked).now_or_never().unwrap();
    assert!(matches!(another, Err(HostError::Denied(_))), "I-SUBJ: {another:?}");
}

#[test]
fn an_error_says_that_nothing_was_applied_only_if_that_is_so() {
    let (directory, log) = on(MARKED, Options::default());
    directory.plan(&[(2, Fault::FailBefore)]);
    assert_eq!(apply(&log), Err(HostError::Unavailable(None)));
    // The log fails right after the member was added.
    directory.plan(&[(8, Fault::FailBefore)]);
    assert_eq!(apply(&log), Err(HostError::OutcomeUnknown));
    assert_eq!(apply(&log).unwrap(), [AlreadyApplied, Applied, Applied]);
}
