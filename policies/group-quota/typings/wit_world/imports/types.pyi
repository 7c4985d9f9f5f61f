# Made from wit/ by `guestlist policy types`; run that again when wit/ has changed.
from dataclasses import dataclass
from enum import Enum


@dataclass
class UserRef:
    """
    An account in its RESIDENT organization: the one where it was created and signs in. It is the
    subject of an invitation, the key of "one active invitation", and the target of a grant.
    """
    organization: str
    id: str


@dataclass
class Principal_User:
    """A signed-in person."""
    value: UserRef


@dataclass
class Principal_Client:
    """A machine with its own credentials; the text is its client id."""
    value: str


@dataclass
class Principal_Anonymous:
    """Nobody is signed in."""


@dataclass
class Principal_System:
    """The host itself, for upkeep."""


Principal = Principal_User | Principal_Client | Principal_Anonymous | Principal_System
"""Who acts."""


class GrantKind(Enum):
    """Groups and roles are the two things that an invitation can carry."""
    GROUP = 0
    ROLE = 1


@dataclass
class Grant:
    """A group or a role of the inviting organization, by id and never by name."""
    kind: GrantKind
    id: str


class Notify(Enum):
    """Who brings the code to the invitee."""
    INTERNAL = 0
    """The plugin, through `notifications`."""
    EXTERNAL = 1
    """
    The inviter's own application: the code is in the answer of `invite`, once. Only where the
    organization's setting `codes` and the caller's permission `see-code` allow it.
    """


@dataclass
class Property:
    """
    A pair that the inviter attaches to correlate an invitation with something of their own. Stored,
    listed, shown to policies; never interpreted and never mailed. Key 1 to 64 bytes, value at most
    254 bytes, at most 20 pairs, keys distinct.
    """
    key: str
    value: str


@dataclass
class Narrowed:
    """A policy's answer that allows less than was asked."""
    grants: list[int]
    """Indexes into the requested grants that remain. Distinct; others are refused."""
    lifetime: int | None
    """
    At most the requested lifetime, and at least the organization's `lifetime-min`; absent: as
    requested.
    """
    signed_in_only: bool
    """The invitee must sign in even where the organization's setting is `code`."""


@dataclass
class Approval:
    """What somebody else has to approve."""
    reason: str
    """Why. Approvers read it: at most 500 bytes."""
    narrowed: Narrowed | None
    """What remains to be approved; absent: all that was asked for."""


@dataclass
class Verdict_Allow:
    pass


@dataclass
class Verdict_Refuse:
    """The text reaches the inviter (or the invitee, at accept): at most 500 bytes."""
    value: str


@dataclass
class Verdict_AllowWith:
    value: Narrowed


@dataclass
class Verdict_RequireApproval:
    """
    Somebody else has to approve it, or less. At accept it is fulfilled where somebody has (and then as
    `allow-with` where it narrows), and treated as `refuse` where nobody has.
    """
    value: Approval


@dataclass
class Verdict_Other:
    value: str


Verdict = Verdict_Allow | Verdict_Refuse | Verdict_AllowWith | Verdict_RequireApproval | Verdict_Other
"""A policy's answer. Whatever widens a request is treated as `refuse`."""


class AcceptWith(Enum):
    """
    What an invitee must show to accept. The stricter of the invitation's and the organization's
    setting counts: `invitee-and-code` before `invitee` before `code`.
    """
    INVITEE = 0
    """
    To be signed in as the invitee; a code is accepted as a way to find the invitation, not as
    a proof. The default.
    """
    INVITEE_AND_CODE = 1
    """To be signed in as the invitee AND to have the code: the mailbox is a second factor."""
    CODE = 2
    """
    To have the code. Whoever reads the mail can accept on the invitee's behalf: for hosts that
    must behave like older systems.
    """
