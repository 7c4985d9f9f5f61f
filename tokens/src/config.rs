//! What a server says about each issuer that it believes.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{claims::Pointer, claims::RoleMapping, fetch};

/// Largest difference of clocks that can be allowed.
pub const MAX_SKEW: Duration = Duration::from_secs(300);

/// An issuer whose access tokens are believed.
///
/// In a configuration file names have dashes: `access-tokens`, `scope-claim`. Only `issuer` and `audiences` are
/// needed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Issuer {
    /// Its name as in the claim `iss`, compared letter for letter.
    pub issuer: String,
    /// Names of this server, one of which has to be in the claim `aud`. An address that the issuer gives to
    /// APIs, not the id of a client that people sign in with.
    pub audiences: Vec<String>,
    /// Where its public keys are.
    #[serde(default)]
    pub keys: KeySource,
    /// File with the certificates (PEM) that its server is believed by, instead of those of this machine.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Algorithms that it signs with.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// What tells its access tokens from its ID tokens.
    #[serde(default)]
    pub access_tokens: AccessTokens,
    /// Difference of clocks that is allowed, at most [`MAX_SKEW`]. Seconds in a file; 60 unless said.
    #[serde(default = "skew", deserialize_with = "seconds")]
    pub skew: Duration,
    /// Claim with the scopes: text with spaces, or a list.
    #[serde(default = "scope_claim")]
    pub scope_claim: String,
    /// Which claims say what the caller is in organizations.
    #[serde(default)]
    pub roles: RoleMapping,
}

/// Where the public keys of an issuer are.
///
/// What is fetched is fetched over `https`, or over `http` from this machine. Redirects are not followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// In the `jwks_uri` of ISSUER`/.well-known/openid-configuration`.
    #[default]
    Discovery,
    /// At this address.
    JwksUri(String),
    /// In this file, which is read again as often as an address would be fetched.
    File(PathBuf),
}

/// What tells an access token from an ID token of the same issuer.
///
/// Whatever is chosen: a token with `at_hash`, `c_hash` or `s_hash`, or with a `typ` of `ID`, `Refresh` or
/// `Logout` in its claims, is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessTokens {
    /// The header of RFC 9068, or the claim of Keycloak.
    #[default]
    Either,
    /// `typ` in the header is `at+jwt` or `application/at+jwt` (RFC 9068).
    Header,
    /// `typ` in the claims is `Bearer` (Keycloak).
    Bearer,
    /// A claim has a value, and there is no `nonce`. Choose a claim that no ID token of this issuer has: nothing
    /// else tells them apart then.
    Claim {
        /// Path to the claim.
        at: Pointer,
        /// The value, as text.
        value: String,
    },
}

/// An algorithm with a public and a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[allow(missing_docs, reason = "names of RFC 7518 and RFC 8037")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// Reasons why a list of issuers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two entries have one name.
    #[error("issuer `{0}` is there twice; put its audiences into one entry")]
    Twice(String),
    /// A setting is empty.
    #[error("issuer `{issuer}` has no `{setting}`; name at least one")]
    Empty {
        /// The issuer.
        issuer: String,
        /// The setting.
        setting: &'static str,
    },
    /// The difference of clocks is larger than [`MAX_SKEW`].
    #[error("issuer `{0}` has a `skew` of more than {max} seconds", max = MAX_SKEW.as_secs())]
    Skew(String),
    /// An address cannot be fetched from.
    #[error("issuer `{issuer}`: `{address}` {problem}")]
    Address {
        /// The issuer.
        issuer: String,
        /// The address.
        address: String,
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// Certificates cannot be used.
    #[error("issuer `{issuer}`: {problem}")]
    Certificates {
        /// The issuer.
        issuer: String,
        /// What is wrong with them, and what to do.
        problem: String,
    },
}

impl Issuer {
    /// Describes an issuer with keys by discovery, and everything else as usual.
    pub fn new<A: Into<String>>(issuer: impl Into<String>, audiences: impl IntoIterator<Item = A>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: audiences.into_iter().map(Into::into).collect(),
            keys: KeySource::Discovery,
            ca_file: None,
            algorithms: algorithms(),
            access_tokens: AccessTokens::Either,
            skew: skew(),
            scope_claim: scope_claim(),
            roles: RoleMapping::None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let empty = |setting| ConfigError::Empty { issuer: self.issuer.clone(), setting };
        if self.issuer.is_empty() {
            return Err(empty("issuer"));
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(empty("audiences"));
        }
        if self.algorithms.is_empty() {
            return Err(empty("algorithms"));
        }
        if self.scope_claim.is_empty() {
            return Err(empty("scope-claim"));
        }
        if self.skew > MAX_SKEW {
            return Err(ConfigError::Skew(self.issuer.clone()));
        }
        let address = match &self.keys {
            KeySource::Discovery => fetch::discovery(&self.issuer),
            KeySource::JwksUri(address) => address.clone(),
            KeySource::File(_) => return Ok(()),
        };
        fetch::address(&address).map(drop).map_err(|problem| ConfigError::Address {
            issuer: self.issuer.clone(),
            address,
            problem,
        })
    }
}

impl Algorithm {
    pub(crate) fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
            Self::RS384 => jsonwebtoken::Algorithm::RS384,
            Self::RS512 => jsonwebtoken::Algorithm::RS512,
            Self::PS256 => jsonwebtoken::Algorithm::PS256,
            Self::PS384 => jsonwebtoken::Algorithm::PS384,
            Self::PS512 => jsonwebtoken::Algorithm::PS512,
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::ES384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

fn algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::PS256]
}

fn skew() -> Duration {
    Duration::from_secs(60)
}

fn scope_claim() -> String {
    "scope".to_owned()
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = u64::deserialize(deserializer)?;
    let skew = Duration::from_secs(seconds);
    if skew > MAX_SKEW {
        let max = MAX_SKEW.as_secs();
        return Err(D::Error::custom(format_args!("`skew` is {seconds} seconds, and {max} at most")));
    }
    Ok(skew)
}
