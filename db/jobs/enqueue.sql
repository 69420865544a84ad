-- jobs.enqueue adds a job as the Go client does, so that a trigger or another program can add one in its own transaction.

create function jobs.go_json(value json) returns text
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
    select coalesce(string_agg(case when t.token[1] like '"%' then
               replace(replace(replace(replace(replace(to_json((t.token[1]::json) #>> '{}')::text,
                   '&', '\u0026'), '<', '\u003c'), '>', '\u003e'), U&'\2028', '\u2028'), U&'\2029', '\u2029')
               else t.token[1] end, '' order by t.o), '')
    from regexp_matches(value::text, '"(?:[^"\\]|\\.)*"|[^"\s]+', 'g') with ordinality as t (token, o)
$$;
comment on function jobs.go_json is 'The JSON value as Go''s encoding/json writes it: without spaces, and with <, > and & escaped in strings. Numbers and the order of keys stay as they are.';

create function jobs.repeated_key(value json) returns text
language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
declare
    name text;
    part json;
    found text;
begin
    if json_typeof(value) = 'object' then
        select k into name from json_object_keys(value) as k group by k having count(*) > 1 limit 1;
        if name is not null then
            return name;
        end if;
        for name, part in select e.key, e.value from json_each(value) as e where json_typeof(e.value) in ('array', 'object') loop
            found := jobs.repeated_key(part);
            if found is not null then
                return name || '.' || found;
            end if;
        end loop;
    elsif json_typeof(value) = 'array' then
        for part in select e.value from json_array_elements(value) as e where json_typeof(e.value) in ('array', 'object') loop
            found := jobs.repeated_key(part);
            if found is not null then
                return found;
            end if;
        end loop;
    end if;
    return null;
end $$;
comment on function jobs.repeated_key is 'A key that occurs twice in one object of the JSON value, at any depth, with the keys that lead to it, as in customer.name; null if there is none.';

create function jobs.checked_json(what text, value json) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    stored jsonb;
    wrong text;
begin
    begin
        stored := value::jsonb;
    exception when data_exception or program_limit_exceeded then
        get stacked diagnostics wrong = pg_exception_detail;
        raise exception '% is JSON that Postgres cannot store: %', what, coalesce(nullif(wrong, ''), sqlerrm || '.') using errcode = '22023';
    end;
    -- jsonb drops all but the last of repeated keys, and their colons with them. Only an escaped colon can hide that.
    if length(replace(value::text, ':', '')) - length(value::text) <> length(replace(stored::text, ':', '')) - length(stored::text)
        or value::text ilike '%\\u003a%' then
        wrong := jobs.repeated_key(value);
        if wrong is not null then
            raise exception '% has the key % twice: Postgres keeps the last value, and other readers the first.', what, to_json(left(wrong, 100))
                using errcode = '22023';
        end if;
    end if;
    return stored;
end $$;
comment on function jobs.checked_json is 'The JSON value as jsonb. If jsonb cannot hold it (\u0000, half of a surrogate pair, a number beyond numeric) or would change it (a repeated key), raises an error with SQLSTATE 22023, which names the value as what says.';

create function jobs.unique_args(args json, keys text[] default null) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
    part text;
    parts text[] := '{}';
    name text;
begin
    if keys is null then
        return '{' || coalesce((
            select string_agg(case when f.key ~ '[^\x20-\x7f]|["\\]' then jobs.go_json(to_json(f.key)) else '"' || f.key || '"' end
                              || ':' || jobs.go_json(f.value), ',' order by f.key collate "C")
            from json_each(args) as f), '') || '}';
    end if;
    -- Keys of one object stand together in the order of their dotted names.
    for name in select distinct split_part(k, '.', 1) collate "C" from unnest(keys) as k order by 1 loop
        if exists (select from unnest(keys) as k where k = name) then
            part := jobs.go_json(args -> name);
        elsif json_typeof(args -> name) = 'object' then
            part := jobs.unique_args(args -> name,
                (select array_agg(substr(k, length(name) + 2)) from unnest(keys) as k where k like replace(name, '_', '\_') || '.%'));
        else
            part := null;
        end if;
        if part <> '' then
            parts := parts || (case when name ~ '[^\x20-\x7f]|["\\]' then jobs.go_json(to_json(name)) else '"' || name || '"' end || ':' || part);
        end if;
    end loop;
    return case when parts = '{}' then '' else '{' || array_to_string(parts, ',') || '}' end;
end $$;
comment on function jobs.unique_args is 'The part of a unique key made of args: all of them, or the values of keys (dots lead into nested objects), sorted. No key may occur twice: see jobs.checked_json.';

create function jobs.enqueue(
    kind text,
    args json default '{}',
    queue text default null,
    scheduled_at timestamptz default null,
    priority int default null,
    max_attempts int default null,
    unique_by_args boolean default false,
    unique_by_keys text[] default null,
    unique_by_period interval default null,
    unique_by_queue boolean default false,
    unique_by_state text[] default null,
    unique_exclude_kind boolean default false,
    tags text[] default null,
    metadata jsonb default '{}',
    pending boolean default false,
    reason text default null,
    out id bigint,
    out duplicate boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    known work.kind;
    opts jsonb;
    stored jsonb;
    bad text;
    first_state river.river_job_state;
    unique_text text := '';
    key bytea;
    states bit(8);
begin
    if enqueue.kind is null or enqueue.kind !~ '^[A-Za-z0-9_][A-Za-z0-9_\-\[\]<>/.·:+]+$' or length(enqueue.kind) > 127 then
        raise exception 'The kind % is not valid: 2 to 127 letters, digits and _ - [ ] < > / . · : +, beginning with a letter, digit or _.',
            quote_nullable(left(enqueue.kind, 100)) using errcode = '22023';
    end if;
    select * into known from work.kind k where k.kind = enqueue.kind;
    if known.kind is null and exists (select from work.kind) then
        select string_agg(k.kind, ', ' order by k.kind) into bad from work.kind k;
        raise exception 'No worker knows the kind %: the job would never run. Known kinds: %.', quote_literal(enqueue.kind), bad
            using errcode = '22023', hint = 'If another program runs it: insert into work.kind (kind) values (''…'').';
    end if;
    opts := coalesce(known.opts, '{}');
    queue := coalesce(queue, opts ->> 'queue', 'default');
    priority := coalesce(priority, (opts ->> 'priority')::int, 1);
    max_attempts := coalesce(max_attempts, (opts ->> 'max_attempts')::int, 25);
    tags := coalesce(tags, (select array_agg(t order by o) from jsonb_array_elements_text(opts -> 'tags') with ordinality as e (t, o)), '{}');
    metadata := coalesce(metadata, '{}');
    if opts ? 'unique' and not (unique_by_args or unique_by_keys is not null or unique_by_period is not null or unique_by_queue
        or unique_by_state is not null or unique_exclude_kind) then
        unique_by_args := coalesce((opts #>> '{unique,args}')::boolean, false);
        unique_by_keys := (select array_agg(k) from jsonb_array_elements_text(opts #> '{unique,keys}') as k);
        unique_by_period := make_interval(secs => (opts #>> '{unique,period}')::float8);
        unique_by_queue := coalesce((opts #>> '{unique,queue}')::boolean, false);
        unique_by_state := (select array_agg(t) from jsonb_array_elements_text(opts #> '{unique,states}') as t);
        unique_exclude_kind := coalesce((opts #>> '{unique,exclude_kind}')::boolean, false);
    end if;

    if args is null or json_typeof(args) <> 'object' then
        raise exception 'The arguments must be a JSON object, as in ''{"order_id": 42}'', not %.', coalesce(json_typeof(args), 'null')
            using errcode = '22023';
    end if;
    stored := jobs.checked_json('args', args);
    if jsonb_typeof(metadata) <> 'object' then
        raise exception 'The metadata must be a JSON object, not %.', jsonb_typeof(metadata) using errcode = '22023';
    end if;
    if queue !~ '^[a-z0-9]+([_|-]?[a-z0-9]+)*$' or length(queue) > 64 then
        raise exception 'The queue name % is not valid: up to 64 lower-case letters and digits, with single _ or - between them.',
            quote_literal(left(queue, 100)) using errcode = '22023';
    end if;
    if priority not between 1 and 4 then
        raise exception 'The priority must be from 1 (first) to 4 (last), not %.', priority using errcode = '22023';
    end if;
    if not isfinite(scheduled_at) then
        raise exception 'scheduled_at must be a time, not %. To make a job wait until it is released, use pending.', scheduled_at using errcode = '22023';
    end if;
    if scheduled_at not between timestamptz '0001-01-01 00:00Z' and timestamptz '9999-12-31 23:59:59.999999Z' then
        raise exception 'scheduled_at must be in the years 1 to 9999, not %.', scheduled_at
            using errcode = '22023', hint = 'to_timestamp takes seconds, not milliseconds.';
    end if;
    if max_attempts not between 1 and 32767 then
        raise exception 'max_attempts must be from 1 to 32767, not %.', max_attempts using errcode = '22023';
    end if;
    select t into bad from unnest(tags) as t
    where t is null or t !~ '^[A-Za-z0-9_][A-Za-z0-9_-]+[A-Za-z0-9_]$' or length(t) > 255 limit 1;
    if found then
        raise exception 'The tag % is not valid: 3 to 255 letters, digits, _ and -, and no - at either end.', quote_nullable(left(bad, 100))
            using errcode = '22023';
    end if;
    if unique_by_period < interval '1 s' then
        raise exception 'unique_by_period must be at least 1 second, not %.', unique_by_period using errcode = '22023';
    end if;
    if unique_by_period > interval '106751 days' then
        raise exception 'unique_by_period must be at most 106751 days, not %.', unique_by_period using errcode = '22023';
    end if;
    if extract(year from unique_by_period) <> 0 or extract(month from unique_by_period) <> 0 then
        raise exception 'unique_by_period must be in weeks, days or less, because months differ in length, not %.', unique_by_period
            using errcode = '22023';
    end if;
    if unique_exclude_kind and not (unique_by_args or unique_by_keys is not null or unique_by_period is not null or unique_by_queue) then
        raise exception 'unique_exclude_kind needs unique_by_args, unique_by_keys, unique_by_period or unique_by_queue too.'
            using errcode = '22023';
    end if;
    select s into bad from unnest(unique_by_state) as s
    where s is null or s not in ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled') limit 1;
    if found then
        raise exception 'unique_by_state: % is not a state.', quote_nullable(left(bad, 100)) using errcode = '22023';
    end if;
    if unique_by_state <> '{}' and not unique_by_state @> '{available,pending,running,scheduled}' then
        raise exception 'unique_by_state must contain available, pending, running and scheduled.' using errcode = '22023';
    end if;

    first_state := case when pending then 'pending' when scheduled_at is not null then 'scheduled' else 'available' end;
    if unique_by_args or unique_by_keys is not null or unique_by_period is not null or unique_by_queue
        or unique_by_state is not null or unique_exclude_kind then
        unique_text := case when unique_exclude_kind then '' else '&kind=' || kind end
            || case when unique_by_keys is not null then '&args=' || jobs.unique_args(args, unique_by_keys)
                    when unique_by_args then '&args=' || jobs.unique_args(args)
                    else '' end
            || coalesce('&period=' || to_char(date_bin(unique_by_period, coalesce(scheduled_at, clock_timestamp()),
                   timestamptz '0001-01-01 00:00:00+00') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '')
            || case when unique_by_queue then '&queue=' || queue else '' end;
        key := sha256(convert_to(unique_text, 'UTF8'));
        states := (select bit_or(case s when 'available' then B'00000001' when 'cancelled' then B'00000010'
                when 'completed' then B'00000100' when 'discarded' then B'00001000' when 'pending' then B'00010000'
                when 'retryable' then B'00100000' when 'running' then B'01000000' when 'scheduled' then B'10000000' end)
            from unnest(coalesce(nullif(unique_by_state, '{}'),
                '{available,completed,pending,retryable,running,scheduled}')) as s);
    end if;

    insert into river.river_job as j
        (kind, args, queue, state, scheduled_at, priority, max_attempts, tags, metadata, unique_key, unique_states)
    values (
        enqueue.kind,
        stored,
        enqueue.queue,
        first_state,
        coalesce(enqueue.scheduled_at, now()),
        enqueue.priority,
        enqueue.max_attempts,
        enqueue.tags,
        enqueue.metadata,
        key,
        states)
    on conflict (unique_key)
        where unique_key is not null and unique_states is not null and river.river_job_state_in_bitmask(unique_states, state)
        do update set kind = j.kind -- changes nothing, and returns the row
    returning j.id, j.xmax <> 0 into enqueue.id, enqueue.duplicate;
    if first_state = 'available' then
        perform pg_notify('river.river_insert', format('{"queue": %s}', to_json(queue)));
    end if;
    if reason is not null and not duplicate then
        insert into work.audit (act, job_id, queue, reason, after)
        values ('enqueue', enqueue.id, enqueue.queue, enqueue.reason, jsonb_build_object('kind', enqueue.kind, 'state', first_state));
    end if;
end $$;
comment on function jobs.enqueue is 'Adds a job in the current transaction and returns its id, as River''s Insert does. The job runs after the transaction commits, and never if it rolls back.
kind: the kind of work; a worker must know it. args: a JSON object, without \u0000 or repeated keys. queue, priority (1 first, 4 last), max_attempts and tags: by default the kind''s own options, or otherwise default, 1, 25 and none. scheduled_at: the job does not run before then; in the years 1 to 9999. metadata: a JSON object to store with the job. pending: the job waits until jobs.run_now releases it.
Unique options add the job only if there is none of its kind with the same args (unique_by_args), the same values of these keys (unique_by_keys, like fields tagged river:"unique" in Go), in the same period (unique_by_period) and in the same queue (unique_by_queue). unique_by_state: the states that count, by default available, completed, pending, retryable, running and scheduled. unique_exclude_kind: jobs of other kinds count too. Without any of these, the kind''s own options apply. If there is such a job, returns its id, and duplicate is true.
reason: if given, goes to jobs.audit.
From a trigger: perform jobs.enqueue(''send_invoice'', json_build_object(''order_id'', new.id));';
