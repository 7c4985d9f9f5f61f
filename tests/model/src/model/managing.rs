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
                && filter.dismissed.is_none_or(|dismissed| row.dismissed == dismissed)
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
        let settings = self.sound_settings(&place, Stop::Says("contradictory-settings".into()))?;
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
            Ok(word) | Err(Stop::Says(word) | Stop::Noted(word)) => word,
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
        let adopts = self.may_be_sent(&row, settings)?;
        let (by, who) = (if adopts { "adopted" } else { "renewed" }, self.who.clone());
        // An older code works until the mail with this one has arrived; one that is shown here needs no mail.
        let instead = row.notify == Notify::External;
        self.turn(id, by, letter(&row), |stored, _| {
            new_code(stored, instead);
            stored.invitation.resends += 1;
            if adopts {
                (stored.invitation.inviter, stored.invitation.approver) = (who, None);
            }
        })?;
        letters.extend(letter(&row).map(|kind| (id.to_owned(), kind)));
        Ok(self.renewed(id, MailState::None))
    }

    /// What could not be accepted is not sent. Whether the caller becomes the inviter, because the one there
    /// was is gone.
    fn may_be_sent(&mut self, row: &Invitation, settings: &Values) -> Answer<bool> {
        let place = &row.key.organization;
        must(row.notify == Notify::Internal || self.may_see_code(place), "may-not-see-code")?;
        let adopts = match self.check(row, silent()) {
            Err(Stop::Says(obstacle)) if obstacle == "inviter-not-entitled" => {
                self.may_adopt(row, settings)?;
                true
            }
            checked => obstructed(checked.map(|_| false))?,
        };
        let user = account(&row.subject);
        let email = self.resident(&user).is_some_and(|person| person.email.is_some());
        must(row.notify == Notify::External || email, "not-invitable no-email")?;
        Ok(adopts)
    }

    /// With the checks of an invite by the caller; and what would need an approval does not go back to that.
    fn may_adopt(&mut self, row: &Invitation, settings: &Values) -> Answer<()> {
        let (place, who) = (&row.key.organization, self.who.clone());
        let gone = "not-invitable obstacle:inviter-not-entitled";
        must(self.standing(place, &who).contains(Permissions::INVITE), gone)?;
        let own = who == Principal::User(account(&row.subject)) || row.approver.as_ref() == Some(&who);
        must(!own, "own-invitation")?;
        let privileged = row.grants.iter().any(|grant| settings.privileged.contains(grant));
        must(!privileged, "not-invitable needs-approval")?;
        let as_mine = Invitation { inviter: who, approver: None, ..row.clone() };
        obstructed(self.check(&as_mine, silent()))?;
        self.read()?;
        if self.is_silent(Moment::Invite)? {
            return says(format!("not-invitable {SILENT}"));
        }
        let rule = self.rule(place, Moment::Invite, &account(&row.subject)).unwrap_or_default();
        must(rule.refuse.is_none(), "not-invitable refused")?;
        must(rule.require_approval.is_none(), "not-invitable needs-approval")?;
        let narrow = rule.narrow.unwrap_or_default();
        let less = row.grants.iter().any(|grant| narrow.without.contains(&grant.id))
            || narrow.lifetime.is_some_and(|most| row.lifetime.is_none_or(|asked| most.0 < asked))
            || (narrow.signed_in_only && row.accept_with == AcceptWith::Code);
        must(!less, "not-invitable refused")
    }

    /// An expired one is invited anew, with all the checks of `invite` as the caller.
    pub(super) fn invite_anew(&mut self, place: &str, old: &Invitation, settings: &Values) -> Answer {
        self.permitted(Permissions::INVITE)?;
        must(old.notify == Notify::Internal || self.may_see_code(place), "may-not-see-code")?;
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
            language: old.language.clone(),
            landing: old.landing.clone(),
            metadata: old.metadata.clone(),
            idempotency_key: None,
        };
        self.read()?;
        let user = account(&old.subject);
        self.meant = vec![Some(user.clone())];
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
        let again = ["unavailable", SILENT].contains(&word.as_str());
        match word.starts_with("invited") {
            true => Ok(word),
            false if again => says(format!("not-invitable {word}")),
            // The batch has its event.
            false => Err(Stop::Noted(format!("not-invitable {word}"))),
        }
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
        let shown = row.notify == Notify::External && self.may_see_code(&row.key.organization);
        let code = if shown { "code" } else { "" };
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
        // Whoever does it themselves need not be told.
        let notice = self.notice(row, Notices::REVOKED, MessageKind::Revoked);
        let notice = notice.filter(|_| row.inviter != self.who);
        self.turn(&row.key.id, "revoked", notice, |stored, _| {
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
        self.sound_settings(&row.key.organization, Stop::Says("contradictory-settings".into()))?;
        let who = self.who.clone();
        let as_approved = Invitation { approver: Some(who.clone()), ..row.clone() };
        obstructed(self.check(&as_approved, silent()))?;
        self.turn(id, "approved", letter(&row), |stored, now| {
            new_code(stored, true);
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

    /// Takes an ended one off the list; it stays in the history.
    pub(super) fn dismiss(&mut self, id: &str) -> Answer {
        let place = self.permitted(Permissions::REVOKE)?;
        let row = self.find_row(&place, id)?;
        if row.dismissed {
            return Ok("ok".into());
        }
        if row.state == State::Expired && row.ended_at.is_none() {
            self.read()?;
            match self.expire_row(&row) {
                // Somebody else was faster with something, and it has not ended by that.
                Err(Stop::Says(_)) => return says(format!("wrong-state {:?}", row.state)),
                turned => turned?,
            }
        }
        must(!is_active(row.state), &format!("wrong-state {:?}", row.state))?;
        self.write(|model| {
            if let Some(stored) = model.seen.rows.get_mut(id) {
                stored.invitation.dismissed = true;
            }
            model.note_of(id, "invitation.dismissed", None);
        })?;
        Ok("ok".into())
    }
}

/// The policy gives no answer, and nothing is sent without one.
fn silent() -> Stop {
    Stop::Says(SILENT.into())
}

/// What is in the way of an accept is in the way of sending.
fn obstructed<T>(checked: Answer<T>) -> Answer<T> {
    match checked {
        Err(Stop::Says(obstacle)) => says(format!("not-invitable obstacle:{obstacle}")),
        checked => checked,
    }
}
