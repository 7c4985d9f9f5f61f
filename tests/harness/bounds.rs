use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use guestlist_contract::{Function, exports::maintenance::SweepRefusal, host::Host};
use guestlist_harness::{
    CallError, Engine, EngineOptions, Limits, Metering, Plugin, Pooling, Reason, Session,
};

use guestlist_hostile::guests::{Behaviour, Body, build, contract, guest};

use crate::quiet::{Quiet, context};

static EPOCH: LazyLock<Engine> = LazyLock::new(|| Engine::new(&EngineOptions::default()).unwrap());
static FUEL: LazyLock<Engine> = LazyLock::new(|| Engine::new(&EngineOptions::fuel()).unwrap());

fn session(engine: &Engine, behaviour: Behaviour, limits: Limits) -> Session {
    Plugin::load(engine, &guest(behaviour)).unwrap().session(Quiet::host(), limits)
}

fn reason(error: CallError) -> Reason {
    error.trapped().unwrap_or_else(|| panic!("{error}")).reason.clone()
}

/// What ended it, on both kinds of engine.
async fn ends(behaviour: Behaviour, limits: Limits) -> Reason {
    let reasons = [&*EPOCH, &*FUEL].map(|engine| {
        let session = session(engine, behaviour, limits.clone());
        async move { reason(session.sweep(context(), 1).await.unwrap_err()) }
    });
    let [epoch, fuel] = reasons;
    let (epoch, fuel) = (epoch.await, fuel.await);
    assert_eq!(epoch, fuel);
    epoch
}

