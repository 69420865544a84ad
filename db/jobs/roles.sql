-- Roles for schema jobs: jobs_reader may look, jobs_operator may look and act, and neither may do anything else.
-- If the role that migrates may create roles, run this file once as that role: psql -f roles.sql. Later migrations keep the
-- rights. Running it again does no harm. Then: create role anna login in role jobs_operator.
-- Where the platform allows only one role, schema jobs works without this file.

do $$
begin
    if to_regrole('jobs_reader') is null then
        create role jobs_reader nologin;
    end if;
    if to_regrole('jobs_operator') is null then
        create role jobs_operator nologin;
    end if;
end $$;
grant jobs_reader to jobs_operator;

grant usage on schema jobs to jobs_reader, jobs_operator;
grant select on all tables in schema jobs to jobs_reader;
revoke execute on all functions in schema jobs from public;
grant execute on function jobs.version(), jobs.looks_secret, jobs.redact, jobs.quantile, jobs.quantiles, jobs.percentile, jobs.series, jobs.leader,
    jobs.runner, jobs.takes, jobs.placeholder, jobs.explain, jobs.waterfall, jobs.id_at, jobs.search, jobs.audit_of, jobs.with_args, jobs.saved_views to jobs_reader;

grant execute on function jobs.enqueue, jobs.retry(bigint, text), jobs.retry(bigint[], text), jobs.cancel(bigint, text),
    jobs.cancel(bigint[], text), jobs.discard(bigint, text), jobs.discard(bigint[], text), jobs.delete(bigint, text),
    jobs.delete(bigint[], text), jobs.run_now(bigint, text), jobs.run_now(bigint[], text), jobs.snooze(bigint, timestamptz, text),
    jobs.snooze(bigint[], timestamptz, text), jobs.undo(bigint, text), jobs.undo(bigint[], text), jobs.copy, jobs.may, jobs.may_undo, jobs.pause, jobs.resume,
    jobs.drain, jobs.undrain, jobs.mute, jobs.unmute, jobs.resolve,
    jobs.set_wait_target, jobs.clear_wait_target, jobs.set_scale, jobs.set_scale_mode,
    jobs.save_view, jobs.delete_view, jobs.start_bulk, jobs.confirm_bulk, jobs.cancel_bulk, jobs.undo_bulk to jobs_operator;

-- These functions read or write tables that the two roles may not, so they run with the rights of the schema's owner. Each
-- pins its search_path and builds no SQL from its arguments.
alter function jobs.search security definer;
alter function jobs.explain security definer;
alter function jobs.id_at security definer;
alter function jobs.series security definer;
alter function jobs.with_args security definer;
alter function jobs.saved_views security definer;
alter function jobs.audit_of security definer;
alter function jobs.may security definer;
alter function jobs.may_undo security definer;
alter function jobs.enqueue security definer;
alter function jobs.retry(bigint[], text) security definer;
alter function jobs.retry(bigint, text) security definer;
alter function jobs.cancel(bigint[], text) security definer;
alter function jobs.cancel(bigint, text) security definer;
alter function jobs.discard(bigint[], text) security definer;
alter function jobs.discard(bigint, text) security definer;
alter function jobs.delete(bigint[], text) security definer;
alter function jobs.delete(bigint, text) security definer;
alter function jobs.run_now(bigint[], text) security definer;
alter function jobs.run_now(bigint, text) security definer;
alter function jobs.snooze(bigint[], timestamptz, text) security definer;
alter function jobs.snooze(bigint, timestamptz, text) security definer;
alter function jobs.undo(bigint[], text) security definer;
alter function jobs.undo(bigint, text) security definer;
alter function jobs.copy security definer;
alter function jobs.pause security definer;
alter function jobs.resume security definer;
alter function jobs.drain security definer;
alter function jobs.undrain security definer;
alter function jobs.mute security definer;
alter function jobs.unmute security definer;
alter function jobs.resolve security definer;
alter function jobs.set_wait_target security definer;
alter function jobs.clear_wait_target security definer;
alter function jobs.set_scale security definer;
alter function jobs.set_scale_mode security definer;
alter function jobs.save_view security definer;
alter function jobs.delete_view security definer;
alter function jobs.start_bulk security definer;
alter function jobs.confirm_bulk security definer;
alter function jobs.cancel_bulk security definer;
alter function jobs.undo_bulk security definer;
