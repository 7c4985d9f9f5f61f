//! Judging one token.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Validation, errors::ErrorKind};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    claims::ClaimedRoles,
    config::{AccessTokens, Algorithm, ConfigError, Issuer},
    error::{Reason, TokenError},
    fetch::Source,
    jwks::Jwks,
    provider,
};

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// Last second of the year 9999; times after it are mistakes.
const LAST_SECOND: u64 = 253_402_300_799;

/// The issuers whose tokens a server believes. Cheap to share behind an `Arc`.
pub struct Issuers(Vec<Known>);

struct Known {
    issuer: Issuer,
    jwks: Jwks,
}

/// A caller whose token is believed.
#[derive(Clone, PartialEq)]
pub struct Verified {
    /// The issuer, as configured.
    pub issuer: String,
    /// The claim `sub`: who it is. Unique within the issuer only.
    pub subject: String,
    /// The application that the token was given to: `client_id`, or else `azp`.
    pub client_id: Option<String>,
    /// Scopes in the order of the token.
    pub scopes: Vec<String>,
    /// Whether an application calls for itself, and no person: the subject is the client, or Keycloak's account
    /// for the client (`service-account-CLIENT` as `preferred_username`).
    pub is_service_account: bool,
    /// When the token ends, without the allowed difference of clocks.
    pub expires_at: SystemTime,
    /// What the issuer's [`RoleMapping`](crate::RoleMapping) finds.
    pub roles: Vec<ClaimedRoles>,
    /// All claims, an object.
    pub claims: Value,
}

impl fmt::Debug for Verified {
    /// Leaves out the claims: they are personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("client_id", &self.client_id)
            .field("scopes", &self.scopes)
            .field("is_service_account", &self.is_service_account)
            .field("expires_at", &self.expires_at)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|known| &known.issuer.issuer)).finish()
    }
}

/// The header, read before anything is believed, to say what is wrong with it.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<Value>,
    b64: Option<Value>,
    enc: Option<Value>,
    zip: Option<Value>,
}

impl Issuers {
    /// Makes issuers ready. Nothing is fetched yet; certificates are read.
    ///
    /// # Errors
    ///
    /// What is wrong with which issuer.
    pub fn new(issuers: Vec<Issuer>) -> Result<Self, ConfigError> {
        provider::install();
        let mut known: Vec<Known> = Vec::with_capacity(issuers.len());
        for issuer in issuers {
            issuer.check()?;
            if known.iter().any(|other| other.issuer.issuer == issuer.issuer) {
                return Err(ConfigError::Twice(issuer.issuer));
            }
            let jwks = Jwks::new(issuer.issuer.clone(), Source::new(&issuer)?);
            known.push(Known { issuer, jwks });
        }
        Ok(Self(known))
    }

    /// Judges a token: what stands after `Bearer ` in `Authorization`.
    ///
    /// `now` is the time of this machine; it also decides when keys are fetched again.
    ///
    /// # Errors
    ///
    /// Why the token is not believed, for the log. Waits for the issuer at most twice
    /// [`TIMEOUT`](crate::TIMEOUT).
    pub async fn verify(&self, token: &str, now: SystemTime) -> Result<Verified, TokenError> {
        let nobody = |reason| TokenError { issuer: None, reason };
        let (header, claims) = open(token).map_err(nobody)?;
        let issuer =
            claims.text("iss").and_then(|name| name.ok_or_else(|| missing("iss"))).map_err(nobody)?;
        let known = self.0.iter().find(|known| known.issuer.issuer == issuer);
        let known = known.ok_or_else(|| nobody(Reason::Issuer))?;
        known
            .judge(token, &header, &claims, now)
            .await
            .map_err(|reason| TokenError { issuer: Some(known.issuer.issuer.clone()), reason })
    }
}

/// Header and claims of a token that has the right shape, neither of them believed yet.
fn open(token: &str) -> Result<(Header, Claims), Reason> {
    if token.len() > MAX_TOKEN {
        return Err(Reason::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(_), rest) =
        (parts.next(), parts.next(), parts.next(), parts.count())
    else {
        return Err(Reason::Malformed);
    };
    match rest {
        0 => {}
        2 => return Err(Reason::Encrypted),
        _ => return Err(Reason::Malformed),
    }
    Ok((part(header)?, Claims(Value::Object(part(claims)?))))
}

fn part<T: DeserializeOwned>(encoded: &str) -> Result<T, Reason> {
    let text = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Reason::Malformed)?;
    serde_json::from_slice(&text).map_err(|_| Reason::Malformed)
}

impl Known {
    async fn judge(
        &self,
        token: &str,
        header: &Header,
        unverified: &Claims,
        now: SystemTime,
    ) -> Result<Verified, Reason> {
        let algorithm = self.algorithm(&header.alg)?;
        if [&header.crit, &header.b64, &header.enc, &header.zip].into_iter().any(Option::is_some) {
            return Err(Reason::Critical);
        }
        unverified.check_types()?;
        let key_id = header.kid.as_deref().ok_or(Reason::NoKeyId)?;
        let key = self.jwks.key(key_id, algorithm, now).await?;

        let mut validation = Validation::new(algorithm.of_library());
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        validation.set_issuer(&[&self.issuer.issuer]);
        validation.set_audience(&self.issuer.audiences);
        // It asks the clock itself; times are compared with `now` below.
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, &key.decoding, &validation);
        let decoded = decoded.map_err(|error| reason(error.into_kind()))?;
        let claims = Claims(Value::Object(decoded.claims));

