//! The keys that an issuer publishes, kept for a while.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use jsonwebtoken::{
    AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde_json::Value;
use tokio::{sync::Mutex, time::timeout};

use crate::{
    config::Algorithm,
    error::{FetchError, Reason},
    fetch::{Source, TIMEOUT},
};

/// Age from which keys are fetched again when the next token comes.
pub const FRESH: Duration = Duration::from_secs(600);

/// Age until which keys are used while the issuer cannot be reached.
pub const KEEP: Duration = Duration::from_secs(3600);

/// Time between two fetches from one issuer, whatever tokens come.
pub const MIN_REFRESH: Duration = Duration::from_secs(30);

/// Time between two fetches while there are no keys at all.
pub const RETRY: Duration = Duration::from_secs(5);

/// Keys of one issuer that are read at most; those after it are not known.
const MAX_KEYS: usize = 100;

/// Keys of one issuer.
pub(crate) struct Jwks(Arc<Shared>);

struct Shared {
    issuer: String,
    source: Source,
    current: RwLock<Option<Fetched>>,
    /// Held by the one who fetches.
    last: Arc<Mutex<Option<Attempt>>>,
}

#[derive(Clone)]
struct Fetched {
    at: SystemTime,
    keys: Arc<[Arc<Key>]>,
}

struct Attempt {
    at: SystemTime,
    outcome: Result<(), FetchError>,
}

pub(crate) struct Key {
    id: String,
    algorithm: Option<jsonwebtoken::Algorithm>,
    curve: Option<EllipticCurve>,
    pub(crate) decoding: DecodingKey,
}

impl Jwks {
    pub(crate) fn new(issuer: String, source: Source) -> Self {
        Self(Arc::new(Shared { issuer, source, current: RwLock::default(), last: Arc::default() }))
    }

    /// The key with this id, which has to be for this algorithm.
    pub(crate) async fn key(
        &self,
        id: &str,
        algorithm: Algorithm,
        now: SystemTime,
    ) -> Result<Arc<Key>, Reason> {
        let held = self.0.usable(now);
        let known = held.as_ref().is_some_and(|held| held.has(id));
        let stale = held.as_ref().is_none_or(|held| apart(now, held.at) > FRESH);
        let mut outcome = Ok(());
        if !known || stale {
            let pause = if held.is_some() { MIN_REFRESH } else { RETRY };
            // Whoever has a key does not wait for somebody else who is fetching.
            outcome = self.refresh(now, pause, !known).await;
        }
        let Some(held) = self.0.usable(now) else {
            return Err(Reason::Unavailable(outcome.err().unwrap_or(FetchError::Stopped)));
        };
        match (held.find(id, algorithm), outcome) {
            (Ok(key), _) => Ok(key),
            // It may be one of the keys that could not be fetched.
            (Err(Reason::UnknownKey), Err(error)) => Err(Reason::Unavailable(error)),
            (Err(reason), _) => Err(reason),
        }
    }

    /// Fetches, unless somebody has tried less than `pause` ago: whoever waited for another gets their outcome.
    async fn refresh(&self, now: SystemTime, pause: Duration, wait: bool) -> Result<(), FetchError> {
        let mut last = match self.0.last.clone().try_lock_owned() {
            Ok(last) => last,
            Err(_) if !wait => return Ok(()),
            Err(_) => {
                timeout(TIMEOUT, self.0.last.clone().lock_owned()).await.map_err(|_| FetchError::TimedOut)?
            }
        };
        if let Some(last) = last.as_ref().filter(|last| apart(now, last.at) < pause) {
            return last.outcome.clone();
        }
        // A task of its own: whoever asked may go away, and others are waiting.
        let shared = self.0.clone();
        let fetching = tokio::spawn(async move {
            let outcome = shared.fetch(now).await;
            *last = Some(Attempt { at: now, outcome: outcome.clone() });
            outcome
        });
        fetching.await.unwrap_or(Err(FetchError::Stopped))
    }
}

impl Shared {
    fn current(&self) -> Option<Fetched> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn usable(&self, now: SystemTime) -> Option<Fetched> {
        self.current().filter(|held| apart(now, held.at) <= KEEP)
    }

    async fn fetch(&self, now: SystemTime) -> Result<(), FetchError> {
        let published = match self.source.load().await {
            Ok(published) => published,
            Err(error) => {
                tracing::warn!(issuer = self.issuer, %error, "keys of an issuer could not be fetched");
                return Err(error);
            }
        };
        let of = published.len();
        let keys: Arc<[_]> =
            published.into_iter().take(MAX_KEYS).filter_map(Key::read).map(Arc::new).collect();
        tracing::debug!(issuer = self.issuer, keys = keys.len(), of, "fetched the keys of an issuer");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Fetched { at: now, keys });
        Ok(())
    }
}

impl Fetched {
    fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    fn find(&self, id: &str, algorithm: Algorithm) -> Result<Arc<Key>, Reason> {
        // Keys of different types may share an id (RFC 7517, 4.5).
        let fitting = self.keys.iter().find(|key| key.id == id && key.fits(algorithm));
        fitting.cloned().ok_or(if self.has(id) { Reason::UnfitKey } else { Reason::UnknownKey })
    }
}

impl Key {
    /// A key to verify with. Others in a set are for something else: for encryption, of types that are not read.
    fn read(published: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(published).ok()?;
        let common = &jwk.common;
        let for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
        let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        if !for_signatures || !verifies {
            return None;
        }
        let curve = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => None,
            AlgorithmParameters::EllipticCurve(key) => Some(key.curve.clone()),
            AlgorithmParameters::OctetKeyPair(key) => Some(key.curve.clone()),
            // A shared secret does not belong into a public place.
            _ => return None,
        };
        let algorithm = match common.key_algorithm {
            None => None,
            Some(named) => Some(jsonwebtoken::Algorithm::try_from(named).ok()?),
        };
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: jwk.common.key_id?, algorithm, curve, decoding })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let wanted = algorithm.of_library();
        let curve = match algorithm {
            Algorithm::ES256 => Some(EllipticCurve::P256),
            Algorithm::ES384 => Some(EllipticCurve::P384),
            Algorithm::EdDSA => Some(EllipticCurve::Ed25519),
            _ => None,
        };
        self.algorithm.is_none_or(|own| own == wanted)
            && self.curve == curve
            && self.decoding.family() == wanted.family()
            && wanted.family() != AlgorithmFamily::Hmac
    }
}

/// Time between two times, also when the clock was set back: of callers at once either may be first.
fn apart(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}
