//! Acts that a history is made of: plain data, so that a history can be printed, replayed and made shorter.

use std::fmt;

use crate::{
    Event,
    make::{self, alice, ann, bob, carol, gina, gus, hr},
    trial::Trial,
};
use guestlist_contract::{
    audit::Word,
    host::{Call, Operation},
    storage::DeliveryOutcome,
    types::{AcceptWith, MessageKind, Principal, SortKey, State, UserRef},
};

/// One thing that is done.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Ask(Who, Ask),
    Happens(Event),
    Passes(u64),
}

/// The caller who does it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Who {
    Ann,
    Machine,
    Sweep,
    Gina,
    Bearer,
    Invitee(Person),
}

/// The person who is invited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Person {
    Alice,
    Bob,
    Carol,
    Gus,
}

/// A row: of `acme`, or of `globex`. Its id and first code are made from its name.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) in_globex: bool,
    pub(super) number: usize,
}

/// An import and its arguments.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Insert(Insert),
    Recall {
        operation: String,
    },
    Get(Row),
    /// And then `get` of what was found.
    ByCode {
        code: String,
        of: Row,
    },
    Change(Row, Changed),
    Dismiss(Row),
    /// Page by page, to the end.
    List {
        states: Vec<State>,
        prefix: Option<String>,
        invitee: Option<Person>,
        dismissed: Option<bool>,
        sort: SortKey,
        descending: bool,
        limit: u32,
    },
    Mine {
        states: Vec<State>,
        limit: u32,
    },
    Due {
        hold: u64,
    },
    Settle {
        row: Row,
        version: u64,
        kind: MessageKind,
        outcome: DeliveryOutcome,
    },
    Purge {
        retention: u64,
    },
    Apply {
        row: Row,
        person: Person,
        steps: Vec<&'static str>,
    },
    Close(Row),
    Resolve,
    Eligible,
    Users,
    Standing,
    Settings,
    Refuse(Option<Row>),
}

#[derive(Clone, Debug)]
pub(super) struct Insert {
    pub(super) operation: String,
    pub(super) other_request: bool,
    pub(super) drafts: Vec<Made>,
    pub(super) refused: usize,
    pub(super) limit: Option<u32>,
    pub(super) told: bool,
    pub(super) external: bool,
    pub(super) hold: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) row: Row,
    pub(super) person: Person,
    pub(super) lifetime: Option<u64>,
    pub(super) awaits: bool,
    pub(super) accept_with: AcceptWith,
}

#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) to: State,
    pub(super) from: Vec<State>,
    /// The guard has another version than the row.
    pub(super) stale: bool,
    pub(super) clock: Clock,
    pub(super) lease: Option<u64>,
    pub(super) code: Option<NewCode>,
    pub(super) restart: Option<Option<u64>>,
    pub(super) reason: Option<String>,
    pub(super) messages: Vec<MessageKind>,
    pub(super) resend: bool,
    /// Makes whoever makes the change the inviter.
    pub(super) adopts: bool,
    pub(super) word: Option<Word>,
    pub(super) hold: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Clock {
    None,
    Before,
    After,
    LeaseOver,
}

#[derive(Clone, Debug)]
pub(super) struct NewCode {
    pub(super) name: String,
    pub(super) replaces: bool,
}

impl Who {
    pub(super) fn organization(self) -> &'static str {
        if self == Self::Gina { "globex" } else { "acme" }
    }

    pub(super) fn call(self, t: &Trial, operation: Operation) -> Call {
        match self {
            Self::Ann => t.call(operation, Some("acme"), Principal::User(ann())),
            Self::Machine => t.call(operation, Some("acme"), hr()),
            Self::Sweep => t.sweep(),
            Self::Gina => t.call(operation, Some("globex"), Principal::User(gina())),
            Self::Bearer => t.bearer(),
            Self::Invitee(person) => t.invitee(person.account()),
        }
    }
}

impl Person {
    pub(super) const ALL: [Self; 4] = [Self::Alice, Self::Bob, Self::Carol, Self::Gus];

    pub(super) fn account(self) -> UserRef {
        match self {
            Self::Alice => alice(),
            Self::Bob => bob(),
            Self::Carol => carol(),
            Self::Gus => gus(),
        }
    }
}

impl Row {
    /// Names are of one length and small letters, so that every collation sorts them alike.
    pub(super) fn name(self) -> String {
        format!("{}{:03}", if self.in_globex { "g" } else { "a" }, self.number)
    }

    pub(super) fn organization(self) -> &'static str {
        if self.in_globex { "globex" } else { "acme" }
    }

    pub(super) fn key(self) -> guestlist_contract::types::InvitationKey {
        make::key_in(self.organization(), &self.name())
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(who, ask) => write!(f, "{who:?} asks {ask:?}"),
            Self::Happens(event) => write!(f, "it happens: {event:?}"),
            Self::Passes(milliseconds) => write!(f, "{milliseconds} ms pass"),
        }
    }
}
