"""The rules at their edges. What comes of them for people is told by scenarios/."""

import tempfile
import unittest
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import rules
from rules import HOUR, Allowed, Refused, Row

Kind = Enum("Kind", ["GROUP", "ROLE"])

TABLE = {
    "group:g-reports": Row(None, None),
    "group:g-desk": Row("Help desk", 72 * HOUR),
    "group:g-ops": Row("Operations", 24 * HOUR),
}


def group(name):
    return SimpleNamespace(grant=SimpleNamespace(kind=Kind.GROUP, id=name), display_name=name)


def person(*groups, sent_lately=0):
    held = [SimpleNamespace(id=f"g-{name}", display_name=name) for name in groups]
    return SimpleNamespace(groups=held, sent_lately=sent_lately)


def invite(*candidates, grants=(), lifetime=None, pending=0):
    surroundings = SimpleNamespace(pending=pending)
    facts = SimpleNamespace(
        surroundings=surroundings, candidates=candidates, grants=grants, lifetime=lifetime
    )
    return rules.invite(facts)


@patch.object(rules, "TABLE", TABLE)
class Table(unittest.TestCase):
    def test_what_the_table_gives_remains(self):
        grants = [group("g-ops"), group("g-reports"), group("g-desk")]
        self.assertEqual(invite(person("Help desk"), grants=grants), [Allowed([1, 2], 72 * HOUR)])

    def test_what_is_not_in_the_table_is_given_to_nobody(self):
        self.assertIsInstance(invite(person("Help desk"), grants=[group("g-secret")])[0], Refused)

    def test_a_role_is_not_a_group_of_the_same_id(self):
        role = group("g-reports")
        role.grant.kind = Kind.ROLE
        self.assertIsInstance(invite(person(), grants=[role])[0], Refused)

    def test_whoever_is_asked_for_nothing_is_only_a_member(self):
        self.assertEqual(invite(person()), [Allowed([], None)])

    def test_the_shortest_lifetime_of_what_remains_counts(self):
        both = person("Help desk", "Operations")
        desk, ops = group("g-desk"), group("g-ops")
        for grants, asked, valid in [
            ([desk], 8 * HOUR, 8 * HOUR),
            ([desk], 72 * HOUR, 72 * HOUR),
            ([desk], 73 * HOUR, 72 * HOUR),
            ([desk], None, 72 * HOUR),
            ([desk, ops], None, 24 * HOUR),
            ([group("g-reports")], 100 * HOUR, 100 * HOUR),
            ([group("g-reports")], None, None),
        ]:
            with self.subTest(asked=asked, valid=valid):
                [judged] = invite(both, grants=grants, lifetime=asked)
                self.assertEqual(judged.lifetime, valid)

    def test_what_is_taken_away_does_not_shorten(self):
        grants = [group("g-desk"), group("g-ops")]
        self.assertEqual(invite(person("Help desk"), grants=grants), [Allowed([0], 72 * HOUR)])

    def test_who_lost_his_group_loses_what_it_gave_him(self):
        grants = [group("g-reports"), group("g-desk")]
        judged = rules.accept(SimpleNamespace(invitee=person("Sales"), grants=grants))
        self.assertEqual(judged, Allowed([0], None))


@patch.object(rules, "TABLE", TABLE)
class Quota(unittest.TestCase):
    def test_candidates_of_one_request_count_together(self):
        judged = invite(person(), person(), person(), pending=rules.PENDING_MOST - 2)
        self.assertEqual([type(one) for one in judged], [Allowed, Allowed, Refused])

    def test_who_is_refused_takes_no_place(self):
        judged = invite(
            person("Sales"),
            person("Help desk", sent_lately=rules.SENT_MOST),
            person("Help desk"),
            grants=[group("g-desk")],
            pending=rules.PENDING_MOST - 1,
        )
        self.assertEqual([type(one) for one in judged], [Refused, Refused, Allowed])

    def test_the_last_mail_of_the_day(self):
        judged = invite(
            person(sent_lately=rules.SENT_MOST - 1), person(sent_lately=rules.SENT_MOST)
        )
        self.assertEqual([type(one) for one in judged], [Allowed, Refused])

    def test_nobody_is_kept_from_accepting_by_a_quota(self):
        invitee = person(sent_lately=rules.SENT_MOST)
        surroundings = SimpleNamespace(pending=rules.PENDING_MOST)
        facts = SimpleNamespace(surroundings=surroundings, invitee=invitee, grants=[])
        self.assertEqual(rules.accept(facts), Allowed([], None))


class Reading(unittest.TestCase):
    def test_the_table_of_this_policy_is_one(self):
        self.assertTrue(rules.TABLE)

    def test_mistakes_in_a_table_stop_the_build(self):
        for lines, said in [
            ("g-desk,,", "group:ID"),
            ("role:r-admin", "columns"),
            ("role:r-admin,Sales", "columns"),
            ("role:r-admin,Sales,8,", "columns"),
            ("group:,,", "group:ID"),
            ("group:g-desk,,\ngroup:g-desk,Sales,", "two lines"),
            ("group:g-desk,,a day", "hours"),
            ("group:g-desk,,0", "hours"),
            ("group:g-desk,,-1", "hours"),
        ]:
            with self.subTest(lines), tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "groups.csv")
                path.write_text(f"grant,whose,longest\n{lines}\n", encoding="utf-8")
                with self.assertRaisesRegex(ValueError, said):
                    rules.read(path)


if __name__ == "__main__":
    unittest.main()
