-- Indexes and storage of River's table of jobs, each kept for a figure that `backlist bench work` or `backlist bench sql`
-- shows: every index is written three times in the life of a job that is inserted, fetched and finished, and half of what a
-- job costs Postgres was in indexes that only searches use. Here a job is in few of them at a time.
--
-- The unique and primary keys stay as River makes them. The tables of a River that others have set up are not touched: this
-- migration is for schema river only.

drop index river.river_job_prioritized_fetching_index; -- the next three take its place
drop index river.river_job_args_index;
drop index river.river_job_metadata_index;
drop index river.river_job_kind;

-- Fetching: the order in which workers take jobs. The kind lets views count without looking at the rows.
create index job_available on river.river_job (queue, priority, scheduled_at, id) include (kind) where state = 'available';
-- Coming due: what is next.
create index job_later on river.river_job (scheduled_at, id) include (state, queue, kind) where state in ('pending', 'retryable', 'scheduled');
-- Rescue and cancelling: what runs.
create index job_running on river.river_job (id) where state = 'running';

-- River's index for its cleaner, under its name, but with the states as its condition: that is what people ask for, and
-- "state = 'completed'" does not tell Postgres that finalized_at is not null (16 s instead of 5 ms at 5 million jobs).
drop index river.river_job_state_and_finalized_at_index;
create index river_job_state_and_finalized_at_index on river.river_job (state, finalized_at)
    where state in ('cancelled', 'completed', 'discarded');

-- jobs.search: a job enters it once, when it is finished. Those that are not are few enough to be read.
create index job_args on river.river_job using gin (args jsonb_path_ops) where finalized_at is not null;

-- Each job leaves two dead versions of its row, and dead entries in the order in which workers look for jobs: vacuum must
-- come by the number of those, not by the size of the table, which is mostly finished jobs. It also marks pages whose rows
-- everybody sees, without which views read the rows that they count.
alter table river.river_job set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0);
