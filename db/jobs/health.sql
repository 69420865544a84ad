-- jobs.health: the state of the database, as far as jobs depend on it.

create view jobs.health as
with client as (
    select datname, usename from pg_stat_activity where backend_type = 'client backend'
), facts as (
    select 1 as part, 'table' as area, format('%I.%I', t.schemaname, t.relname) as name,
           case when not r.replica then t.n_dead_tup::numeric end as value, 'dead tuples' as unit,
           case when r.replica then null
                when t.n_dead_tup > 100000 + t.n_live_tup then 'bad' when t.n_dead_tup > 20000 + t.n_live_tup / 2 then 'warn' else 'ok' end as status,
           case when r.replica then format('%s; only the primary counts its tuples', pg_size_pretty(pg_total_relation_size(t.relid)))
                else format('%s live, %s, last vacuum %s', t.n_live_tup, pg_size_pretty(pg_total_relation_size(t.relid)),
               coalesce(to_char(greatest(t.last_autovacuum, t.last_vacuum), 'YYYY-MM-DD HH24:MI'), 'never')) end as detail,
           'If vacuum runs but does not remove them, something holds an old snapshot: see area snapshot.' as advice,
           null::int as pid, greatest(t.last_autovacuum, t.last_vacuum) as since
    from pg_stat_all_tables t cross join (select pg_is_in_recovery() as replica) r
    where t.relid in ('river.river_job'::regclass, 'river.river_queue'::regclass)
       or t.schemaname = 'work' and t.relname in ('attempt', 'minute_release', 'worker', 'audit')
    union all
    select 2, 'index', c.relname, pg_relation_size(c.oid), 'bytes', case when i.indisvalid then 'ok' else 'bad' end,
           format('%s of %s in the table, used %s times', pg_size_pretty(pg_relation_size(c.oid)), pg_size_pretty(pg_relation_size(i.indrelid)),
               coalesce(s.idx_scan, 0)),
           case when i.indisvalid then 'If it grows while the number of jobs does not: reindex index concurrently.'
                else 'Building it failed: drop it.' end, null, null
    from pg_index i join pg_class c on c.oid = i.indexrelid left join pg_stat_all_indexes s on s.indexrelid = i.indexrelid
    where i.indrelid = 'river.river_job'::regclass
    union all
    (select distinct on (h.holder) 3, 'snapshot', h.name, h.age, 'transactions',
            case when h.since < now() - interval '1 hour' or h.since is null and h.age > 10000000 then 'bad'
                 when h.since < now() - interval '5 min' or h.since is null and h.age > 1000000 then 'warn' else 'ok' end,
            h.detail, 'Vacuum cannot remove rows that died after this snapshot was taken. ' || h.advice, h.pid, h.since
     from (
        select 'session' as holder, coalesce(nullif(a.application_name, ''), a.usename, 'unnamed') as name,
               greatest(age(a.backend_xmin), age(a.backend_xid))::numeric as age,
               format('pid %s, %s since %s, its statement began %s: %s', a.pid, a.state, to_char(a.xact_start, 'HH24:MI:SS'),
                   to_char(a.query_start, 'HH24:MI:SS'), left(a.query, 100)) as detail,
               format('To end it: select pg_terminate_backend(%s).', a.pid) as advice,
               a.pid, a.xact_start as since
        from pg_stat_activity a
        where coalesce(a.backend_xmin, a.backend_xid) is not null and a.datname = current_database() and a.pid <> pg_backend_pid()
        union all
        select 'prepared', p.gid, age(p.transaction)::numeric, 'a prepared transaction, neither committed nor rolled back',
               format('To end it: commit prepared %L, or rollback prepared %1$L.', p.gid), null, p.prepared
        from pg_prepared_xacts p where p.database = current_database()
        union all -- a slot has no time: a standby or subscriber that keeps up holds only a few transactions
        select 'slot', s.slot_name, greatest(age(s.xmin), age(s.catalog_xmin))::numeric,
               case when s.active then 'a replication slot in use' else 'a replication slot that nothing uses' end,
               format('If it is no longer needed: select pg_drop_replication_slot(%L).', s.slot_name), s.active_pid, null
        from pg_replication_slots s where coalesce(s.xmin, s.catalog_xmin) is not null) h
     order by h.holder, h.age desc)
    union all
    select 4, 'connections', coalesce(nullif(a.application_name, ''), 'unnamed'), count(*), 'connections', 'ok',
           string_agg(distinct coalesce(a.state, 'hidden'), ', '), null, null, min(a.backend_start)
    from pg_stat_activity a where a.datname = current_database() and a.backend_type = 'client backend' group by 3
    union all
    select 5, 'connections', 'all', n.used, 'connections',
           case when n.used >= n.most then 'bad' when n.used >= n.most * 0.9 then 'warn' else 'ok' end,
           format('%s of %s, the limit of %s', n.used, n.most, n.whose),
           'At the limit every new connection is refused, yours too. Use fewer processes or smaller pools.', null, null
    from (select l.* from (
              select count(*) filter (where a.usename = current_user) as used, (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user) as most,
                     'role ' || current_user as whose from client a
              union all
              select count(*) filter (where a.datname = current_database()), (select nullif(datconnlimit, -1) from pg_database where datname = current_database()),
                     'database ' || current_database() from client a
              union all
              select count(*), current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                     - coalesce(current_setting('reserved_connections', true)::int, 0), 'the server' from client) l
          where l.most is not null order by l.used::float8 / nullif(l.most, 0) desc limit 1) n -- the tightest
    union all
    select 6, 'notices', 'queue', round((u.used * 100)::numeric, 2), 'percent full',
           case when u.used > 0.5 then 'bad' when u.used > 0.05 then 'warn' else 'ok' end, 'of the server''s notice queue',
           'A listening connection does not read, or is in a long transaction. When the queue is full, every commit with a notice fails.', null, null
    from (select pg_notification_queue_usage() as used) u
    union all
    select 7, 'service', 'rescuer', w.live, 'workers', case when w.live > 0 or w.plain then 'ok' when w.kept then 'warn' when not w.kept then 'bad' end,
           format('%s jobs run with no live worker', w.orphans),
           case when w.live > 0 then 'Each live worker rescues the jobs of dead ones.'
                when w.plain then 'A plain River program leads. It does not record which jobs it runs, and rescues its own.'
                when w.kept then 'No worker is alive, so nothing runs. Meanwhile a web process rescues the jobs of dead workers.'
                when not w.kept then 'No worker is alive, so nothing runs, and only a web process rescues jobs.'
                else 'No worker is alive, as far as this replica knows. Ask the primary.' end,
           null, w.seen_at
    from (select (select count(*) from jobs.live) as live, max(seen_at) as seen_at,
                 (select coalesce(bool_or(l.expires_at > now() and l.role = 'maintenance'), case when count(*) = 0 then false end)
                  from jobs.leader() l) as kept, -- null on a replica
                 (select coalesce(bool_or(l.expires_at > now() and l.role = 'unregistered'), false) from jobs.leader() l) as plain,
                 (select count(*) from river.river_job j join work.worker r on r.id = jobs.runner(j.attempted_by) -- not those of plain River
                  where j.state = 'running' and not exists (select from jobs.live l where l.worker = r.id)) as orphans
          from work.worker where stopped_at is null and dead_at is null) w
    union all
    select 8, 'service', 'leader', extract(epoch from now() - case when count(*) = 0 then now() else max(l.elected_at) end)::int, 'seconds as leader',
           case when count(*) = 0 then 'warn' when bool_or(l.expires_at > now()) then 'ok' when not bool_or(l.expires_at > now()) then 'warn' end,
           case when count(*) = 0 then 'no leader' when max(l.leader_id) is null then 'a replica does not know the leader'
                else format(case when bool_or(l.expires_at > now()) then 'leader is %s' else '%s led until %s' end, max(l.leader_id), max(l.expires_at)) end,
           'The leader deletes old finished jobs and unused queues. Without one they pile up, but nothing else waits: every worker and web process makes scheduled jobs and retries available. One of them should lead within 15 s.',
           null, max(l.elected_at)
    from jobs.leader() l
    union all
    select 9, 'service', 'scheduler', count(*) filter (where s.broken is null and s.next_at < now() - interval '1 min'), 'schedules overdue',
           case when bool_or(s.broken is null and s.next_at < now() - interval '1 min') then 'bad' when count(s.broken) > 0 then 'warn' else 'ok' end,
           format('%s schedules, %s of them broken, the next is due at %s', count(*), count(s.broken),
               coalesce(to_char(min(s.next_at) filter (where s.broken is null), 'YYYY-MM-DD HH24:MI:SS'), 'no time')),
           'Workers and web processes enqueue what is due. See jobs.schedule.', null, min(s.next_at) filter (where s.broken is null)
    from work.schedule s where s.paused_at is null and s.retired_at is null
    union all
    select 10, 'replica', 'replay', b.seconds, 'seconds behind', case when b.seconds <= 10 then 'ok' else 'warn' end,
           coalesce('shows the primary as of ' || to_char(b.at, 'YYYY-MM-DD HH24:MI:SS'), 'nothing replayed since its start'),
           'The replica is behind, or the primary writes nothing. When it is more than 12 s behind, workers look silent: ask the primary.', null, b.at
    from (select pg_last_xact_replay_timestamp() as at,
                 round(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::numeric, 1) as seconds) b
    where pg_is_in_recovery()
)
select area, name, value, unit, status, detail, advice, pid, since from facts order by part, name;

comment on view jobs.health is 'What the jobs depend on, one fact per row: tables and their dead tuples, indexes, what holds the oldest snapshots (of sessions, prepared transactions and replication slots, one row each), connections, the notice queue, whether rescuer, leader and scheduler work, and how far a replica is behind. Connections, snapshots and notices are those of the server that you ask. Start with: select * from jobs.health where status <> ''ok''.';
comment on column jobs.health.area is 'table, index, snapshot, connections, notices, service or, on a replica only, replica.';
comment on column jobs.health.name is 'Which one of the area.';
comment on column jobs.health.value is 'The figure; null if a replica does not know it.';
comment on column jobs.health.unit is 'The unit of value.';
comment on column jobs.health.status is 'ok, warn or bad; null if a replica does not know.';
comment on column jobs.health.detail is 'The fact in words.';
comment on column jobs.health.advice is 'What to do if status is not ok.';
comment on column jobs.health.pid is 'The process id of the connection in question, if it is one.';
comment on column jobs.health.since is 'Since when: for a snapshot, the start of its transaction (null for a replication slot); for a table, its last vacuum.';
