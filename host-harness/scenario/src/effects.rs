//! Everything that changed between two instants, a line each.
//!
//! A line is whole and reads by itself; the same change is always the same line. What is compared are
//! invitations, members with their groups and roles, waiting messages and delivered e-mails, accounts,
//! organizations and rules. The audit trail has an expectation of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    names::{Names, account, principal},
    render::{Showing, kebab, state_name},
};
use guestlist_contract::types::{
    AcceptWith, Grant, GrantKind, Invitation, MessageKind, Notify, State, Subject,
};
use guestlist_memory::{Mail, MemberView, OrganizationView, Role, Snapshot, StoredInvitation};

/// Roles that somebody has for a time, by issuer.
type Leases = BTreeMap<String, BTreeMap<String, u64>>;

/// Lists what `after` has, and `before` had not; and the other way round. Sorted.
pub(super) fn effects(before: &Snapshot, after: &Snapshot, names: &Names) -> Vec<String> {
    let mut lines = Lines { names, now: after.store_now, lines: Vec::new() };
    lines.invitations(before, after);
    lines.outbox(before, after);
    lines.mails(before, after);
    let nothing = BTreeMap::new();
    let ids: BTreeSet<_> = before.organizations.keys().chain(after.organizations.keys()).collect();
    for id in ids {
        match (before.organizations.get(id), after.organizations.get(id)) {
            (Some(was), Some(is)) => lines.organization(id, was, is),
            (None, Some(_)) => lines.add(format!("organization {id}: new")),
            (_, None) => lines.add(format!("organization {id}: gone")),
        }
        let marks = |world: &Snapshot| world.applied.get(id).unwrap_or(&nothing).clone();
        for (invitation, log) in marks(after) {
            let closed = marks(before).get(&invitation).is_some_and(|log| log.closed);
            if log.closed && !closed {
                lines.add(format!("{}: closed for grants", names.or_id(&invitation)));
            }
        }
    }
    lines.lines.sort();
    lines.lines
}

struct Lines<'a> {
    names: &'a Names,
    now: u64,
    lines: Vec<String>,
}

/// The e-mail as a kind, in kebab case.
pub(super) fn kind(kind: &MessageKind) -> String {
    match kind {
        MessageKind::Other(other) => other.clone(),
        known => kebab(&format!("{known:?}").replace("MessageKind::", "")),
    }
}

