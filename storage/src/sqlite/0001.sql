-- What a host keeps. Instants are milliseconds since 1970; lists and settings are JSON.

-- The latest instant that any process has used, about. See clock.rs.
create table floor (one integer primary key check (one = 1), instant integer not null) strict;
insert into floor values (1, 0);

-- What all processes have to know and nobody else may: the key of cursors, and that of the digests which stand
-- for names in the audit trail.
create table secret (name text primary key, value blob not null) strict;
insert into secret values ('cursors', randomblob(32)), ('names', randomblob(32));

-- ---- Organizations and people

create table realm (one integer primary key check (one = 1), mails_per_day integer) strict;
insert into realm values (1, null);

create table organization (
    id text primary key,
    name text not null,
    -- Absent for a root organization.
    parent text references organization deferrable initially deferred,
    active integer not null,
    -- Nobody finds it any more; its id stays spent.
    deleted integer not null,
    utc_offset_minutes integer not null,
    settings text not null,
    -- Absent: any address.
    address_domains text,
    -- Where invitations may lead after accepting: URLs, and what lies below them.
    landings text not null,
    -- The host's own rules, as it writes them.
    policy text not null,
    -- Two of the settings, for finding out who has work for a sweep.
    retention integer not null,
    reminder_before integer
) strict;
-- Who has work for a sweep.
create index organization_retention on organization (retention);
create index organization_reminding on organization (reminder_before) where reminder_before is not null;

create table userstore (
    organization text not null references organization,
    name text not null,
    answers integer not null,
    primary key (organization, name)
) strict;

-- A local account: of a resident, or of a guest whose account is elsewhere.
create table person (
    organization text not null references organization,
    id text not null,
    name text not null,
    -- In lower case, as far as ASCII goes: by this, names are the same or not.
    folded text not null,
    store text not null,
    email text,
    folded_email text,
    active integer not null,
    account_organization text not null,
    account_id text not null,
    -- The invitation that made him a member.
    invitation text,
    primary key (organization, id)
) strict;
create unique index person_account on person (organization, account_organization, account_id);
create unique index person_name on person (organization, store, folded);
create index person_folded on person (organization, folded, id);
create index person_email on person (organization, folded_email, folded, id) where folded_email is not null;
-- Where somebody is a guest.
create index person_guest on person (account_organization, account_id) where account_organization <> organization;

-- Ids of people who were deleted: never given again.
create table spent (
    organization text not null references organization,
    id text not null,
    primary key (organization, id)
) strict;

-- Groups and roles.
create table target (
    organization text not null references organization,
    kind text not null check (kind in ('group', 'role')),
    id text not null,
    name text not null,
    -- Who may give it; absent: everybody who may invite.
    grantable_by text,
    -- The roles of the parent, one of which somebody needs to receive it; absent: everybody may.
    receivable_by text,
    -- What those who have a role may do, as words. A group gives rights by the roles that it has.
    rights text not null default '[]' check (kind = 'role' or rights = '[]'),
    -- One of the roles that a new organization begins with.
    standard integer not null default 0,
    primary key (organization, kind, id)
) strict;

-- Who is in which group and has which role.
create table held (
    organization text not null,
    person text not null,
    kind text not null,
    target text not null,
    -- The invitation that it is owed to.
    invitation text,
    primary key (organization, person, kind, target),
    foreign key (organization, person) references person on delete cascade,
    foreign key (organization, kind, target) references target on delete cascade
) strict;
create index held_target on held (organization, kind, target, person);

-- Groups that have a role: whoever is in one has it.
create table role_group (
    organization text not null,
    role text not null,
    group_id text not null,
    -- For the references: one of each kind.
    role_kind text not null default 'role' check (role_kind = 'role'),
    group_kind text not null default 'group' check (group_kind = 'group'),
    primary key (organization, role, group_id),
    foreign key (organization, role_kind, role) references target on delete cascade,
    foreign key (organization, group_kind, group_id) references target on delete cascade
) strict;
create index role_group_group on role_group (organization, group_id, role);

