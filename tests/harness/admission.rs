use guestlist_harness::{BUNDLED, Engine, EngineOptions, Plugin, Pooling};

use guestlist_hostile::guests::{Behaviour, contract, guest, guest_of};

fn engine() -> Engine {
    Engine::new(&EngineOptions::fuel().pooling(Pooling::Never)).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    Plugin::load(&engine(), bytes).unwrap_err().to_string()
}

/// A component that imports one interface and exports nothing.
fn importing(interface: &str) -> String {
    let component = format!(r#"(component (import "{interface}" (instance (export "f" (func)))))"#);
    refusal(&wat::parse_str(component).unwrap())
}

#[test]
fn the_plugin_of_this_build_is_admitted() {
    let plugin = Plugin::bundled(&engine()).unwrap();
    assert_eq!(plugin.digest().len(), 64);
    assert_eq!(Plugin::load(&engine(), BUNDLED).unwrap().digest(), plugin.digest());
}

#[test]
fn a_guest_of_the_whole_contract_is_admitted() {
    Plugin::load(&engine(), &guest(Behaviour::Panics)).unwrap();
}

#[test]
fn what_is_no_component_is_told_apart() {
    assert_eq!(
        refusal(b"hello"),
        "this is no WebAssembly component; give the `.wasm` file that its build writes"
    );
    assert_eq!(
        refusal(b"\0asm\x01\0\0\0"),
        "this is a core module, not a component; wrap it with `wasm-tools component new` first"
    );
    let damaged = refusal(&BUNDLED[..BUNDLED.len() / 2]);
    assert!(damaged.starts_with("the component does not compile: "), "{damaged}");
}

#[test]
fn imports_beyond_the_contract_are_named_with_their_cause() {
    for (interface, cause) in [
        (
            "wasi:filesystem/types@0.2.6",
            "it imports `wasi:filesystem/types@0.2.6`, which is withheld: a plugin gets no files, sockets, clocks \
             or environment",
        ),
        (
            "wasi:random/random@0.2.6",
            "it imports `random.f`, which is withheld: a plugin gets no files, sockets, clocks or environment",
        ),
        (
            "wasi:random/random@0.3.0",
            "it speaks `wasi:random/random@0.3.0` and this host speaks 0.2.6; build it against `wit/` of this version",
        ),
        (
            "acme:crm/people@1.0.0",
            "it imports `acme:crm/people@1.0.0`, which this host does not know; remove the import",
        ),
        ("people", "it imports `people`, which this host does not know; remove the import"),
        (
            "guestlist:invitation/storage@0.1.0",
            "it imports `storage.f`, which is newer than contract 0.1.0; update the host",
        ),
        (
            "guestlist:invitation/telephone@0.2.0",
            "it imports `guestlist:invitation/telephone@0.2.0`, which is newer than contract 0.1.0; update the host",
        ),
        (
            "guestlist:invitation/storage@0.2.0",
            "it speaks `guestlist:invitation/storage@0.2.0` and this host speaks 0.1.0; build it against `wit/` of \
             this version",
        ),
    ] {
        let text = importing(interface);
        let found = text.strip_prefix("the component was not admitted: ").unwrap_or(&text);
        assert_eq!(found.split("; it does not export").next(), Some(cause));
    }
}

#[test]
fn what_the_contract_asks_for_has_to_be_exported() {
    let empty = refusal(&wat::parse_str("(component)").unwrap());
    assert_eq!(
        empty,
        "the component was not admitted: it does not export `guestlist:invitation/invitations@0.1.0`; is it a plugin \
         of world `extension`?; it does not export `guestlist:invitation/invitee@0.1.0`; is it a plugin of world \
         `extension`?; it does not export `guestlist:invitation/maintenance@0.1.0`; is it a plugin of world \
         `extension`?"
    );
    let without_sweep = contract(|text| text.replace("sweep: func", "sweep-all: func"));
    assert_eq!(
        refusal(&guest_of(&without_sweep, Behaviour::Panics)),
        "the component was not admitted: its export `guestlist:invitation/maintenance@0.1.0` lacks the function \
         `sweep`; build it against `wit/` of this version"
    );
}

#[test]
fn a_guest_of_another_version_is_told_so() {
    let newer = contract(|text| text.replace("@0.1.0", "@0.2.0"));
    let text = refusal(&guest_of(&newer, Behaviour::Panics));
    assert!(
        text.contains("it speaks `guestlist:invitation/storage@0.2.0` and this host speaks 0.1.0"),
        "{text}"
    );
    assert!(
        text.contains("it speaks `guestlist:invitation/invitee@0.2.0` and this host speaks 0.1.0"),
        "{text}"
    );
}