impl Lines<'_> {
    fn add(&mut self, line: String) {
        self.lines.push(line);
    }

    fn instant(&self, at: Option<u64>) -> String {
        let showing = Showing { names: self.names, now: self.now };
        at.map_or_else(|| "never".into(), |at| showing.instant(at))
    }

    fn invitations(&mut self, before: &Snapshot, after: &Snapshot) {
        fn by_key(world: &Snapshot) -> BTreeMap<(&str, &str), &StoredInvitation> {
            let keyed = world.invitations.iter();
            keyed
                .map(|row| ((row.invitation.key.organization.as_str(), row.invitation.key.id.as_str()), row))
                .collect()
        }
        let (old, new) = (by_key(before), by_key(after));
        for ((organization, id), row) in &new {
            let name = self.names.or_id(id).to_owned();
            match old.get(&(*organization, *id)) {
                None => {
                    let text = self.whole(row);
                    self.add(format!("{name}: new in {organization}, {text}"));
                }
                Some(was) => {
                    let changes = self.changes(was, row);
                    if !changes.is_empty() {
                        self.add(format!("{name}: {}", changes.join(", ")));
                    }
                }
            }
        }
        for (organization, id) in old.keys().filter(|key| !new.contains_key(*key)) {
            let name = self.names.or_id(id).to_owned();
            self.add(format!("{name}: purged from {organization}"));
        }
    }

    /// A row that was not there before.
    fn whole(&self, row: &StoredInvitation) -> String {
        let it = &row.invitation;
        let whose = match &it.subject {
            Subject::User(user) => account(user),
            Subject::Contact(contact) => format!("contact {contact}"),
        };
        let over = it.expires_at.is_some_and(|end| end <= self.now)
            && matches!(it.state, State::AwaitingApproval | State::Pending);
        let mut parts = vec![
            // As it is stored: the sweep writes down later what reads as expired already.
            format!("{}{}", state_name(it.state), if over { " past its end" } else { "" }),
            format!("for {whose}"),
            format!("by {}", principal(&it.inviter)),
        ];
        if !it.grants.is_empty() {
            parts.push(format!("with {}", it.grants.iter().map(grant).collect::<Vec<_>>().join(" ")));
        }
        // While it waits for approval its time has not begun.
        let end = it
            .expires_at
            .map_or_else(|| "never expires".into(), |at| format!("expires {}", self.instant(Some(at))));
        parts.push(end);
        if it.accept_with != AcceptWith::Invitee {
            parts.push(format!("accept-with {}", kebab(&short(&format!("{:?}", it.accept_with)))));
        }
        if it.notify == Notify::External {
            parts.push("notify external".into());
        }
        let asked = [("template", &it.template), ("language", &it.language), ("landing", &it.landing)];
        parts.extend(asked.iter().filter_map(|(what, it)| Some(format!("{what} {}", it.as_ref()?))));
        for pair in &it.metadata {
            parts.push(format!("{}={}", pair.key, pair.value));
        }
        parts.push(format!("mail {}", kebab(&short(&format!("{:?}", it.mail)))));
        if let Some(reason) = &it.reason {
            parts.push(format!("reason \"{reason}\""));
        }
        if let Some(replaces) = &it.replaces {
            parts.push(format!("replaces {}", self.names.or_id(replaces)));
        }
        if it.dismissed {
            parts.push("off the list".into());
        }
        parts.push(codes(row.codes.len()));
        parts.join(", ")
    }

    fn changes(&self, was: &StoredInvitation, is: &StoredInvitation) -> Vec<String> {
        let (old, new): (&Invitation, &Invitation) = (&was.invitation, &is.invitation);
        let mut parts = Vec::new();
        if old.state != new.state {
            parts.push(format!("{} -> {}", state_name(old.state), state_name(new.state)));
        }
        if old.claims != new.claims {
            parts.push(format!("claims {} -> {}", old.claims, new.claims));
        }
        if old.expires_at != new.expires_at {
            parts.push(format!("expires {}", self.instant(new.expires_at)));
        }
        if old.mail != new.mail {
            let word = |mail| kebab(&short(&format!("{mail:?}")));
            parts.push(format!("mail {} -> {}", word(old.mail), word(new.mail)));
        }
        if old.resends != new.resends {
            parts.push(format!("resends {} -> {}", old.resends, new.resends));
        }
        if old.grants != new.grants {
            parts.push(format!("with {}", new.grants.iter().map(grant).collect::<Vec<_>>().join(" ")));
        }
        if old.inviter != new.inviter {
            parts.push(format!("taken over by {}", principal(&new.inviter)));
        }
        if old.approver != new.approver {
            let by = |approver| format!("approved by {}", principal(approver));
            parts.push(new.approver.as_ref().map_or_else(|| "approved by nobody any more".into(), by));
        }
        if old.dismissed != new.dismissed && new.dismissed {
            parts.push("off the list".into());
        }
        if old.accept_with != new.accept_with {
            parts.push(format!("accept-with {}", kebab(&short(&format!("{:?}", new.accept_with)))));
        }
        if old.reason != new.reason {
            parts.push(
                new.reason
                    .as_ref()
                    .map_or_else(|| "no reason any more".into(), |reason| format!("reason \"{reason}\"")),
            );
        }
        if old.outcomes != new.outcomes {
            let outcome = |result: &guestlist_contract::types::StepResult| {
                use guestlist_contract::types::Step;
                let step = match &result.step {
                    Step::Member => "member".to_owned(),
                    Step::Grant(it) => grant(it),
                };
                format!("{step} {}", kebab(&short(&format!("{:?}", result.outcome))))
            };
            parts.extend(new.outcomes.iter().map(outcome));
        }
        if was.codes != is.codes {
            let kept = is.codes.iter().filter(|code| was.codes.contains(code)).count();
            parts.push(match (kept, is.codes.len() - kept) {
                (0, 1) if was.codes.is_empty() => "a code".into(),
                (0, 1) => "a new code, the older dead".into(),
                (kept, new) => format!("{new} new codes, {kept} older alive"),
            });
        }
        if was.reminded != is.reminded && is.reminded {
            parts.push("reminded".into());
        }
        parts
    }

    fn outbox(&mut self, before: &Snapshot, after: &Snapshot) {
        let shown = |world: &Snapshot, names: &Names| -> Vec<String> {
            let line = |waiting: &guestlist_memory::OutboxView| {
                let entry = &waiting.entry;
                let taken = if entry.taken { ", taken by the mail system" } else { "" };
                let tries =
                    if entry.tries > 0 { format!(", {} failed tries", entry.tries) } else { String::new() };
                format!("{} for {}{tries}{taken}", kind(&entry.kind), names.or_id(&entry.invitation))
            };
            world.outbox.iter().map(line).collect()
        };
        let (old, new) = (shown(before, self.names), shown(after, self.names));
        for line in difference(&new, &old) {
            self.add(format!("outbox: waits: {line}"));
        }
        for line in difference(&old, &new) {
            self.add(format!("outbox: no longer waits: {line}"));
        }
    }

    fn mails(&mut self, before: &Snapshot, after: &Snapshot) {
        let line = |mail: &Mail| {
            let of = self.names.or_id(&mail.invitation);
            let template =
                mail.template.as_ref().map(|name| format!(", template {name}")).unwrap_or_default();
            format!("mail: {} to {} ({}), {of}{template}", kind(&mail.kind), account(&mail.to), mail.address)
        };
        let lines: Vec<_> = after.mails.iter().skip(before.mails.len()).map(line).collect();
        self.lines.extend(lines);
    }

    fn organization(&mut self, id: &str, was: &OrganizationView, is: &OrganizationView) {
        let changes = [
            (was.deleted != is.deleted).then(|| "deleted".to_owned()),
            (was.active != is.active)
                .then(|| if is.active { "works again".into() } else { "suspended".into() }),
            (was.parent != is.parent).then(|| {
                is.parent.as_ref().map_or_else(|| "a root now".into(), |parent| format!("below {parent}"))
            }),
            (was.permissions != is.permissions).then(|| "permissions changed".into()),
            (was.settings != is.settings || was.address_domains != is.address_domains)
                .then(|| "settings changed".into()),
            (was.policy != is.policy).then(|| "policy changed".into()),
        ];
        for change in changes.into_iter().flatten() {
            self.add(format!("organization {id}: {change}"));
        }
        for (what, old, new) in [("group", &was.groups, &is.groups), ("role", &was.roles, &is.roles)] {
            for gone in old.keys().filter(|target| !new.contains_key(*target)) {
                self.add(format!("{what} {id}/{gone}: deleted"));
            }
        }
        self.roles(id, &was.rights, &is.rights);
        for (user, person) in &is.residents {
            match was.residents.get(user) {
                None => self.add(format!("account {id}/{user}: new, {}", person.name)),
                Some(old) => {
                    if old.active != person.active {
                        let word = if person.active { "enabled" } else { "disabled" };
                        self.add(format!("account {id}/{user}: {word}"));
                    }
                    if old.name != person.name {
                        self.add(format!("account {id}/{user}: renamed to {}", person.name));
                    }
                    self.leases(id, &format!("{id}/{user}"), &old.leases, &person.leases);
                }
            }
        }
        for gone in was.residents.keys().filter(|user| !is.residents.contains_key(*user)) {
            self.add(format!("account {id}/{gone}: deleted"));
        }
        self.members(id, &was.members, &is.members);
    }

    fn roles(&mut self, id: &str, was: &BTreeMap<String, Role>, is: &BTreeMap<String, Role>) {
        let nothing = Role::default();
        let ids: BTreeSet<_> = was.keys().chain(is.keys()).collect();
        for role in ids {
            let (old, new) = (was.get(role).unwrap_or(&nothing), is.get(role).unwrap_or(&nothing));
            if old.rights != new.rights {
                self.add(format!(
                    "role {id}/{role}: may {}",
                    if new.rights.is_empty() { "nothing".into() } else { new.rights.to_string() }
                ));
            }
            let lists = [("group", &old.groups, &new.groups), ("client", &old.clients, &new.clients)];
            for (what, old, new) in lists {
                new.difference(old)
                    .for_each(|one| self.add(format!("role {id}/{role}: {what} {one} has it")));
                old.difference(new)
                    .for_each(|one| self.add(format!("role {id}/{role}: {what} {one} no longer")));
            }
        }
    }

    fn leases(&mut self, id: &str, who: &str, was: &Leases, is: &Leases) {
        for (issuer, roles) in is.iter().filter(|(issuer, roles)| was.get(*issuer) != Some(*roles)) {
            for role in roles.keys() {
                self.add(format!("role {id}/{role}: {who} for a time, by {issuer}"));
            }
        }
        for (issuer, roles) in was {
            let kept = is.get(issuer);
            for role in roles.keys().filter(|role| kept.is_none_or(|kept| !kept.contains_key(*role))) {
                self.add(format!("role {id}/{role}: {who} no longer by {issuer}"));
            }
        }
    }

    fn members(&mut self, id: &str, was: &[MemberView], is: &[MemberView]) {
        let find = |members: &[MemberView], local: &str| members.iter().find(|one| one.id == local).cloned();
        for member in is {
            let who = account(&member.account);
            let old = find(was, &member.id);
            if old.is_none() {
                let by = self.by(member.invitation.as_deref());
                self.add(format!("member of {id}: {who} as {}{by}", member.name));
            }
            let none = Leases::new();
            self.leases(id, &who, old.as_ref().map_or(&none, |old| &old.leases), &member.leases);
            let empty = BTreeMap::new();
            let held = [
                ("group", old.as_ref().map_or(&empty, |old| &old.groups), &member.groups),
                ("role", old.as_ref().map_or(&empty, |old| &old.roles), &member.roles),
            ];
            for (what, old, new) in held {
                for (target, by) in new.iter().filter(|(target, _)| !old.contains_key(*target)) {
                    let by = self.by(by.as_deref());
                    self.add(format!("{what} {id}/{target}: {who} added{by}"));
                }
                for target in old.keys().filter(|target| !new.contains_key(*target)) {
                    self.add(format!("{what} {id}/{target}: {who} taken out"));
                }
            }
        }
        for member in was.iter().filter(|member| find(is, &member.id).is_none()) {
            self.add(format!("member of {id}: {} no longer", account(&member.account)));
        }
    }

    fn by(&self, invitation: Option<&str>) -> String {
        invitation.map_or_else(|| ", by hand".into(), |id| format!(", by {}", self.names.or_id(id)))
    }
}

fn grant(grant: &Grant) -> String {
    match grant.kind {
        GrantKind::Group => format!("group:{}", grant.id),
        GrantKind::Role => format!("role:{}", grant.id),
    }
}

/// `State::Pending` as `Pending`: the generated types print their path.
fn short(text: &str) -> String {
    text.rsplit("::").next().unwrap_or(text).to_owned()
}

fn codes(live: usize) -> String {
    match live {
        0 => "no code".into(),
        1 => "a code".into(),
        more => format!("{more} codes"),
    }
}

/// Lists what the one list has more often than the other.
fn difference(one: &[String], other: &[String]) -> Vec<String> {
    let mut left: Vec<&String> = other.iter().collect();
    let more = one.iter().filter(|line| match left.iter().position(|known| known == line) {
        Some(index) => {
            left.swap_remove(index);
            false
        }
        None => true,
    });
    more.cloned().collect()
}
