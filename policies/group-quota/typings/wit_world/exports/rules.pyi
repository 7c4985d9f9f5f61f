# Made from wit/ by `guestlist policy types`; run that again when wit/ has changed.
"""
What a tenant's component exports. The host gathers the facts from its own tables; the component only
judges. It can say no, or less, and nothing else: a verdict that widens what was asked is refused.

It may be asked any number of times for the same request, each time in a new instance: it keeps
nothing, and its verdict may only depend on the facts. Facts are read before the invitation is stored: a
rule that counts (`surroundings.pending`, `candidate.sent-lately`) does not hold for requests that run at
the same time. The setting `pending-limit` does. One that gives none (because it traps, takes
too long, wants too much memory) lets nobody in until it is repaired.
"""
from dataclasses import dataclass

from ..imports import types


@dataclass
class Surroundings:
    organization: str
    organization_name: str
    parent: str
    pending: int
    """
    Active invitations of the organization: `pending`, `awaiting-approval` and `accepting`. At
    accept the one in question is among them.
    """
    now: int
    """UTC."""
    utc_offset_minutes: int
    """What to add to UTC for the organization's local time at this moment."""


@dataclass
class Held:
    """A group or a role that somebody has."""
    id: str
    display_name: str
    """What people call it, as `Help desk`."""


@dataclass
class Inviter:
    who: types.Principal
    groups: list[Held]
    """What they have in the inviting organization; empty for a client and for the system."""
    roles: list[Held]


@dataclass
class NamedGrant:
    grant: types.Grant
    display_name: str
    """Its id, where it is gone."""


@dataclass
class Candidate:
    """Somebody who is invited."""
    account: types.UserRef
    """Where they are resident: the parent organization, or one that they are a guest from."""
    via: types.UserRef | None
    """Their local account, where they are a guest in the parent."""
    name: str
    """
    The user name of the account in the PARENT organization, as the user store has it. It is the same
    however the inviter wrote it: rules about names are rules about this one.
    """
    as_written: str
    """
    What the inviter wrote: a user name in some spelling, or an address. For words to people, never to
    judge by: the same person comes under several.
    """
    userstore: str
    """The user store of the parent that has them, as `PRIMARY`."""
    active: bool
    address_domain: str | None
    """
    What follows the `@` of their verified address, in lower case; absent: none is verified. No more
    of an address is told to a policy.
    """
    groups: list[Held]
    """What they have in the PARENT organization."""
    roles: list[Held]
    sent_lately: int
    """
    Mails about invitations of this organization that they were sent in the last 24 hours, those
    on their way included.
    """


@dataclass
class InviteFacts:
    surroundings: Surroundings
    inviter: Inviter
    grants: list[NamedGrant]
    """What was asked for, at most 50. Verdicts name them by index."""
    lifetime: int | None
    """Absent: for ever."""
    notify: types.Notify
    metadata: list[types.Property]
    candidates: list[Candidate]
    """At most 100."""


@dataclass
class AcceptFacts:
    surroundings: Surroundings
    inviter: Inviter
    invitee: Candidate
    grants: list[NamedGrant]
    """What the invitation gives. Verdicts name them by index."""
    accept_with: types.AcceptWith
    created_at: int
    expires_at: int | None
    """Absent: never."""
    metadata: list[types.Property]
