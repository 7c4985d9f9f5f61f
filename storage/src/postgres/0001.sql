-- What a host keeps: the tables of sqlite/0001.sql. Instants are milliseconds since 1970; lists and settings
-- are JSON. Texts are compared byte by byte, whatever the locale of the database.
--
-- Row-level security is against statements that forget whose rows they may touch. It judges by settings that
-- `perform` makes for each transaction and that whoever can send statements of his own could make as well: it
-- is no defence against injected SQL. Against that all values are bound.

-- Where a whole world is loaded a row stands in here, within that transaction only: nobody else sees it, and
-- with it there is no commit. Only the owner of the tables may write it.
create table loading (one bigint primary key);
create function is_loading() returns boolean language sql stable
begin atomic
    select exists (select from loading);
end;
create function loading_ends() returns trigger language plpgsql set search_path from current as $$
begin
    if is_loading() then
        raise exception 'a world is loaded in one transaction, which takes its row out of `loading` again';
    end if;
    return null;
end $$;
create constraint trigger loading_ends after insert or update on loading deferrable initially deferred
    for each row execute function loading_ends();

-- What triggers say no with.
create function refuse() returns trigger language plpgsql as $$
begin
    raise exception using message = tg_argv[0];
end $$;

-- The latest instant that any process has used, about. See clock.rs.
create table floor (one bigint primary key check (one = 1), instant bigint not null);
insert into floor values (1, 0);

-- What all processes have to know and nobody else may: the key of cursors, and that of the digests which stand
-- for names in the audit trail.
create table secret (name text collate "C" primary key, value bytea not null);
-- Three random UUIDs are 366 random bits.
insert into secret
    select name, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    from unnest(array['cursors', 'names']) name;

-- ---- Organizations and people

create table realm (one bigint primary key check (one = 1), mails_per_day bigint);
insert into realm values (1, null);

create table organization (
    id text collate "C" primary key,
    name text collate "C" not null,
    -- Absent for a root organization.
    parent text collate "C" references organization deferrable initially deferred,
    active bigint not null,
    -- Nobody finds it any more; its id stays spent.
    deleted bigint not null,
    utc_offset_minutes bigint not null,
    settings text collate "C" not null,
    -- Absent: any address.
    address_domains text collate "C",
    -- Where invitations may lead after accepting: URLs, and what lies below them.
    landings text collate "C" not null,
    -- The host's own rules, as it writes them.
    policy text collate "C" not null,
    -- Two of the settings, for finding out who has work for a sweep.
    retention bigint not null,
    reminder_before bigint
);
-- Who has work for a sweep.
create index organization_retention on organization (retention);
create index organization_reminding on organization (reminder_before) where reminder_before is not null;

create table userstore (
    organization text collate "C" not null references organization,
    name text collate "C" not null,
    answers bigint not null,
    primary key (organization, name)
);

-- A local account: of a resident, or of a guest whose account is elsewhere.
create table person (
    organization text collate "C" not null references organization,
    id text collate "C" not null,
    name text collate "C" not null,
    -- In lower case, as far as ASCII goes: by this, names are the same or not.
    folded text collate "C" not null,
    store text collate "C" not null,
    email text collate "C",
    folded_email text collate "C",
    active bigint not null,
    account_organization text collate "C" not null,
    account_id text collate "C" not null,
    -- The invitation that made him a member.
    invitation text collate "C",
    primary key (organization, id)
);
create unique index person_account on person (organization, account_organization, account_id);
create unique index person_name on person (organization, store, folded);
create index person_folded on person (organization, folded, id);
create index person_email on person (organization, folded_email, folded, id) where folded_email is not null;
-- Where somebody is a guest.
create index person_guest on person (account_organization, account_id) where account_organization <> organization;

-- Ids of people who were deleted: never given again.
create table spent (
    organization text collate "C" not null references organization,
    id text collate "C" not null,
    primary key (organization, id)
);

