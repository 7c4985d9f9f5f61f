//! The questions, by area.

mod adopting;
mod applying;
mod at_once;
mod auditing;
mod bounding;
mod by_code;
mod changing;
mod claiming;
mod closing;
mod configured;
mod dismissing;
mod due;
mod hostile_texts;
mod inserting;
mod lists;
mod mine;
mod naming;
mod organizations;
mod outbox;
mod pairs;
mod people;
mod prelude;
mod purging;
mod readdressing;
mod reading;
mod recalling;
mod removing;
mod resolving;
mod rights;
mod room;
mod sending;
mod settling;
mod tasks;
mod walking;

use super::case::{Area, Case};

const AREAS: [Area; 32] = [
    Area { name: "inserting", about: "`storage.insert`", cases: inserting::CASES },
    Area {
        name: "room",
        about: "`storage.insert`: one active invitation for a subject, and the limit",
        cases: room::CASES,
    },
    Area { name: "bounding", about: "`storage.insert`: how much it may bring", cases: bounding::CASES },
    Area {
        name: "recalling",
        about: "`storage.recall`, one effect for one operation",
        cases: recalling::CASES,
    },
    Area { name: "reading", about: "`storage.get`, who sees which row", cases: reading::CASES },
    Area { name: "by_code", about: "`storage.by-code`, how codes live and die", cases: by_code::CASES },
    Area { name: "pairs", about: "`storage.transition`: the table of states", cases: pairs::CASES },
    Area { name: "claiming", about: "`storage.transition`: guards and clocks", cases: claiming::CASES },
    Area {
        name: "changing",
        about: "`storage.transition`: what it sets, and who may",
        cases: changing::CASES,
    },
    Area {
        name: "adopting",
        about: "`storage.transition`: another inviter for one who is gone",
        cases: adopting::CASES,
    },
    Area { name: "dismissing", about: "`storage.dismiss`", cases: dismissing::CASES },
    Area { name: "lists", about: "`storage.list`: filters and orders", cases: lists::CASES },
    Area { name: "walking", about: "`storage.list`: pages and cursors", cases: walking::CASES },
    Area { name: "mine", about: "`storage.mine`", cases: mine::CASES },
    Area { name: "due", about: "`storage.due`", cases: due::CASES },
    Area { name: "outbox", about: "messages that wait, and that are dropped", cases: outbox::CASES },
    Area { name: "settling", about: "`storage.settle`", cases: settling::CASES },
    Area {
        name: "readdressing",
        about: "codes of somebody who has another address",
        cases: readdressing::CASES,
    },
    Area { name: "purging", about: "`storage.purge`", cases: purging::CASES },
    Area { name: "applying", about: "`membership.apply`", cases: applying::CASES },
    Area { name: "removing", about: "`membership.apply` when members are removed", cases: removing::CASES },
    Area { name: "closing", about: "`membership.close`", cases: closing::CASES },
    Area { name: "resolving", about: "`membership.resolve` and `eligible`", cases: resolving::CASES },
    Area {
        name: "organizations",
        about: "`directory`: organizations and standing",
        cases: organizations::CASES,
    },
    Area { name: "rights", about: "what roles give, and that nobody gives more", cases: rights::CASES },
    Area { name: "people", about: "`directory`: users", cases: people::CASES },
    Area {
        name: "naming",
        about: "`find-users` and `eligible`: texts that fit two, names that are taken",
        cases: naming::CASES,
    },
    Area { name: "configured", about: "`settings`", cases: configured::CASES },
    Area { name: "sending", about: "`notifications`", cases: sending::CASES },
    Area { name: "auditing", about: "`audit`, and the events of changes", cases: auditing::CASES },
    Area { name: "hostile_texts", about: "what people write, everywhere", cases: hostile_texts::CASES },
    Area { name: "at_once", about: "several calls at the same time", cases: at_once::CASES },
];

/// Lists what the cases are about, in the order in which they are asked.
#[must_use]
pub fn areas() -> &'static [Area] {
    &AREAS
}

/// Every question, in the order in which they are asked.
#[must_use]
pub fn cases() -> Vec<Case> {
    AREAS.iter().flat_map(|area| area.cases).copied().collect()
}
