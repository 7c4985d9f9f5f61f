//! The plugin as a component: imports become [`Capabilities`], use cases become exports.

use crate::{
    Capabilities, accept, approval,
    contract::{
        exports::{
            invitations::{self, InviteRequest, Invited, ItemRefusal, Owner, Refusal, RevokedAll},
            invitee::{self, Accepted, Handle, InviteeRefusal, Preview, PreviewPage},
            maintenance::{self, SweepRefusal, Swept},
        },
        imports::{
            audit,
            directory::{self, Found, LookupError, Organization, User},
            membership::{self, Eligibility, Resolved},
            notifications::{self, Message, SendError, Sent},
            policy::{self, AcceptFacts, InviteFacts, PolicyError},
            settings::{self, Values},
            storage::{
                self, Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned,
            },
            types::{
                Context, Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest,
                Permissions, Principal, State, Step, StepOutcome, StepResult, UserRef, Verdict,
            },
        },
        random,
    },
    decline, dismiss, invite, list, resend, revoke, sweep,
};

struct Imports;

impl Capabilities for Imports {
    fn random(&self, length: usize) -> Vec<u8> {
        random::get_random_bytes(length as u64)
    }
    fn settings(&self, organization: &str) -> Result<Values, HostError> {
        settings::get(organization)
    }
    fn get_organization(&self, id: &str) -> Result<Option<Organization>, HostError> {
        directory::get_organization(id)
    }
    fn find_users(
        &self,
        organization: &str,
        userstore_domain: Option<&str>,
        names: &[String],
    ) -> Result<Vec<Result<Found, HostError>>, LookupError> {
        directory::find_users(organization, userstore_domain, names)
    }
    fn get_users(&self, organization: &str, accounts: &[UserRef]) -> Result<Vec<Option<User>>, HostError> {
        directory::get_users(organization, accounts)
    }
    fn standing(&self, organization: &str, who: &Principal) -> Result<Option<Permissions>, HostError> {
        directory::standing(organization, who)
    }
    fn resolve(
        &self,
        organization: &str,
        inviter: &Principal,
        grants: &[Grant],
    ) -> Result<Vec<Option<Resolved>>, HostError> {
        membership::resolve(organization, inviter, grants)
    }
    fn eligible(
        &self,
        organization: &str,
        users: &[UserRef],
        grants: &[Grant],
    ) -> Result<Vec<Eligibility>, HostError> {
        membership::eligible(organization, users, grants)
    }
    fn apply(
        &self,
        organization: &str,
        invitation: &str,
        user: &UserRef,
        steps: &[Step],
    ) -> Result<Vec<StepOutcome>, HostError> {
        membership::apply(organization, invitation, user, steps)
    }
    fn close(&self, organization: &str, invitation: &str) -> Result<Vec<StepResult>, HostError> {
        membership::close(organization, invitation)
    }
    fn recall(
        &self,
        organization: &str,
        operation: &str,
        fingerprint: &[u8],
    ) -> Result<Vec<Recorded>, StoreError> {
        storage::recall(organization, operation, fingerprint)
    }
    fn insert(
        &self,
        organization: &str,
        batch: &Batch,
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
        storage::insert(organization, batch)
    }
    fn get(&self, key: &InvitationKey) -> Result<Invitation, StoreError> {
        storage::get(key)
    }
    fn dismiss(&self, key: &InvitationKey) -> Result<Invitation, StoreError> {
        storage::dismiss(key)
    }
    fn by_code(&self, code: &[u8]) -> Result<Option<Invitation>, HostError> {
        storage::by_code(code)
    }
    fn transition(
        &self,
        key: &InvitationKey,
        guard: &Guard,
        change: &Change,
    ) -> Result<Transitioned, StoreError> {
        storage::transition(key, guard, change)
    }
    fn list(
        &self,
        organization: &str,
        filter: &InvitationFilter,
        page: &PageRequest,
    ) -> Result<Page, StoreError> {
        storage::list(organization, filter, page)
    }
    fn mine(&self, states: &[State], after: Option<&str>, limit: u32) -> Result<Page, StoreError> {
        storage::mine(states, after, limit)
    }
    fn due(&self, organization: &str, limit: u32, hold: u64) -> Result<Vec<DueItem>, HostError> {
        storage::due(organization, limit, hold)
    }
    fn settle(&self, organization: &str, deliveries: &[Delivery]) -> Result<(), HostError> {
        storage::settle(organization, deliveries)
    }
    fn purge(&self, organization: &str, retention: u64, limit: u32) -> Result<u32, HostError> {
        storage::purge(organization, retention, limit)
    }
    fn send(
        &self,
        organization: &str,
        template: Option<&str>,
        messages: &[Message],
    ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
        notifications::send(organization, template, messages)
    }
    fn record_refusals(
        &self,
        organization: Option<&str>,
        refusals: &[audit::Refusal],
    ) -> Result<(), HostError> {
        audit::record_refusals(organization, refusals)
    }
    fn decide_invite(&self, facts: &InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
        policy::decide_invite(facts)
    }
    fn decide_accept(&self, facts: &AcceptFacts) -> Result<Verdict, PolicyError> {
        policy::decide_accept(facts)
    }
}

