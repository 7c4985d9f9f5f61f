"""Who may be invited: people of the help desk, for a day at most."""

from wit_world import exports
from wit_world.exports.rules import AcceptFacts, Candidate, InviteFacts
from wit_world.imports.types import Narrowed, Verdict, Verdict_Allow, Verdict_AllowWith, Verdict_Refuse

HELP_DESK = "Help desk"
"""The group of the parent organization whose people may be invited."""

LONGEST = 24 * 60 * 60 * 1000
"""A day, in milliseconds."""


class Rules(exports.Rules):
    def judge_invite(self, facts: InviteFacts) -> list[Verdict]:
        return [invite(facts, candidate) for candidate in facts.candidates]

    def judge_accept(self, facts: AcceptFacts) -> Verdict:
        if not is_of_help_desk(facts.invitee):
            return Verdict_Refuse("You are not of the help desk any more.")
        return Verdict_Allow()


def invite(facts: InviteFacts, candidate: Candidate) -> Verdict:
    if not is_of_help_desk(candidate):
        return Verdict_Refuse("Only people of the help desk can be invited.")
    # No lifetime means: for ever.
    if facts.lifetime is None or facts.lifetime > LONGEST:
        everything = list(range(len(facts.grants)))
        return Verdict_AllowWith(Narrowed(everything, lifetime=LONGEST, signed_in_only=False))
    return Verdict_Allow()


def is_of_help_desk(candidate: Candidate) -> bool:
    return any(group.display_name == HELP_DESK for group in candidate.groups)
