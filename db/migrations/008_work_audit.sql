-- Who did what to the jobs, what kinds there are, and what must not be shown of them.

-- Every act of schema jobs that changed something: one row for each job, queue, worker or error that it changed.
create table work.audit (
    id          bigint generated always as identity primary key,
    at          timestamptz not null default now(), -- of the transaction: a queue's paused_at is this very time
    who         text not null default coalesce(nullif(current_setting('jobs.who', true), ''),
                    session_user || coalesce(' (' || nullif(current_setting('application_name', true), '') || ')', '')),
    role        text not null default session_user, -- what nobody can make up, whatever "who" says
    application text not null default coalesce(current_setting('application_name', true), ''),
    xid         bigint not null default pg_current_xact_id()::text::bigint, -- what was done in one transaction has one number
    act         text not null, -- retry, cancel, discard, delete, run_now, enqueue, pause, resume, drain, undrain, mute, …
    job_id      bigint,
    queue       text, -- '*' means all
    worker      text,
    fingerprint text, -- of an error
    reason      text,
    before      jsonb, -- what the act changed, as it was
    after       jsonb -- and as it is since
);
create index audit_job on work.audit (job_id) where job_id is not null;
create index audit_queue on work.audit (queue, at) where job_id is null and queue is not null;
create index audit_at on work.audit (at);

-- The kinds that processes registered at their start.
create table work.kind (
    kind    text primary key,
    secrets text[] not null default '{}', -- keys of its arguments and metadata that are not to be shown, in lower case
    opts    jsonb not null default '{}', -- what its jobs are enqueued with: queue, priority, max_attempts, tags
    release text not null default '', -- that registered it last
    seen_at timestamptz not null default now()
);

-- What a worker takes. Empty: nobody said, so everything.
alter table work.worker
    add column queues text[] not null default '{}',
    add column kinds text[] not null default '{}';

-- looks_secret says whether a key by that name, or any key in that JSON text, holds what should not be shown.
create function work.looks_secret(text text) returns boolean language sql immutable strict parallel safe
return text ~* ('pass(word|wd|phrase|code)|secret|token|(api|access|private|signing|encryption|auth)[_-]?key|authorization'
    || '|credential|cookie|signature|bearer|session[_-]?(id|key)|card[_-]?(number|no\M)|(^|")(pass|auth|otp|pin|cvv|cvc|ssn|iban)($|")');

-- redact replaces the values of keys that look secret, and of the marked ones (in lower case), at any depth. Most values
-- have none, which their text tells quickly.
create function work.redact(value jsonb, marked text[] default '{}') returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
    if value is null or marked = '{}' and not work.looks_secret(value::text) then
        return value;
    end if;
    case jsonb_typeof(value)
        when 'array' then
            return (select coalesce(jsonb_agg(work.redact(e.v, marked) order by e.o), '[]')
                    from jsonb_array_elements(value) with ordinality as e (v, o));
        when 'object' then
            return (select coalesce(jsonb_object_agg(e.k, case
                        when e.v = 'null' then e.v
                        when work.looks_secret(e.k) or lower(e.k) = any (marked) then '"[redacted]"'
                        else work.redact(e.v, marked) end), '{}')
                    from jsonb_each(value) as e (k, v));
        else
            return value;
    end case;
end $$;
