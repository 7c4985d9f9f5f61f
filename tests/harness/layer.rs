//! What stands around each host call: time-outs, faults, the trace.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use guestlist_contract::{
    Function,
    audit::{Refusal, Word},
    exports::invitee::{Handle, InviteeRefusal},
    host::{Call, Host, Operation},
    notifications::{Message, Recipient, SendError},
    storage::StoreError,
    types::{Context, HostError, InvitationKey, MessageKind, Permissions, Principal, UserRef},
};
use guestlist_harness::{
    Engine, EngineOptions, HostCalls, Limits, Plugin, Pooling, Reason, Stop,
    operations::{Introspect, Sweep},
};
use guestlist_testkit::Intercept as _;
use guestlist_testkit::{Fault, FaultAt, FaultPlan, Interceptor};

use crate::quiet::{Quiet, context};

fn calls(host: Host, fault: Option<(Function, Fault)>) -> HostCalls {
    let calls = HostCalls::new(Arc::new(host), Call::new(Operation::Sweep, context()), &Limits::default());
    match fault {
        Some((function, fault)) => calls.with_interceptor(Arc::new(FaultPlan::once(function, 1, fault))),
        None => calls,
    }
    .recording()
}

fn slow(delay: Duration) -> Host {
    Host::of(Arc::new(Quiet { delay, ..Quiet::default() }))
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_answer_in_time_is_unavailable_or_unknown() {
    let calls = calls(slow(Duration::from_secs(3)), None);
    assert_eq!(calls.storage_by_code(vec![0; 32]).await.unwrap(), Err(HostError::Unavailable(None)));
    let close = calls.membership_close("acme".to_owned(), "i".to_owned()).await.unwrap();
    assert_eq!(close, Err(HostError::OutcomeUnknown));
}

#[tokio::test(start_paused = true)]
async fn every_fault_answers_as_it_says() {
    let key = || InvitationKey { organization: "acme".to_owned(), id: "i".to_owned() };
    for (fault, answer) in [
        (Fault::FailBefore, Ok(HostError::Unavailable(None))),
        (Fault::FailAfter, Ok(HostError::OutcomeUnknown)),
        (Fault::Timeout, Ok(HostError::Unavailable(None))),
        (Fault::Late(Duration::from_secs(1)), Ok(HostError::Unavailable(Some(7)))),
        (Fault::Late(Duration::from_secs(3)), Ok(HostError::Unavailable(None))),
        (Fault::Conflict, Ok(HostError::Unavailable(None))),
        (Fault::Throttled(Duration::from_secs(2)), Ok(HostError::Throttled(2000))),
        (Fault::Denied, Ok(HostError::Denied("injected".to_owned()))),
        (Fault::Full, Ok(HostError::Unavailable(None))),
        (Fault::CrashBefore, Err(Stop::Crash(Function::StorageGet))),
        (Fault::CrashAfter, Err(Stop::Crash(Function::StorageGet))),
        (
            Fault::Hostile(Arc::new(|_| serde_json::json!({ "Err": { "Host": "OutcomeUnknown" } }))),
            Ok(HostError::OutcomeUnknown),
        ),
    ] {
        let name = format!("{fault:?}");
        let calls = calls(Quiet::host(), Some((Function::StorageGet, fault)));
        let asked = calls.storage_get(key()).await;
        assert_eq!(asked, answer.map(|error| Err(StoreError::Host(error))), "{name}");
        let trace = calls.take_trace().unwrap();
        assert_eq!(trace.entries[0].fault.as_deref(), Some(name.as_str()));
        // Only the first call was meant.
        assert_eq!(
            calls.storage_get(key()).await,
            Ok(Err(StoreError::Host(HostError::Unavailable(Some(7)))))
        );
    }
}

#[tokio::test]
async fn every_error_of_the_contract_can_be_the_answer_and_nothing_is_applied() {
    for name in Function::AuditRecordRefusals.errors() {
        let quiet = Arc::new(Quiet::default());
        let case = Function::AuditRecordRefusals.error(name).unwrap();
        let fault = (Function::AuditRecordRefusals, Fault::Error(case));
        let calls = calls(Host::of(quiet.clone()), Some(fault));
        let refusal = || Refusal {
            operation: "sweep".to_owned(),
            invitation: None,
            subject: None,
            name: None,
            word: Word::Invalid,
        };
        let error = calls.audit_record_refusals(None, vec![refusal()]).await.unwrap().unwrap_err();
        assert!(format!("{error:?}").to_lowercase().contains(&name.replace('-', "")), "{name}: {error:?}");
        assert_eq!(quiet.refusals.load(Ordering::SeqCst), 0, "{name} came too late");
        calls.audit_record_refusals(None, vec![refusal()]).await.unwrap().unwrap();
        assert_eq!(quiet.refusals.load(Ordering::SeqCst), 1);
        let trace = calls.take_trace().unwrap();
        assert_eq!(trace.entries[0].fault, Some(format!("error({name})")));
    }
    let exists = Function::StorageRecall.error("exists").unwrap();
    let calls = calls(Quiet::host(), Some((Function::StorageRecall, Fault::Error(exists))));
    let answer = calls.storage_recall("acme".to_owned(), "o".to_owned(), vec![0; 32]).await.unwrap();
    let Err(StoreError::Exists(InvitationKey { organization, id })) = answer else { panic!("{answer:?}") };
    assert_eq!((organization.as_str(), id.len()), ("acme", 36));
}

#[tokio::test]
async fn every_item_of_an_answer_can_be_an_error() {
    let names = || vec!["alice".to_owned(), "bob".to_owned()];
    for name in Function::DirectoryFindUsers.item_errors() {
        let case = Function::DirectoryFindUsers.item_error(name).unwrap();
        let fault = (Function::DirectoryFindUsers, Fault::ItemError(case));
        let calls = calls(Quiet::host(), Some(fault));
        let items = calls.directory_find_users("acme".to_owned(), None, names()).await.unwrap().unwrap();
        assert_eq!(items.len(), 2);
        for error in items.into_iter().map(Result::unwrap_err) {
            assert!(
                format!("{error:?}").to_lowercase().contains(&name.replace('-', "")),
                "{name}: {error:?}"
            );
        }
        assert_eq!(calls.take_trace().unwrap().entries[0].fault, Some(format!("item-error({name})")));
    }
    let no_address = Function::NotificationsSend.item_error("no-address").unwrap();
    let calls = calls(Quiet::host(), Some((Function::NotificationsSend, Fault::ItemError(no_address))));
    let message = Message {
        invitation: "i".to_owned(),
        version: 1,
        kind: MessageKind::Reminder,
        to: Recipient::Approvers,
        inviter: Principal::System,
        code: None,
        expires_at: None,
        language: None,
    };
    let sent = calls.notifications_send("acme".to_owned(), None, vec![message; 3]).await.unwrap().unwrap();
    assert_eq!(sent, [Err(SendError::NoAddress), Err(SendError::NoAddress), Err(SendError::NoAddress)]);
}

#[tokio::test]
async fn an_error_that_the_function_does_not_have_is_a_failure_all_the_same() {
    let exists = Function::StorageInsert.item_error("exists").unwrap();
    for fault in [Fault::Error(exists), Fault::ItemError(exists)] {
        let calls = HostCalls::new(
            Arc::new(Quiet::host()),
            Call::new(Operation::Sweep, context()),
            &Limits::default(),
        );
        let calls = calls.with_interceptor(Arc::new(FaultPlan::new([FaultAt {
            function: None,
            nth: 1,
            then_on: true,
            fault,
        }])));
        let answer = calls.membership_close("acme".to_owned(), "i".to_owned()).await.unwrap();
        assert_eq!(answer, Err(HostError::Unavailable(None)));
        assert_eq!(calls.random_get_random_bytes(32).await.unwrap(), Vec::<u8>::new());
    }
}

#[test]
fn a_host_that_answers_at_once_needs_no_runtime() {
    let calls = calls(Quiet::host(), None);
    let bytes = futures_util::FutureExt::now_or_never(calls.random_get_random_bytes(32)).unwrap().unwrap();
    assert_eq!(bytes.len(), 32);
    let none =
        futures_util::FutureExt::now_or_never(calls.random_get_random_bytes(1 << 40)).unwrap().unwrap();
    assert!(none.is_empty());
    let trace = calls.take_trace().unwrap();
    assert_eq!(trace.entries[0].outcome, serde_json::json!({ "length": 32 }));
}

#[test]
fn the_last_sixteen_names_are_kept_in_order() {
    let calls =
        HostCalls::new(Arc::new(Quiet::host()), Call::new(Operation::Sweep, context()), &Limits::default());
    for _ in 0..20 {
        let _ = futures_util::FutureExt::now_or_never(calls.random_get_random_bytes(1));
    }
    let _ = futures_util::FutureExt::now_or_never(calls.settings_get("acme".to_owned()));
    let mut expected = [Function::RandomGetRandomBytes; 16];
    expected[15] = Function::SettingsGet;
    assert_eq!(calls.tail(), expected);
    assert!(calls.take_trace().is_none());
}

#[test]
fn functions_are_named_as_in_the_contract() {
    assert_eq!(Function::ALL.len(), 25);
    for function in Function::ALL {
        assert_eq!(function.name().parse::<Function>().unwrap(), *function);
    }
    assert_eq!(
        "storage.find".parse::<Function>().unwrap_err().to_string(),
        "there is no host function `storage.find`; names are written as in `storage.by-code`"
    );
}

#[tokio::test]
async fn a_trace_shows_what_was_asked_and_never_a_code() {
    let engine = Engine::new(&EngineOptions::fuel().pooling(Pooling::Never)).unwrap();
    let session = Plugin::bundled(&engine).unwrap().session(Quiet::host(), Limits::default()).recording();
    let invitee = UserRef { organization: "parent".to_owned(), id: "u1".to_owned() };
    let caller = Context {
        organization: None,
        caller: Principal::User(invitee),
        permissions: Permissions::empty(),
        ..context()
    };
    let handle = Handle::Code("inv1_cut".to_owned());
    let completed = session.run(caller, Introspect { handle }).await.unwrap();
    assert!(matches!(completed.answer, Err(InviteeRefusal::Malformed)), "{:?}", completed.answer);
    assert!(!completed.trace.unwrap().to_string().contains("inv1_cut"));

    let completed = session.run(context(), Sweep { limit: 1 }).await.unwrap();
    let trace = completed.trace.unwrap();
    assert_eq!(trace.entries.len(), completed.host_calls as usize);
    assert!(trace.entries.iter().map(|entry| entry.fuel.unwrap()).sum::<u64>() < completed.fuel.unwrap());
    let text = trace.to_string();
    assert!(text.starts_with("sweep\n   1  "), "{text}");
    let again = session.run(context(), Sweep { limit: 1 }).await.unwrap();
    assert_eq!((Some(trace), completed.fuel), (again.trace, again.fuel), "a run repeats to the unit");
}

#[tokio::test]
async fn an_injected_crash_is_reported_where_the_guest_was() {
    let engine = Engine::new(&EngineOptions::fuel().pooling(Pooling::Never)).unwrap();
    let plugin = Plugin::bundled(&engine).unwrap();
    let plan = Arc::new(FaultPlan::at(1, Fault::CrashAfter));
    let session = plugin.session(Quiet::host(), Limits::default()).with_interceptor(plan.clone()).recording();
    let error = session.sweep(context(), 1).await.unwrap_err();
    let trapped = error.trapped().unwrap();
    assert!(matches!(trapped.reason, Reason::Injected(_)), "{error}");
    assert!(trapped.backtrace.iter().any(|line| line.starts_with("guestlist::")), "{:?}", trapped.backtrace);
    assert_eq!(trapped.trace.as_ref().unwrap().entries.len(), 1);
    assert!(plan.spent());
    assert!(session.sweep(context(), 1).await.is_ok(), "the next call has a new instance");
}

/// Lets two calls take turns, so that a race is the same race every time.
struct Turns(Mutex<Vec<String>>);

#[async_trait]
impl Interceptor for Turns {
    async fn before(&self, call: &Call, function: Function) -> Option<Fault> {
        self.0.lock().unwrap().push(format!("{} {function}", call.context.request_id));
        tokio::task::yield_now().await;
        None
    }
}

#[tokio::test]
async fn an_interceptor_can_interleave_calls_of_one_session() {
    let engine = Engine::new(&EngineOptions::fuel().pooling(Pooling::Never)).unwrap();
    let turns = Arc::new(Turns(Mutex::default()));
    let session = Plugin::bundled(&engine)
        .unwrap()
        .session(Quiet::host(), Limits::default())
        .with_interceptor(turns.clone());
    let named = |name: &str| Context { request_id: name.to_owned(), ..context() };
    let (one, two) = tokio::join!(session.sweep(named("a"), 1), session.sweep(named("b"), 1));
    assert!(one.is_ok() && two.is_ok());
    let order = turns.0.lock().unwrap();
    let first: Vec<_> = order.iter().take(2).map(|line| &line[..1]).collect();
    assert_eq!(first, ["a", "b"], "{order:?}");
}
