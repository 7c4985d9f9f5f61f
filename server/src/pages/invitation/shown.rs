//! Invitations with names instead of ids.

use guestlist_contract::{
    exports::invitee::Preview,
    types::{AcceptWith, Grant, GrantKind, Principal, State, Step, StepResult, UserRef},
};
use guestlist_mail::{Language, moment, one_line};

use crate::{
    app::App,
    pages::{page::Page, texts, visit::Visit, words},
    problem::Problem,
};

/// The longest name that is shown, in characters.
const NAME: usize = 120;

/// An invitation, and what can be done with it.
pub struct Card {
    /// The name of the organization.
    pub organization: String,
    /// Who invites.
    pub invited_by: String,
    pub groups: Vec<String>,
    pub roles: Vec<String>,
    /// Until when it can be answered; absent where it does not end.
    pub until: Option<String>,
    /// The ids by which a form means it.
    pub key_organization: String,
    pub key_id: String,
    /// The code that has led to it.
    pub code: Option<String>,
    /// It is accepted only with the code, and that is not known.
    pub wants_code: bool,
    /// It is being accepted at this moment.
    pub is_accepting: bool,
    /// Tells apart what is there several times on a page.
    pub place: usize,
}

/// A group or role, and what became of it.
pub struct Done {
    pub name: String,
    pub outcome: String,
}

/// Finds names.
pub struct Shower<'a> {
    app: &'a App,
    language: Language,
}

impl<'a> Shower<'a> {
    pub fn new(visit: &'a Visit, page: &Page) -> Self {
        Self { app: &visit.app, language: page.language }
    }

    /// The name of an organization.
    pub async fn organization(&self, id: &str) -> Result<String, Problem> {
        let names = self.app.database.reading().names_of_organizations(&[id.to_owned()]).await?;
        let name = names.into_iter().next().flatten().map(|name| one_line(&name, NAME));
        Ok(name.filter(|name| !name.is_empty()).unwrap_or_else(|| texts::without_name(self.language)))
    }

    /// The names of groups and roles.
    async fn grants(&self, organization: &str, grants: &[Grant]) -> Result<Vec<String>, Problem> {
        let names = self.app.database.reading().names_of_grants(organization, grants).await?;
        let shown = |name: Option<String>| {
            name.map_or_else(|| texts::gone(self.language), |name| one_line(&name, NAME))
        };
        Ok(names.into_iter().map(shown).collect())
    }

    async fn person(&self, account: &UserRef) -> Result<Option<String>, Problem> {
        let names = self.app.database.reading().names_of_accounts(std::slice::from_ref(account)).await?;
        Ok(names.into_iter().next().flatten().map(|name| one_line(&name, NAME)))
    }

    /// Shows invitations; with the code that has led to one.
    pub async fn cards(&self, previews: &[Preview], code: Option<&str>) -> Result<Vec<Card>, Problem> {
        let mut cards = Vec::new();
        for (place, preview) in previews.iter().enumerate() {
            cards.push(self.card(preview, code, place).await?);
        }
        Ok(cards)
    }

    async fn card(&self, preview: &Preview, code: Option<&str>, place: usize) -> Result<Card, Problem> {
        let id = &preview.key.organization;
        let inviter = match &preview.inviter {
            Principal::User(account) => self.person(account).await?,
            Principal::Client(_) | Principal::Anonymous | Principal::System => None,
        };
        let of_kind = |kind| preview.grants.iter().filter(move |grant| grant.kind == kind).cloned();
        let groups: Vec<_> = of_kind(GrantKind::Group).collect();
        let roles: Vec<_> = of_kind(GrantKind::Role).collect();
        let facts = self.app.database.reading().letter_facts(id).await?;
        let offset = facts.map_or(0, |facts| facts.utc_offset_minutes);
        let until = preview.expires_at.and_then(|at| moment(self.language, at, offset));
        Ok(Card {
            organization: self.organization(id).await?,
            invited_by: match inviter {
                Some(name) => texts::invited_by(self.language, name),
                None => texts::invited(self.language),
            },
            groups: self.grants(id, &groups).await?,
            roles: self.grants(id, &roles).await?,
            until: until.map(|until| texts::until(self.language, until)),
            key_organization: id.clone(),
            key_id: preview.key.id.clone(),
            code: code.map(str::to_owned),
            wants_code: preview.accept_with == AcceptWith::InviteeAndCode && code.is_none(),
            is_accepting: preview.state == State::Accepting,
            place,
        })
    }

    /// Says what became of each group and role.
    pub async fn done(&self, organization: &str, outcomes: &[StepResult]) -> Result<Vec<Done>, Problem> {
        let grants: Vec<(Grant, _)> = outcomes
            .iter()
            .filter_map(|result| match &result.step {
                Step::Grant(grant) => Some((grant.clone(), result.outcome)),
                // The heading says it.
                Step::Member => None,
            })
            .collect();
        let all: Vec<Grant> = grants.iter().map(|(grant, _)| grant.clone()).collect();
        let names = self.grants(organization, &all).await?;
        let told = |((grant, outcome), name): ((Grant, _), String)| {
            let name = match grant.kind {
                GrantKind::Group => texts::group_named(self.language, name),
                GrantKind::Role => texts::role_named(self.language, name),
            };
            Done { name, outcome: words::outcome(self.language, outcome) }
        };
        Ok(grants.into_iter().zip(names).map(told).collect())
    }
}
