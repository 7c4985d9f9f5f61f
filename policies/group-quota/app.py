"""The policy as a component: the contract asks here, and rules.py judges."""

from wit_world import exports
from wit_world.imports import types

import rules


class Rules(exports.Rules):
    def judge_invite(self, facts):
        return [verdict(judged) for judged in rules.invite(facts)]

    def judge_accept(self, facts):
        return verdict(rules.accept(facts))


def verdict(judged):
    match judged:
        case rules.Refused(why):
            return types.Verdict_Refuse(why)
        case rules.Allowed(grants, lifetime):
            return types.Verdict_AllowWith(types.Narrowed(grants, lifetime, signed_in_only=False))
