//! A host that does nothing but answer: what is left is the plugin and the way to it.
//!
//! The same answers for both sides. Everybody asked for exists, may be invited and gets their mail.

use async_trait::async_trait;
use guestlist::contract::imports as native;
use guestlist_contract::{self as sandboxed, host::Call};

/// Answers the same to the plugin in its sandbox and to the plugin outside of it.
pub struct Canned;

macro_rules! answers {
    ($side:ident) => {
        use $side::{
            directory::{Found, Organization, OrganizationState, User},
            membership::{Eligibility, Resolved},
            notifications::Sent,
            settings::{Codes, Limits, Notices, Values},
            storage::{Batch, Inserted, StoreError},
            types::{AcceptWith, HostError, MailState, Notify, State, UserRef, Verdict},
        };

        pub fn settings() -> Values {
            Values {
                lifetime: 259_200_000,
                lifetime_min: 60_000,
                lifetime_max: 259_200_000,
                allow_never: false,
                accept_with: AcceptWith::Invitee,
                notify: Notify::Internal,
                codes: Codes::InviteeOnly,
                limits: Limits { users: 100, grants: 50, name_bytes: 254 },
                lease: 30_000,
                takeovers_max: 3,
                mail_tries: 5,
                mail_retry: 60_000,
                retention: 2_592_000_000,
                resend_limit: 5,
                pending_limit: None,
                reminder_before: None,
                notices: Notices::empty(),
                ceiling: None,
                privileged: Vec::new(),
            }
        }

        pub fn organization(id: &str) -> Option<Organization> {
            Some(Organization {
                id: id.to_owned(),
                parent: Some("root".to_owned()),
                state: OrganizationState::Active,
                display_name: "Acme".to_owned(),
            })
        }

        pub fn users(names: &[String]) -> Vec<Result<Found, HostError>> {
            let user = |name: &String| User {
                account: UserRef { organization: "root".to_owned(), id: name.clone() },
                via: None,
                active: true,
                has_email: true,
            };
            names.iter().map(|name| Ok(Found::One(user(name)))).collect()
        }

        pub fn resolved(count: usize) -> Vec<Option<Resolved>> {
            (0..count)
                .map(|_| Some(Resolved { display_name: "Help desk".to_owned(), grantable: true }))
                .collect()
        }

        pub fn eligible(count: usize) -> Vec<Eligibility> {
            (0..count)
                .map(|_| Eligibility {
                    member: false,
                    name_taken: false,
                    address_allowed: true,
                    withheld: Vec::new(),
                })
                .collect()
        }

        pub fn verdicts(count: usize) -> Vec<Verdict> {
            (0..count).map(|_| Verdict::Allow).collect()
        }

        pub fn inserted(batch: &Batch) -> Vec<Result<Inserted, StoreError>> {
            let row = |id: &String| Inserted {
                id: id.clone(),
                version: 1,
                state: State::Pending,
                expires_at: Some(1_800_000_000_000),
                mail: MailState::Queued,
                existed: false,
            };
            batch.drafts.iter().map(|draft| Ok(row(&draft.id))).collect()
        }

        pub fn sent<E>(count: usize) -> Vec<Result<Sent, E>> {
            (0..count).map(|_| Ok(Sent::Delivered)).collect()
        }
    };
}

/// Bytes that differ, cheaply: entropy is not what is measured.
fn entropy(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 + 7) as u8).collect()
}

mod outside {
    use super::native;
    answers!(native);
}

mod inside {
    use super::sandboxed;
    answers!(sandboxed);
}

mod native_side {
    use super::{Canned, entropy, outside};
    use guestlist::{
        Capabilities,
        contract::imports::{
            audit::Refusal,
            directory::{Found, LookupError, Organization, User},
            membership::{Eligibility, Resolved},
            notifications::{Message, SendError, Sent},
            policy::{AcceptFacts, InviteFacts, PolicyError},
            settings::Values,
            storage::{
                Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned,
            },
            types::{
                Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest,
                Permissions, Principal, State, Step, StepOutcome, StepResult, UserRef, Verdict,
            },
        },
    };

    const UNUSED: HostError = HostError::OutcomeUnknown;

