//! Roles that a token of another issuer claims, as assignments that end by themselves.

use std::collections::BTreeMap;

use guestlist_contract::types::{Grant, GrantKind, UserRef};
use guestlist_storage::PageOf;
use guestlist_tokens::Verified;

use crate::{app::App, problem::Problem};

/// The roles of one organization that are read from a token.
const MOST: usize = 50;

impl App {
    /// Renews the roles that a token claims in each organization that it names, and ends those that it no longer
    /// claims. Answers with the organization that the token is for, where it names exactly one.
    pub async fn lease(
        &self,
        root: &str,
        account: &UserRef,
        verified: &Verified,
    ) -> Result<Option<String>, Problem> {
        let mut claimed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut one = None;
        for named in &verified.roles {
            let found = self.accounts.organization_by_handle(root, &named.organization).await?;
            let Some(organization) = found else {
                tracing::info!(issuer = verified.issuer, "a token names an organization that is not here");
                continue;
            };
            let roles = self.roles_named(&organization.id, &named.roles).await?;
            one = Some(organization.id.clone()).filter(|_| verified.roles.len() == 1);
            claimed.entry(organization.id).or_default().extend(roles);
        }
        let administration = self.database.administration();
        let now = self.now();
        let until = now.saturating_add(self.config.claims_lease.0);
        // What lasts for half of the time yet is not written again: a token is seen many times.
        let fresh = now.saturating_add(self.config.claims_lease.0 / 2);
        let leases = self.database.reading().leases(account, &verified.issuer).await?;
        for lease in &leases {
            claimed.entry(lease.organization.clone()).or_default();
        }
        for (organization, mut roles) in claimed {
            roles.sort();
            roles.dedup();
            let held: Vec<_> = leases.iter().filter(|lease| lease.organization == organization).collect();
            let same = held.len() == roles.len()
                && held.iter().all(|lease| roles.contains(&lease.role) && lease.until >= fresh);
            if same {
                continue;
            }
            // Who is no member has no role there; that is no reason to turn them away.
            let leased =
                administration.lease_roles(&organization, account, &verified.issuer, &roles, until).await;
            if let Err(error) = leased {
                tracing::info!(organization, %error, "the roles of a token were not taken over");
            }
        }
        Ok(one)
    }

    /// The ids of roles that a token names, by id or by name. What is no role here is left out.
    async fn roles_named(&self, organization: &str, names: &[String]) -> Result<Vec<String>, Problem> {
        let reading = self.database.reading();
        let mut ids = Vec::new();
        for name in names.iter().take(MOST) {
            let role = Grant { kind: GrantKind::Role, id: name.clone() };
            if matches!(reading.names_of_grants(organization, &[role]).await?.as_slice(), [Some(_)]) {
                ids.push(name.clone());
                continue;
            }
            let page = PageOf { after: None, limit: 200 };
            let found = reading.targets(organization, GrantKind::Role, Some(name), &page).await?;
            ids.extend(found.items.into_iter().filter(|role| role.name == *name).map(|role| role.grant.id));
        }
        Ok(ids)
    }
}
