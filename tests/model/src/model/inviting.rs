//! Inviting: what is asked of each name, and what is stored.

use super::*;

/// Where invitations to Acme may lead in this world.
const LANDING: &str = "https://app.acme.example/";

/// An invitation that is about to be made.
pub(super) struct Draft {
    position: usize,
    user: UserRef,
    name: String,
    kept: Vec<usize>,
    lifetime: Option<u64>,
    accept_with: AcceptWith,
    approval: Option<String>,
}

/// How an invitation is made.
pub(super) struct Terms<'a> {
    pub(super) place: &'a str,
    pub(super) parent: String,
    pub(super) settings: Values,
    pub(super) request: &'a InviteRequest,
    pub(super) lifetime: Option<u64>,
    pub(super) replaces: Option<&'a Invitation>,
}

impl Model {
    pub(super) fn invite(&mut self, request: &InviteRequest) -> Answer<Vec<String>> {
        let place = self.permitted(Permissions::INVITE)?;
        self.read()?;
        let settings = self.sound_settings(&place, Stop::Says("contradictory-settings".into()))?;
        must(request.names.len() <= settings.limits.users as usize, "too-many")?;
        must(!request.names.is_empty(), "invalid")?;
        let repeated = (1..request.grants.len()).any(|at| request.grants[..at].contains(&request.grants[at]));
        must(!repeated, "invalid")?;
        let shows = request.notify.unwrap_or(settings.notify) == Notify::External;
        must(!shows || self.may_see_code(&place), "may-not-see-code")?;
        let lifetime = lifetime(request.lifetime, &settings)?;
        let mut answers = vec![None; request.names.len()];
        if request.idempotency_key.is_some() {
            self.read()?;
            self.recall(&place, request, &mut answers)?;
        }
        if answers.iter().any(Option::is_none) {
            let parent = self.parent(&place, &request.grants)?;
            let terms = Terms { place: &place, parent, settings, request, lifetime, replaces: None };
            self.meant = vec![None; request.names.len()];
            let found = self.find_users(&terms, &mut answers)?;
            self.judge(&terms, found, &mut answers)?;
        }
        if answers.iter().flatten().any(|word| word == SILENT) {
            self.record("invitations", vec![(None, Word::PolicyUnavailable)])?;
        }
        Ok(answers.into_iter().flatten().collect())
    }

    pub(super) fn recall(
        &self,
        place: &str,
        request: &InviteRequest,
        answers: &mut [Option<String>],
    ) -> Answer<()> {
        let Some(known) = self.remembered.iter().find(|known| self.is_mine(known, place, request)) else {
            return Ok(());
        };
        must(known.request == *request, "operation-reused")?;
        for (position, item) in &known.items {
            answers[*position] = match item {
                Ok(id) => self.seen.rows.get(id).map(|stored| {
                    let row = &stored.invitation;
                    invited(id, state(row, self.clock), row.mail, row.expires_at, &[], "existed")
                }),
                Err(word) => Some(word.clone()),
            };
        }
        Ok(())
    }

    /// This host remembers an operation for a day after it has last recorded something.
    pub(super) fn is_mine(&self, known: &Remembered, place: &str, request: &InviteRequest) -> bool {
        known.place == place
            && known.who == self.who
            && known.request.idempotency_key == request.idempotency_key
            && self.clock - known.at <= 24 * 3_600_000
    }

    /// The organization works and has a parent; all roles exist; all groups exist.
    pub(super) fn parent(&mut self, place: &str, grants: &[Grant]) -> Answer<String> {
        self.read()?;
        self.must_be_active(place)?;
        let Some(parent) = self.facts[place].parent.clone() else { return says("no-parent") };
        if !grants.is_empty() {
            self.read()?;
            must(grants.iter().all(|grant| self.exists(place, grant)), "unknown-grants")?;
        }
        Ok(parent)
    }