-- Clients that have a role.
create table role_client (
    organization text not null,
    role text not null,
    client text not null,
    role_kind text not null default 'role' check (role_kind = 'role'),
    primary key (organization, role, client),
    foreign key (organization, role_kind, role) references target on delete cascade
) strict;
create index role_client_client on role_client (organization, client, role);

-- Roles that people have by the word of an outside issuer, for as long as that was given.
create table role_lease (
    organization text not null,
    person text not null,
    role text not null,
    issuer text not null,
    until integer not null,
    role_kind text not null default 'role' check (role_kind = 'role'),
    primary key (organization, person, issuer, role),
    foreign key (organization, person) references person on delete cascade,
    foreign key (organization, role_kind, role) references target on delete cascade
) strict;
create index role_lease_role on role_lease (organization, role);

create table permission (
    organization text not null references organization,
    who text not null,
    permissions text not null,
    place integer not null,
    primary key (organization, who)
) strict;
-- Where else somebody may do something.
create index permission_who on permission (who);

-- ---- Invitations

create table invitation (
    organization text not null,
    id text not null,
    parent text not null,
    -- The shape of the row.
    schema integer not null,
    version integer not null,
    state text not null check (state in ('awaiting-approval', 'pending', 'accepting', 'accepted', 'declined',
        'revoked', 'expired', 'failed')),
    subject_organization text not null,
    subject_id text not null,
    name text not null,
    inviter text not null,
    approver text,
    grants text not null,
    outcomes text not null,
    accept_with text not null,
    notify text not null,
    mail text not null,
    template text,
    -- In which language the invitee is written to, and where their browser goes after accepting.
    language text,
    landing text,
    metadata text not null,
    created_at integer not null,
    lifetime integer,
    expires_at integer,
    ended_at integer,
    reason text,
    claims integer not null,
    lease_until integer,
    resends integer not null,
    last_operation text not null,
    replaces text,
    -- It has ended and was taken off the list.
    dismissed integer not null,
    -- A reminder was written for the present lifetime.
    reminded integer not null,
    -- Handed out as due work: not again before this instant.
    hidden_until integer not null,
    -- When the mail system accepted the last mail with a code.
    mailed_at integer,
    -- Only what has ended is taken off the list.
    check (dismissed = 0 or state not in ('awaiting-approval', 'pending', 'accepting')),
    primary key (organization, id)
) strict;

-- INVARIANT: one active invitation for an account.
create unique index invitation_active on invitation (organization, subject_organization, subject_id)
    where state in ('awaiting-approval', 'pending', 'accepting');
create index invitation_subject on invitation (subject_organization, subject_id, created_at, organization, id);
create index invitation_created on invitation (organization, created_at, id);
create index invitation_expires on invitation (organization, coalesce(expires_at, 9223372036854775807), id);
create index invitation_name on invitation (organization, name, id);
-- What is due.
create index invitation_lease on invitation (organization, lease_until) where state = 'accepting';
create index invitation_open on invitation (organization, expires_at)
    where state in ('awaiting-approval', 'pending') and expires_at is not null;
create index invitation_unreminded on invitation (organization, expires_at)
    where state = 'pending' and mail = 'sent' and reminded = 0 and expires_at is not null;
create index invitation_ended on invitation (organization, ended_at, id) where ended_at is not null;
-- The same over all organizations.
create index invitation_any_lease on invitation (lease_until) where state = 'accepting';
create index invitation_any_open on invitation (expires_at)
    where state in ('awaiting-approval', 'pending') and expires_at is not null;
create index invitation_any_ended on invitation (ended_at) where ended_at is not null;

-- INVARIANT: the table of states, whatever a program says; see `types.state` in the contract.
create trigger invitation_path before update on invitation
when not (
    (new.version = old.version and new.state = old.state)
    or (new.version = old.version + 1 and old.state || ' ' || new.state in (
        'awaiting-approval pending', 'awaiting-approval revoked', 'awaiting-approval expired',
        'pending pending', 'pending accepting', 'pending declined', 'pending revoked', 'pending expired',
        'accepting accepting', 'accepting accepted', 'accepting failed'))
)
begin
    select raise(abort, 'this change of state is illegal');
