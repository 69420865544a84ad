-- jobs.leader: which of River's clients leads.

-- River keeps its leader in an unlogged table. A replica has no such table: to plan a query that names it fails there, even in
-- a branch that is never reached. A statement in plpgsql is planned only when it is reached. The function runs with its
-- owner's rights, as the views that call it do.
create function jobs.leader() returns table (leader_id text, elected_at timestamptz, expires_at timestamptz, role text)
language plpgsql stable parallel safe security definer rows 1 set search_path = pg_catalog, pg_temp as $$
begin
    if pg_is_in_recovery() then
        return query select null::text, null::timestamptz, null::timestamptz, null::text;
    else
        return query select l.leader_id, l.elected_at, l.expires_at,
            case when starts_with(l.leader_id, 'keeper/') then 'maintenance' -- so work.Keeper names itself; River keeps nothing but the name
                 when exists (select from work.worker w where w.id = l.leader_id) then 'worker'
                 else 'unregistered' end
        from river.river_leader l;
    end if;
end $$;
comment on function jobs.leader is 'The client that leads River''s clients: one row, also for a time after it has gone, until another leads. role is worker (one of jobs.worker), maintenance (a web process, which runs no jobs) or unregistered (a plain River program, which does not say what it works). No row if none leads. On a replica, which cannot know, one row of nulls.';
