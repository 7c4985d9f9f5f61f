//! Names that every area uses.

pub(super) use crate::{
    Event, Profile,
    case::{Case, case},
    check::{Outcome, Refusal as _, Stop, broken, denied, fits, hidden, ids, invalid, item, must, ok, same},
    make::{
        LONG, STATES, alice, all, ann, approve, awaiting, batch, bob, carol, change, code, dave, deputy,
        draft, fingerprint, gina, group, guard, gus, hr, id, key, of_root, page, refused_item, resend, role,
        steps, user, word,
    },
    trial::{Ground, Trial, due_kinds},
    worlds::PEOPLE,
};
pub(super) use guestlist_contract::{
    audit::{Refusal, Word},
    directory::{Found, LookupError, OrganizationState},
    host::{Call, Operation},
    notifications::{Message, Recipient, SendError},
    settings::Values,
    storage::{
        Batch, Change, ClockGuard, CodeChange, Delivery, DeliveryOutcome, Draft, Guard, Inserted,
        LifetimeChange, RecordedOutcome, StoreError, Transitioned,
    },
    types::{
        AcceptWith, Grant, HostError, Invitation, InvitationFilter, MailState, MessageKind, Notify,
        PageRequest, Permissions, Principal, Property, SortKey, State, Step, StepOutcome, StepResult,
        Subject, UserRef,
    },
};
pub(super) use guestlist_memory::{AuditEvent, NewUser};