end;
create trigger invitation_start before insert on invitation
when not (new.version = 1 and new.state in ('awaiting-approval', 'pending'))
    and not exists (select 1 from loading)
begin
    select raise(abort, 'an invitation begins as awaiting-approval or pending, with version 1');
end;
create trigger invitation_kept before delete on invitation
when old.ended_at is null and not exists (select 1 from loading)
begin
    select raise(abort, 'an invitation that has not ended cannot be deleted');
end;

-- Where a whole world is loaded a row stands in here, within that transaction only.
create table loading (one integer primary key) strict;

-- Digests of codes. They stay after the end of the invitation.
create table code (
    digest blob primary key check (length(digest) = 32),
    organization text not null,
    invitation text not null,
    -- The version of the invitation that it was made for: the oldest has the lowest.
    version integer not null,
    foreign key (organization, invitation) references invitation on delete cascade
) strict;
create index code_invitation on code (organization, invitation, version);

-- Messages that wait.
create table outbox (
    organization text not null,
    invitation text not null,
    kind text not null,
    -- The version of the invitation that asked for it.
    version integer not null,
    -- Absent: it is about to be sent, at most once, and never falls due again by itself.
    due_at integer,
    tries integer not null,
    -- The host's mail pipeline has it and settles it by itself.
    taken integer not null,
    -- Until when, where whoever has it says so again and again; absent: for as long as it takes.
    taken_until integer,
    primary key (organization, invitation, kind),
    foreign key (organization, invitation) references invitation on delete cascade
) strict;
create index outbox_due on outbox (organization, due_at) where taken = 0;
create index outbox_any_due on outbox (due_at) where taken = 0;

-- What idempotent operations have recorded.
create table operation (
    organization text not null,
    caller text not null,
    operation text not null,
    fingerprint blob not null,
    at integer not null,
    primary key (organization, caller, operation)
) strict;
create index operation_at on operation (organization, at);

create table operation_item (
    organization text not null,
    caller text not null,
    operation text not null,
    position integer not null,
    -- Either of the two.
    invitation text,
    refused text,
    primary key (organization, caller, operation, position),
    foreign key (organization, caller, operation) references operation on delete cascade
) strict;

-- The log that makes each step of an invitation happen once. A step stays when its effect is taken away.
create table grant_log (
    organization text not null,
    invitation text not null,
    step text not null,
    place integer not null,
    primary key (organization, invitation, step),
    foreign key (organization, invitation) references invitation on delete cascade
) strict;

-- Invitations for which nothing may be applied any more.
create table grant_closed (
    organization text not null,
    invitation text not null,
    primary key (organization, invitation),
    foreign key (organization, invitation) references invitation on delete cascade
) strict;

-- The grant log of a host whose members are elsewhere (see `GrantRecords`): one row for each invitation that anything
-- was begun or closed for. The invitation itself may be elsewhere, too.
create table external_log (
    organization text not null,
    invitation text not null,
    -- Nothing may be begun for it any more, for ever.
    closed integer not null,
    -- When its invitation was purged. It stays closed for a day, for whoever is still about to begin something.
    purged_at integer,
    primary key (organization, invitation)
) strict;
create index external_log_purged on external_log (organization, purged_at) where purged_at is not null;

create table external_step (
    organization text not null,
    invitation text not null,
    step text not null,
    -- The order in which they were made.
    place integer not null,
    -- The account that it is for.
    account_organization text not null,
    account_id text not null,
    progress text not null check (progress in ('unwritten', 'doubtful', 'applied', 'removed', 'given-up', 'settled')),
    version integer not null,
    changed_at integer not null,
    primary key (organization, invitation, step),
    foreign key (organization, invitation) references external_log on delete cascade
) strict;
-- What may still land.
create index external_step_watched on external_step (organization, changed_at, invitation, place)
    where progress in ('doubtful', 'given-up');
create index external_step_account on external_step (organization, account_organization, account_id)
    where progress in ('doubtful', 'given-up');

-- ---- The audit trail

