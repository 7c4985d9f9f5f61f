//! Why a token is not believed, for the log of the server. Nothing of the token is in it.

/// Value of `WWW-Authenticate` (RFC 6750) for every token that is not believed: whoever sent it is not told why.
pub const CHALLENGE: &str = "Bearer error=\"invalid_token\"";

/// A token that is not believed.
///
/// For the log. Outward there is one answer, [`CHALLENGE`] with the status 401, or the status 503 where
/// [`TokenError::is_unavailable`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token of {}: {reason}", self.issuer.as_deref().map_or("an unknown issuer".to_owned(), |name| format!("`{name}`")))]
#[non_exhaustive]
pub struct TokenError {
    /// The issuer as it is configured, when the token names one that is.
    pub issuer: Option<String>,
    /// What is wrong.
    pub reason: Reason,
}

/// Reasons why a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It is longer than [`MAX_TOKEN`](crate::MAX_TOKEN).
    #[error("it is longer than {max} bytes", max = crate::MAX_TOKEN)]
    TooLong,
    /// It is no signed JWT: not three parts, no base64url, no JSON, or JSON of another shape.
    #[error("it is no signed JWT")]
    Malformed,
    /// It is encrypted (JWE).
    #[error("it is encrypted; let the issuer only sign")]
    Encrypted,
    /// Its `iss` is none of the issuers.
    #[error("its `iss` is not configured")]
    Issuer,
    /// Its `alg` is not in the list of its issuer: another one, `none`, or one with a shared secret.
    #[error("its algorithm is not in `algorithms`")]
    Algorithm,
    /// Its header has `crit`, `b64`, `enc` or `zip`.
    #[error("its header changes how it has to be read, by `crit`, `b64`, `enc` or `zip`")]
    Critical,
    /// Its header has no `kid`.
    #[error("its header has no `kid`")]
    NoKeyId,
    /// Its `kid` is none of the keys that the issuer publishes.
    #[error("its key is none that the issuer publishes")]
    UnknownKey,
    /// Its `kid` is a key of another type, or for another algorithm.
    #[error("its key is not for its algorithm")]
    UnfitKey,
    /// Its signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// A claim is missing or of a wrong type.
    #[error("its claim `{0}` is missing or of a wrong type")]
    Claim(String),
    /// None of the audiences is in its `aud`.
    #[error("none of `audiences` is in its `aud`")]
    Audience,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come: `nbf` or `iat` are in the future.
    #[error("it is not valid yet; compare the clocks")]
    NotYetValid,
    /// Nothing says that it is an access token, or something says that it is an ID token.
    #[error("it is no access token by `access-tokens`")]
    NotAccessToken,
    /// It is bound to a key of its owner (`cnf`), and the proof is not checked here.
    #[error("it is bound to a key by `cnf`, and only bearer tokens are taken")]
    Bound,
    /// The issuer's keys could not be had. It says nothing about the token: ask again later.
    #[error("keys are unavailable: {0}")]
    Unavailable(FetchError),
}

impl TokenError {
    /// Tells whether the token could not be judged, so that the answer is 503 and not 401.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self.reason, Reason::Unavailable(_))
    }
}

/// Reasons why keys could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// An answer did not come within [`TIMEOUT`](crate::TIMEOUT).
    #[error("no answer in {seconds} seconds", seconds = crate::TIMEOUT.as_secs())]
    TimedOut,
    /// There was no connection, or it broke.
    #[error("`{address}` cannot be reached: {cause}")]
    Connection {
        /// The address.
        address: String,
        /// What the network said.
        cause: String,
    },
    /// Another answer than 200.
    #[error("`{address}` answers {status}; redirects are not followed")]
    Status {
        /// The address.
        address: String,
        /// The status.
        status: u16,
    },
    /// It is longer than [`MAX_DOCUMENT`](crate::MAX_DOCUMENT).
    #[error("`{0}` is longer than {max} bytes", max = crate::MAX_DOCUMENT)]
    TooLong(String),
    /// It is no JSON of the right shape.
    #[error("`{place}` is no {expected}")]
    Shape {
        /// The address or file.
        place: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// The discovered document is of another issuer.
    #[error("`{0}` is the configuration of another issuer; write `issuer` exactly as it stands there")]
    OtherIssuer(String),
    /// The discovered address cannot be fetched from.
    #[error("`jwks_uri` in `{place}` {problem}")]
    Address {
        /// The discovered document.
        place: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file cannot be read.
    #[error("`{file}` cannot be read: {cause}")]
    File {
        /// The file.
        file: String,
        /// What the system said.
        cause: String,
    },
    /// Fetching stopped in the middle, as when the runtime ends.
    #[error("fetching was stopped")]
    Stopped,
}
