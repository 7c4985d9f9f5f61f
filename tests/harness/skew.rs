//! Plugins of older and newer contracts: which are let in, and what is said about the others.
//!
//! Each is built from the contract of this version, changed as a text. Whatever is checked here is also
//! loaded: both have to say the same.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use guestlist_contract::{Function, host::Operation};
use guestlist_harness::{BUNDLED, Engine, EngineOptions, Inspection, Limits, Plugin, Pooling, Reason};

use guestlist_hostile::guests::{Behaviour, contract, guest, guest_of, guest_that_starts_so};

use crate::quiet::{Quiet, context};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(&EngineOptions::fuel().pooling(Pooling::Never)).unwrap());

/// Checks a component and loads it: both say the same.
fn inspect(bytes: &[u8]) -> (Inspection, Option<Plugin>) {
    let inspection = Plugin::inspect(&ENGINE, bytes);
    assert_eq!(inspection.admitted, inspection.problems.is_empty());
    let plugin = match Plugin::load(&ENGINE, bytes) {
        Ok(plugin) => {
            assert_eq!(inspection.problems, [], "checked worse than it is loaded");
            assert_eq!(inspection.digest, plugin.digest());
            Some(plugin)
        }
        Err(error) => {
            assert_eq!(error.problems(), inspection.problems);
            let json = serde_json::to_value(&inspection).unwrap();
            for (index, problem) in inspection.problems.iter().enumerate() {
                assert!(error.to_string().contains(&problem.to_string()), "{error}");
                assert_eq!(json["problems"][index]["message"], problem.to_string());
                assert_eq!(json["problems"][index]["kind"], problem.kind());
            }
            None
        }
    };
    (inspection, plugin)
}

/// What is said about a component. How many functions have to do with a type is left out: a contract
/// may grow.
fn refused(bytes: &[u8]) -> Vec<String> {
    let (inspection, plugin) = inspect(bytes);
    assert!(plugin.is_none(), "it was let in");
    let uncounted = |text: String| match text.split_once("` and ") {
        Some((before, after)) if after.contains(" more function") => {
            let after = after.split_once(" have ").unwrap().1;
            format!("{before}` and more have {after}")
        }
        _ => text,
    };
    inspection.problems.iter().map(ToString::to_string).map(uncounted).collect()
}

/// What is let in can be called, and does what its body says: it panics.
async fn admitted(bytes: &[u8]) -> Inspection {
    let (inspection, plugin) = inspect(bytes);
    let plugin = plugin.unwrap_or_else(|| panic!("{inspection}"));
    let error = plugin.session(Quiet::host(), Limits::default()).sweep(context(), 1).await.unwrap_err();
    assert_eq!(error.trapped().unwrap_or_else(|| panic!("{error}")).reason, Reason::Panicked);
    inspection
}

/// A plugin of a contract in which one text is another.
fn changed(from: &str, to: &str) -> Vec<u8> {
    let found = std::cell::Cell::new(false);
    let contract = contract(|text| {
        found.set(found.get() || text.contains(from));
        text.replace(from, to)
    });
    assert!(found.get(), "the contract has no `{from}` any more");
    guest_of(&contract, Behaviour::Panics)
}

/// A component of one line that exports nothing; what is said about its imports.
fn importing(import: &str) -> Vec<String> {
    let component = wat::parse_str(format!("(component {import})")).unwrap();
    refused(&component).into_iter().filter(|text| !text.contains("does not export")).collect()
}

const SWEEP: &str = "sweep: func(context: context, limit: u32)";
const STANDING: &str = "standing: func(organization: organization-id, who: principal)";

