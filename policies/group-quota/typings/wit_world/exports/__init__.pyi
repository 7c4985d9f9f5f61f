# Made from wit/ by `guestlist policy types`; run that again when wit/ has changed.
from abc import abstractmethod
from typing import Protocol

from . import rules as rules
from ..imports import types


class Rules(Protocol):
    """
    What a tenant's component exports. The host gathers the facts from its own tables; the component only
    judges. It can say no, or less, and nothing else: a verdict that widens what was asked is refused.

    It may be asked any number of times for the same request, each time in a new instance: it keeps
    nothing, and its verdict may only depend on the facts. Facts are read before the invitation is stored: a
    rule that counts (`surroundings.pending`, `candidate.sent-lately`) does not hold for requests that run at
    the same time. The setting `pending-limit` does. One that gives none (because it traps, takes
    too long, wants too much memory) lets nobody in until it is repaired.
    """

    @abstractmethod
    def judge_invite(self, facts: rules.InviteFacts) -> list[types.Verdict]:
        """One verdict for each candidate, in order; another number is no answer."""
        ...

    @abstractmethod
    def judge_accept(self, facts: rules.AcceptFacts) -> types.Verdict:
        """
        Asked when somebody accepts, before anything is given and again in its course. A `refuse` before
        leaves the invitation as it is: they may try again. A lifetime in an `allow-with` means nothing here.
        """
        ...