struct Plugin;

impl invitations::Guest for Plugin {
    fn invite(
        context: Context,
        request: InviteRequest,
    ) -> Result<Vec<Result<Invited, ItemRefusal>>, Refusal> {
        invite::invite(&Imports, &context, &request)
    }
    fn list(context: Context, filter: InvitationFilter, page: PageRequest) -> Result<Page, Refusal> {
        list::list(&Imports, &context, &filter, &page)
    }
    fn get(context: Context, id: String) -> Result<Invitation, Refusal> {
        list::get(&Imports, &context, &id)
    }
    fn resend(context: Context, ids: Vec<String>) -> Result<Vec<Result<Invited, Refusal>>, Refusal> {
        resend::resend(&Imports, &context, &ids)
    }
    fn revoke(context: Context, id: String, reason: Option<String>) -> Result<(), Refusal> {
        revoke::revoke(&Imports, &context, &id, reason.as_deref())
    }
    fn revoke_all(context: Context, whose: Owner, reason: Option<String>) -> Result<RevokedAll, Refusal> {
        revoke::revoke_all(&Imports, &context, &whose, reason.as_deref())
    }
    fn approve(context: Context, id: String) -> Result<Invited, Refusal> {
        approval::approve(&Imports, &context, &id)
    }
    fn reject(context: Context, id: String, reason: Option<String>) -> Result<(), Refusal> {
        approval::reject(&Imports, &context, &id, reason.as_deref())
    }
    fn dismiss(context: Context, id: String) -> Result<(), Refusal> {
        dismiss::dismiss(&Imports, &context, &id)
    }
}

impl invitee::Guest for Plugin {
    fn list_mine(
        context: Context,
        states: Vec<State>,
        after: Option<String>,
        limit: u32,
    ) -> Result<PreviewPage, InviteeRefusal> {
        list::list_mine(&Imports, &context, &states, after.as_deref(), limit)
    }
    fn introspect(context: Context, handle: Handle) -> Result<Preview, InviteeRefusal> {
        list::introspect(&Imports, &context, &handle)
    }
    fn accept(context: Context, handle: Handle) -> Result<Accepted, InviteeRefusal> {
        accept::accept(&Imports, &context, &handle)
    }
    fn decline(context: Context, handle: Handle, reason: Option<String>) -> Result<(), InviteeRefusal> {
        decline::decline(&Imports, &context, &handle, reason.as_deref())
    }
}

impl maintenance::Guest for Plugin {
    fn sweep(context: Context, limit: u32) -> Result<Swept, SweepRefusal> {
        sweep::sweep(&Imports, &context, limit)
    }
}

/// The functions that the component's lowered exports call.
#[allow(unsafe_code, reason = "generated")]
mod exported {
    crate::contract::generated::export!(Plugin with_types_in crate::contract::generated);
    use super::Plugin;
}
