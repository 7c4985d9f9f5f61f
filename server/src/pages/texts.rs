//! The catalogue: every text of the pages, in every language.

guestlist_mail::catalogue! {
    language() { en: "Language", de: "Sprache" }
    sign_in() { en: "Sign in", de: "Anmelden" }
    sign_out() { en: "Sign out", de: "Abmelden" }
    signed_in_as(name) { en: "Signed in as {name}", de: "Angemeldet als {name}" }
    your_invitation() { en: "Your invitation", de: "Ihre Einladung" }
    your_invitations() { en: "Your invitations", de: "Ihre Einladungen" }
    all_invitations() { en: "All your invitations", de: "Alle Ihre Einladungen" }
    to_the_front_page() { en: "To the front page", de: "Zur Startseite" }

    /// On the front page.
    what_this_is() {
        en: "Organizations invite people of the organization above them here. Whoever was invited signs in, sees by \
             whom and to what, and accepts or declines.",
        de: "Hier laden Organisationen Personen aus der übergeordneten Organisation ein. Wer eingeladen ist, meldet \
             sich an, sieht, von wem und wozu, und nimmt an oder lehnt ab.",
    }
    which_address() {
        en: "Open the link in your e-mail, or the address that your organization gave you, as in",
        de: "Öffnen Sie den Link in Ihrer E-Mail oder die Adresse, die Sie von Ihrer Organisation haben, zum Beispiel",
    }

    organization() { en: "Organization", de: "Organisation" }
    organization_hint() {
        en: "The one that your account belongs to.",
        de: "Die Organisation, zu der Ihr Konto gehört.",
    }
    user_name() { en: "User name", de: "Benutzername" }
    password() { en: "Password", de: "Passwort" }
    /// One answer, whatever of it is wrong.
    wrong_sign_in() {
        en: "That did not work. The user name, the password or the organization is wrong, or the account is disabled. \
             Try again, or ask an administrator of your organization.",
        de: "Das hat nicht geklappt. Benutzername, Passwort oder Organisation sind falsch, oder das Konto ist \
             gesperrt. Versuchen Sie es noch einmal oder fragen Sie die Administration Ihrer Organisation.",
    }
    too_many_tries(seconds) {
        en: "There were too many wrong attempts from your network. Try again in {seconds} seconds.",
        de: "Aus Ihrem Netz kamen zu viele falsche Versuche. Versuchen Sie es in {seconds} Sekunden noch einmal.",
    }

    sign_in_first() {
        en: "To see and answer your invitation, sign in with the account that was invited.",
        de: "Um Ihre Einladung zu sehen und zu beantworten, melden Sie sich mit dem eingeladenen Konto an.",
    }
    use_the_link_again() {
        en: "After signing in, open the link in your e-mail once more, or answer the invitation in your list.",
        de: "Öffnen Sie nach der Anmeldung den Link in Ihrer E-Mail noch einmal oder antworten Sie in Ihrer Liste.",
    }
    no_invitations() {
        en: "There is no invitation for you to answer.",
        de: "Es gibt keine Einladung, die Sie beantworten könnten.",
    }
    more_invitations() { en: "Older invitations", de: "Ältere Einladungen" }
    first_invitations() { en: "Newest invitations", de: "Neueste Einladungen" }
    with_a_code() { en: "You have an invitation code?", de: "Sie haben einen Einladungscode?" }
    code() { en: "Invitation code", de: "Einladungscode" }
    code_hint() {
        en: "It begins with inv1_ and is in the link in your e-mail. You can also paste the whole link.",
        de: "Er beginnt mit inv1_ und steht im Link in Ihrer E-Mail. Sie können auch den ganzen Link einfügen.",
    }
    no_code() {
        en: "Enter the invitation code from your e-mail.",
        de: "Geben Sie den Einladungscode aus Ihrer E-Mail ein.",
    }
    show_invitation() { en: "Show the invitation", de: "Einladung anzeigen" }
    invited_by(name) {
        en: "{name} has invited you to join this organization.",
        de: "{name} hat Sie in diese Organisation eingeladen.",
    }
    invited() {
        en: "You are invited to join this organization.",
        de: "Sie sind in diese Organisation eingeladen.",
    }
    groups() { en: "Groups", de: "Gruppen" }
    roles() { en: "Roles", de: "Rollen" }
    group_named(name) { en: "Group {name}", de: "Gruppe {name}" }
    role_named(name) { en: "Role {name}", de: "Rolle {name}" }
    valid() { en: "Valid", de: "Gültig" }
    until(moment) { en: "until {moment}", de: "bis {moment}" }
    /// In place of the name of a group or role that was deleted.
    gone() { en: "(does not exist any more)", de: "(gibt es nicht mehr)" }
    without_name() { en: "(without a name)", de: "(ohne Namen)" }
    is_accepting() {
        en: "It is being accepted at this moment. Open this page again in a minute.",
        de: "Sie wird gerade angenommen. Öffnen Sie diese Seite in einer Minute noch einmal.",
    }
    wants_code() {
        en: "This organization also wants the invitation code: use the link in your e-mail, or paste it here.",
        de: "Diese Organisation verlangt auch den Einladungscode: Benutzen Sie den Link in Ihrer E-Mail oder fügen Sie \
             ihn hier ein.",
    }
    accept() { en: "Accept", de: "Annehmen" }
    decline() { en: "Decline …", de: "Ablehnen …" }
    decline_invitation() { en: "Decline the invitation", de: "Einladung ablehnen" }
    reason() { en: "Reason (optional)", de: "Grund (freiwillig)" }
    reason_hint() { en: "The inviter sees it.", de: "Wer Sie eingeladen hat, kann ihn lesen." }
    reason_too_long(bytes) {
        en: "The reason is too long: it has at most {bytes} bytes. The invitation is as it was.",
        de: "Der Grund ist zu lang: Er hat höchstens {bytes} Bytes. Die Einladung ist, wie sie war.",
    }

    accepted_title(organization) {
        en: "You are a member of {organization}",
        de: "Sie sind Mitglied von {organization}",
    }
    accepted_detail() {
        en: "You have accepted the invitation.",
        de: "Sie haben die Einladung angenommen.",
    }
    accepted_before_detail() {
        en: "You had accepted this invitation before. Nothing was changed.",
        de: "Sie hatten diese Einladung schon angenommen. Es hat sich nichts geändert.",
    }
    removed_title(organization) {
        en: "You are not a member of {organization} any more",
        de: "Sie sind nicht mehr Mitglied von {organization}",
    }
    removed_detail(organization) {
        en: "You had accepted this invitation, and your membership was ended since. An old invitation does not bring \
             it back: ask somebody in {organization} to invite you again.",
        de: "Sie hatten diese Einladung angenommen, und Ihre Mitgliedschaft wurde seitdem beendet. Eine alte Einladung \
             bringt sie nicht zurück: Bitten Sie jemanden in {organization}, Sie neu einzuladen.",
    }
    declined_title() { en: "You have declined", de: "Sie haben abgelehnt" }
    declined_detail() {
        en: "You did not become a member. Whoever invited you can see that you declined.",
        de: "Sie sind nicht Mitglied geworden. Wer Sie eingeladen hat, kann sehen, dass Sie abgelehnt haben.",
    }
    go_on() { en: "Go on", de: "Weiter" }
    step_applied() { en: "yours now", de: "haben Sie jetzt" }
    step_present() { en: "you had it before", de: "hatten Sie schon" }
    step_removed() {
        en: "was taken away again since",
        de: "wurde Ihnen seitdem wieder genommen",
    }
    step_gone() {
        en: "not given: it does not exist any more",
        de: "nicht erhalten: gibt es nicht mehr",
    }
    step_name_taken() {
        en: "not given: another user of the organization has your user name",
        de: "nicht erhalten: Jemand in der Organisation hat Ihren Benutzernamen",
    }
    step_not_a_member() {
        en: "not given: you are not a member",
        de: "nicht erhalten: Sie sind nicht Mitglied",
    }
    step_closed() {
        en: "not given: the invitation had ended meanwhile",
        de: "nicht erhalten: Die Einladung war inzwischen beendet",
    }
    step_withheld() {
        en: "not given: a rule of the organization withholds it",
        de: "nicht erhalten: Eine Regel der Organisation schließt es aus",
    }

    not_usable_title() {
        en: "No invitation for this account",
        de: "Keine Einladung für dieses Konto",
    }
    /// Unknown, foreign and spent codes are one answer.
    not_usable_detail() {
        en: "This is not an invitation that the account you are signed in with can answer. Check that you are signed in \
             with the account that was invited, and that you used the newest e-mail: an older one may have been \
             replaced. If both are right, ask to be invited again.",
        de: "Das ist keine Einladung, die das angemeldete Konto beantworten kann. Prüfen Sie, ob Sie mit dem \
             eingeladenen Konto angemeldet sind und die neueste E-Mail benutzt haben: Eine ältere kann ersetzt sein. \
             Stimmt beides, bitten Sie um eine neue Einladung.",
    }
    malformed_title() {
        en: "The invitation code is incomplete",
        de: "Der Einladungscode ist unvollständig",
    }
    malformed_detail() {
        en: "Some e-mail programs cut long links. Copy the whole link from your e-mail, and paste it on the page of your \
             invitations.",
        de: "Manche E-Mail-Programme kürzen lange Links. Kopieren Sie den ganzen Link aus Ihrer E-Mail und fügen Sie ihn \
             auf der Seite mit Ihren Einladungen ein.",
    }
    over_title() { en: "This invitation is over", de: "Diese Einladung ist vorbei" }
    ended_expired() {
        en: "It has expired. Ask the inviter for a new one.",
        de: "Sie ist abgelaufen. Bitten Sie um eine neue.",
    }
    ended_revoked() {
        en: "It was taken back. If you expected it, ask the inviter.",
        de: "Sie wurde zurückgenommen. Falls Sie damit gerechnet haben, fragen Sie nach.",
    }
    ended_used() {
        en: "It was accepted with its code before. If that was not you, tell the organization.",
        de: "Sie wurde mit ihrem Code bereits angenommen. Falls Sie das nicht waren, sagen Sie es der Organisation.",
    }
    ended_declined() {
        en: "You have declined it before. If you have changed your mind, ask to be invited again.",
        de: "Sie haben sie schon abgelehnt. Falls Sie es sich anders überlegt haben, bitten Sie um eine neue.",
    }
    ended_failed() {
        en: "It could not be completed. Ask the inviter what was in the way, and for a new one.",
        de: "Sie konnte nicht abgeschlossen werden. Fragen Sie, woran es lag, und bitten Sie um eine neue.",
    }
    obstacle_title() {
        en: "This invitation cannot be accepted now",
        de: "Diese Einladung kann gerade nicht angenommen werden",
    }
    organization_not_active() {
        en: "The organization is suspended. Try again when it works again, or ask the inviter.",
        de: "Die Organisation ist gesperrt. Versuchen Sie es, wenn sie wieder frei ist, oder fragen Sie nach.",
    }
    organization_moved() {
        en: "The organization now belongs to another one than yours, and people are invited from that one only. Ask the \
             inviter.",
        de: "Die Organisation gehört jetzt zu einer anderen als Ihrer und lädt nur von dort ein. Fragen Sie nach.",
    }
    invitee_not_active() {
        en: "Your account is disabled, or does not belong to the organization any more from which people are invited. \
             Ask an administrator of your own organization.",
        de: "Ihr Konto ist gesperrt oder gehört nicht mehr zu der Organisation, aus der eingeladen wird. Fragen Sie die \
             Administration Ihrer eigenen Organisation.",
    }
    inviter_not_entitled() {
        en: "Whoever invited you may not invite people any more. Ask somebody else in the organization to invite you.",
        de: "Wer Sie eingeladen hat, darf das nicht mehr. Bitten Sie jemand anderen in der Organisation um eine \
             Einladung.",
    }
    grants_not_allowed() {
        en: "Some of its groups or roles may not be given any more. Ask for a new invitation without them.",
        de: "Einige der Gruppen oder Rollen dürfen nicht mehr vergeben werden. Bitten Sie um eine neue Einladung ohne \
             sie.",
    }
    address_not_allowed() {
        en: "The organization admits only e-mail addresses of certain domains, and yours is of another. Ask an \
             administrator to change your address, or ask the inviter.",
        de: "Die Organisation lässt nur E-Mail-Adressen bestimmter Domains zu, und Ihre gehört zu einer anderen. Lassen \
             Sie Ihre Adresse ändern oder fragen Sie nach.",
    }
    name_taken() {
        en: "Another user of the organization has your user name. Ask an administrator to rename one of the two, then \
             accept again.",
        de: "Jemand in der Organisation hat Ihren Benutzernamen. Bitten Sie die Administration, einen der beiden zu \
             ändern, und nehmen Sie dann noch einmal an.",
    }
    policy(why) {
        en: "The rules of the organization do not allow it. They say: {why}",
        de: "Die Regeln der Organisation lassen es nicht zu. Sie sagen: {why}",
    }
    policy_unavailable() {
        en: "The rules of the organization give no answer at present. Nothing is lost: try again in a few minutes.",
        de: "Die Regeln der Organisation antworten zurzeit nicht. Es ist nichts verloren: Versuchen Sie es in ein paar \
             Minuten noch einmal.",
    }
    policy_unavailable_for(seconds) {
        en: "The rules of the organization give no answer at present. Nothing is lost: try again in {seconds} seconds.",
        de: "Die Regeln der Organisation antworten zurzeit nicht. Es ist nichts verloren: Versuchen Sie es in {seconds} \
             Sekunden noch einmal.",
    }
    code_required() {
        en: "The organization also wants the invitation code. Use the link in your e-mail, or paste it on the page of \
             your invitations.",
        de: "Die Organisation verlangt auch den Einladungscode. Benutzen Sie den Link in Ihrer E-Mail oder fügen Sie ihn \
             auf der Seite mit Ihren Einladungen ein.",
    }
    other_code_title() {
        en: "The code belongs to another invitation",
        de: "Der Code gehört zu einer anderen Einladung",
    }
    other_code_detail() {
        en: "Nothing was changed. Take the code from the e-mail of this invitation, or answer the other one.",
        de: "Es hat sich nichts geändert. Nehmen Sie den Code aus der E-Mail dieser Einladung, oder beantworten Sie die \
             andere.",
    }
    later_title() { en: "Try again in a moment", de: "Versuchen Sie es gleich noch einmal" }
    in_progress(seconds) {
        en: "The invitation is being accepted at this moment. Look again in {seconds} seconds.",
        de: "Die Einladung wird gerade angenommen. Sehen Sie in {seconds} Sekunden noch einmal nach.",
    }
    conflict() {
        en: "Somebody changed the invitation at the same time. Nothing was done: try again.",
        de: "Jemand hat die Einladung zur selben Zeit geändert. Es ist nichts geschehen: Versuchen Sie es noch einmal.",
    }
    outcome_unknown() {
        en: "It is not known whether it was done. Do it again: nothing happens twice.",
        de: "Es ist nicht bekannt, ob es geschehen ist. Tun Sie es noch einmal: Nichts geschieht doppelt.",
    }
    unavailable_for(seconds) {
        en: "The server cannot do it at present. Nothing is lost: try again in {seconds} seconds.",
        de: "Der Server kann es zurzeit nicht. Es ist nichts verloren: Versuchen Sie es in {seconds} Sekunden noch \
             einmal.",
    }
    not_possible_title() { en: "That is not possible here", de: "Das geht hier nicht" }
    unsupported(what) {
        en: "This server cannot do it: {what}. Tell an administrator.",
        de: "Dieser Server kann das nicht: {what}. Sagen Sie es der Administration.",
    }
    unknown_refusal(what) {
        en: "It was refused, and this server knows no better words for it than these: {what}. Tell an administrator.",
        de: "Es wurde abgelehnt, und dieser Server kennt keine besseren Worte dafür als diese: {what}. Sagen Sie es der \
             Administration.",
    }
    invalid(what) {
        en: "Something of it cannot be so: {what}. Open the page of your invitations, and begin there.",
        de: "Etwas daran kann nicht sein: {what}. Öffnen Sie die Seite mit Ihren Einladungen und beginnen Sie dort.",
    }

    first_title() { en: "Set up this server", de: "Diesen Server einrichten" }
    first_detail() {
        en: "Nobody is here yet. This makes the organization at the top and the first account, which administers it. The \
             link works once.",
        de: "Hier ist noch niemand. So entstehen die oberste Organisation und das erste Konto, das sie verwaltet. Der \
             Link funktioniert einmal.",
    }
    first_organization() { en: "Name of the organization", de: "Name der Organisation" }
    first_organization_hint() { en: "As people read it.", de: "Wie man ihn liest." }
    handle() { en: "Short name for addresses", de: "Kurzname für Adressen" }
    handle_hint() {
        en: "1 to 63 small letters a to z, digits and hyphens, with no hyphen at either end, and not api. It stands in \
             every link.",
        de: "1 bis 63 Kleinbuchstaben a bis z, Ziffern und Bindestriche, ohne Bindestrich am Anfang und Ende, und nicht \
             api. Er steht in jedem Link.",
    }
    handle_taken() {
        en: "Another organization has or had this short name. Choose another.",
        de: "Eine andere Organisation hat oder hatte diesen Kurznamen. Wählen Sie einen anderen.",
    }
    first_user() { en: "Your user name", de: "Ihr Benutzername" }
    email() { en: "Your e-mail address", de: "Ihre E-Mail-Adresse" }
    repetition() { en: "Password once more", de: "Passwort noch einmal" }
    password_hint(shortest) {
        en: "At least {shortest} characters, and at most 256 bytes.",
        de: "Mindestens {shortest} Zeichen und höchstens 256 Bytes.",
    }
    wrong_organization() {
        en: "Give a name of 1 to 200 characters.",
        de: "Geben Sie einen Namen mit 1 bis 200 Zeichen ein.",
    }
    wrong_user() {
        en: "Give a user name of 1 to 254 characters.",
        de: "Geben Sie einen Benutzernamen mit 1 bis 254 Zeichen ein.",
    }
    wrong_email() {
        en: "That is no e-mail address. It looks like ada@example.com.",
        de: "Das ist keine E-Mail-Adresse. Sie sieht aus wie ada@example.com.",
    }
    wrong_repetition() {
        en: "The two passwords differ. Type the same one twice.",
        de: "Die beiden Passwörter sind verschieden. Geben Sie zweimal dasselbe ein.",
    }
    look_below() {
        en: "Something is not right yet. It is said at the field below, and the link still works. Passwords have to be \
             typed again.",
        de: "Etwas stimmt noch nicht. Es steht unten am Feld, und der Link funktioniert noch. Passwörter müssen neu \
             eingegeben werden.",
    }
    make_administrator() { en: "Set up", de: "Einrichten" }
    first_over_title() { en: "This link is over", de: "Dieser Link ist vorbei" }
    first_over_detail() {
        en: "It was used, has expired, or was replaced by a newer one. Whoever runs the server makes a new one with",
        de: "Er wurde benutzt, ist abgelaufen oder durch einen neueren ersetzt. Wer den Server betreibt, macht einen \
             neuen mit",
    }

    foreign_title() { en: "From another site", de: "Von einer anderen Seite" }
    foreign_detail(address) {
        en: "This did not come from a page of this server, so nothing was done. If you did it yourself, open the server \
             at {address} and do it there.",
        de: "Das kam nicht von einer Seite dieses Servers, und es ist nichts geschehen. Wenn Sie es selbst waren, öffnen \
             Sie den Server unter {address} und tun Sie es dort.",
    }
    stale_title() { en: "This form is out of date", de: "Dieses Formular ist veraltet" }
    stale_detail() {
        en: "You have signed in or out since it was opened. Nothing was done: open the page again, and repeat it there.",
        de: "Seit es geöffnet wurde, haben Sie sich an- oder abgemeldet. Es ist nichts geschehen: Öffnen Sie die Seite \
             neu und wiederholen Sie es dort.",
    }
    not_found_title() { en: "Nothing is here", de: "Hier ist nichts" }
    not_found_detail() {
        en: "The address leads nowhere. Check it, or open the link in your e-mail once more.",
        de: "Die Adresse führt nirgendwohin. Prüfen Sie sie oder öffnen Sie den Link in Ihrer E-Mail noch einmal.",
    }
    unauthorized_title() { en: "Not signed in", de: "Nicht angemeldet" }
    unauthorized_detail() {
        en: "Sign in, and open the page again.",
        de: "Melden Sie sich an und öffnen Sie die Seite noch einmal.",
    }
    forbidden_title() { en: "You may not do this", de: "Das dürfen Sie nicht" }
    forbidden_detail() {
        en: "Your account lacks the permission. Ask an administrator of the organization.",
        de: "Ihrem Konto fehlt die Berechtigung. Fragen Sie die Administration der Organisation.",
    }
    too_long_title() { en: "That is too much", de: "Das ist zu viel" }
    too_long_detail() {
        en: "The form is longer than the server takes. Nothing was done.",
        de: "Das Formular ist länger, als der Server annimmt. Es ist nichts geschehen.",
    }
    slow_title() { en: "It took too long", de: "Es hat zu lange gedauert" }
    slow_detail() {
        en: "It is not known whether it was done. Look again in a moment, and repeat it if it was not.",
        de: "Es ist nicht bekannt, ob es geschehen ist. Sehen Sie gleich noch einmal nach und wiederholen Sie es, falls \
             nicht.",
    }
    not_understood_title() { en: "That was not understood", de: "Das wurde nicht verstanden" }
    not_understood_detail() {
        en: "Something of the request cannot be so. Nothing was done: open the page again, and repeat it there.",
        de: "Etwas an der Anfrage kann nicht sein. Es ist nichts geschehen: Öffnen Sie die Seite neu und wiederholen Sie \
             es dort.",
    }
    unavailable_title() { en: "The server cannot answer at present", de: "Der Server kann gerade nicht antworten" }
    unavailable_detail() {
        en: "Nothing is lost. Try again in a moment; if it goes on, tell whoever runs the server.",
        de: "Es ist nichts verloren. Versuchen Sie es gleich noch einmal; wenn es anhält, sagen Sie es denen, die den \
             Server betreiben.",
    }
    request_id() { en: "The number of this request:", de: "Die Nummer dieser Anfrage:" }
}
