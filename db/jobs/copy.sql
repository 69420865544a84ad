-- jobs.copy enqueues a job again, with changes, without revealing redacted arguments.

create function jobs.merged(value jsonb, changes jsonb) returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
    if jsonb_typeof(changes) <> 'object' then
        return changes;
    end if;
    return (
        select coalesce(jsonb_object_agg(m.key, m.value), '{}')
        from (
            select v.key, v.value from jsonb_each(case when jsonb_typeof(merged.value) = 'object' then merged.value else '{}' end) v where not merged.changes ? v.key
            union all
            select c.key, jobs.merged(merged.value -> c.key, c.value) from jsonb_each(merged.changes) c where c.value <> 'null') m);
end $$;
comment on function jobs.merged is 'The JSON value with the changes merged into it as in RFC 7396: objects key by key at any depth; null removes a key, and any other value replaces the old one.';

create function jobs.copy(
    job_id bigint,
    changes json default '{}',
    reason text default null,
    queue text default null,
    scheduled_at timestamptz default null,
    priority int default null,
    max_attempts int default null,
    tags text[] default null,
    out id bigint,
    out duplicate boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    job record;
    known work.kind;
    opts jsonb;
    asked jsonb;
begin
    select j.kind, j.args, j.priority, j.max_attempts, j.tags::text[] as tags,
           case when j.queue in ('alone', 'singly') then coalesce(j.metadata ->> 'queue', j.queue) else j.queue end as queue
    into job from river.river_job j where j.id = copy.job_id;
    if not found then
        raise exception '%', jobs.refusal('not_found', 'copy', copy.job_id, null, null, null) using errcode = 'P0002';
    end if;
    if changes is null or json_typeof(changes) <> 'object' then
        raise exception 'The changes are a JSON object, as in ''{"order_id": 42}'', not %.', coalesce(json_typeof(changes), 'null') using errcode = '22023';
    end if;
    asked := jobs.checked_json('changes', changes);
    if jsonb_path_exists(asked, '$.** ? (@ == "[redacted]")') then
        raise exception 'The changes contain "[redacted]", which stands for a hidden value. Leave its key out: the copy keeps the value.'
            using errcode = '22023';
    end if;
    select * into known from work.kind k where k.kind = job.kind;
    if asked <> '{}' and known.secrets <> '{}' then
        raise exception 'The kind % marks keys as secret: its jobs can be copied only without changes to their arguments.', job.kind using errcode = '55000';
    end if;
    opts := coalesce(known.opts, '{}');
    select e.id, e.duplicate into copy.id, copy.duplicate
    from jobs.enqueue(
        job.kind,
        jobs.merged(job.args, asked)::json,
        queue        => coalesce(copy.queue, opts ->> 'queue', job.queue),
        scheduled_at => copy.scheduled_at,
        priority     => coalesce(copy.priority, (opts ->> 'priority')::int, job.priority),
        max_attempts => coalesce(copy.max_attempts, (opts ->> 'max_attempts')::int, job.max_attempts),
        tags         => coalesce(copy.tags, case when not opts ? 'tags' then job.tags end)) e;
    if not duplicate then
        insert into work.audit (act, jobs, job_id, queue, reason, after)
        select 'copy', 1, j.id, j.queue, copy.reason, jsonb_build_object('kind', j.kind, 'state', j.state, 'copy_of', copy.job_id,
            'changed', (select coalesce(jsonb_agg(k order by k), '[]') from jsonb_object_keys(asked) as k))
        from river.river_job j where j.id = copy.id;
    end if;
end $$;
comment on function jobs.copy is 'Enqueues the job job_id again, in any state, as jobs.enqueue does, and returns the id of the new job. If another job holds the unique key, returns the id of that one, and duplicate is true.
changes: merged into the arguments, objects key by key at any depth; null removes a key. Values that jobs.job shows as [redacted] are kept; "[redacted]" itself is refused. If the kind marks keys as secret, its jobs can be copied only without changes.
queue, priority, max_attempts, tags: from the kind''s own options, or otherwise from the job. scheduled_at: the copy does not run before then; now if not given. Unique options are the kind''s own. Attempts, errors and metadata are not copied.
reason: goes to jobs.audit, with the names of the changed keys but not their values. As in: select * from jobs.copy(4711, ''{"to": 8}'', ''wrong reader'').';