    pub(super) fn find_users(
        &mut self,
        terms: &Terms<'_>,
        answers: &mut [Option<String>],
    ) -> Answer<Vec<(usize, UserRef)>> {
        let names = &terms.request.names;
        let is_asked = |(position, name): (usize, &String)| {
            answers[position].is_none() && !name.trim().is_empty() && !names[..position].contains(name)
        };
        let asks = names.iter().enumerate().any(is_asked);
        let lost = asks && self.fails()?;
        let known = terms.request.userstore_domain.is_none();
        must(lost || known || !asks, "unknown-userstore")?;
        let mut found: Vec<(usize, UserRef)> = vec![];
        for (position, name) in names.iter().enumerate() {
            if answers[position].is_some() {
                continue;
            }
            let users = self.named(&terms.parent, name);
            answers[position] = match users.as_slice() {
                _ if name.trim().is_empty() => Some("invalid".into()),
                _ if names[..position].contains(name) => Some("duplicate".into()),
                _ if lost => Some("unavailable".into()),
                [] => Some("not-a-parent-user".into()),
                [user] => {
                    self.meant[position] = Some(user.clone());
                    let known = found.iter().any(|(_, earlier)| earlier == user);
                    let works = self.is_user_of(&terms.parent, user);
                    if works && !known {
                        found.push((position, user.clone()));
                    }
                    match (works, known) {
                        (false, _) => Some("not-a-parent-user".into()),
                        (true, known) => known.then(|| "duplicate".into()),
                    }
                }
                _ => Some("ambiguous".into()),
            };
        }
        Ok(found)
    }

    /// All whom a text can mean. User names are compared without regard to ASCII case, in the store that is
    /// named or in the default one; addresses in every store.
    pub(super) fn named(&self, place: &str, text: &str) -> Vec<UserRef> {
        let (store, name) = text.split_once('/').unwrap_or(("PRIMARY", text));
        let Some(view) = self.living(place) else { return vec![] };
        let residents = view.residents.values().map(|person| (person, person.store == store));
        let guests = self.seen.members[place].iter().map(|guest| (guest, store == "PRIMARY"));
        let named = residents
            .filter(|(person, here)| *here && person.name.eq_ignore_ascii_case(name))
            .map(|(person, _)| &person.account)
            .chain(
                guests
                    .filter(|(guest, here)| *here && guest.name.eq_ignore_ascii_case(name))
                    .map(|(guest, _)| &guest.account),
            );
        let everybody = view
            .residents
            .values()
            .map(|person| &person.account)
            .chain(self.seen.members[place].iter().map(|guest| &guest.account));
        let has = |user: &&UserRef| {
            let address = self.resident(user).and_then(|person| person.email.as_deref());
            address.is_some_and(|address| text.contains('@') && address.eq_ignore_ascii_case(text))
        };
        let mut all: Vec<UserRef> = vec![];
        for user in named.chain(everybody.filter(has)) {
            if !all.contains(user) {
                all.push(user.clone());
            }
        }
        all
    }

    pub(super) fn notify(terms: &Terms<'_>) -> Notify {
        terms.request.notify.unwrap_or(terms.settings.notify)
    }

