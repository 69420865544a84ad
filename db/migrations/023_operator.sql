-- The accounts that may look at the console, or act in it. Roles leave the reader's row: that row is locked by each rating,
-- and a role is locked by each act.

create table operator (
    reader_id bigint primary key references reader on delete cascade,
    role      text not null check (role in ('viewer', 'operator')),
    added_at  timestamptz not null default now(),
    added_by  text not null
);
comment on table operator is 'The accounts that have a role in the console: a viewer may look, an operator may also act. backlist operator changes it.';
comment on column operator.added_at is 'When the account got this role.';
comment on column operator.added_by is 'Who gave it: an account of the machine on which backlist operator ran.';

insert into operator (reader_id, role, added_by)
select id, role, 'an earlier release' from reader where role <> 'reader';

comment on column reader.role is 'Not used since migration 023: table operator has the roles. It remains for processes of older releases.';
comment on column session.created_at is 'When the password was last given. The console lets an operator act for 12 hours after that; giving the password again replaces the session.';
