-- jobs.saved_view: saved views of the list of jobs, and the acts on them. jobs.name: what a search can name.

create view jobs.name as
select 'kind' as what, k.kind as name from work.kind k
union all
select 'queue', q.name from river.river_queue q where q.name <> 'keeper'; -- River requires one of a web process, which takes no jobs

comment on view jobs.name is 'The names of kinds and queues, without counting their jobs: for suggestions.';
comment on column jobs.name.what is 'kind (that a process has registered) or queue (that a worker has used).';
comment on column jobs.name.name is 'The name, as in jobs.job.kind or jobs.job.queue.';

create view jobs.saved_view as
select v.id, v.name, v.owner, v.search, v.columns, v.shared, v.created_at, v.updated_at
from work.view v
left join (select) readonly on true
where v.shared or v.owner = current_setting('jobs.who', true);

comment on view jobs.saved_view is 'The saved views of the list of jobs that are shared, and those of the setting jobs.who. jobs.saved_views returns them for another name.';
comment on column jobs.saved_view.id is 'Identifies the view.';
comment on column jobs.saved_view.name is 'Its name, which its owner gives to one view only.';
comment on column jobs.saved_view.owner is 'Who saved it. Only the owner can change or delete it.';
comment on column jobs.saved_view.search is 'Its search, as for backlist jobs list.';
comment on column jobs.saved_view.columns is 'The columns of jobs.job that it shows; empty means the usual ones.';
comment on column jobs.saved_view.shared is 'Everybody sees it; otherwise only its owner does.';
comment on column jobs.saved_view.created_at is 'When it was first saved.';
comment on column jobs.saved_view.updated_at is 'When it was last saved.';

create function jobs.saved_views(who text) returns setof jobs.saved_view
language plpgsql stable set search_path = pg_catalog, pg_temp as $$ -- unlike SQL, it keeps its plan
begin
    return query
        select v.id, v.name, v.owner, v.search, v.columns, v.shared, v.created_at, v.updated_at
        from work.view v
        where v.shared or v.owner = saved_views.who
        order by v.owner is distinct from saved_views.who, lower(v.name), v.id;
end $$;
comment on function jobs.saved_views is 'The saved views that who sees: the own ones, then those that others share.';

create function jobs.save_view(name text, search text, columns text[] default '{}', shared boolean default false, reason text default null)
returns bigint language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    actor text := nullif(current_setting('jobs.who', true), '');
    old work.view;
    new work.view;
begin
    if actor is null then
        raise exception 'Name yourself first, as in: set jobs.who = ''anna@example.com''. A saved view belongs to that name.' using errcode = '22023';
    elsif coalesce(length(btrim(save_view.name)), 0) not between 1 and 100 then
        raise exception 'The name of a saved view has from 1 to 100 characters.' using errcode = '22023';
    elsif save_view.search is null or octet_length(save_view.search) > 2048 then
        raise exception 'The search of a saved view has at most 2 kB.' using errcode = '22023';
    elsif cardinality(coalesce(save_view.columns, '{}')) > 50 then
        raise exception 'A saved view has at most 50 columns.' using errcode = '22023';
    end if;
    select * into old from work.view v where v.owner = actor and v.name = btrim(save_view.name) for update;
    insert into work.view as v (owner, name, search, columns, shared)
    values (actor, btrim(save_view.name), save_view.search, coalesce(save_view.columns, '{}'), coalesce(save_view.shared, false))
    on conflict on constraint view_owner_name_key do update
        set search = excluded.search, columns = excluded.columns, shared = excluded.shared, updated_at = now()
    returning * into new;
    insert into work.audit (act, reason, before, after)
    values ('save_view', save_view.reason, case when old.id is not null then to_jsonb(old) end, to_jsonb(new));
    return new.id;
exception when lock_not_available then
    raise exception 'Another transaction has locked this view: nothing was changed. Try again.' using errcode = '55P03';
end $$;
comment on function jobs.save_view is 'Saves a search of jobs under a name, for the setting jobs.who, and returns the view''s id. columns are those of jobs.job to show; a shared view is everybody''s to see. A view of the same owner and name is replaced. The reason goes to jobs.audit.';

create function jobs.delete_view(id bigint, reason text default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    old work.view;
begin
    delete from work.view v where v.id = delete_view.id and v.owner = current_setting('jobs.who', true) returning * into old;
    if old.id is null then
        raise exception 'You have no saved view %. Only its owner can delete a view.', coalesce(delete_view.id::text, 'null') using errcode = 'P0002';
    end if;
    insert into work.audit (act, reason, before) values ('delete_view', delete_view.reason, to_jsonb(old));
exception when lock_not_available then
    raise exception 'Another transaction has locked this view: nothing was changed. Try again.' using errcode = '55P03';
end $$;
comment on function jobs.delete_view is 'Deletes the saved view with this id, which must be the setting jobs.who''s. The reason goes to jobs.audit.';
