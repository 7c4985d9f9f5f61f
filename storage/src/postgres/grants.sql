-- What a host may do: all that its operations need, and nothing else. It owns nothing. Granting twice is no
-- error, so each `migrate` says all of it.
grant usage on schema {schema} to {role};
grant select on all tables in schema {schema} to {role};
grant insert, update, delete on
    organization, userstore, person, target, held, role_group, role_client, role_lease, permission,
    invitation, code, outbox, operation, operation_item, grant_log, grant_closed,
    external_log, external_step,
    password, session, client, token, identity, link, remembered, delivery, mailing
    to {role};
-- What is written here stays.
grant insert on audit, spent to {role};
grant insert, update on handle to {role};
-- One row each.
grant update on floor, realm to {role};
