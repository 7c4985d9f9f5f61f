use std::sync::LazyLock;

use guestlist_tokens::Issuers;
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use crate::{
    issuer::{NOW, Server, judged},
    signer::Signer,
};

struct World {
    runtime: Runtime,
    issuers: Issuers,
    tokens: Vec<String>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (issuers, tokens) = runtime.block_on(async {
        let server = Server::start().await;
        let signers = ["RS256", "PS256", "ES256", "EdDSA"].map(|name| Signer::new(name, name));
        server.publish(&signers.iter().collect::<Vec<_>>());
        let issuers = server.issuers();
        let tokens: Vec<_> = signers.iter().map(|signer| signer.token(&server.claims())).collect();
        for token in &tokens {
            assert!(judged(&issuers, token, NOW).await.is_ok());
        }
        (issuers, tokens)
    });
    World { runtime, issuers, tokens }
});

#[derive(Clone, Debug)]
enum Change {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
    /// Takes a part of another token.
    Part(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    // Letters of base64url, the dot, and what belongs into no token.
    let letter =
        prop_oneof![b'a'..=b'z', b'A'..=b'Z', b'0'..=b'9', Just(b'-'), Just(b'_'), Just(b'.'), Just(b'=')];
    prop_oneof![
        4 => (any::<usize>(), letter.clone()).prop_map(|(at, letter)| Change::Replace(at, letter)),
        2 => (any::<usize>(), letter).prop_map(|(at, letter)| Change::Insert(at, letter)),
        2 => any::<usize>().prop_map(Change::Remove),
        1 => any::<usize>().prop_map(Change::Cut),
        2 => (0..3usize, any::<usize>()).prop_map(|(part, other)| Change::Part(part, other)),
    ]
}

fn changed(token: &str, changes: &[Change]) -> String {
    let mut bytes = token.as_bytes().to_vec();
    for change in changes {
        let length = bytes.len().max(1);
        match *change {
            Change::Replace(at, letter) if !bytes.is_empty() => bytes[at % length] = letter,
            Change::Insert(at, letter) => bytes.insert(at % length, letter),
            Change::Remove(at) if !bytes.is_empty() => drop(bytes.remove(at % length)),
            Change::Cut(at) => bytes.truncate(at % length),
            Change::Part(part, other) => {
                let text = String::from_utf8(bytes.clone()).unwrap();
                let mut parts: Vec<&str> = text.split('.').collect();
                let other = &WORLD.tokens[other % WORLD.tokens.len()];
                if let (Some(own), Some(new)) = (parts.get_mut(part), other.split('.').nth(part)) {
                    *own = new;
                }
                bytes = parts.join(".").into_bytes();
            }
            _ => {}
        }
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The claims are the same in all of these tokens, so taking over all parts of another gives that one back.
    #[test]
    fn a_changed_token_is_never_believed(which in 0..4usize, changes in prop::collection::vec(change(), 1..4)) {
        let token = changed(&WORLD.tokens[which], &changes);
        prop_assume!(!WORLD.tokens.contains(&token));
        let judged = WORLD.runtime.block_on(judged(&WORLD.issuers, &token, NOW));
        prop_assert!(judged.is_err(), "{token} is believed: {judged:?}");
    }

    #[test]
    fn anything_is_answered(token in ".*") {
        let judged = WORLD.runtime.block_on(judged(&WORLD.issuers, &token, NOW));
        prop_assert!(judged.is_err());
    }
}