-- Groups and roles.
create table target (
    organization text collate "C" not null references organization,
    kind text collate "C" not null check (kind in ('group', 'role')),
    id text collate "C" not null,
    name text collate "C" not null,
    -- Who may give it; absent: everybody who may invite.
    grantable_by text collate "C",
    -- The roles of the parent, one of which somebody needs to receive it; absent: everybody may.
    receivable_by text collate "C",
    -- What those who have a role may do, as words. A group gives rights by the roles that it has.
    rights text collate "C" not null default '[]' check (kind = 'role' or rights = '[]'),
    -- One of the roles that a new organization begins with.
    standard bigint not null default 0,
    primary key (organization, kind, id)
);

-- Who is in which group and has which role.
create table held (
    organization text collate "C" not null,
    person text collate "C" not null,
    kind text collate "C" not null,
    target text collate "C" not null,
    -- The invitation that it is owed to.
    invitation text collate "C",
    primary key (organization, person, kind, target),
    foreign key (organization, person) references person on delete cascade,
    foreign key (organization, kind, target) references target on delete cascade
);
create index held_target on held (organization, kind, target, person);

-- Groups that have a role: whoever is in one has it.
create table role_group (
    organization text collate "C" not null,
    role text collate "C" not null,
    group_id text collate "C" not null,
    -- For the references: one of each kind.
    role_kind text collate "C" not null default 'role' check (role_kind = 'role'),
    group_kind text collate "C" not null default 'group' check (group_kind = 'group'),
    primary key (organization, role, group_id),
    foreign key (organization, role_kind, role) references target on delete cascade,
    foreign key (organization, group_kind, group_id) references target on delete cascade
);
create index role_group_group on role_group (organization, group_id, role);

-- Clients that have a role.
create table role_client (
    organization text collate "C" not null,
    role text collate "C" not null,
    client text collate "C" not null,
    role_kind text collate "C" not null default 'role' check (role_kind = 'role'),
    primary key (organization, role, client),
    foreign key (organization, role_kind, role) references target on delete cascade
);
create index role_client_client on role_client (organization, client, role);

-- Roles that people have by the word of an outside issuer, for as long as that was given.
create table role_lease (
    organization text collate "C" not null,
    person text collate "C" not null,
    role text collate "C" not null,
    issuer text collate "C" not null,
    until bigint not null,
    role_kind text collate "C" not null default 'role' check (role_kind = 'role'),
    primary key (organization, person, issuer, role),
    foreign key (organization, person) references person on delete cascade,
    foreign key (organization, role_kind, role) references target on delete cascade
);
create index role_lease_role on role_lease (organization, role);

create table permission (
    organization text collate "C" not null references organization,
    who text collate "C" not null,
    permissions text collate "C" not null,
    place bigint not null,
    primary key (organization, who)
);
-- Where else somebody may do something.
create index permission_who on permission (who);

-- ---- Invitations

create table invitation (
    organization text collate "C" not null,
    id text collate "C" not null,
    parent text collate "C" not null,
    -- The shape of the row.
    schema bigint not null,
    version bigint not null,
    state text collate "C" not null check (state in ('awaiting-approval', 'pending', 'accepting', 'accepted', 'declined',
        'revoked', 'expired', 'failed')),
    subject_organization text collate "C" not null,
    subject_id text collate "C" not null,
    name text collate "C" not null,
    inviter text collate "C" not null,
    approver text collate "C",
    grants text collate "C" not null,
    outcomes text collate "C" not null,
    accept_with text collate "C" not null,
    notify text collate "C" not null,
    mail text collate "C" not null,
    template text collate "C",
    -- In which language the invitee is written to, and where their browser goes after accepting.
    language text collate "C",
    landing text collate "C",
    metadata text collate "C" not null,
    created_at bigint not null,
    lifetime bigint,
    expires_at bigint,
    ended_at bigint,
    reason text collate "C",
    claims bigint not null,
    lease_until bigint,
    resends bigint not null,
    last_operation text collate "C" not null,
    replaces text collate "C",
    -- It has ended and was taken off the list.
    dismissed bigint not null,
    -- A reminder was written for the present lifetime.
    reminded bigint not null,
    -- Handed out as due work: not again before this instant.
    hidden_until bigint not null,
    -- When the mail system accepted the last mail with a code.
    mailed_at bigint,
    -- Only what has ended is taken off the list.
    check (dismissed = 0 or state not in ('awaiting-approval', 'pending', 'accepting')),
    primary key (organization, id)
);

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
create trigger invitation_path before update on invitation for each row
when (not (
    (new.version = old.version and new.state = old.state)
    or (new.version = old.version + 1 and old.state || ' ' || new.state in (
        'awaiting-approval pending', 'awaiting-approval revoked', 'awaiting-approval expired',
        'pending pending', 'pending accepting', 'pending declined', 'pending revoked', 'pending expired',
        'accepting accepting', 'accepting accepted', 'accepting failed'))
)) execute function refuse('this change of state is illegal');
create trigger invitation_start before insert on invitation for each row
when (not (new.version = 1 and new.state in ('awaiting-approval', 'pending')) and not is_loading())
execute function refuse('an invitation begins as awaiting-approval or pending, with version 1');
create trigger invitation_kept before delete on invitation for each row
when (old.ended_at is null and not is_loading())
execute function refuse('an invitation that has not ended cannot be deleted');

