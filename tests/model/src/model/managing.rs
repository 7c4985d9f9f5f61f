//! What administrators do with invitations that are there.

use std::collections::BTreeSet;

use super::{inviting::Terms, *};

impl Model {
    pub(super) fn list(&mut self, filter: &InvitationFilter) -> Answer<Vec<String>> {
        let place = self.permitted(Permissions::VIEW)?;
        self.read()?;
        let now = self.clock;
        let wanted = |row: &&Invitation| {
            row.key.organization == place
                && (filter.states.is_empty() || filter.states.contains(&state(row, now)))
                && filter.grant.as_ref().is_none_or(|grant| row.grants.contains(grant))
                && filter.inviter.as_ref().is_none_or(|inviter| row.inviter == *inviter)
        };
        Ok(self
            .seen
            .rows
            .values()
            .map(|stored| &stored.invitation)
            .filter(wanted)
            .map(|row| shown(row, now))
            .collect())
    }

    pub(super) fn get(&mut self, id: &str) -> Answer {
        let place = self.permitted(Permissions::VIEW)?;
        Ok(shown(&self.find_row(&place, id)?, self.clock))
    }

    pub(super) fn resend(&mut self, ids: &[String]) -> Answer<Vec<String>> {
        let place = self.permitted(Permissions::RESEND)?;
        must(ids.iter().collect::<BTreeSet<_>>().len() == ids.len(), "invalid")?;
        self.read()?;
        let settings = self.settings(&place);
        self.read()?;
        self.must_be_active(&place)?;
        // The entropy for all of them.
        self.read()?;
        let (mut answers, mut found, mut letters) = (vec![], vec![], vec![]);
        for id in ids {
            let answer = self.resend_one(&place, id, &settings, &mut letters);
            found.push(self.found.take());
            if matches!(answer, Err(Stop::Crashes)) {
                return Err(Stop::Crashes);
            }
            answers.push(answer);
        }
        // All are changed first; then the mails go out together.
        let sent = self.deliver(&letters)?;
        for ((letter, _), sent) in letters.iter().zip(sent) {
            if let Some(at) = ids.iter().position(|id| id == letter) {
                answers[at] = Ok(self.renewed(letter, sent.shown()));
            }
        }
        let refused =
            found.into_iter().zip(&answers).filter_map(|(id, answer)| refusal(id, answer)).collect();
        self.record("invitations", refused)?;
        let word = |answer| match answer {
            Ok(word) | Err(Stop::Says(word)) => word,
            Err(_) => "host".into(),
        };
        Ok(answers.into_iter().map(word).collect())
    }

    fn resend_one(
        &mut self,
        place: &str,
        id: &str,
        settings: &Values,
        letters: &mut Vec<(String, MessageKind)>,
    ) -> Answer {
        let row = self.find_row(place, id)?;
        match row.state {
            State::Pending => must(row.resends < settings.resend_limit, "resend-limit")?,
            State::Accepting => return says("in-progress"),
            State::Expired => return self.invite_anew(place, &row, settings),
            state => return says(format!("wrong-state {state:?}")),
        }
        self.turn(id, "renewed", letter(&row), |stored, _| {
            stored.codes = vec![next_code(stored)];
            stored.invitation.resends += 1;
        })?;
        letters.extend(letter(&row).map(|kind| (id.to_owned(), kind)));
        Ok(self.renewed(id, MailState::None))
    }

    /// An expired one is invited anew, with all the checks of `invite` as the caller.
    pub(super) fn invite_anew(&mut self, place: &str, old: &Invitation, settings: &Values) -> Answer {
        self.permitted(Permissions::INVITE)?;
        let asked = old.lifetime.map_or(LifetimeChoice::Never, LifetimeChoice::Lasting);
        let lifetime = lifetime(asked, settings).or_else(|_| lifetime(LifetimeChoice::Default, settings))?;
        let parent = self.parent(place, &old.grants)?;
        let request = InviteRequest {
            names: vec![old.name.clone()],
            userstore_domain: None,
            grants: old.grants.clone(),
            lifetime: asked,
            notify: Some(old.notify),
            template: None,
            metadata: old.metadata.clone(),
            idempotency_key: None,
        };
        self.read()?;
        let user = account(&old.subject);
        let mut answers = vec![None];
        let found = if self.is_user_of(&parent, &user) { vec![(0, user)] } else { vec![] };
        if found.is_empty() {
            answers[0] = Some("not-a-parent-user".into());
        }
        let terms = Terms {
            place,
            parent,
            settings: settings.clone(),
            request: &request,
            lifetime,
            replaces: Some(old),
        };
        self.judge(&terms, found, &mut answers)?;
        let word = answers.remove(0).unwrap_or_default();
        if word.starts_with("invited") { Ok(word) } else { says(format!("not-invitable {word}")) }
    }

