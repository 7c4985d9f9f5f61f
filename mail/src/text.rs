//! The catalogue: every text of the e-mails, in every language.
//!
//! A text has no markup: it goes into HTML, into plain text and into a subject alike. Whoever fills in a name
//! makes it harmless for its place first.

crate::catalogue! {
    /// Subject and heading of an invitation.
    invitation_subject(organization) {
        en: "Invitation to join the {organization} organization",
        de: "Einladung in die Organisation {organization}",
    }
    invitation_body(inviter, organization) {
        en: "{inviter} has invited you to join the {organization} organization.",
        de: "{inviter} hat Sie in die Organisation {organization} eingeladen.",
    }
    invitation_button() { en: "Accept Invitation", de: "Einladung annehmen" }
    invitation_ignore() {
        en: "If you do not want to join, you need not do anything.",
        de: "Wenn Sie nicht beitreten möchten, brauchen Sie nichts zu tun.",
    }

    reminder_subject(organization) {
        en: "Reminder: your invitation to join the {organization} organization",
        de: "Erinnerung: Ihre Einladung in die Organisation {organization}",
    }
    reminder_body(inviter, organization) {
        en: "{inviter} has invited you to join the {organization} organization, and you have not answered yet.",
        de: "{inviter} hat Sie in die Organisation {organization} eingeladen, und Sie haben noch nicht geantwortet.",
    }
    /// A reminder has no code.
    reminder_how() {
        en: "The link is in the e-mail with the invitation. You can also sign in and accept it there.",
        de: "Der Link steht in der E-Mail mit der Einladung. Sie können sich auch anmelden und dort zustimmen.",
    }
    reminder_button() { en: "See your invitations", de: "Ihre Einladungen ansehen" }

    accepted_subject(invitee, organization) {
        en: "{invitee} has joined the {organization} organization",
        de: "{invitee} ist der Organisation {organization} beigetreten",
    }
    accepted_body(invitee, organization) {
        en: "{invitee} has accepted your invitation and is now a member of the {organization} organization.",
        de: "{invitee} hat Ihre Einladung angenommen und ist jetzt Mitglied der Organisation {organization}.",
    }
    declined_subject(invitee, organization) {
        en: "{invitee} has declined your invitation to {organization}",
        de: "{invitee} hat Ihre Einladung zu {organization} abgelehnt",
    }
    declined_body(invitee, organization) {
        en: "{invitee} has declined your invitation to join the {organization} organization.",
        de: "{invitee} hat Ihre Einladung in die Organisation {organization} abgelehnt.",
    }
    expired_subject(invitee, organization) {
        en: "Your invitation of {invitee} to {organization} has expired",
        de: "Ihre Einladung an {invitee} zu {organization} ist abgelaufen",
    }
    expired_body(invitee, organization) {
        en: "{invitee} has not answered your invitation to join the {organization} organization in time. You can \
             invite them again.",
        de: "{invitee} hat Ihre Einladung in die Organisation {organization} nicht rechtzeitig beantwortet. Sie \
             können sie erneut aussprechen.",
    }
    failed_subject(invitee, organization) {
        en: "{invitee} could not join the {organization} organization",
        de: "{invitee} konnte der Organisation {organization} nicht beitreten",
    }
    failed_body(invitee, organization) {
        en: "{invitee} wanted to accept your invitation to join the {organization} organization, but that is not \
             allowed any more. They did not become a member.",
        de: "{invitee} wollte Ihre Einladung in die Organisation {organization} annehmen, aber das ist nicht mehr \
             erlaubt. Es ist keine Mitgliedschaft entstanden.",
    }
    revoked_subject(invitee, organization) {
        en: "Your invitation of {invitee} to {organization} was taken back",
        de: "Ihre Einladung an {invitee} zu {organization} wurde zurückgenommen",
    }
    revoked_body(invitee, organization) {
        en: "Your invitation of {invitee} to join the {organization} organization was taken back or not approved.",
        de: "Ihre Einladung an {invitee} in die Organisation {organization} wurde zurückgenommen oder nicht \
             genehmigt.",
    }
    notice_button() { en: "See the invitations", de: "Einladungen ansehen" }

    approval_subject(invitee, organization) {
        en: "Approval needed: invitation of {invitee} to {organization}",
        de: "Genehmigung nötig: Einladung an {invitee} zu {organization}",
    }
    approval_body(inviter, invitee, organization) {
        en: "{inviter} would like to invite {invitee} to the {organization} organization. Somebody else has to \
             approve this.",
        de: "{inviter} möchte {invitee} in die Organisation {organization} einladen. Das muss von jemand anderem \
             genehmigt werden.",
    }
    approval_button() { en: "Review", de: "Prüfen" }

    groups() { en: "Groups", de: "Gruppen" }
    roles() { en: "Roles", de: "Rollen" }
    reason() { en: "Reason given", de: "Angegebener Grund" }
    valid_until() { en: "Valid until", de: "Gültig bis" }
    /// What is not listed any more.
    and_more(count) { en: "and {count} more", de: "und {count} weitere" }
    /// Above the link as text.
    copy_link() {
        en: "If the button does not work, copy this address into your browser:",
        de: "Falls die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:",
    }

    /// Who sends it, and why one gets it.
    sent_to_invitee(server, organization) {
        en: "{server} sent this e-mail because somebody in the {organization} organization has invited the account \
             with this address.",
        de: "{server} hat diese E-Mail gesendet, weil jemand in der Organisation {organization} das Konto mit \
             dieser Adresse eingeladen hat.",
    }
    sent_to_inviter(server, organization) {
        en: "{server} sent this e-mail because you have invited somebody to the {organization} organization.",
        de: "{server} hat diese E-Mail gesendet, weil Sie jemanden in die Organisation {organization} eingeladen \
             haben.",
    }
    sent_to_approver(server, organization) {
        en: "{server} sent this e-mail because you may approve invitations to the {organization} organization.",
        de: "{server} hat diese E-Mail gesendet, weil Sie Einladungen in die Organisation {organization} \
             genehmigen dürfen.",
    }
    do_not_reply() {
        en: "It was sent automatically. Please do not reply.",
        de: "Sie wurde automatisch versandt. Bitte antworten Sie nicht.",
    }

    /// Whoever has no name, at the beginning of a sentence.
    somebody() { en: "Somebody", de: "Jemand" }
    /// An organization or an invitee without a name.
    without_name() { en: "(without a name)", de: "(ohne Namen)" }

    /// A moment: day of the month, month, year, hour and minute, and the zone's distance from UTC.
    moment(day, month, year, time, zone) {
        en: "{day} {month} {year}, {time} {zone}",
        de: "{day}. {month} {year}, {time} Uhr {zone}",
    }
    /// A moment, and how long that is altogether.
    moment_after(moment, lifetime) { en: "{moment} ({lifetime})", de: "{moment} ({lifetime})" }
    one_minute() { en: "1 minute", de: "1 Minute" }
    minutes(count) { en: "{count} minutes", de: "{count} Minuten" }
    hours(count) { en: "{count} hours", de: "{count} Stunden" }
    days(count) { en: "{count} days", de: "{count} Tage" }

    january() { en: "January", de: "Januar" }
    february() { en: "February", de: "Februar" }
    march() { en: "March", de: "März" }
    april() { en: "April", de: "April" }
    may() { en: "May", de: "Mai" }
    june() { en: "June", de: "Juni" }
    july() { en: "July", de: "Juli" }
    august() { en: "August", de: "August" }
    september() { en: "September", de: "September" }
    october() { en: "October", de: "Oktober" }
    november() { en: "November", de: "November" }
    december() { en: "December", de: "Dezember" }
}
