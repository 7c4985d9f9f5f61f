//! Keeps what the host has answered in one call, so that a hundred invitations ask little more than one.
//!
//! It is for checks that only read, within one call: what comes after a claim asks anew.

use crate::{
    Capabilities, answers,
    contract::imports::{
        directory::{Organization, User},
        membership::{Eligibility, Resolved},
        types::{Grant, HostError, Invitation, Permissions, Principal, Subject, UserRef},
    },
    refusals::account,
    request::USERS,
};

type Key<T> = (T, Vec<Grant>);

/// Answers about one organization, and how many host calls they took.
#[derive(Default)]
pub struct Known {
    active: Option<Option<Organization>>,
    users: Vec<(UserRef, Option<User>)>,
    standings: Vec<(Principal, Option<Permissions>)>,
    resolved: Vec<(Key<Principal>, Vec<Option<Resolved>>)>,
    eligible: Vec<(Key<UserRef>, Eligibility)>,
    /// Host calls so far.
    pub spent: u32,
}

impl Known {
    /// Asks about the people of all these invitations at once. What fails is asked again for each of them.
    pub fn prefetch(&mut self, host: &impl Capabilities, organization: &str, rows: &[&Invitation]) {
        let Ok(Some(Organization { parent: Some(parent), .. })) = self.active(host, organization) else {
            return;
        };
        let rows: Vec<_> = rows.iter().filter(|row| row.parent == parent).collect();
        let mut subjects: Vec<UserRef> = Vec::new();
        for subject in rows.iter().filter_map(|row| account(&row.subject)) {
            if !subjects.contains(subject) && !self.users.iter().any(|(known, _)| known == subject) {
                subjects.push(subject.clone());
            }
        }
        subjects.truncate(USERS as usize);
        if subjects.len() < 2 {
            return;
        }
        self.spent += 1;
        if let Ok(users) = host.get_users(&parent, &subjects)
            && users.len() == subjects.len()
        {
            self.users.extend(subjects.iter().cloned().zip(users));
        }
        let mut asked: Vec<&Vec<Grant>> = Vec::new();
        for row in &rows {
            if asked.contains(&&row.grants) {
                continue;
            }
            asked.push(&row.grants);
            self.prefetch_eligible(host, organization, &rows, &row.grants);
        }
    }

    fn prefetch_eligible(
        &mut self,
        host: &impl Capabilities,
        organization: &str,
        rows: &[&&Invitation],
        grants: &[Grant],
    ) {
        let alike = rows.iter().filter(|row| row.grants == grants);
        let mut users: Vec<UserRef> = alike.filter_map(|row| account(&row.subject)).cloned().collect();
        users.truncate(USERS as usize);
        if users.len() < 2 {
            return;
        }
        self.spent += 1;
        if let Ok(list) = host.eligible(organization, &users, grants)
            && list.len() == users.len()
        {
            let keys = users.into_iter().map(|user| (user, grants.to_vec()));
            self.eligible.extend(keys.zip(list));
        }
    }

    /// The organization, if people can work in it now.
    ///
    /// # Errors
    /// The host's.
    pub fn active(
        &mut self,
        host: &impl Capabilities,
        organization: &str,
    ) -> Result<Option<Organization>, HostError> {
        if let Some(active) = &self.active {
            return Ok(active.clone());
        }
        self.spent += 1;
        Ok(self.active.insert(answers::active(host, organization)?).clone())
    }

    /// Finds somebody as the parent knows them.
    ///
    /// # Errors
    /// The host's.
    pub fn user(
        &mut self,
        host: &impl Capabilities,
        parent: &str,
        account: &UserRef,
    ) -> Result<Option<User>, HostError> {
        if let Some((_, user)) = self.users.iter().find(|(known, _)| known == account) {
            return Ok(user.clone());
        }
        self.spent += 1;
        let user = answers::one(host.get_users(parent, std::slice::from_ref(account))?)?;
        self.users.push((account.clone(), user.clone()));
        Ok(user)
    }

    /// Finds what somebody may do.
    ///
    /// # Errors
    /// The host's.
    pub fn standing(
        &mut self,
        host: &impl Capabilities,
        organization: &str,
        who: &Principal,
    ) -> Result<Option<Permissions>, HostError> {
        if let Some((_, standing)) = self.standings.iter().find(|(known, _)| known == who) {
            return Ok(*standing);
        }
        self.spent += 1;
        let standing = host.standing(organization, who)?;
        self.standings.push((who.clone(), standing));
        Ok(standing)
    }

    /// Finds which of the grants exist, and which the inviter may give.
    ///
    /// # Errors
    /// The host's.
    pub fn resolved(
        &mut self,
        host: &impl Capabilities,
        organization: &str,
        inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        let is_it = |known: &Key<Principal>| known.0 == *inviter && known.1 == grants;
        if let Some((_, resolved)) = self.resolved.iter().find(|(known, _)| is_it(known)) {
            return Ok(resolved.clone());
        }
        self.spent += 1;
        let resolved = answers::resolve(host, organization, inviter, grants)?;
        self.resolved.push(((inviter.clone(), grants.to_vec()), resolved.clone()));
        Ok(resolved)
    }

    /// Finds what stands between somebody and these grants.
    ///
    /// # Errors
    /// The host's.
    pub fn eligible(
        &mut self,
        host: &impl Capabilities,
        organization: &str,
        user: &UserRef,
        grants: &[Grant],
    ) -> Result<Eligibility, HostError> {
        let is_it = |known: &Key<UserRef>| known.0 == *user && known.1 == grants;
        if let Some((_, eligibility)) = self.eligible.iter().find(|(known, _)| is_it(known)) {
            return Ok(eligibility.clone());
        }
        self.spent += 1;
        let eligibility = answers::one(host.eligible(organization, std::slice::from_ref(user), grants)?)?;
        self.eligible.push(((user.clone(), grants.to_vec()), eligibility.clone()));
        Ok(eligibility)
    }

    /// Tells whether there is an address to write to.
    ///
    /// # Errors
    /// The host's.
    pub fn has_email(&mut self, host: &impl Capabilities, row: &Invitation) -> Result<bool, HostError> {
        let Subject::User(account) = &row.subject else { return Ok(false) };
        Ok(self.user(host, &row.parent, account)?.is_some_and(|user| user.has_email))
    }
}