    impl Capabilities for Canned {
        fn random(&self, length: usize) -> Vec<u8> {
            entropy(length)
        }
        fn settings(&self, _: &str) -> Result<Values, HostError> {
            Ok(outside::settings())
        }
        fn get_organization(&self, id: &str) -> Result<Option<Organization>, HostError> {
            Ok(outside::organization(id))
        }
        fn find_users(
            &self,
            _: &str,
            _: Option<&str>,
            names: &[String],
        ) -> Result<Vec<Result<Found, HostError>>, LookupError> {
            Ok(outside::users(names))
        }
        fn resolve(
            &self,
            _: &str,
            _: &Principal,
            grants: &[Grant],
        ) -> Result<Vec<Option<Resolved>>, HostError> {
            Ok(outside::resolved(grants.len()))
        }
        fn eligible(&self, _: &str, users: &[UserRef], _: &[Grant]) -> Result<Vec<Eligibility>, HostError> {
            Ok(outside::eligible(users.len()))
        }
        fn decide_invite(&self, facts: &InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
            Ok(outside::verdicts(facts.candidates.len()))
        }
        fn insert(&self, _: &str, batch: &Batch) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
            Ok(outside::inserted(batch))
        }
        fn send(
            &self,
            _: &str,
            _: Option<&str>,
            messages: &[Message],
        ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
            Ok(outside::sent(messages.len()))
        }
        fn settle(&self, _: &str, _: &[Delivery]) -> Result<(), HostError> {
            Ok(())
        }
        fn by_code(&self, _: &[u8]) -> Result<Option<Invitation>, HostError> {
            Ok(None)
        }
        fn record_refusals(&self, _: Option<&str>, _: &[Refusal]) -> Result<(), HostError> {
            Ok(())
        }

        fn get_users(&self, _: &str, _: &[UserRef]) -> Result<Vec<Option<User>>, HostError> {
            Err(UNUSED)
        }
        fn standing(&self, _: &str, _: &Principal) -> Result<Option<Permissions>, HostError> {
            Err(UNUSED)
        }
        fn apply(&self, _: &str, _: &str, _: &UserRef, _: &[Step]) -> Result<Vec<StepOutcome>, HostError> {
            Err(UNUSED)
        }
        fn close(&self, _: &str, _: &str) -> Result<Vec<StepResult>, HostError> {
            Err(UNUSED)
        }
        fn recall(&self, _: &str, _: &str, _: &[u8]) -> Result<Vec<Recorded>, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        fn get(&self, _: &InvitationKey) -> Result<Invitation, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        fn dismiss(&self, _: &InvitationKey) -> Result<Invitation, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        fn transition(&self, _: &InvitationKey, _: &Guard, _: &Change) -> Result<Transitioned, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        fn list(&self, _: &str, _: &InvitationFilter, _: &PageRequest) -> Result<Page, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        fn mine(&self, _: &[State], _: Option<&str>, _: u32) -> Result<Page, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        fn due(&self, _: &str, _: u32, _: u64) -> Result<Vec<DueItem>, HostError> {
            Err(UNUSED)
        }
        fn purge(&self, _: &str, _: u64, _: u32) -> Result<u32, HostError> {
            Err(UNUSED)
        }
        fn decide_accept(&self, _: &AcceptFacts) -> Result<Verdict, PolicyError> {
            Err(PolicyError::Host(UNUSED))
        }
    }
}

mod sandboxed_side {
    use super::{Call, Canned, async_trait, entropy, inside};
    use guestlist_contract::{
        audit::Refusal,
        directory::{Found, LookupError, Organization, User},
        host::{Audit, Directory, Membership, Notifications, Policy, Random, Settings, Storage},
        membership::{Eligibility, Resolved},
        notifications::{Message, SendError, Sent},
        policy::{AcceptFacts, InviteFacts, PolicyError},
        settings::Values,
        storage::{Batch, Change, Delivery, DueItem, Guard, Inserted, Recorded, StoreError, Transitioned},
        types::{
            Grant, HostError, Invitation, InvitationFilter, InvitationKey, Page, PageRequest, Permissions,
            Principal, State, Step, StepOutcome, StepResult, UserRef, Verdict,
        },
    };

    const UNUSED: HostError = HostError::OutcomeUnknown;

