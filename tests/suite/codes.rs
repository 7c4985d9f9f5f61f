//! The plugin and its harness each read codes by themselves: both have to read them alike.

use guestlist::code::{BYTES, Code};
use guestlist_contract::code;

/// Bytes without any order to them, the same in each run.
fn bytes(seed: u64) -> [u8; BYTES] {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
}

fn agree(text: &str) -> bool {
    let known = code::digest(text);
    assert_eq!(known.map(Vec::from), Code::parse(text).map(|code| code.digest()), "{text}");
    known.is_some()
}

#[test]
fn the_plugin_and_its_harness_agree_on_what_a_code_is() {
    for seed in 0..2000 {
        let text = Code::new(bytes(seed)).reveal();
        assert_eq!(code::from_bytes(bytes(seed)), text);
        assert!(agree(&text));
    }
    assert!([[0; BYTES], [0xff; BYTES]].iter().all(|bytes| agree(&code::from_bytes(*bytes))));
}

#[test]
fn the_plugin_and_its_harness_agree_on_what_a_code_is_not() {
    for seed in 0..20 {
        let text = code::from_bytes(bytes(seed));
        for at in 0..text.len() {
            assert!(!agree(&text[..at]) && !agree(&text[at + 1..]));
            for with in ["", "A", "b", "-", "_", "=", " ", "/", "é", "\0"] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, with);
                assert!(changed == text || !agree(&changed), "{changed}");
            }
        }
        let other = code::from_bytes(bytes(seed + 1));
        for mixed in [format!("{text}A"), format!(" {text}"), [&text[..48], &other[48..]].concat()] {
            assert!(!agree(&mixed), "{mixed}");
        }
    }
}