    /// The first reason that applies.
    pub(super) fn objection(&self, terms: &Terms<'_>, user: &UserRef) -> Option<&'static str> {
        let (place, grants) = (terms.place, &terms.request.grants);
        let over = |grant| terms.settings.ceiling.as_ref().is_some_and(|ceiling| !ceiling.contains(grant));
        let email = self.resident(user).is_some_and(|person| person.email.is_some());
        if self.guest(place, user).is_some() || user.organization == place {
            Some("already-member")
        } else if self.is_name_taken(place, user) {
            Some("name-taken")
        } else if Self::notify(terms) == Notify::Internal && !email {
            Some("no-email")
        } else if !self.may_be_written_to(place, user) {
            Some("address-not-allowed")
        } else if grants.iter().any(|grant| !self.may_give(place, &self.who, grant) || over(grant)) {
            Some("may-not-grant")
        } else if grants.iter().any(|grant| !self.may_receive(place, user, grant)) {
            Some("may-not-receive")
        } else {
            None
        }
    }

    /// What the organization's rules make of it; absent: they refuse.
    pub(super) fn draft(&self, terms: &Terms<'_>, position: usize, user: UserRef) -> Option<Draft> {
        let (name, grants) = (terms.request.names[position].clone(), &terms.request.grants);
        let rule = self.rule(terms.place, Moment::Invite, &user).unwrap_or_default();
        let (mut kept, mut lifetime) = ((0..grants.len()).collect::<Vec<_>>(), terms.lifetime);
        let (mut accept_with, mut approval) = (terms.settings.accept_with, rule.require_approval.clone());
        if let Some(narrow) = &rule.narrow {
            if narrow.lifetime.is_some_and(|most| most.0 < terms.settings.lifetime_min) {
                return None;
            }
            kept.retain(|index| !narrow.without.contains(&grants[*index].id));
            lifetime =
                narrow.lifetime.map(|most| lifetime.map_or(most.0, |asked| asked.min(most.0))).or(lifetime);
            accept_with =
                if narrow.signed_in_only { strictest(accept_with, AcceptWith::Invitee) } else { accept_with };
        }
        if kept.iter().any(|index| terms.settings.privileged.contains(&grants[*index])) {
            approval = approval.or(Some("a privileged group or role needs approval".into()));
        }
        rule.refuse.is_none().then_some(Draft { position, user, name, kept, lifetime, accept_with, approval })
    }

    pub(super) fn judge(
        &mut self,
        terms: &Terms<'_>,
        mut found: Vec<(usize, UserRef)>,
        answers: &mut [Option<String>],
    ) -> Answer<()> {
        if !found.is_empty() {
            let lost = self.fails()?;
            found.retain(|(position, user)| {
                let objection = if lost { Some("unavailable") } else { self.objection(terms, user) };
                answers[*position] = objection.map(str::to_owned);
                objection.is_none()
            });
        }
        let mut drafts = vec![];
        if !found.is_empty() {
            let lost = match self.is_silent(Moment::Invite) {
                Ok(silent) => silent.then_some(SILENT),
                Err(Stop::Fails) => Some("unavailable"),
                Err(stop) => return Err(stop),
            };
            for (position, user) in found {
                match self.draft(terms, position, user) {
                    _ if lost.is_some() => answers[position] = lost.map(str::to_owned),
                    Some(draft) => drafts.push(draft),
                    None => answers[position] = Some("refused".into()),
                }
            }
        }
        self.store(terms, drafts, answers)
    }

    pub(super) fn store(
        &mut self,
        terms: &Terms<'_>,
        drafts: Vec<Draft>,
        answers: &mut [Option<String>],
    ) -> Answer<()> {
        let refused = |answer: &Option<String>| {
            let again = |word: &str| ["unavailable", SILENT].contains(&word);
            answer.clone().filter(|word| !word.starts_with("invited") && !again(word))
        };
        let refused: Vec<_> = answers.iter().map(refused).collect();
        if drafts.is_empty() && refused.iter().all(Option::is_none) {
            return Ok(());
        }
        // Ids and codes are drawn first.
        let draws = !drafts.is_empty() || terms.request.idempotency_key.is_none();
        let allowed = |landing: &str| terms.place == "acme" && landing.starts_with(LANDING);
        let astray = terms.request.landing.as_deref().is_some_and(|landing| !allowed(landing));
        let stored = match draws && self.fails()? {
            true => Err(Stop::Fails),
            false if astray => self.read().and_then(|()| says("invalid")),
            false => self.write(|model| model.insert(terms, &drafts, &refused)),
        };
        let stored = match stored {
            Err(Stop::Fails) => {
                self.record_items(terms, &refused)?;
                vec![Err("unavailable".to_owned()); drafts.len()]
            }
            stored => stored?,
        };
        let made = |item: &Result<String, String>| item.clone().ok();
        let internal = Self::notify(terms) == Notify::Internal;
        let pending = |id: &String| self.seen.rows[id].invitation.state == State::Pending;
        let letters: Vec<_> = stored.iter().filter_map(made).filter(|id| internal && pending(id)).collect();
        let letters = letters.into_iter().map(|id| (id, MessageKind::Invitation)).collect::<Vec<_>>();
        let sent = self.deliver(&letters)?;
        for (draft, item) in drafts.iter().zip(stored) {
            let withheld = (0..terms.request.grants.len())
                .filter(|index| !draft.kept.contains(index))
                .collect::<Vec<_>>();
            answers[draft.position] = Some(match item {
                Ok(id) => {
                    let row = &self.seen.rows[&id].invitation;
                    let at = letters.iter().position(|(letter, _)| *letter == id);
                    let code = if row.state == State::Pending && !internal { "code" } else { "" };
                    invited(
                        &id,
                        row.state,
                        at.map_or(MailState::None, |at| sent[at].shown()),
                        row.expires_at,
                        &withheld,
                        code,
                    )
                }
                Err(word) => word,
            });
        }
        Ok(())
    }

    /// What is refused is refused, whether or not the others could be stored.
    fn record_items(&mut self, terms: &Terms<'_>, refused: &[Option<String>]) -> Answer<()> {
        if refused.iter().all(Option::is_none) {
            return Ok(());
        }
        let written = self.write(|model| {
            for (position, said) in refused.iter().enumerate() {
                let Some(word) = said.as_deref().and_then(word) else { continue };
                let (name, subject) = (&terms.request.names[position], model.meant[position].clone());
                model.note_item(terms.place, name, subject, word).operation = "invitations.invite".into();
            }
        });
        if matches!(written, Err(Stop::Crashes)) { Err(Stop::Crashes) } else { Ok(()) }
    }

    /// All drafts that can be stored and all refusals, in one commit.
    pub(super) fn insert(
        &mut self,
        terms: &Terms<'_>,
        drafts: &[Draft],
        refused: &[Option<String>],
    ) -> Vec<Result<String, String>> {
        let mut items: BTreeMap<usize, Result<String, String>> = BTreeMap::new();
        let mine = |known: &Remembered| self.is_mine(known, terms.place, terms.request);
        let keyed = terms.request.idempotency_key.is_some();
        if let Some(at) = self.remembered.iter().position(mine).filter(|_| keyed) {
            items = self.remembered.remove(at).items;
        }
        let mut answers = vec![];
        for draft in drafts {
            let stored = self.insert_one(terms, draft);
            if let Some(word) = stored.as_ref().err().and_then(|said| word(said)) {
                self.note_item(terms.place, &draft.name, Some(draft.user.clone()), word);
            }
            items.insert(draft.position, stored.clone());
            answers.push(stored);
        }
        for (position, said) in refused.iter().enumerate() {
            if let Some(said) = said.clone().filter(|_| !items.contains_key(&position)) {
                let (name, subject) = (&terms.request.names[position], self.meant[position].clone());
                self.note_item(terms.place, name, subject, word(&said).unwrap_or(Word::Other));
                items.insert(position, Err(said));
            }
        }
        if keyed {
            let (place, who) = (terms.place.to_owned(), self.who.clone());
            self.remembered.push(Remembered {
                place,
                who,
                request: terms.request.clone(),
                at: self.clock,
                items,
            });
        }
        answers
    }

    pub(super) fn insert_one(&mut self, terms: &Terms<'_>, draft: &Draft) -> Result<String, String> {
        let (now, subject) = (self.clock, Subject::User(draft.user.clone()));
        let here = || {
            self.seen
                .rows
                .values()
                .map(|stored| &stored.invitation)
                .filter(|row| row.key.organization == terms.place)
        };
        let active = here().find(|row| row.subject == subject && is_active(row.state)).cloned();
        if let Some(row) = active.iter().find(|row| is_active(state(row, now))) {
            return Err(format!("active-invitation {}", row.key.id));
        }
        let many = here().filter(|row| is_active(state(row, now))).count();
        if terms.settings.pending_limit.is_some_and(|limit| many >= limit as usize) {
            return Err("over-limit".into());
        }
        if let Some(row) = active {
            self.change(&row.key.id, "expired", |stored, _| stored.invitation.state = State::Expired);
            if terms.settings.notices.contains(Notices::EXPIRED) {
                self.enqueue(&row.key.id, MessageKind::Expired);
            }
        }
        let id = format!("#{}", self.made);
        self.made += 1;
        let notify = Self::notify(terms);
        let pending = draft.approval.is_none();
        let mailed = pending && notify == Notify::Internal;
        let invitation = Invitation {
            key: InvitationKey { organization: terms.place.to_owned(), id: id.clone() },
            parent: terms.parent.clone(),
            schema: 1,
            version: 1,
            state: if pending { State::Pending } else { State::AwaitingApproval },
            subject,
            name: draft.name.clone(),
            inviter: self.who.clone(),
            approver: None,
            grants: draft.kept.iter().map(|index| terms.request.grants[*index].clone()).collect(),
            outcomes: vec![],
            accept_with: draft.accept_with,
            notify,
            mail: if mailed { MailState::Queued } else { MailState::None },
            template: None,
            language: terms.request.language.clone(),
            landing: terms.request.landing.clone(),
            metadata: terms.request.metadata.clone(),
            created_at: now,
            lifetime: draft.lifetime,
            expires_at: draft.lifetime.map(|time| now.saturating_add(time)),
            ended_at: None,
            reason: draft.approval.clone(),
            claims: 0,
            lease_until: None,
            resends: 0,
            last_operation: String::new(),
            replaces: terms.replaces.map(|old| old.key.id.clone()),
            dismissed: false,
        };
        let codes = if pending { vec!["1".to_owned()] } else { vec![] };
        let code_versions = codes.iter().map(|_| 1).collect();
        let stored = StoredInvitation {
            invitation,
            codes,
            code_versions,
            mailed_at: None,
            reminded: false,
            hidden_until: 0,
        };
        self.seen.rows.insert(id.clone(), stored);
        self.note_of(&id, "invitation.created", (!pending).then_some(Word::NeedsApproval));
        if mailed {
            self.enqueue(&id, MessageKind::Invitation);
        }
        if !pending && terms.settings.notices.contains(Notices::APPROVAL_REQUESTED) {
            self.enqueue(&id, MessageKind::ApprovalRequested);
        }
        Ok(id)
    }
}
