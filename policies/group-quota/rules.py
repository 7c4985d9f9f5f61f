"""Which groups and roles go to whom, for how long, and how many invitations there may be.

The table in groups.csv is read once, when the component is built: it is part of it. Nothing here
knows of components, so that the tests run in any Python.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wit_world.exports.rules import AcceptFacts, Candidate, InviteFacts, NamedGrant
    from wit_world.imports.types import Grant

PENDING_MOST = 20
"""Active invitations of the organization."""

SENT_MOST = 3
"""Mails to one person within 24 hours."""

HOUR = 60 * 60 * 1000


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    whose: str | None
    """The group of the parent organization whose people may get it; None: anybody."""

    longest: int | None
    """Milliseconds that an invitation with it is valid for at most; None: any."""


@dataclass(frozen=True)
class Allowed:
    grants: list[int]
    """Indexes of what remains of that which was asked for."""

    lifetime: int | None
    """None: as asked."""


@dataclass(frozen=True)
class Refused:
    why: str


def read(path: Path) -> dict[str, Row]:
    """The table by grant, written as `group:ID` or `role:ID`. Raises where a line makes no sense."""
    table: dict[str, Row] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file, strict=True):
            if None in line or None in line.values():
                raise ValueError(f"{path.name}: `{line['grant']}` has more or fewer columns than the first line")
            grant, whose, longest = line["grant"], line["whose"], line["longest"]
            kind, _, name = grant.partition(":")
            if kind not in ("group", "role") or not name:
                raise ValueError(f"{path.name}: `{grant}` is not written as group:ID or role:ID")
            if grant in table:
                raise ValueError(f"{path.name}: `{grant}` has two lines")
            if longest and (not longest.isdecimal() or int(longest) == 0):
                raise ValueError(f"{path.name}: `{longest}` of `{grant}` is no number of hours")
            table[grant] = Row(whose or None, int(longest) * HOUR if longest else None)
    return table


TABLE = read(Path(__file__).with_name("groups.csv"))


def invite(facts: InviteFacts) -> list[Allowed | Refused]:
    """A judgement of each candidate, in order. Those who are let in count for those after them."""
    judged: list[Allowed | Refused] = []
    pending = facts.surroundings.pending
    for candidate in facts.candidates:
        one = judge(candidate, facts.grants, facts.lifetime)
        if isinstance(one, Allowed):
            if candidate.sent_lately >= SENT_MOST:
                one = Refused(f"He was sent {SENT_MOST} mails today; try again tomorrow.")
            elif pending >= PENDING_MOST:
                one = Refused(f"There are {PENDING_MOST} invitations already; wait, or revoke some.")
            else:
                pending += 1
        judged.append(one)
    return judged


def accept(facts: AcceptFacts) -> Allowed | Refused:
    """The table may have changed since, and so may their groups. The quotas were for inviting."""
    return judge(facts.invitee, facts.grants, None)


def judge(candidate: Candidate, grants: list[NamedGrant], lifetime: int | None) -> Allowed | Refused:
    """Takes away what the table does not give them."""
    theirs = {group.display_name for group in candidate.groups}
    rows = {index: row(named.grant) for index, named in enumerate(grants)}
    kept = {index: row for index, row in rows.items() if row and (row.whose is None or row.whose in theirs)}
    if grants and not kept:
        return Refused("Nothing of what was asked for is given to them.")
    bounds = [row.longest for row in kept.values() if row.longest is not None]
    if lifetime is not None:
        bounds.append(lifetime)
    return Allowed(list(kept), min(bounds, default=None))


def row(grant: Grant) -> Row | None:
    return TABLE.get(f"{grant.kind.name.lower()}:{grant.id}")
