//! A world in which a scenario is played: the host, the plugin, and what has names by now.

use std::sync::Arc;

use serde_saphyr::Spanned;

use super::{
    ask::{Answered as _, Request, Spoken},
    external_store::{self, Backing, Kept},
    failure::Failure,
    fault::Strike,
    format::{Handle, Instances, Invite, List, Notifying, SortBy, Step, Text},
    names::Names,
    people::person,
    render::{STATES, Showing, single, state_name, state_named},
};
use guestlist_contract::{
    code,
    exports::{
        invitations::{InviteRequest, LifetimeChoice, Owner},
        invitee,
    },
    host::{Host, Operation},
    types::{
        Grant, GrantKind, InvitationFilter, InvitationKey, Notify, PageRequest, Principal, Property, SortKey,
        State, UserRef,
    },
};
use guestlist_documents::HumanDuration;
use guestlist_harness::Reply;
use guestlist_harness::{Limits, Plugin, Session};
use guestlist_memory::{MemoryHost, Snapshot};
use guestlist_testkit::Intercept as _;
use guestlist_testkit::Interceptor;
use guestlist_testkit::guarantees::{History, Word, codes};
use guestlist_testkit::race::Turn;

/// Parts that steps leave out.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    pub(super) organization: Option<Text>,
    pub(super) caller: Option<Text>,
}

/// The world, the plugin and the names.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) host: Arc<MemoryHost>,
    /// The place where the host keeps what it stores, when it is not in memory.
    backing: Option<(Arc<dyn Backing>, Arc<dyn Kept>)>,
    plugin: Plugin,
    limits: Limits,
    instances: Instances,
    /// Present while an instance is kept.
    kept: Option<Session>,
    strikes: Vec<Arc<Strike>>,
    interceptors: Vec<Arc<dyn Interceptor>>,
    pub(super) names: Names,
    pub(super) history: History,
    defaults: Defaults,
    /// `next` of the last page of each kind.
    cursors: [Option<String>; 2],
}

/// The outcome of a call, as a scenario shows it.
pub(super) struct Told {
    pub(super) shown: serde_json::Value,
    pub(super) kind: Kind,
    pub(super) success: bool,
    pub(super) spoken: Spoken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Answered,
    Refused,
    Broken,
}

impl Stage {
    pub(super) fn new(
        host: Arc<MemoryHost>,
        plugin: Plugin,
        limits: Limits,
        instances: Instances,
        defaults: Defaults,
    ) -> Self {
        Self {
            host,
            backing: None,
            plugin,
            limits,
            instances,
            kept: None,
            strikes: Vec::new(),
            interceptors: Vec::new(),
            names: Names::default(),
            history: History::default(),
            defaults,
            cursors: [None, None],
        }
    }

    /// The same, with a host that keeps what it stores in a place of this backing.
    pub(super) fn backed(mut self, backing: &Arc<dyn Backing>) -> Result<Self, String> {
        let clock = self.host.clone();
        let kept = backing.open(Arc::new(move || clock.store_now()))?;
        self.backing = Some((backing.clone(), kept));
        self.write()?;
        Ok(self)
    }

    /// A stage of its own, from here on. What is kept in an instance stays behind.
    pub(super) fn fork(&self) -> Result<Self, String> {
        let host = Arc::new(self.host.fork());
        let strikes = self.strikes.iter().map(|strike| Arc::new(strike.fork(&host))).collect();
        let fork = Self { host, strikes, kept: None, backing: None, ..self.clone() };
        match &self.backing {
            Some((backing, _)) => fork.backed(backing),
            None => Ok(fork),
        }
    }

    /// Does what was done to the world in memory to the one that is kept elsewhere.
    pub(super) fn write(&self) -> Result<(), String> {
        self.backing.as_ref().map_or(Ok(()), |(_, kept)| kept.write(&self.host.realm()))
    }

    /// The imports as the plugin has them.
    fn imports(&self) -> Host {
        match &self.backing {
            Some((_, kept)) => external_store::host(self.host.clone(), kept.clone()),
            None => self.host.clone().host(),
        }
    }

    /// A failure of the host, counted over all calls from now on.
    pub(super) fn suffer(&mut self, strike: Arc<Strike>) {
        self.strikes.push(strike);
    }

    /// Something around every host call from now on.
    pub(super) fn intercept(&mut self, interceptor: Arc<dyn Interceptor>) {
        self.interceptors.push(interceptor);
    }