    #[async_trait]
    impl Directory for Canned {
        async fn get_organization(&self, _: &Call, id: String) -> Result<Option<Organization>, HostError> {
            Ok(inside::organization(&id))
        }
        async fn find_users(
            &self,
            _: &Call,
            _: String,
            _: Option<String>,
            names: Vec<String>,
        ) -> Result<Vec<Result<Found, HostError>>, LookupError> {
            Ok(inside::users(&names))
        }
        async fn get_users(
            &self,
            _: &Call,
            _: String,
            _: Vec<UserRef>,
        ) -> Result<Vec<Option<User>>, HostError> {
            Err(UNUSED)
        }
        async fn standing(
            &self,
            _: &Call,
            _: String,
            _: Principal,
        ) -> Result<Option<Permissions>, HostError> {
            Err(UNUSED)
        }
    }

    #[async_trait]
    impl Membership for Canned {
        async fn resolve(
            &self,
            _: &Call,
            _: String,
            _: Principal,
            grants: Vec<Grant>,
        ) -> Result<Vec<Option<Resolved>>, HostError> {
            Ok(inside::resolved(grants.len()))
        }
        async fn eligible(
            &self,
            _: &Call,
            _: String,
            users: Vec<UserRef>,
            _: Vec<Grant>,
        ) -> Result<Vec<Eligibility>, HostError> {
            Ok(inside::eligible(users.len()))
        }
        async fn apply(
            &self,
            _: &Call,
            _: String,
            _: String,
            _: UserRef,
            _: Vec<Step>,
        ) -> Result<Vec<StepOutcome>, HostError> {
            Err(UNUSED)
        }
        async fn close(&self, _: &Call, _: String, _: String) -> Result<Vec<StepResult>, HostError> {
            Err(UNUSED)
        }
    }

    #[async_trait]
    impl Storage for Canned {
        async fn recall(
            &self,
            _: &Call,
            _: String,
            _: String,
            _: Vec<u8>,
        ) -> Result<Vec<Recorded>, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        async fn insert(
            &self,
            _: &Call,
            _: String,
            batch: Batch,
        ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
            Ok(inside::inserted(&batch))
        }
        async fn get(&self, _: &Call, _: InvitationKey) -> Result<Invitation, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        async fn dismiss(&self, _: &Call, _: InvitationKey) -> Result<Invitation, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        async fn by_code(&self, _: &Call, _: Vec<u8>) -> Result<Option<Invitation>, HostError> {
            Ok(None)
        }
        async fn transition(
            &self,
            _: &Call,
            _: InvitationKey,
            _: Guard,
            _: Change,
        ) -> Result<Transitioned, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        async fn list(
            &self,
            _: &Call,
            _: String,
            _: InvitationFilter,
            _: PageRequest,
        ) -> Result<Page, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        async fn mine(&self, _: &Call, _: Vec<State>, _: Option<String>, _: u32) -> Result<Page, StoreError> {
            Err(StoreError::Host(UNUSED))
        }
        async fn due(&self, _: &Call, _: String, _: u32, _: u64) -> Result<Vec<DueItem>, HostError> {
            Err(UNUSED)
        }
        async fn settle(&self, _: &Call, _: String, _: Vec<Delivery>) -> Result<(), HostError> {
            Ok(())
        }
        async fn purge(&self, _: &Call, _: String, _: u64, _: u32) -> Result<u32, HostError> {
            Err(UNUSED)
        }
    }

    #[async_trait]
    impl Notifications for Canned {
        async fn send(
            &self,
            _: &Call,
            _: String,
            _: Option<String>,
            messages: Vec<Message>,
        ) -> Result<Vec<Result<Sent, SendError>>, HostError> {
            Ok(inside::sent(messages.len()))
        }
    }

    #[async_trait]
    impl Audit for Canned {
        async fn record_refusals(
            &self,
            _: &Call,
            _: Option<String>,
            _: Vec<Refusal>,
        ) -> Result<(), HostError> {
            Ok(())
        }
    }

    #[async_trait]
    impl Policy for Canned {
        async fn decide_invite(&self, _: &Call, facts: InviteFacts) -> Result<Vec<Verdict>, PolicyError> {
            Ok(inside::verdicts(facts.candidates.len()))
        }
        async fn decide_accept(&self, _: &Call, _: AcceptFacts) -> Result<Verdict, PolicyError> {
            Err(PolicyError::Host(UNUSED))
        }
    }

    #[async_trait]
    impl Settings for Canned {
        async fn get(&self, _: &Call, _: String) -> Result<Values, HostError> {
            Ok(inside::settings())
        }
    }

    impl Random for Canned {
        fn bytes(&self, length: usize) -> Vec<u8> {
            entropy(length)
        }
    }
}