create table audit (
    place integer primary key autoincrement,
    at integer not null,
    organization text,
    actor text not null,
    request_id text not null,
    -- What happened, and why: words of the contract.
    kind text not null,
    word text,
    operation text not null,
    invitation text,
    -- The account that it is about.
    subject_organization text,
    subject_id text,
    -- A keyed digest of a name that was refused.
    name blob,
    grant_kind text,
    grant_id text,
    -- Another id that it is about.
    about text,
    check ((subject_organization is null) = (subject_id is null)),
    check (length(name) = 32),
    check (grant_kind in ('group', 'role')),
    check ((grant_kind is null) = (grant_id is null))
) strict;
create index audit_organization on audit (organization, at, place);
create index audit_invitation on audit (organization, invitation, at, place) where invitation is not null;
-- INVARIANT: the vocabulary of the contract, and no text that somebody wrote. See wit/audit.wit. A trigger and not
-- a check, because a later version with more words can replace it.
create trigger audit_words before insert on audit
when new.kind not in (
        'invitation.created', 'invitation.approved', 'invitation.renewed', 'invitation.adopted',
        'invitation.claimed', 'invitation.taken-over', 'invitation.accepted', 'invitation.declined',
        'invitation.revoked', 'invitation.expired', 'invitation.failed', 'invitation.dismissed',
        'invitation.purged', 'item.refused', 'refused', 'member.added', 'grant.added', 'member.closed',
        'account.password-set', 'account.password-removed', 'account.signed-in', 'account.sign-in-refused',
        'account.signed-out', 'account.identity-linked', 'account.identity-unlinked', 'client.created',
        'client.secret-rotated', 'client.revoked', 'token.issued', 'token.revoked', 'link.made', 'link.used',
        'organization.handle-set',
        'world.organization-created', 'world.organization-enabled', 'world.organization-disabled',
        'world.organization-moved', 'world.organization-deleted', 'world.user-added', 'world.user-enabled',
        'world.user-disabled', 'world.user-renamed', 'world.user-moved', 'world.user-removed',
        'world.email-changed', 'world.member-added', 'world.member-removed', 'world.group-created',
        'world.group-renamed', 'world.group-deleted', 'world.role-created', 'world.role-renamed',
        'world.role-deleted', 'world.grant-added', 'world.grant-removed', 'world.permissions-set',
        'world.role-rights-set', 'world.role-assigned', 'world.role-unassigned', 'world.roles-leased',
        'world.leases-ended',
        'world.settings-changed', 'world.policy-set', 'world.store-answers', 'world.store-silent',
        'world.other')
    or new.word not in (
        'not-permitted', 'organization-not-active', 'no-parent', 'unknown-grants', 'unknown-userstore',
        'too-many', 'invalid', 'lifetime-out-of-bounds', 'not-found', 'in-progress', 'wrong-state',
        'resend-limit', 'operation-reused', 'conflict', 'own-invitation', 'may-not-see-code',
        'contradictory-settings', 'unsupported', 'not-usable', 'expired', 'revoked', 'used', 'declined',
        'failed', 'organization-moved', 'invitee-not-active', 'inviter-not-entitled', 'grants-not-allowed',
        'address-not-allowed', 'name-taken', 'policy', 'policy-unavailable', 'code-required', 'duplicate',
        'ambiguous', 'not-a-parent-user', 'already-member', 'no-email', 'may-not-grant', 'may-not-receive',
        'refused', 'active-invitation', 'over-limit', 'needs-approval', 'unavailable', 'given-up', 'closed',
        'not-active', 'wrong-secret', 'other')
begin
    select raise(abort, 'this is no word of the audit trail');
end;
create trigger audit_is_kept before update on audit
begin
    select raise(abort, 'the audit trail is append-only');
end;
create trigger audit_stays before delete on audit when not exists (select 1 from loading)
begin
    select raise(abort, 'the audit trail is append-only');
end;

-- ---- A server with accounts of its own: handles, sign-in, machines. See docs/storage.md.

-- What an organization is called in URLs. A row stays for ever, so that a handle never leads to another.
create table handle (
    -- The root in which it is unique; empty: the server, for handles of roots.
    root text not null,
    handle text not null,
    organization text not null references organization,
    -- The one that it has now; of a row without it the handle is spent.
    current integer not null,
    primary key (root, handle)
) strict;
create unique index handle_current on handle (organization, root) where current = 1;