    /// Stopped and started: what is stored is all that is left.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        let saved = self.host.save().map_err(|error| error.to_string())?;
        let again = MemoryHost::load(&saved).map_err(|error| error.to_string())?;
        self.host.restore(&again);
        self.kept = None;
        Ok(())
    }

    /// A session for one more call. Whoever waits for their turn waits first: a host call is counted, and
    /// fails, when it is made.
    pub(super) fn session(&mut self, turn: Option<Arc<Turn>>, strike: Option<Arc<Strike>>) -> Session {
        let fresh = |stage: &Self| stage.plugin.session(stage.imports(), stage.limits.clone()).recording();
        let session = match (self.instances, &self.kept) {
            (Instances::Fresh, _) => fresh(self),
            (Instances::Kept, Some(kept)) => kept.clone(),
            (Instances::Kept, None) => {
                let kept = fresh(self).reusing();
                self.kept = Some(kept.clone());
                kept
            }
        };
        let session = turn.into_iter().fold(session, |session, turn| session.with_interceptor(turn));
        let strikes = self.strikes.iter().cloned();
        let session = strikes.fold(session, |session, strike| session.with_interceptor(strike));
        let session = self.interceptors.iter().cloned().fold(session, Session::with_interceptor);
        strike.into_iter().fold(session, |session, strike| session.with_interceptor(strike))
    }

    /// A session with another host, undisturbed.
    pub(super) fn session_with(&self, host: Arc<MemoryHost>) -> Session {
        self.plugin.session(host.host(), self.limits.clone())
    }

    /// The organization of a step.
    pub(super) fn organization(&self, step: &Step) -> Option<Text> {
        step.organization.clone().or_else(|| self.defaults.organization.clone())
    }

    /// The organization that people are looked up in, for a call in this one.
    pub(super) fn place(&self, organization: Option<&str>) -> Option<String> {
        let usual = || self.defaults.organization.as_ref().map(|text| text.value.clone());
        organization.map(str::to_owned).or_else(usual)
    }

    fn caller(
        &self,
        step: &Spanned<Step>,
        operation: Operation,
        organization: Option<&str>,
    ) -> Result<Principal, Failure> {
        let text = step.value.caller.as_ref().or(match operation {
            Operation::Sweep => None,
            _ => self.defaults.caller.as_ref(),
        });
        match text {
            None if operation == Operation::Sweep => Ok(Principal::System),
            None => {
                Err(Failure::at(step, "who acts?").helped("say so with `as`, here or at the top of the file"))
            }
            Some(text) => self.person_in(organization, text),
        }
    }

    fn person_in(&self, organization: Option<&str>, text: &Text) -> Result<Principal, Failure> {
        person(&self.host, organization, &text.value).map_err(|why| Failure::at(text, why))
    }

    /// Finds somebody with an account.
    pub(super) fn account(&self, organization: Option<&str>, text: &Text) -> Result<UserRef, Failure> {
        match self.person_in(organization, text)? {
            Principal::User(user) => Ok(user),
            _ => Err(Failure::at(text, format!("`{}` is nobody with an account", text.value))),
        }
    }

    fn invitation(&self, text: &Text) -> Result<InvitationKey, Failure> {
        if let Some(key) = self.names.key(&text.value) {
            return Ok(key.clone());
        }
        let known: Vec<_> = self.names.all().map(|name| format!("`{name}`")).collect();
        let failure = Failure::at(text, format!("there is no `{}` at this point", text.value));
        Err(if known.is_empty() {
            failure
                .helped("nobody has been invited yet; the invitation of alice is called `alice's invitation`")
        } else {
            failure.helped(format!("there are {}", known.join(", ")))
        })
    }

    /// An id as it stands: also one that belongs to nobody, to see what the plugin says to it.
    fn id(&self, text: &Text) -> Result<String, Failure> {
        if uuid::Uuid::try_parse(&text.value).is_ok() {
            return Ok(text.value.clone());
        }
        Ok(self.invitation(text)?.id)
    }

    /// The call that a step asks for; `None` where it asks for none.
    pub(super) fn request(
        &self,
        step: &Spanned<Step>,
    ) -> Result<Option<(Request, Option<String>, Principal)>, Failure> {
        let it = &step.value;
        let reason = it.reason.clone();
        let within = self.organization(it).map(|text| text.value);
        let within = within.as_deref();
        let request = if let Some(invite) = &it.invite {
            Request::Invite(invite_request(invite)?)
        } else if let Some(list) = &it.list {
            self.list(list, within)?
        } else if let Some(of) = &it.get {
            Request::Get(self.id(of)?)
        } else if let Some(of) = &it.resend {
            let ids = of.iter().map(|one| self.id(one)).collect::<Result<_, _>>()?;
            Request::Resend(ids, of.iter().map(|one| one.value.clone()).collect())
        } else if let Some(of) = &it.revoke {
            Request::Revoke(self.id(of)?, reason)
        } else if let Some(all) = &it.revoke_all {
            let whose = match (&all.invitee, &all.inviter) {
                (Some(invitee), None) => Owner::Invitee(self.account(within, invitee)?),
                (None, Some(inviter)) => Owner::Inviter(self.person_in(within, inviter)?),
                _ => return Err(Failure::at(step, "`revoke-all` needs either `invitee` or `inviter`")),
            };
            Request::RevokeAll(whose, reason)
        } else if let Some(of) = &it.approve {
            Request::Approve(self.id(of)?)
        } else if let Some(of) = &it.dismiss {
            Request::Dismiss(self.id(of)?)
        } else if let Some(of) = &it.reject {
            Request::Reject(self.id(of)?, reason)
        } else if let Some(mine) = &it.list_mine {
            let after = self.cursor(1, mine.after.as_deref());
            Request::ListMine(states(&mine.states)?, after, mine.limit.unwrap_or(200))
        } else if let Some(handle) = &it.introspect {
            Request::Introspect(self.handle(step, handle)?)
        } else if let Some(handle) = &it.accept {
            Request::Accept(self.handle(step, handle)?)
        } else if let Some(handle) = &it.decline {
            Request::Decline(self.handle(step, handle)?, reason)
        } else if let Some(sweep) = &it.sweep {
            Request::Sweep(sweep.limit.unwrap_or(100))
        } else {
            return Ok(None);
        };
        let operation = request.operation();
        let caller = self.caller(step, operation, within)?;
        // An invitee acts from their own dashboard, unless the step says where.
        let place = if operation.is_invitees() { it.organization.clone() } else { self.organization(it) };
        Ok(Some((request, place.map(|text| text.value), caller)))
    }

    fn list(&self, list: &List, within: Option<&str>) -> Result<Request, Failure> {
        let grant = match (&list.group, &list.role) {
            (Some(id), _) => Some(Grant { kind: GrantKind::Group, id: id.clone() }),
            (None, Some(id)) => Some(Grant { kind: GrantKind::Role, id: id.clone() }),
            (None, None) => None,
        };
        let inviter = list.inviter.as_ref().map(|text| self.person_in(within, text)).transpose()?;
        let invitee = list.invitee.as_ref().map(|text| self.account(within, text)).transpose()?;
        let name_prefix = list.name_prefix.clone();
        let dismissed = Some(list.dismissed);
        let filter = InvitationFilter {
            states: states(&list.states)?,
            grant,
            inviter,
            invitee,
            name_prefix,
            dismissed,
        };
        let sort = match list.sort {
            None | Some(SortBy::CreatedAt) => SortKey::CreatedAt,
            Some(SortBy::ExpiresAt) => SortKey::ExpiresAt,
            Some(SortBy::Name) => SortKey::Name,
        };
        let after = self.cursor(0, list.after.as_deref());
        let limit = list.limit.unwrap_or(200);
        Ok(Request::List(filter, PageRequest { sort, descending: list.descending, after, limit }))
    }

    pub(super) fn cursor(&self, kind: usize, after: Option<&str>) -> Option<String> {
        match after {
            Some("next") => self.cursors.get(kind).cloned().flatten(),
            other => other.map(str::to_owned),
        }
    }

    fn handle(&self, step: &Spanned<Step>, handle: &Handle) -> Result<invitee::Handle, Failure> {
        if let Some(text) = &handle.text {
            return Ok(invitee::Handle::Code(text.clone()));
        }
        if handle.never_issued {
            return Ok(invitee::Handle::Code(code::from_bytes([7; 32])));
        }
        if let Some(of) = &handle.invitation {
            return Ok(invitee::Handle::Id(self.invitation(of)?));
        }
        let Some(of) = &handle.code else {
            return Err(Failure::at(step, "which invitation?").helped("say `code` or `invitation`"));
        };
        let key = self.invitation(of)?;
        let codes = self.names.codes(&key, &self.host.snapshot());
        let code = match handle.nth {
            None => codes.last(),
            Some(nth) => nth.checked_sub(1).and_then(|index| codes.get(index)),
        };
        let code = code.ok_or_else(|| {
            let which = handle.nth.map_or_else(|| "no code".into(), |nth| format!("no code number {nth}"));
            Failure::at(of, format!("{which} was handed out for `{}`", of.value))
        })?;
        let cut = handle.cut.unwrap_or(usize::MAX);
        Ok(invitee::Handle::Code(code.chars().take(cut).collect()))
    }

    /// Takes in what came of a call: names for what is new, and what must stay true from now on.
    pub(super) fn hear(&mut self, spoken: Spoken, before: &Snapshot) -> Told {
        let world = self.host.snapshot();
        self.names.learn(&world);
        let now = self.host.store_now();
        let (kind, shown, success) = match &spoken.answer {
            Err(broken) => (Kind::Broken, single("broken".into(), broken.word.into()), false),
            Ok(answer) => {
                for (id, code) in answer.codes() {
                    let organization = spoken.context.organization.clone().unwrap_or_default();
                    self.names.show(InvitationKey { organization, id }, code);
                }
                let place = spoken.context.organization.as_deref().unwrap_or_default();
                for word in Word::of(place, &spoken.request.clone().into(), answer, &codes(before)) {
                    self.history.note(&self.host, word);
                }
                match answer {
                    Reply::List(Ok(page)) => self.cursors[0].clone_from(&page.next),
                    Reply::ListMine(Ok(page)) => self.cursors[1].clone_from(&page.next),
                    _ => {}
                }
                let showing = Showing { names: &self.names, now };
                let shown = showing.answer(&spoken.request, answer);
                let refused = shown.get("refused").is_some() && answer.refusal().is_some();
                (if refused { Kind::Refused } else { Kind::Answered }, shown, answer.is_success())
            }
        };
        Told { shown, kind, success, spoken }
    }
}