        let expires_at = self.times(&claims, now)?;
        self.is_access_token(header, &claims)?;
        if claims.0.get("cnf").is_some() {
            return Err(Reason::Bound);
        }
        self.verified(claims, expires_at)
    }

    fn algorithm(&self, name: &str) -> Result<Algorithm, Reason> {
        let named = self.issuer.algorithms.iter().find(|algorithm| algorithm.to_string() == name);
        named.copied().ok_or(Reason::Algorithm)
    }

    fn times(&self, claims: &Claims, now: SystemTime) -> Result<SystemTime, Reason> {
        let skew = self.issuer.skew;
        let expires_at = claims.time("exp")?.ok_or_else(|| missing("exp"))?;
        if now >= expires_at + skew {
            return Err(Reason::Expired);
        }
        for claim in ["nbf", "iat"] {
            if claims.time(claim)?.is_some_and(|time| time > now + skew) {
                return Err(Reason::NotYetValid);
            }
        }
        Ok(expires_at)
    }

    fn is_access_token(&self, header: &Header, claims: &Claims) -> Result<(), Reason> {
        let typ = claims.0.get("typ").and_then(Value::as_str);
        let by_header = || {
            let typ = header.typ.as_deref().unwrap_or_default();
            ["at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
        };
        let by_claim = || typ == Some("Bearer");
        let is_one = match &self.issuer.access_tokens {
            AccessTokens::Either => by_header() || by_claim(),
            AccessTokens::Header => by_header(),
            AccessTokens::Bearer => by_claim(),
            AccessTokens::Claim { at, value } => {
                at.of(&claims.0).and_then(Value::as_str) == Some(value) && claims.0.get("nonce").is_none()
            }
        };
        let of_another_kind = matches!(typ, Some("ID" | "Refresh" | "Offline" | "Logout"));
        let with_hashes =
            ["at_hash", "c_hash", "s_hash"].into_iter().any(|hash| claims.0.get(hash).is_some());
        if !is_one || of_another_kind || with_hashes {
            return Err(Reason::NotAccessToken);
        }
        Ok(())
    }

    fn verified(&self, claims: Claims, expires_at: SystemTime) -> Result<Verified, Reason> {
        let subject = claims.text("sub")?.ok_or_else(|| missing("sub"))?.to_owned();
        let azp = claims.text("azp")?;
        let client_id = claims.text("client_id")?.or(azp).map(str::to_owned);
        let scopes = claims.scopes(&self.issuer.scope_claim)?;
        let name = claims.0.get("preferred_username").and_then(Value::as_str);
        let is_service_account = client_id.as_deref().is_some_and(|client| {
            let account = name.and_then(|name| name.strip_prefix("service-account-"));
            subject == client || account.is_some_and(|account| account.eq_ignore_ascii_case(client))
        });
        let roles = self.issuer.roles.read(&claims.0).map_err(Reason::Claim)?;
        let (issuer, claims) = (self.issuer.issuer.clone(), claims.0);
        Ok(Verified { issuer, subject, client_id, scopes, is_service_account, expires_at, roles, claims })
    }
}

/// The claims, an object.
struct Claims(Value);

impl Claims {
    /// A text that is not empty.
    fn text(&self, claim: &str) -> Result<Option<&str>, Reason> {
        match self.0.get(claim) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(missing(claim)),
        }
    }

    /// Names the claim that the library would stumble over without a word.
    fn check_types(&self) -> Result<(), Reason> {
        self.text("sub")?;
        self.time("exp")?;
        self.time("nbf")?;
        match self.0.get("aud") {
            None | Some(Value::String(_)) => Ok(()),
            Some(Value::Array(all)) if all.iter().all(Value::is_string) => Ok(()),
            Some(_) => Err(missing("aud")),
        }
    }

    /// A NumericDate of RFC 7519, which may have a fraction.
    fn time(&self, claim: &str) -> Result<Option<SystemTime>, Reason> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| (0.0..=LAST_SECOND as f64).contains(seconds));
        Ok(Some(UNIX_EPOCH + Duration::from_secs_f64(seconds.ok_or_else(|| missing(claim))?)))
    }

    fn scopes(&self, claim: &str) -> Result<Vec<String>, Reason> {
        match self.0.get(claim) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(text.split_ascii_whitespace().map(str::to_owned).collect()),
            Some(Value::Array(all)) => {
                let all: Option<_> = all.iter().map(|one| one.as_str().map(str::to_owned)).collect();
                all.ok_or_else(|| missing(claim))
            }
            Some(_) => Err(missing(claim)),
        }
    }
}

fn missing(claim: &str) -> Reason {
    Reason::Claim(claim.to_owned())
}

/// What the library says is wrong.
fn reason(kind: ErrorKind) -> Reason {
    match kind {
        ErrorKind::InvalidSignature => Reason::Signature,
        ErrorKind::InvalidAudience => Reason::Audience,
        ErrorKind::InvalidIssuer => Reason::Issuer,
        ErrorKind::InvalidAlgorithm => Reason::Algorithm,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => Reason::Claim(claim),
        _ => Reason::Malformed,
    }
}
