"""The policy as a component: the contract asks here, and rules.py judges."""

from wit_world import exports
from wit_world.exports.rules import AcceptFacts, InviteFacts
from wit_world.imports import types

import rules


class Rules(exports.Rules):
    def judge_invite(self, facts: InviteFacts) -> list[types.Verdict]:
        return [verdict(judged) for judged in rules.invite(facts)]

    def judge_accept(self, facts: AcceptFacts) -> types.Verdict:
        return verdict(rules.accept(facts))


def verdict(judged: rules.Allowed | rules.Refused) -> types.Verdict:
    match judged:
        case rules.Refused(why):
            return types.Verdict_Refuse(why)
        case rules.Allowed(grants, lifetime):
            return types.Verdict_AllowWith(types.Narrowed(grants, lifetime, signed_in_only=False))