    /// Brings a code that was just made to the invitee, or to the caller.
    pub(super) fn hand_over(&mut self, id: &str) -> Answer {
        let letter = letter(&self.seen.rows[id].invitation);
        let letters: Vec<_> = letter.map(|kind| (id.to_owned(), kind)).into_iter().collect();
        let sent = self.deliver(&letters)?;
        Ok(self.renewed(id, sent.first().map_or(MailState::None, |sent| sent.shown())))
    }

    fn renewed(&self, id: &str, mail: MailState) -> String {
        let row = &self.seen.rows[id].invitation;
        let code = if row.notify == Notify::External { "code" } else { "" };
        invited(id, State::Pending, mail, row.expires_at, &[], code)
    }

    pub(super) fn revoke(&mut self, id: &str, reason: Option<&str>) -> Answer {
        let place = self.permitted(Permissions::REVOKE)?;
        let row = self.find_row(&place, id)?;
        if row.state == State::Revoked {
            return Ok("ok".into());
        }
        self.read()?;
        self.end(&row, reason, &[State::AwaitingApproval, State::Pending])
    }

    pub(super) fn end(&mut self, row: &Invitation, reason: Option<&str>, from: &[State]) -> Answer {
        if row.state == State::Accepting {
            self.read()?;
            return says("in-progress");
        }
        must(from.contains(&row.state), &format!("wrong-state {:?}", row.state))?;
        self.turn(&row.key.id, "revoked", None, |stored, _| {
            stored.invitation.state = State::Revoked;
            stored.invitation.reason = reason.map(str::to_owned).or(stored.invitation.reason.take());
        })?;
        Ok("ok".into())
    }

    pub(super) fn revoke_all(&mut self, owner: &Owner) -> Answer {
        let place = self.permitted(Permissions::REVOKE)?;
        self.read()?;
        let his = |row: &Invitation| match owner {
            Owner::Invitee(user) => row.subject == Subject::User(user.clone()),
            Owner::Inviter(who) => row.inviter == *who,
        };
        let now = self.clock;
        let wanted =
            |row: &&Invitation| row.key.organization == place && his(row) && is_active(state(row, now));
        let mut rows: Vec<_> =
            self.seen.rows.values().map(|stored| &stored.invitation).filter(wanted).cloned().collect();
        rows.sort_by_key(|row| (row.created_at, &self.order[&row.key.id]));
        self.read()?;
        let (mut revoked, mut busy, mut failed) = (vec![], vec![], vec![]);
        for row in rows {
            match self.end(&row, None, &[State::AwaitingApproval, State::Pending]) {
                Ok(_) => revoked.push(row.key.id),
                Err(Stop::Says(word)) if word == "in-progress" => busy.push(row.key.id),
                Err(Stop::Crashes) => return Err(Stop::Crashes),
                Err(_) => failed.push(row.key.id),
            }
        }
        for list in [&mut revoked, &mut busy, &mut failed] {
            list.sort();
        }
        Ok(format!("revoked {revoked:?} in-progress {busy:?} failed {failed:?}"))
    }

    /// Approving and rejecting are somebody else's.
    pub(super) fn judged(&mut self, id: &str) -> Answer<Invitation> {
        let place = self.permitted(Permissions::APPROVE)?;
        let row = self.find_row(&place, id)?;
        must(
            row.inviter != self.who && Principal::User(account(&row.subject)) != self.who,
            "own-invitation",
        )?;
        Ok(row)
    }

    pub(super) fn approve(&mut self, id: &str) -> Answer {
        let row = self.judged(id)?;
        self.read()?;
        self.must_be_active(&row.key.organization)?;
        must(row.state == State::AwaitingApproval, &format!("wrong-state {:?}", row.state))?;
        self.read()?;
        let who = self.who.clone();
        self.turn(id, "approved", letter(&row), |stored, now| {
            stored.codes = vec![next_code(stored)];
            stored.reminded = false;
            let row = &mut stored.invitation;
            (row.state, row.approver) = (State::Pending, Some(who));
            row.expires_at = row.lifetime.map(|time| now.saturating_add(time));
        })?;
        self.hand_over(id)
    }

    pub(super) fn reject(&mut self, id: &str, reason: Option<&str>) -> Answer {
        let row = self.judged(id)?;
        if row.state == State::Revoked && row.approver.is_none() {
            return Ok("ok".into());
        }
        self.read()?;
        self.end(&row, reason, &[State::AwaitingApproval])
    }
}
