-- Indexes and storage of River's table of jobs, each kept for a figure that `backlist bench work` shows: every index is
-- written three times in the life of a job that is inserted, fetched and finished, and half of what a job costs Postgres
-- was in indexes that only searches use. Here a job is in few of them at a time.
--
-- (state, finalized_at), which River's cleaner needs, and the unique and primary keys stay as River makes them. The tables
-- of a River that others have set up are not touched: this migration is for schema river only.

drop index river.river_job_prioritized_fetching_index; -- job_available, job_running and work_due (010) take its place
drop index river.river_job_args_index;
drop index river.river_job_metadata_index;
drop index river.river_job_kind;

-- Fetching: the order in which workers take jobs.
create index job_available on river.river_job (queue, priority, scheduled_at, id) where state = 'available';
-- Rescue, cancelling: what runs, and where.
create index job_running on river.river_job (id) where state = 'running';

-- Each job leaves two dead versions of its row, and dead entries in the order in which workers look for jobs: vacuum must
-- come by the number of those, not by the size of the table, which is mostly finished jobs.
alter table river.river_job set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0);
