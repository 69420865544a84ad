-- jobs.undo undoes an entry of jobs.audit: each job that has not changed since the act becomes what it was before.

create function jobs.undoable(audit_ids bigint[]) returns table (audit_id bigint, note text, code text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    return query
    with judged as (
        select w.id, a.act, a.job_id, a.undo_until, a.queue,
               case a.act
                   when 'pause' then format('jobs.resume(%L)', a.queue)
                   when 'resume' then format('jobs.pause(%L)', a.queue)
                   when 'drain' then format('jobs.undrain(%L)', a.worker)
                   when 'undrain' then format('jobs.drain(%L)', a.worker)
                   when 'mute' then format('jobs.unmute(%L)', a.fingerprint)
                   when 'unmute' then format('jobs.mute(%L)', a.fingerprint)
                   when 'enqueue' then format('jobs.cancel(%s)', a.job_id)
                   when 'copy' then format('jobs.cancel(%s)', a.job_id)
                   when 'start_bulk' then format('jobs.cancel_bulk(%s), or jobs.undo_bulk once it has ended', a.bulk_id)
               end as inverse,
               case
                   when a.id is null then 'not_found'
                   when t.code is not null then nullif(t.code, 'possible')
                   when a.act not in ('retry', 'cancel', 'discard', 'run_now', 'snooze', 'undo') then 'irreversible'
                   when coalesce(least(a.undo_until, b.undo_until) <= clock_timestamp(), true) or not exists (select from work.undo u where u.audit_id = a.id) then 'expired'
               end as code
        from (select distinct i as id from unnest(audit_ids) as i) w
        left join work.audit a on a.id = w.id
        left join work.bulk b on b.id = a.bulk_id
        left join lateral (select jobs.undo_of_target(a) as code) t on a.id is not null
    )
    select j.id, case j.code
               when 'not_found' then coalesce('There is no entry ' || j.id || ' in jobs.audit.', 'The entry id is null.')
               when 'expired' then format('Entry %s can no longer be undone: ten minutes have passed.', j.id)
               when 'changed' then format('The wait target of queue %s has changed since the act.', j.queue)
               when 'irreversible' then format('Entry %s (%s) cannot be undone', j.id, j.act) || coalesce(': use ' || j.inverse, '') || '.'
           end, j.code
    from judged j order by j.id desc;
end $$;
comment on function jobs.undoable is 'Whether jobs.undo can undo the entries audit_ids of jobs.audit, newest first; it cannot undo an entry with a code. Codes: not_found; expired (ten minutes have passed); changed (a wait target has changed since); irreversible (a deletion, or an act that another act reverses, which the note names).';

create function jobs.may_undo(audit_ids bigint[])
returns table (audit_id bigint, id bigint, state text, note text, code text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    return query
    select e.audit_id, j.id, j.state, coalesce(e.note, j.note), coalesce(e.code, j.code)
    from jobs.undoable(audit_ids) e
    left join lateral jobs.judge('undo', array(select u.job_id from work.undo u where u.audit_id = e.audit_id), entry => e.audit_id) j on e.code is null
    order by e.audit_id desc, j.id;
end $$;
comment on function jobs.may_undo is 'Which jobs jobs.undo would restore for the entries audit_ids, without restoring any; each entry is judged by itself. A row with a code would be left unchanged, and the note says why. Codes: those of jobs.may and jobs.undoable.';

create function jobs.undo(audit_ids bigint[], reason text default null)
returns table (audit_id bigint, id bigint, state text, changed boolean, note text, code text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    e record;
    done boolean;
begin
    for e in select * from jobs.undoable(audit_ids) loop -- newest first
        if e.code is null and not exists (select from work.undo u where u.audit_id = e.audit_id) then -- of a wait target
            select t.changed into done
            from work.audit a cross join lateral jobs.change_wait_target(a.queue, (a.before ->> 'within')::interval, (a.before ->> 'share')::float8, undo.reason, a.id) t
            where a.id = e.audit_id;
            return query
            select e.audit_id, null::bigint, null::text, done, case when not done then 'The wait target has just changed.' end, case when not done then 'changed' end;
        elsif e.code is null then
            return query
            select e.audit_id, a.* from jobs.act('undo', array(select u.job_id from work.undo u where u.audit_id = e.audit_id), reason, entry => e.audit_id) a;
        else
            return query select e.audit_id, null::bigint, null::text, false, e.note, e.code;
        end if;
    end loop;
end $$;
comment on function jobs.undo(bigint[], text) is 'Undoes, within ten minutes, acts on jobs (retry, cancel, discard, run_now, snooze, undo) and on wait targets (set_wait_target, clear_wait_target, undo): audit_ids are their entries of jobs.audit. Restores a wait target that is as the act left it (its row has no id), and every job that has not changed since the act and whose unique key is free, and returns for each other job why not, as a code (see jobs.may and jobs.undoable) and a sentence. A deletion cannot be undone, nor can a running job''s request to stop. Writes an entry of jobs.audit for each entry that it undoes, with the reason; that entry can be undone too.';

create function jobs.undo(audit_id bigint, reason text default null)
returns table (audit_id bigint, id bigint, state text, changed boolean, note text, code text)
language sql set search_path = pg_catalog, pg_temp as $$
    select u.audit_id, u.id, u.state, u.changed, u.note, u.code
    from (select r.*, bool_or(r.changed) over () as some from jobs.undo(array[$1], reason) r) u
    where jobs.insist(u.some, u.code, u.note)
$$;
comment on function jobs.undo(bigint, text) is 'Undoes, within ten minutes, the entry audit_id of jobs.audit, as jobs.undo of several does, or raises an error that says why it can restore no job. The reason goes to jobs.audit.';