-- Digests of codes. They stay after the end of the invitation.
create table code (
    digest bytea primary key check (length(digest) = 32),
    organization text collate "C" not null,
    invitation text collate "C" not null,
    -- The version of the invitation that it was made for: the oldest has the lowest.
    version bigint not null,
    foreign key (organization, invitation) references invitation on delete cascade
);
create index code_invitation on code (organization, invitation, version);

-- Messages that wait.
create table outbox (
    organization text collate "C" not null,
    invitation text collate "C" not null,
    kind text collate "C" not null,
    -- The version of the invitation that asked for it.
    version bigint not null,
    -- Absent: it is about to be sent, at most once, and never falls due again by itself.
    due_at bigint,
    tries bigint not null,
    -- The host's mail pipeline has it and settles it by itself.
    taken bigint not null,
    -- Until when, where whoever has it says so again and again; absent: for as long as it takes.
    taken_until bigint,
    primary key (organization, invitation, kind),
    foreign key (organization, invitation) references invitation on delete cascade
);
create index outbox_due on outbox (organization, due_at) where taken = 0;
create index outbox_any_due on outbox (due_at) where taken = 0;

-- What idempotent operations have recorded.
create table operation (
    organization text collate "C" not null,
    caller text collate "C" not null,
    operation text collate "C" not null,
    fingerprint bytea not null,
    at bigint not null,
    primary key (organization, caller, operation)
);
create index operation_at on operation (organization, at);

create table operation_item (
    organization text collate "C" not null,
    caller text collate "C" not null,
    operation text collate "C" not null,
    position bigint not null,
    -- Either of the two.
    invitation text collate "C",
    refused text collate "C",
    primary key (organization, caller, operation, position),
    foreign key (organization, caller, operation) references operation on delete cascade
);

-- The log that makes each step of an invitation happen once. A step stays when its effect is taken away.
create table grant_log (
    organization text collate "C" not null,
    invitation text collate "C" not null,
    step text collate "C" not null,
    place bigint not null,
    primary key (organization, invitation, step),
    foreign key (organization, invitation) references invitation on delete cascade
);

-- Invitations for which nothing may be applied any more.
create table grant_closed (
    organization text collate "C" not null,
    invitation text collate "C" not null,
    primary key (organization, invitation),
    foreign key (organization, invitation) references invitation on delete cascade
);

-- The grant log of a host whose members are elsewhere (see `GrantRecords`): one row for each invitation that anything
-- was begun or closed for. The invitation itself may be elsewhere, too.
create table external_log (
    organization text collate "C" not null,
    invitation text collate "C" not null,
    -- Nothing may be begun for it any more, for ever.
    closed bigint not null,
    -- When its invitation was purged. It stays closed for a day, for whoever is still about to begin something.
    purged_at bigint,
    primary key (organization, invitation)
);
create index external_log_purged on external_log (organization, purged_at) where purged_at is not null;

create table external_step (
    organization text collate "C" not null,
    invitation text collate "C" not null,
    step text collate "C" not null,
    -- The order in which they were made.
    place bigint not null,
    -- The account that it is for.
    account_organization text collate "C" not null,
    account_id text collate "C" not null,
    progress text collate "C" not null check (progress in ('unwritten', 'doubtful', 'applied', 'removed', 'given-up', 'settled')),
    version bigint not null,
    changed_at bigint not null,
    primary key (organization, invitation, step),
    foreign key (organization, invitation) references external_log on delete cascade
);
-- What may still land.
create index external_step_watched on external_step (organization, changed_at, invitation, place)
    where progress in ('doubtful', 'given-up');