#[tokio::test]
async fn the_plugin_of_this_build_uses_the_whole_contract_and_is_let_in() {
    let (inspection, plugin) = inspect(BUNDLED);
    assert_eq!((inspection.contract.as_slice(), inspection.size), (&["0.1.0".to_owned()][..], BUNDLED.len()));
    let functions = |items: &[guestlist_harness::inspection::Item]| {
        let mut names: Vec<_> = items.iter().flat_map(|item| &item.functions).cloned().collect();
        names.sort();
        names
    };
    // All of it: the shape of a function that the plugin did not use could not be compared.
    let mut lent: Vec<_> =
        Function::ALL.iter().map(|one| one.name().split_once('.').unwrap().1.to_owned()).collect();
    lent.sort();
    assert_eq!(functions(&inspection.imports), lent);
    let mut asked: Vec<_> = Operation::ALL.iter().map(|operation| operation.name().to_owned()).collect();
    asked.sort();
    assert_eq!(functions(&inspection.exports), asked);
    let session = plugin.unwrap().session(Quiet::host(), Limits::default());
    session.sweep(context(), 1).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_plugin_that_uses_less_is_let_in() {
    // An older one: the contract has got functions and an interface since.
    let contract = contract(|text| {
        let kept = |line: &&str| {
            let line = line.trim();
            !line.starts_with("standing: func")
                && !line.starts_with("purge: func")
                && line != "import settings;"
        };
        text.lines().filter(kept).collect::<Vec<_>>().join("\n")
    });
    let inspection = admitted(&guest_of(&contract, Behaviour::Panics)).await;
    assert!(!inspection.to_string().contains("standing"));
}

#[tokio::test]
async fn a_plugin_that_offers_more_is_let_in() {
    let more = changed(SWEEP, "sweep-all: func() -> u32;\n    sweep: func(context: context, limit: u32)");
    assert!(admitted(&more).await.to_string().contains("maintenance@0.1.0: sweep-all, sweep\n"));
    let resource = changed(SWEEP, &format!("resource broom {{ lean: func(); }}\n    {SWEEP}"));
    admitted(&resource).await;
}

#[tokio::test]
async fn names_of_parameters_and_unused_types_may_change() {
    admitted(&changed(SWEEP, "sweep: func(context: context, at-most: u32)")).await;
    admitted(&changed("interface audit {", "interface audit {\n    enum fresh { a, b }")).await;
}

#[tokio::test]
async fn versions_that_do_not_break_are_let_in() {
    let patch = contract(|text| text.replace("invitation@0.1.0", "invitation@0.1.1"));
    assert_eq!(admitted(&guest_of(&patch, Behaviour::Panics)).await.contract, ["0.1.1"]);
    for version in ["0.2.0", "0.2.1", "0.2.3", "0.2.9", "0.2.12"] {
        let random = contract(|text| {
            let text = text.replace("wasi:random@0.2.6", &format!("wasi:random@{version}"));
            text.replace("wasi:random/random@0.2.6", &format!("wasi:random/random@{version}"))
        });
        admitted(&guest_of(&random, Behaviour::Panics)).await;
    }
}

#[test]
fn versions_that_break_are_named() {
    let minor = contract(|text| text.replace("invitation@0.1.0", "invitation@0.2.0"));
    let problems = refused(&guest_of(&minor, Behaviour::Panics));
    for interface in ["storage", "settings", "invitations", "maintenance"] {
        let text = format!(
            "it speaks `guestlist:invitation/{interface}@0.2.0` and this host speaks 0.1.0; build it against `wit/` \
             of this version"
        );
        assert!(problems.contains(&text), "{problems:#?}");
    }
    // A pre-release is compatible with nothing, and a name without a version with no version.
    for name in ["guestlist:invitation/audit@0.1.0-rc.1", "guestlist:invitation/audit"] {
        assert_eq!(
            importing(&format!(r#"(import "{name}" (instance (export "record-refusals" (func))))"#)),
            [format!(
                "it speaks `{name}` and this host speaks 0.1.0; build it against `wit/` of this version"
            )]
        );
    }
    for version in ["0.1.0", "0.3.0", "0.2.0-rc-2023-12-05"] {
        let name = format!("wasi:random/random@{version}");
        assert_eq!(
            importing(&format!(r#"(import "{name}" (instance (export "get-random-bytes" (func))))"#)),
            [format!(
                "it speaks `{name}` and this host speaks 0.2.6; build it against `wit/` of this version"
            )]
        );
    }
}

#[test]
fn imports_of_a_newer_contract_are_too_new() {
    let function = changed(STANDING, &format!("sitting: func() -> u32;\n    {STANDING}"));
    assert_eq!(
        refused(&function),
        ["it imports `directory.sitting`, which is newer than contract 0.1.0; update the host"]
    );
    let resource = changed(STANDING, &format!("resource chair;\n    sit: func(on: chair);\n    {STANDING}"));
    assert_eq!(
        refused(&resource),
        [
            "it imports `directory.chair`, which is newer than contract 0.1.0; update the host",
            "it imports `directory.sit`, which is newer than contract 0.1.0; update the host",
        ]
    );
    let interface = contract(|text| {
        let text =
            text.replace("interface audit {", "interface telephone { call: func(); }\ninterface audit {");
        text.replace("import audit;", "import audit;\n    import telephone;")
    });
    assert_eq!(
        refused(&guest_of(&interface, Behaviour::Panics)),
        [
            "it imports `guestlist:invitation/telephone@0.1.0`, which is newer than contract 0.1.0; update the host"
        ]
    );
}

#[tokio::test]
async fn an_interface_of_types_alone_asks_for_nothing() {
    // A type has moved into an interface of its own, and is the same.
    let moved = contract(|text| {
        let text = text.replace("enum notify {", "enum former {");
        let fresh = "interface fresh { enum notify { internal, external } }\ninterface types {\n    use fresh.{notify};";
        text.replace("interface types {", fresh)
    });
    let inspection = admitted(&guest_of(&moved, Behaviour::Panics)).await;
    assert!(inspection.to_string().contains("invitation/fresh@0.1.0: types only\n"), "{inspection}");
}

#[test]
fn what_other_hosts_lend_is_withheld() {
    for (name, item) in [
        ("wasi:clocks/wall-clock@0.2.6", "now"),
        ("wasi:clocks/monotonic-clock@0.2.0", "now"),
        ("wasi:filesystem/preopens@0.2.6", "get-directories"),
        ("wasi:cli/environment@0.2.6", "get-environment"),
        ("wasi:sockets/network@0.2.6", "f"),
        ("wasi:http/outgoing-handler@0.2.6", "handle"),
        ("wasi:random/insecure@0.2.6", "get-insecure-random-u64"),
    ] {
        assert_eq!(
            importing(&format!(r#"(import "{name}" (instance (export "{item}" (func))))"#)),
            [format!(
                "it imports `{name}`, which is withheld: a plugin gets no files, sockets, clocks or environment"
            )]
        );
    }
    assert_eq!(
        importing(
            r#"(import "wasi:random/random@0.2.6" (instance
                (export "get-random-bytes" (func (param "len" u64) (result (list u8))))
                (export "get-random-u64" (func (result u64)))))"#
        ),
        [
            "it imports `random.get-random-u64`, which is withheld: a plugin gets no files, sockets, clocks or environment"
        ]
    );
}

#[test]
fn imports_of_any_other_kind_are_unknown() {
    for import in [
        r#"(import "thing" (func))"#,
        r#"(import "thing" (core module))"#,
        r#"(import "thing" (type (sub resource)))"#,
        r#"(import "thing" (instance (export "f" (func))))"#,
        r#"(import "thing" (instance (export "inner" (instance (export "f" (func))))))"#,
        r#"(import "thing" (instance (export "m" (core module))))"#,
    ] {
        assert_eq!(
            importing(import),
            ["it imports `thing`, which this host does not know; remove the import"],
            "{import}"
        );
    }
    assert_eq!(
        importing(r#"(import "thing" (component))"#),
        [
            "the component does not compile: failed to parse WebAssembly module: root-level component imports are not \
          supported"
        ]
    );
    assert_eq!(
        importing(r#"(import "guestlist:invitation/invitee@0.1.0" (instance (export "accept" (func))))"#),
        ["it imports `guestlist:invitation/invitee@0.1.0`, which this host does not know; remove the import"]
    );
}

#[test]
fn a_changed_type_is_named_with_the_change() {
    const FIND: &str = "its import `directory.find-users` and more have";
    const HOST: &str = "its import `directory.get-organization` and more have";
    const SWEPT: &str = "its export `maintenance.sweep` has";
    const NEW: &str = "which this host does not know";
    let newer = |who: &str, change: &str| format!("{who} a newer shape: {change}, {NEW}; update the host");
    let build = "build it against `wit/` of this version";
    let older = |who: &str, change: &str| format!("{who} an older shape: {change}; {build}");
    let other = |who: &str, change: &str| format!("{who} another shape: {change}; {build}");
    for (from, to, problem) in [
        (
            "enum state {",
            "enum state { on-hold,",
            newer("its import `storage.recall` and more have", "enum `state` has the case `on-hold`"),
        ),
        (
            "enum sort-key {",
            "enum sort-key { newest, oldest,",
            newer(
                "its import `storage.list` and more have",
                "enum `sort-key` has the cases `newest`, `oldest`",
            ),
        ),
        (
            "        name-taken,",
            "",
            older(
                "its import `membership.apply` and more have",
                "enum `step-outcome` lacks the case `name-taken`",
            ),
        ),
        (
            "record user {",
            "record user { nickname: string,",
            newer(FIND, "record `user` has the field `nickname`"),
        ),
        ("        has-email: bool,", "", older(FIND, "record `user` lacks the field `has-email`")),
        (
            "        has-email: bool,",
            "        has-mail: bool,",
            other(
                FIND,
                &format!("record `user` has the field `has-mail`, {NEW}, and lacks the field `has-email`"),
            ),
        ),
        (
            "        has-email: bool,",
            "        has-email: option<bool>,",
            other(FIND, "the field `has-email` of record `user` is `option<bool>` and not `bool`"),
        ),
        (
            "        via: option<user-ref>,",
            "        via: option<principal>,",
            other(FIND, "the field `via` of record `user` is `option<principal>` and not `option<user-ref>`"),
        ),
        (
            "variant host-error {",
            "variant host-error { on-strike,",
            newer(HOST, "variant `host-error` has the case `on-strike`"),
        ),
        (
            "throttled(milliseconds),",
            "throttled(u32),",
            other(HOST, "the case `throttled` of variant `host-error` is `u32` and not `u64`"),
        ),
        (
            "throttled(milliseconds),",
            "throttled,",
            other(HOST, "the case `throttled` of variant `host-error` is nothing and not `u64`"),
        ),
        (
            "flags permissions {",
            "flags permissions { audit,",
            newer(
                "its import `directory.standing` and more have",
                "flags `permissions` has the flag `audit`",
            ),
        ),
        ("        finished: u32,", "", older(SWEPT, "record `swept` lacks the field `finished`")),
        (
            SWEEP,
            "sweep: func(context: context, limit: u32, dry-run: bool)",
            newer(SWEPT, "it has the parameter `dry-run`"),
        ),
        (SWEEP, "sweep: func(context: context)", older(SWEPT, "it lacks the parameter `limit`")),
        (
            SWEEP,
            "sweep: func(context: context, limit: u64)",
            other(SWEPT, "its parameter `limit` is `u64` and not `u32`"),
        ),
        (
            "-> result<swept, sweep-refusal>",
            "-> swept",
            other(SWEPT, "its answer is `swept` and not `result<swept, sweep-refusal>`"),
        ),
        (
            "close: func(organization: organization-id, invitation: invitation-id) -> \
             result<list<step-result>, host-error>;",
            "close: func(organization: organization-id, invitation: invitation-id);",
            other(
                "its import `membership.close` has",
                "its answer is nothing and not `result<list<step-result>, host-error>`",
            ),
        ),
    ] {
        assert_eq!(refused(&changed(from, to)).first(), Some(&problem), "{to}");
    }
}

#[test]
fn a_changed_order_is_told() {
    let turned = contract(|text| {
        text.replace("enum grant-kind {", "enum grant-kind { role, group }\n    enum old-kind {")
    });
    assert_eq!(
        refused(&guest_of(&turned, Behaviour::Panics)),
        [
            "its import `membership.resolve` and more have another shape: enum `grant-kind` has its cases in another \
          order; build it against `wit/` of this version"
        ]
    );
}

#[test]
fn everything_is_told_at_once() {
    let text = |text: String| {
        let text = text.replace("enum state {", "enum state { on-hold,");
        let text = text.replace("record user {", "record user { nickname: string,");
        let text = text.replace(STANDING, &format!("sitting: func();\n    {STANDING}"));
        let text = text.replace("finished: u32,", "");
        text.replace("import audit;", "import audit;\n    import pager: interface { page: func(); }")
            .replace("export invitee;", "")
    };
    assert_eq!(
        refused(&guest_of(&contract(text), Behaviour::Panics)),
        [
            "it imports `directory.sitting`, which is newer than contract 0.1.0; update the host",
            "it imports `pager`, which this host does not know; remove the import",
            "it does not export `guestlist:invitation/invitee@0.1.0`; is it a plugin of world `extension`?",
            "its import `directory.find-users` and more have a newer shape: record `user` has the field `nickname`, \
             which this host does not know; update the host",
            "its import `storage.recall` and more have a newer shape: enum `state` has the case `on-hold`, which \
             this host does not know; update the host",
            "its export `maintenance.sweep` has an older shape: record `swept` lacks the field `finished`; build it \
             against `wit/` of this version",
        ]
    );
}

#[test]
fn what_runs_at_the_start_is_contained() {
    let remedy = "; what runs at its start has to end soon, in little memory and without the host";
    let epoch = Engine::new(&EngineOptions::default().pooling(Pooling::Never)).unwrap();
    for (behaviour, fuel, time) in [
        (Behaviour::Loops, "it uses more than 100000000 units of fuel", "it takes longer than 1000 ms"),
        (Behaviour::Panics, "it panics", "it panics"),
        (
            Behaviour::Swells,
            "it needs more than 16777216 bytes of memory",
            "it needs more than 16777216 bytes of memory",
        ),
        (Behaviour::Recurses, "its stack overflows", "its stack overflows"),
        (
            Behaviour::Storms,
            "it calls `audit.record-refusals` before anybody has called it",
            "it calls `audit.record-refusals` before anybody has called it",
        ),
        (
            Behaviour::Floods,
            "it hands over more than 1048576 bytes at once",
            "it hands over more than 1048576 bytes at once",
        ),
    ] {
        let guest = guest_that_starts_so(behaviour);
        let started = Instant::now();
        let said = |cause: &str| format!("no instance of it can be made: {cause}{remedy}");
        assert_eq!(refused(&guest), [said(fuel)]);
        let error = Plugin::load(&epoch, &guest).unwrap_err().to_string();
        assert_eq!(error, format!("the component was not admitted: {}", said(time)));
        assert!(started.elapsed() < Duration::from_secs(10), "took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_plugin_is_loaded_while_all_places_are_taken() {
    let options = EngineOptions::default().instances(1);
    let engine = Engine::new(&options).unwrap();
    let session = Plugin::bundled(&engine).unwrap().session(Quiet::host(), Limits::default()).reusing();
    let _refusal = session.sweep(context(), 1).await.unwrap();
    for _ in 0..3 {
        Plugin::load(&engine, &guest(Behaviour::Panics)).unwrap();
    }
    let _refusal = session.sweep(context(), 1).await.unwrap();
}

#[test]
fn nothing_that_is_checked_ends_the_checker() {
    let whole = guest(Behaviour::Panics);
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap()
    };
    for _ in 0..100 {
        let mut damaged = whole.clone();
        for _ in 0..=next() % 2 {
            let place = 8 + next() % (damaged.len() - 8);
            damaged[place] = u8::try_from(next() % 256).unwrap();
        }
        inspect(&damaged);
        inspect(&whole[..next() % whole.len()]);
    }
}
