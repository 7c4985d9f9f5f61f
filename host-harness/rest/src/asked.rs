//! Keeps what was asked, in the words of the request: for the words of what was refused.

use guestlist_contract::{
    host::Operation,
    types::{Grant, GrantKind},
};

/// The things that were asked for. The contract has words of its own for the fields of a request, and one
/// refusal for many operations; a caller is told in theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    operation: Operation,
    /// The fields that hold groups and roles.
    grants: &'static [&'static str],
}

impl Asked {
    /// A call of an operation.
    #[must_use]
    pub fn of(operation: Operation) -> Self {
        Self { operation, grants: &["groups", "roles"] }
    }

    /// The same, with these groups and roles.
    #[must_use]
    pub fn granting(self, grants: &[Grant]) -> Self {
        let has = |kind| grants.iter().any(|grant| grant.kind == kind);
        let grants: &[_] = match (has(GrantKind::Group), has(GrantKind::Role)) {
            (true, false) => &["groups"],
            (false, true) => &["roles"],
            _ => &["groups", "roles"],
        };
        Self { grants, ..self }
    }

    /// The code of a failure of the host, and what could not be done for it.
    pub(super) fn unable(self) -> (&'static str, &'static str) {
        match self.operation {
            Operation::Invite => ("OUI-65001", "Unable to create the invitation."),
            Operation::List => ("GL-50301", "Unable to list the invitations."),
            Operation::Get => ("GL-50302", "Unable to read the invitation."),
            Operation::Resend => ("GL-50303", "Unable to send the invitation again."),
            Operation::Revoke => ("GL-50304", "Unable to revoke the invitation."),
            Operation::RevokeAll => ("GL-50305", "Unable to revoke the invitations."),
            Operation::Approve => ("GL-50306", "Unable to approve the invitation."),
            Operation::Reject => ("GL-50307", "Unable to reject the invitation."),
            Operation::ListMine => ("GL-50308", "Unable to list your invitations."),
            Operation::Introspect => ("GL-50309", "Unable to show the invitation."),
            Operation::Accept => ("OUI-65005", "Unable to accept the invitation."),
            Operation::Decline => ("GL-50310", "Unable to decline the invitation."),
            Operation::Dismiss => ("GL-50311", "Unable to dismiss the invitation."),
            Operation::Sweep => ("GL-50300", "Unable to sweep."),
        }
    }

    /// A text of the plugin with the fields of the request, where it names those of the contract.
    pub(super) fn in_its_words(self, text: &str) -> String {
        let parts: Vec<_> = text.split('`').collect();
        // Only what stands between two quotes is the name of a field.
        let closed = parts.len() % 2 == 1;
        let part = |(index, part): (usize, &&str)| match index % 2 == 1 && closed {
            true => self.field(part),
            false => (*part).to_owned(),
        };
        parts.iter().enumerate().map(part).collect::<Vec<_>>().join("`")
    }

    /// The field of the request for one of the contract, as in `names` or `metadata: key`.
    pub(super) fn field(self, name: &str) -> String {
        let (field, part) = name.split_once(':').map_or((name, None), |(field, part)| (field, Some(part)));
        let grants = self.grants;
        let fields = match field {
            "names" => &["usernames"][..],
            "grants" => grants,
            "userstore-domain" => &["userDomain"],
            "metadata" => &["properties"],
            "idempotency-key" => &["idempotencyKey"],
            "name-prefix" => &["usernamePrefix"],
            "states" => &["status"],
            "code" => &["confirmationCode"],
            other => return [other, part.unwrap_or_default()].join(if part.is_some() { ":" } else { "" }),
        };
        let whole = |field: &&str| part.map_or((*field).to_owned(), |part| format!("{field}:{part}"));
        fields.iter().map(whole).collect::<Vec<_>>().join("` or `")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_request() {
        let asked = Asked::of(Operation::Invite);
        let group = Grant { kind: GrantKind::Group, id: "g".into() };
        for (text, words) in [
            ("`names` is empty: name at least one user", "`usernames` is empty: name at least one user"),
            ("`metadata: key` has a NUL character", "`properties: key` has a NUL character"),
            ("`grants: id` is empty", "`groups: id` or `roles: id` is empty"),
            ("`userstore-domain` is longer than 255 bytes", "`userDomain` is longer than 255 bytes"),
            ("`ids` is empty", "`ids` is empty"),
            ("names and grants", "names and grants"),
            ("an odd ` names", "an odd ` names"),
        ] {
            assert_eq!(asked.in_its_words(text), words);
        }
        assert_eq!(asked.granting(&[group]).in_its_words("`grants` x"), "`groups` x");
    }

    #[test]
    fn every_operation_has_words_of_its_own() {
        let mut all: Vec<_> = Operation::ALL.into_iter().map(|one| Asked::of(one).unable()).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup_by(|one, other| one.0 == other.0 || one.1 == other.1);
        assert_eq!(all.len(), count);
    }
}
