package surface

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
)

// listed are the columns of a list for people: they identify a job and say why it is in its state.
const listed = `id, kind, queue, state, attempt || '/' || max_attempts as attempt,
	case when isfinite(coalesce(finished_at, started_at, enqueued_at)) then now() - coalesce(finished_at, started_at, enqueued_at) end as ago, wait, run,
	coalesce(case when state in ('retryable', 'discarded') then last_error end, why_waiting, progress_note) as why`

// List returns the jobs that match, newest first. all selects every column of the view.
func List(ctx context.Context, db DB, f Filter, all bool) (Table, error) {
	columns := listed
	if all {
		columns = "*"
	}
	sql, args := f.query(columns, nil, f.Limit, math.MaxInt32)
	return Ask(ctx, db, sql, args...)
}

// View is a view with a command of its own, backlist jobs Command: its columns for people, and their order.
type View struct {
	Name, Command, Help, Columns, Order string
}

// Views returns every View.
func Views() []View {
	return []View{
		{
			"queue", "queues", "queues, with their jobs, waits and throughput",
			"queue, paused, available, running, scheduled, retryable, oldest_wait, wait_p95, run_p95, finished_per_minute, failing_share, workers", "queue",
		},
		{
			"kind", "kinds", "kinds of job, with their rates and failures",
			"kind, available, running, scheduled, retryable, completed_day, failed_day, discarded_day, wait_p95, run_p95, run_day, workers", "kind",
		},
		{
			"worker", "workers", "workers, and the jobs that they run",
			"worker, status, process, release, running, slots, queues, rss_bytes / 1024 / 1024 as mib, now() - started_at as up, now() - seen_at as seen, jobs", "not alive, started_at desc",
		},
		{
			"error", "errors", "errors, grouped by message",
			"fingerprint, this_hour, last_day, affected_jobs, now() - last_seen_at as last_seen, first_release, kinds, case when muted then 'muted' when regressed then 'regressed' when resolved_at is not null then 'resolved' end as marked, message", "muted, last_day desc, last_seen_at desc",
		},
		{
			"schedule", "schedules", "periodic jobs",
			"name, kind, words, next_at, paused, last_at, last_outcome, last_job, missed, overdue, broken", "retired, next_at",
		},
		{
			"release", "releases", "releases that have run here",
			"release, first_seen_at, workers", "first_seen_at desc",
		},
		{
			"audit", "audit", "who changed which jobs, and why",
			"id, at, who, act, coalesce(job_id::text, jobs || ' jobs', queue, worker, fingerprint, 'bulk act ' || bulk_id) as what, reason", "id desc",
		},
		{
			"bulk", "bulk list", "acts on all jobs that match a search, and how far they are",
			"id, act, state, round((100 * share)::numeric) || ' %' as share, done, changed, unchanged, matches, who, reason, search", "finished_at is not null, id desc",
		},
	}
}

// Look returns the newest or most urgent rows of a view. all selects every column.
func Look(ctx context.Context, db DB, v View, limit int, all bool) (Table, error) {
	columns := v.Columns
	if all {
		columns = "*"
	}
	return Ask(ctx, db, fmt.Sprintf("select %s from jobs.%s order by %s limit %d", columns, v.Name, v.Order, limit))
}

// Details is everything known about one job.
type Details struct {
	Job      Table `json:"job"`
	Attempts Table `json:"attempts"`
	Audit    Table `json:"audit"`
}

// Show returns everything known about a job. A deleted job still has its attempts of the last day and its audit.
func Show(ctx context.Context, db DB, id int64) (d Details, err error) {
	if d.Job, err = Ask(ctx, db, "select * from jobs.job where id = $1", id); err != nil {
		return d, err
	}
	d.Attempts, err = Ask(ctx, db, `select attempt, outcome, code, due_at, wait, run, worker, release, error, fingerprint
		from jobs.attempt where job_id = $1 order by ended_at`, id)
	if err != nil {
		return d, err
	}
	d.Audit, err = Ask(ctx, db, "select at, who, act, jobs, reason from jobs.audit_of($1)", id)
	if err == nil && len(d.Job.Rows)+len(d.Attempts.Rows)+len(d.Audit.Rows) == 0 {
		err = &Refusal{Sentence: fmt.Sprintf("There is no job %d: it may have been deleted.", id), Cause: pgx.ErrNoRows}
	}
	return d, err
}

// Explain returns why a job does not run, or how it ended.
func Explain(ctx context.Context, db DB, id int64) (Table, error) {
	return Ask(ctx, db, "select * from jobs.explain($1)", id)
}