create index external_step_account on external_step (organization, account_organization, account_id)
    where progress in ('doubtful', 'given-up');

-- ---- The audit trail

create table audit (
    place bigint generated always as identity primary key,
    at bigint not null,
    organization text collate "C",
    actor text collate "C" not null,
    request_id text collate "C" not null,
    -- What happened, and why: words of the contract.
    kind text collate "C" not null,
    word text collate "C",
    operation text collate "C" not null,
    invitation text collate "C",
    -- The account that it is about.
    subject_organization text collate "C",
    subject_id text collate "C",
    -- A keyed digest of a name that was refused.
    name bytea,
    grant_kind text collate "C",
    grant_id text collate "C",
    -- Another id that it is about.
    about text collate "C",
    check ((subject_organization is null) = (subject_id is null)),
    check (length(name) = 32),
    check (grant_kind in ('group', 'role')),
    check ((grant_kind is null) = (grant_id is null))
);
create index audit_organization on audit (organization, at, place);
create index audit_invitation on audit (organization, invitation, at, place) where invitation is not null;
-- INVARIANT: the vocabulary of the contract, and no text that somebody wrote. See wit/audit.wit.
create trigger audit_words before insert on audit for each row when (
    new.kind not in (
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
        'not-active', 'wrong-secret', 'other')) execute function refuse('this is no word of the audit trail');
create trigger audit_is_kept before update on audit for each row
execute function refuse('the audit trail is append-only');
create trigger audit_stays before delete on audit for each row when (not is_loading())
execute function refuse('the audit trail is append-only');
create trigger audit_is_whole before truncate on audit for each statement when (not is_loading())
execute function refuse('the audit trail is append-only');

-- ---- Whose rows a transaction may touch

-- Asked for within `(select ..)`, each is called once for a statement, not once for a row.
create function scope_organization() returns text language sql stable
    return nullif(current_setting('guestlist.organization', true), '');
create function scope_account_organization() returns text language sql stable
    return nullif(current_setting('guestlist.account_organization', true), '');
create function scope_account() returns text language sql stable
    return nullif(current_setting('guestlist.account', true), '');
create function scope_everything() returns boolean language sql stable
    return coalesce(current_setting('guestlist.everything', true), '') = 'on';

alter table invitation enable row level security, force row level security;
create policy scope on invitation using (
    organization = (select scope_organization())
    or (select scope_everything())
    or (subject_organization = (select scope_account_organization()) and subject_id = (select scope_account())));

-- What belongs to an invitation is there where that is.
alter table code enable row level security, force row level security;
create policy scope on code using (
    organization = (select scope_organization())
    or (select scope_everything())
    or exists (select from invitation i where i.organization = code.organization and i.id = code.invitation));

alter table outbox enable row level security, force row level security;
create policy scope on outbox using (
    organization = (select scope_organization())
    or (select scope_everything())
    or exists (select from invitation i where i.organization = outbox.organization and i.id = outbox.invitation));

alter table grant_log enable row level security, force row level security;
create policy scope on grant_log using (
    organization = (select scope_organization())
    or (select scope_everything())
    or exists (select from invitation i where i.organization = grant_log.organization and i.id = grant_log.invitation));

alter table grant_closed enable row level security, force row level security;
create policy scope on grant_closed using (
    organization = (select scope_organization())
    or (select scope_everything())
    or exists (select from invitation i where i.organization = grant_closed.organization and i.id = grant_closed.invitation));

alter table external_log enable row level security, force row level security;
create policy scope on external_log using (
    organization = (select scope_organization()) or (select scope_everything()));

alter table external_step enable row level security, force row level security;
create policy scope on external_step using (
    organization = (select scope_organization()) or (select scope_everything()));

alter table operation enable row level security, force row level security;
create policy scope on operation using (
    organization = (select scope_organization()) or (select scope_everything()));

alter table operation_item enable row level security, force row level security;
create policy scope on operation_item using (
    organization = (select scope_organization()) or (select scope_everything()));