impl Showing<'_> {
    fn answer(&self, request: &Request, answer: &Reply) -> serde_json::Value {
        let shown = self.value(answer.json());
        let named = |names: &[String]| match &shown {
            serde_json::Value::Array(items) => {
                names.iter().zip(items).map(|(name, item)| single(name.clone(), item.clone())).collect()
            }
            other => other.clone(),
        };
        match request {
            Request::Invite(request) => named(&request.names),
            Request::Resend(_, names) => named(names),
            _ if shown.is_null() => "done".into(),
            _ => shown,
        }
    }
}

fn invite_request(invite: &Invite) -> Result<InviteRequest, Failure> {
    let of = |kind, ids: &[String]| -> Vec<Grant> {
        ids.iter().map(|id| Grant { kind, id: id.clone() }).collect()
    };
    let mut grants = of(GrantKind::Role, &invite.roles);
    grants.extend(of(GrantKind::Group, &invite.groups));
    let lifetime = match &invite.lifetime {
        None => LifetimeChoice::Default,
        Some(text) if text.value == "never" => LifetimeChoice::Never,
        Some(text) => {
            let time = text.value.parse::<HumanDuration>();
            LifetimeChoice::Lasting(time.map_err(|error| Failure::at(text, error.to_string()))?.0)
        }
    };
    let pair = |(key, value): (&String, &String)| Property { key: key.clone(), value: value.clone() };
    Ok(InviteRequest {
        names: invite.users.clone(),
        userstore_domain: invite.userstore_domain.clone(),
        grants,
        lifetime,
        notify: invite.notify.map(|notify| match notify {
            Notifying::Internal => Notify::Internal,
            Notifying::External => Notify::External,
        }),
        template: invite.template.clone(),
        language: invite.language.clone(),
        landing: invite.landing.clone(),
        metadata: invite.metadata.iter().map(pair).collect(),
        idempotency_key: invite.idempotency_key.clone(),
    })
}

fn states(words: &[Text]) -> Result<Vec<State>, Failure> {
    let state = |word: &Text| {
        state_named(&word.value).ok_or_else(|| {
            let known: Vec<_> = STATES.into_iter().map(|state| format!("`{}`", state_name(state))).collect();
            Failure::at(word, format!("`{}` is no state", word.value))
                .helped(format!("there are {}", known.join(", ")))
        })
    };
    words.iter().map(state).collect()
}