create table password (
    organization text not null,
    person text not null,
    -- A PHC string, made by the server.
    phc text not null,
    set_at integer not null,
    primary key (organization, person),
    foreign key (organization, person) references person on delete cascade
) strict;

create table session (
    -- SHA-256 of the token.
    digest blob primary key check (length(digest) = 32),
    -- Whose: an account where it is resident.
    organization text not null,
    person text not null,
    -- Where they signed in.
    root text not null,
    begun_at integer not null,
    seen_at integer not null,
    -- How long it may lie idle.
    idle integer not null,
    ends_at integer not null,
    foreign key (organization, person) references person on delete cascade
) strict;
create index session_person on session (organization, person);
create index session_ends on session (ends_at);

create table client (
    id text primary key,
    organization text not null references organization,
    name text not null,
    -- SHA-256 of the secret.
    secret blob not null check (length(secret) = 32),
    made_at integer not null,
    expires_at integer,
    revoked_at integer,
    used_at integer
) strict;
create index client_listed on client (organization, name, id);

-- Access tokens of the server itself.
create table token (
    -- SHA-256 of the token.
    digest blob primary key check (length(digest) = 32),
    -- Where it is good.
    organization text not null,
    -- Who has it: a person or a client.
    account_organization text,
    account_id text,
    client text references client on delete cascade,
    -- A list of texts.
    scopes text not null,
    made_at integer not null,
    expires_at integer not null,
    check ((account_organization is null) = (account_id is null)),
    check ((client is null) <> (account_id is null)),
    foreign key (account_organization, account_id) references person on delete cascade
) strict;
create index token_expires on token (expires_at);
create index token_account on token (account_organization, account_id) where account_id is not null;
create index token_client on token (client) where client is not null;

-- Who signs in as whom by another system.
create table identity (
    root text not null,
    issuer text not null,
    subject text not null,
    organization text not null,
    person text not null,
    linked_at integer not null,
    primary key (root, issuer, subject),
    foreign key (organization, person) references person on delete cascade
) strict;
create index identity_person on identity (organization, person);

-- Links that work once, the newest of each purpose.
create table link (
    purpose text primary key,
    digest blob not null check (length(digest) = 32),
    made_at integer not null,
    expires_at integer not null
) strict;

-- What repeatable requests of others than the plugin were answered, for 24 hours.
create table remembered (
    -- Empty for a request that is about no organization.
    organization text not null,
    caller text not null,
    request text not null,
    fingerprint blob not null check (length(fingerprint) = 32),
    at integer not null,
    -- Absent: it is under way.
    answer text,
    primary key (organization, caller, request)
) strict;
create index remembered_at on remembered (at);

-- What became of e-mails about an invitation, for whoever looks at it.
create table delivery (
    organization text not null,
    invitation text not null,
    kind text not null,
    -- The version of the invitation that asked for it.
    version integer not null,
    state text not null check (state in ('queued', 'handed-over', 'retrying', 'refused', 'given-up')),
    at integer not null,
    -- When it is tried again.
    next_at integer,
    -- The mail system's, for people. They go with the invitation.
    words text,
    primary key (organization, invitation, kind, version),
    foreign key (organization, invitation) references invitation on delete cascade
) strict;

-- How many e-mails somebody got lately, over all organizations, and who has to wait with one.
create table mailing (
    -- Who is written to, where they are resident.
    account_organization text not null,
    account_id text not null,
    -- Who writes.
    organization text not null,
    at integer not null,
    mails integer not null,
    -- An e-mail was held back then, and has waited since.
    waits integer not null,
    primary key (account_organization, account_id, organization, at),
    foreign key (account_organization, account_id) references person on delete cascade
) strict;
create index mailing_at on mailing (at);

-- ---- Lists, a page at a time

create index organization_children on organization (parent, deleted, name, id);
create index target_named on target (organization, kind, name, id);
create index audit_kind on audit (organization, kind, at, place);
create index audit_actor on audit (organization, actor, at, place);
-- What is taken by a process that is gone falls due again.
create index outbox_taken on outbox (taken_until) where taken = 1 and taken_until is not null;
