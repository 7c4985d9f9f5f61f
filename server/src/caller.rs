//! Who calls, by a token of this server, a token of another issuer, or a session.

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, Method, header};
use guestlist_contract::{
    rights::Rights,
    types::{Permissions, Principal},
};

use guestlist_storage::Identity;

use crate::{app::App, places::Place, problem::Problem, secret, session};

/// The letters that tokens of this server begin with.
pub const TOKEN: &str = "gla_";

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// A person or a client.
    pub principal: Principal,
    /// The root organization whose caller it is.
    pub root: String,
    /// The organization that a token is good for; absent for whoever may be in several.
    pub organization: Option<String>,
    /// Rights that the token allows at most; absent: all that the caller may.
    pub most: Option<Rights>,
    /// A browser says it with its cookie, which it sends whoever made the request.
    pub by_session: bool,
    /// Time for which the token is good yet, in milliseconds; absent for a session.
    pub left: Option<u64>,
}

/// The scopes of the reference, and what they let through.
const SCOPES: [(&str, &[Permissions]); 3] = [
    ("internal_org_guest_mgt_invite_add", &[Permissions::INVITE, Permissions::SEE_CODE]),
    ("internal_org_guest_mgt_invite_list", &[Permissions::VIEW]),
    ("internal_org_guest_mgt_invite_delete", &[Permissions::REVOKE]),
];

/// The prefix of a scope that names a right of ours, as in `guestlist:manage-people`.
pub const OURS: &str = "guestlist:";

/// What the scopes of a token let through. Scopes of others are no business of this server. `None`: it has none
/// that means anything here.
pub fn most(scopes: &[String]) -> Option<Rights> {
    let right = |scope: &String| {
        let reference = SCOPES.iter().find(|(name, _)| name == scope);
        let reference = reference.map(|(_, all)| all.iter().copied().map(Rights::from).collect::<Rights>());
        reference.or_else(|| scope.strip_prefix(OURS)?.parse().ok())
    };
    let known: Vec<Rights> = scopes.iter().filter_map(right).collect();
    (!known.is_empty()).then(|| known.into_iter().collect())
}

/// The token of a request.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let unclear =
        || Problem::unauthorized("The header `Authorization` is not understood: say `Bearer TOKEN`.");
    if all.next().is_some() {
        return Err(unclear());
    }
    let text = value.to_str().map_err(|_| unclear())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(unclear)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unclear());
    }
    Ok(Some(token.trim()))
}

impl App {
    /// Finds out who calls below a root: by a token, or else by a session. `None` where nobody says who they are,
    /// or their session is over.
    ///
    /// # Errors
    /// A token that does not count here; a request of a session that changes something, and comes from no page of
    /// this server; the database has no answer.
    pub async fn caller(
        &self,
        place: &Place,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Caller>, Problem> {
        let root = &place.root;
        let Some(token) = bearer(headers)? else {
            let caller = self.by_session(place, headers).await?;
            if caller.is_some() && !session::is_safe(method) && !session::is_own_page(headers, &self.links) {
                return Err(Problem::foreign());
            }
            return Ok(caller);
        };
        let refused = || {
            Problem::unauthorized("The token is unknown, has expired, was revoked, or is for another root.")
        };
        Ok(Some(self.who(root, token).await?.ok_or_else(refused)?))
    }

    /// Finds out who has a token that counts below a root.
    ///
    /// # Errors
    /// The database or the token's issuer has no answer.
    pub async fn who(&self, root: &str, token: &str) -> Result<Option<Caller>, Problem> {
        let caller = match token.starts_with(TOKEN) {
            true => self.by_own_token(token).await?,
            false => self.by_outside_token(root, token).await?,
        };
        Ok(caller.filter(|caller| caller.root == root))
    }

    async fn by_session(&self, place: &Place, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        let Some(token) = session::token(headers, &place.handle, &self.links) else { return Ok(None) };
        let Some(found) = self.accounts.resume_session(&secret::digest(token)).await? else {
            return Ok(None);
        };
        // Their organization may be in another root by now.
        let root = self.accounts.root_of(&found.account.organization).await?;
        if found.root != place.root || root.as_ref() != Some(&place.root) {
            return Ok(None);
        }
        Ok(Some(Caller {
            principal: Principal::User(found.account),
            root: found.root,
            organization: None,
            most: None,
            by_session: true,
            left: None,
        }))
    }

    async fn by_own_token(&self, token: &str) -> Result<Option<Caller>, Problem> {
        let Some(found) = self.accounts.find_token(&secret::digest(token)).await? else { return Ok(None) };
        let Some(root) = self.accounts.root_of(&found.organization).await? else { return Ok(None) };
        Ok(Some(Caller {
            principal: found.holder,
            root,
            left: Some(found.expires_at.saturating_sub(self.now())),
            organization: Some(found.organization),
            most: match found.scopes.is_empty() {
                true => None,
                false => Some(most(&found.scopes).unwrap_or_default()),
            },
            by_session: false,
        }))
    }

    /// A token of an issuer that the configuration names. Who is linked to its subject calls. The roles that it
    /// claims become leases, in each organization that it names, so that they outlive the token and end with the
    /// claim.
    async fn by_outside_token(&self, root: &str, token: &str) -> Result<Option<Caller>, Problem> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(self.now());
        let verified = match self.issuers.verify(token, now).await {
            Ok(verified) => verified,
            Err(error) => {
                tracing::info!(%error, "a token of another issuer was not believed");
                return if error.is_unavailable() { Err(Problem::unavailable()) } else { Ok(None) };
            }
        };
        let identity = Identity { issuer: verified.issuer.clone(), subject: verified.subject.clone() };
        let found = self.accounts.account_of(root, &identity).await?;
        let Some(account) = found.filter(|found| found.active).map(|found| found.account) else {
            tracing::info!(issuer = verified.issuer, "a token's subject is nobody here");
            return Ok(None);
        };
        let organization = self.lease(root, &account, &verified).await?;
        // Without a scope of this server it lets nothing through: whoever issued it may not even know of us.
        let most = Some(most(&verified.scopes).unwrap_or_default());
        let left = verified.expires_at.duration_since(now).unwrap_or_default();
        Ok(Some(Caller {
            principal: Principal::User(account),
            root: root.to_owned(),
            organization,
            most,
            by_session: false,
            left: Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
        }))
    }
}
