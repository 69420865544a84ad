-- jobs.leader: River's leading client.

-- River keeps its leader in an unlogged table, which a replica does not have: planning a query that names it fails there, even
-- in a branch that is never executed. plpgsql plans a statement only when it executes it. The function runs with its owner's
-- rights, as the views that call it do.
create function jobs.leader() returns table (leader_id text, elected_at timestamptz, expires_at timestamptz, role text)
language plpgsql stable parallel safe security definer rows 1 set search_path = pg_catalog, pg_temp as $$
begin
    if pg_is_in_recovery() then
        return query select null::text, null::timestamptz, null::timestamptz, null::text;
    else
        return query select l.leader_id, l.elected_at, l.expires_at,
            case when starts_with(l.leader_id, 'keeper/') then 'maintenance' -- the prefix of a work.Maintainer; River stores only the name
                 when exists (select from work.worker w where w.id = l.leader_id) then 'worker'
                 else 'unregistered' end
        from river.river_leader l;
    end if;
end $$;
comment on function jobs.leader is 'The leader of River''s clients: one row, which outlives its leader until another is elected. role is worker (see jobs.worker), maintenance (a web process, which runs no jobs) or unregistered (a plain River program, which does not record what it works). Without a leader there is no row. A replica, which cannot know, returns one row of nulls.';