#[tokio::test]
async fn a_guest_that_does_not_end_is_ended() {
    let time = Duration::from_millis(100);
    let started = Instant::now();
    assert_eq!(ends(Behaviour::Loops, Limits::default().time(time)).await, Reason::Deadline(time));
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn fuel_ends_it_at_the_same_place_every_time() {
    let session = session(&FUEL, Behaviour::Loops, Limits::default().fuel(Some(10_000)));
    assert_eq!(reason(session.sweep(context(), 1).await.unwrap_err()), Reason::OutOfFuel(10_000));
}

#[tokio::test]
async fn memory_ends_where_the_limit_is() {
    let limit = 8 << 20;
    assert_eq!(ends(Behaviour::Swells, Limits::default().memory(limit)).await, Reason::Memory(limit));
    // Also where the limit is meant larger than the pool allows.
    assert_eq!(ends(Behaviour::Swells, Limits::default().memory(1 << 30)).await, Reason::Memory(1 << 30));
}

#[tokio::test]
async fn a_stack_overflow_stays_inside() {
    assert_eq!(ends(Behaviour::Recurses, Limits::default()).await, Reason::StackOverflow);
}

#[tokio::test]
async fn host_calls_are_counted() {
    let limits = Limits::default().host_calls(40);
    assert_eq!(ends(Behaviour::Storms, limits.clone()).await, Reason::HostCalls(40));
    let error = session(&EPOCH, Behaviour::Storms, limits).sweep(context(), 1).await.unwrap_err();
    assert_eq!(error.trapped().unwrap().trace_tail, [Function::AuditRecordRefusals; 16]);
}

#[tokio::test]
async fn what_is_handed_over_at_once_is_bounded() {
    assert_eq!(
        ends(Behaviour::Floods, Limits::default().host_call_bytes(1 << 20)).await,
        Reason::HostCallBytes(1 << 20)
    );
}

#[tokio::test]
async fn the_report_says_what_happened_and_what_to_do() {
    let symbols = (0..100).map(|index| format!("{index} own::name\n")).collect();
    let plugin = Plugin::load_with_symbols(&EPOCH, &guest(Behaviour::Panics), symbols).unwrap();
    let session = plugin.session(Quiet::host(), Limits::default());
    let error = session.sweep(context(), 1).await.unwrap_err();
    let plugin = &session.plugin().digest()[..12];
    assert_eq!(
        error.to_string(),
        format!(
            "`sweep` for organization `acme` (request `r-1`, plugin {plugin}) was ended: it panicked (report the \
             plugin with the backtrace); it had not called the host, so nothing was changed"
        )
    );
    let backtrace = &error.trapped().unwrap().backtrace;
    assert!(backtrace[0].starts_with("own::name (at 0x"), "{backtrace:?}");
}

#[tokio::test]
async fn names_that_a_guest_has_chosen_are_cut() {
    let long = format!("_ZN{}E", "8aaaaaaaa".repeat(10_000));
    let body = Body {
        fields: format!("(func $named (@name \"{long}\") (unreachable))"),
        ..Body::new("(call $named)")
    };
    let plugin = Plugin::load(&EPOCH, &build(&contract(|text| text), &body)).unwrap();
    let error = plugin.session(Quiet::host(), Limits::default()).sweep(context(), 1).await.unwrap_err();
    let backtrace = &error.trapped().unwrap().backtrace;
    assert!(backtrace[0].starts_with("aaaaaaaa::aaaaaaaa::"), "{backtrace:?}");
    assert!(backtrace.iter().all(|line| line.len() < 300), "{backtrace:?}");
}

#[tokio::test]
async fn a_guest_that_computes_lets_others_work() {
    let looping = session(&EPOCH, Behaviour::Loops, Limits::default().time(Duration::from_millis(300)));
    let honest = Plugin::bundled(&EPOCH).unwrap().session(Quiet::host(), Limits::default());
    let started = Instant::now();
    let other = async {
        let answer = honest.sweep(context(), 1).await.unwrap();
        (answer, started.elapsed())
    };
    let (ended, (answer, took)) = tokio::join!(looping.sweep(context(), 1), other);
    assert_eq!(reason(ended.unwrap_err()), Reason::Deadline(Duration::from_millis(300)));
    assert!(matches!(answer, Err(SweepRefusal::Host(_))), "{answer:?}");
    assert!(took < Duration::from_millis(250), "one thread, and it waited for {took:?}");
}

#[tokio::test]
async fn a_trapped_instance_is_not_used_again() {
    let limits = Limits::default().host_calls(1);
    let session = Plugin::bundled(&FUEL).unwrap().session(Quiet::host(), limits).reusing();
    let first = session.run(context(), guestlist_harness::operations::Sweep { limit: 1 }).await;
    // Whether one call is enough for this operation or not, the next one has to run the same way.
    let again = session.run(context(), guestlist_harness::operations::Sweep { limit: 1 }).await;
    assert_eq!(first.is_ok(), again.is_ok());

    let trapping = Plugin::load(&FUEL, &guest(Behaviour::Panics)).unwrap();
    let session = trapping.session(Quiet::host(), Limits::default()).reusing();
    for _ in 0..3 {
        assert_eq!(reason(session.sweep(context(), 1).await.unwrap_err()), Reason::Panicked);
    }
}

#[tokio::test]
async fn calls_wait_for_an_instance_and_say_when_there_was_none() {
    let engine = Engine::new(&EngineOptions::default().instances(1)).unwrap();
    assert_eq!(engine.metering(), Metering::Epoch);
    let plugin = Plugin::bundled(&engine).unwrap();
    let slow = Arc::new(Quiet { delay: Duration::from_millis(100), ..Quiet::default() });
    let session = plugin.session(Host::of(slow), Limits::default().time(Duration::from_millis(10_000)));
    let (one, two) = tokio::join!(session.sweep(context(), 1), session.sweep(context(), 1));
    assert!(one.is_ok() && two.is_ok(), "the second waits for the first");

    let hurried = plugin.session(Quiet::host(), Limits::default().time(Duration::from_millis(20)));
    let (_, error) = tokio::join!(session.sweep(context(), 1), hurried.sweep(context(), 1));
    assert_eq!(
        error.unwrap_err().to_string(),
        "no instance was free within 20 ms; nothing was done, so call again, or make the engine for more `instances`"
    );
}

#[tokio::test]
async fn without_a_pool_the_same_holds() {
    let engine = Engine::new(&EngineOptions::default().pooling(Pooling::Never)).unwrap();
    assert!(!engine.is_pooled());
    let session = session(&engine, Behaviour::Swells, Limits::default());
    assert_eq!(reason(session.sweep(context(), 1).await.unwrap_err()), Reason::Memory(16 << 20));
}