-- A refusal may be of no organization; then it can be written by everybody and read by the host itself.
alter table audit enable row level security, force row level security;
create policy scope on audit using (
    organization = (select scope_organization())
    or (select scope_everything())
    or exists (select from invitation i where i.organization = audit.organization and i.id = audit.invitation));
create policy unattributed on audit for insert with check (organization is null);

-- Of people everything may be read, because a call is about the people of a parent, too.
alter table organization enable row level security, force row level security;
create policy seen on organization for select using (true);
create policy scope on organization using (id = (select scope_organization()) or (select scope_everything()));

alter table userstore enable row level security, force row level security;
create policy seen on userstore for select using (true);
create policy scope on userstore using (organization = (select scope_organization()) or (select scope_everything()));

alter table person enable row level security, force row level security;
create policy seen on person for select using (true);
create policy scope on person using (organization = (select scope_organization()) or (select scope_everything()));

alter table spent enable row level security, force row level security;
create policy seen on spent for select using (true);
create policy scope on spent using (organization = (select scope_organization()) or (select scope_everything()));

alter table target enable row level security, force row level security;
create policy seen on target for select using (true);
create policy scope on target using (organization = (select scope_organization()) or (select scope_everything()));

alter table held enable row level security, force row level security;
create policy seen on held for select using (true);
create policy scope on held using (organization = (select scope_organization()) or (select scope_everything()));

alter table role_group enable row level security, force row level security;
create policy seen on role_group for select using (true);
create policy scope on role_group using (organization = (select scope_organization()) or (select scope_everything()));

alter table role_client enable row level security, force row level security;
create policy seen on role_client for select using (true);
create policy scope on role_client using (organization = (select scope_organization()) or (select scope_everything()));

alter table role_lease enable row level security, force row level security;
create policy seen on role_lease for select using (true);
create policy scope on role_lease using (organization = (select scope_organization()) or (select scope_everything()));

alter table permission enable row level security, force row level security;
create policy seen on permission for select using (true);
create policy scope on permission using (organization = (select scope_organization()) or (select scope_everything()));

-- ---- A server with accounts of its own: handles, sign-in, machines. See docs/storage.md.

-- What an organization is called in URLs. A row stays for ever, so that a handle never leads to another.
create table handle (
    -- The root in which it is unique; empty: the server, for handles of roots.
    root text collate "C" not null,
    handle text collate "C" not null,
    organization text collate "C" not null references organization,
    -- The one that it has now; of a row without it the handle is spent.
    current bigint not null,
    primary key (root, handle)
);
create unique index handle_current on handle (organization, root) where current = 1;

create table password (
    organization text collate "C" not null,
    person text collate "C" not null,
    -- A PHC string, made by the server.
    phc text collate "C" not null,
    set_at bigint not null,
    primary key (organization, person),
    foreign key (organization, person) references person on delete cascade
);

create table session (
    -- SHA-256 of the token.
    digest bytea primary key check (length(digest) = 32),
    -- Whose: an account where it is resident.
    organization text collate "C" not null,
    person text collate "C" not null,
    -- Where they signed in.
    root text collate "C" not null,
    begun_at bigint not null,
    seen_at bigint not null,
    -- How long it may lie idle.
    idle bigint not null,
    ends_at bigint not null,
    foreign key (organization, person) references person on delete cascade
);
create index session_person on session (organization, person);
create index session_ends on session (ends_at);

create table client (
    id text collate "C" primary key,
    organization text collate "C" not null references organization,
    name text collate "C" not null,
    -- SHA-256 of the secret.
    secret bytea not null check (length(secret) = 32),
    made_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    used_at bigint
);
create index client_listed on client (organization, name, id);

-- Access tokens of the server itself.
create table token (
    -- SHA-256 of the token.
    digest bytea primary key check (length(digest) = 32),
    -- Where it is good.
    organization text collate "C" not null,
    -- Who has it: a person or a client.
    account_organization text collate "C",
    account_id text collate "C",
    client text collate "C" references client on delete cascade,
    -- A list of texts.
    scopes text collate "C" not null,
    made_at bigint not null,
    expires_at bigint not null,
    check ((account_organization is null) = (account_id is null)),
    check ((client is null) <> (account_id is null)),
    foreign key (account_organization, account_id) references person on delete cascade
);
create index token_expires on token (expires_at);
create index token_account on token (account_organization, account_id) where account_id is not null;
create index token_client on token (client) where client is not null;

