//! What a letter says in a language, without a form yet.

use crate::{Kind, Language, Letter, names, text, when};

/// Most groups or roles that are listed by name.
const LISTED: usize = 20;

/// A text with names in it, each harmless in its place.
pub(super) struct Text {
    /// For plain text and for the subject.
    pub plain: String,
    /// For HTML.
    pub html: String,
}

impl Text {
    /// The text, made once with each way to make a name harmless.
    fn new(make: impl Fn(fn(&str) -> String) -> String) -> Self {
        Self { plain: make(plain), html: make(html) }
    }
}

/// A name in plain text.
pub(super) fn plain(name: &str) -> String {
    names::isolated(names::unlinked(name))
}

/// A name in HTML.
pub(super) fn html(name: &str) -> String {
    format!("<bdi>{}</bdi>", names::escaped(&names::unlinked(name)))
}

/// A letter, in the order in which it is read.
pub(super) struct Content {
    pub subject: Text,
    pub body: Text,
    /// Where the link is that this letter has not.
    pub how: Option<String>,
    /// A label and what belongs to it: names.
    pub lists: Vec<(String, Vec<String>)>,
    /// How many names of each list are not shown.
    pub more: Vec<Option<String>>,
    /// A label and the moment.
    pub valid_until: Option<(String, String)>,
    /// A label and somebody's words.
    pub reason: Option<(String, String)>,
    /// The button's words, the link, and the words above the link as text.
    pub link: Option<(String, String, String)>,
    pub ignore: Option<String>,
    /// Who sent it, and why one gets it.
    pub why: Text,
    pub no_reply: String,
    /// The operator's words.
    pub support: Option<String>,
}

type Two = fn(Language, String, String) -> String;

impl Content {
    pub(super) fn of(letter: &Letter, language: Language) -> Self {
        let named = |name: &str, otherwise: String| match names::one_line(name, names::NAME) {
            name if name.is_empty() => otherwise,
            name => name,
        };
        let organization = named(&letter.organization, text::without_name(language));
        let server = named(&letter.server, text::without_name(language));
        let inviter = named(letter.inviter.as_deref().unwrap_or_default(), text::somebody(language));
        let invitee = named(letter.invitee.as_deref().unwrap_or_default(), text::without_name(language));
        let two = |make: Two, first: &str, second: &str| {
            Text::new(|safe| make(language, safe(first), safe(second)))
        };
        let notice = |subject: Two, body: Two| {
            let subject = two(subject, &invitee, &organization);
            (
                subject,
                two(body, &invitee, &organization),
                text::notice_button(language),
                text::sent_to_inviter as Two,
            )
        };
        let (subject, body, button, why) = match letter.kind {
            Kind::Invitation => (
                Text::new(|safe| text::invitation_subject(language, safe(&organization))),
                two(text::invitation_body, &inviter, &organization),
                text::invitation_button(language),
                text::sent_to_invitee as Two,
            ),
            Kind::Reminder => (
                Text::new(|safe| text::reminder_subject(language, safe(&organization))),
                two(text::reminder_body, &inviter, &organization),
                text::reminder_button(language),
                text::sent_to_invitee as Two,
            ),
            Kind::Accepted => notice(text::accepted_subject, text::accepted_body),
            Kind::Declined => notice(text::declined_subject, text::declined_body),
            Kind::Expired => notice(text::expired_subject, text::expired_body),
            Kind::Failed => notice(text::failed_subject, text::failed_body),
            Kind::Revoked => notice(text::revoked_subject, text::revoked_body),
            Kind::ApprovalRequested => (
                two(text::approval_subject, &invitee, &organization),
                Text::new(|safe| {
                    text::approval_body(language, safe(&inviter), safe(&invitee), safe(&organization))
                }),
                text::approval_button(language),
                text::sent_to_approver as Two,
            ),
        };
        let (lists, more) =
            [(text::groups(language), &letter.groups), (text::roles(language), &letter.roles)]
                .into_iter()
                .filter(|(_, all)| !all.is_empty())
                .map(|(label, all)| {
                    let shown = all
                        .iter()
                        .take(LISTED)
                        .map(|name| named(name, text::without_name(language)))
                        .collect();
                    let rest = all.len().saturating_sub(LISTED);
                    ((label, shown), (rest > 0).then(|| text::and_more(language, rest)))
                })
                .unzip();
        let is_open = matches!(letter.kind, Kind::Invitation | Kind::Reminder | Kind::ApprovalRequested);
        let valid_until = letter.expires_at.filter(|_| is_open).and_then(|at| {
            let moment = when::moment(language, at, letter.utc_offset)?;
            let told = match letter.lifetime {
                Some(lifetime) => text::moment_after(language, moment, when::lifetime(language, lifetime)),
                None => moment,
            };
            Some((text::valid_until(language), told))
        });
        let reason = letter.reason.as_deref().map(|reason| names::one_line(reason, names::REASON));
        Self {
            subject,
            body,
            how: (letter.kind == Kind::Reminder).then(|| text::reminder_how(language)),
            lists,
            more,
            valid_until,
            reason: reason.filter(|reason| !reason.is_empty()).map(|reason| (text::reason(language), reason)),
            link: letter.link.clone().map(|link| (button, link, text::copy_link(language))),
            ignore: (letter.kind == Kind::Invitation).then(|| text::invitation_ignore(language)),
            why: two(why, &server, &organization),
            no_reply: text::do_not_reply(language),
            support: letter
                .support
                .as_deref()
                .map(|support| names::one_line(support, names::REASON))
                .filter(|support| !support.is_empty()),
        }
    }
}