-- Who signs in as whom by another system.
create table identity (
    root text collate "C" not null,
    issuer text collate "C" not null,
    subject text collate "C" not null,
    organization text collate "C" not null,
    person text collate "C" not null,
    linked_at bigint not null,
    primary key (root, issuer, subject),
    foreign key (organization, person) references person on delete cascade
);
create index identity_person on identity (organization, person);

-- Links that work once, the newest of each purpose.
create table link (
    purpose text collate "C" primary key,
    digest bytea not null check (length(digest) = 32),
    made_at bigint not null,
    expires_at bigint not null
);

-- What repeatable requests of others than the plugin were answered, for 24 hours.
create table remembered (
    -- Empty for a request that is about no organization.
    organization text collate "C" not null,
    caller text collate "C" not null,
    request text collate "C" not null,
    fingerprint bytea not null check (length(fingerprint) = 32),
    at bigint not null,
    -- Absent: it is under way.
    answer text collate "C",
    primary key (organization, caller, request)
);
create index remembered_at on remembered (at);

-- What became of e-mails about an invitation, for whoever looks at it.
create table delivery (
    organization text collate "C" not null,
    invitation text collate "C" not null,
    kind text collate "C" not null,
    -- The version of the invitation that asked for it.
    version bigint not null,
    state text collate "C" not null check (state in ('queued', 'handed-over', 'retrying', 'refused', 'given-up')),
    at bigint not null,
    -- When it is tried again.
    next_at bigint,
    -- The mail system's, for people. They go with the invitation.
    words text collate "C",
    primary key (organization, invitation, kind, version),
    foreign key (organization, invitation) references invitation on delete cascade
);

-- How many e-mails somebody got lately, over all organizations, and who has to wait with one.
create table mailing (
    -- Who is written to, where they are resident.
    account_organization text collate "C" not null,
    account_id text collate "C" not null,
    -- Who writes.
    organization text collate "C" not null,
    at bigint not null,
    mails bigint not null,
    -- An e-mail was held back then, and has waited since.
    waits bigint not null,
    primary key (account_organization, account_id, organization, at),
    foreign key (account_organization, account_id) references person on delete cascade
);
create index mailing_at on mailing (at);

-- ---- Lists, a page at a time

create index organization_children on organization (parent, deleted, name, id);
create index target_named on target (organization, kind, name, id);
create index audit_kind on audit (organization, kind, at, place);
create index audit_actor on audit (organization, actor, at, place);
-- What is taken by a process that is gone falls due again.
create index outbox_taken on outbox (taken_until) where taken = 1 and taken_until is not null;

-- ---- Whose rows of those

-- Everybody may know which handle leads where.
alter table handle enable row level security, force row level security;
create policy seen on handle for select using (true);
create policy scope on handle using (organization = (select scope_organization()) or (select scope_everything()));

alter table password enable row level security, force row level security;
create policy scope on password using (
    organization = (select scope_organization()) or (select scope_everything()));

alter table session enable row level security, force row level security;
create policy scope on session using (
    organization = (select scope_organization()) or (select scope_everything()));

alter table client enable row level security, force row level security;
create policy scope on client using (
    organization = (select scope_organization()) or (select scope_everything()));

alter table token enable row level security, force row level security;
create policy scope on token using (
    organization = (select scope_organization()) or (select scope_everything()));

alter table delivery enable row level security, force row level security;
create policy scope on delivery using (
    organization = (select scope_organization()) or (select scope_everything()));

-- Whoever signs in at a root may have an account in any organization below it.
alter table identity enable row level security, force row level security;
create policy scope on identity using (
    organization = (select scope_organization())
    or (select scope_everything())
    or root = (select scope_organization()));

alter table remembered enable row level security, force row level security;
create policy scope on remembered using (
    organization = (select scope_organization()) or (select scope_everything()));

-- Of no organization: the host's alone.
alter table link enable row level security, force row level security;
create policy scope on link using ((select scope_everything()));

alter table mailing enable row level security, force row level security;
create policy scope on mailing using ((select scope_everything()));
