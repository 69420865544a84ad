package work

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/pilot"
)

const (
	// quickDead: a worker whose connection is gone, and which has not beaten for this long, is dead.
	quickDead = 2 * time.Second
	// silentDead: so is one that has not beaten for this long, whatever its connection seems to be.
	silentDead = 12 * time.Second
	// afterServerStart: nobody is declared dead this soon after Postgres has started, for all connections were cut.
	afterServerStart = 10 * time.Second
	// strangerLost: a running job of a client that never registered (an older release, another program) is lost after
	// this long. It must exceed every worker's time limit.
	strangerLost = 6 * time.Minute
	// fetchLost: so is one that this worker was given this long ago and never got, because the connection broke before
	// the answer. River ends a fetch after 10 s.
	fetchLost = 15 * time.Second
)

// Why a rescue ended an attempt: a code in the job's errors and metadata, and in work.attempt. The rescue's SQL and the comments
// in schema jobs repeat them.
const (
	// CodeWorkerDied says that the job's worker was declared dead.
	CodeWorkerDied = "worker_died"
	// CodeWorkerStopped says that it stopped, and left the job to others.
	CodeWorkerStopped = "worker_stopped"
	// CodeNotReceived says that the worker never received the job: its connection broke before the answer.
	CodeNotReceived = "not_received"
	// CodeUnregistered says that no worker that is known has the job.
	CodeUnregistered = "unregistered"
	// CodePoisonPill says that a worker died while it ran the job alone, so that the job is discarded.
	CodePoisonPill = "poison_pill"
	// CodeRescueRefused says that the server refuses to let the job run again, so that it is discarded.
	CodeRescueRefused = "rescue_refused"
)

// rescued is a job that was taken from a worker that is no more.
type rescued struct {
	ID     int64
	Kind   string
	Queue  string
	State  string
	Worker string

	Ended endedAttempt
}

// endedAttempt is the attempt that a rescue ended: what there is to note of it.
type endedAttempt struct {
	Number            int
	Queue             string
	Release           string
	Metadata          json.RawMessage
	Due, Began, Ended time.Time
	Reason, Code      string
	Lost              bool // not handed back
}

// attempt is noted by the rescuer, for who ran it is gone. If that is untrue, both note the same.
func (j *rescued) attempt() *attempt {
	e := j.Ended
	a := &attempt{
		jobID: j.ID, number: e.Number, kind: j.Kind, queue: e.Queue, worker: j.Worker, release: e.Release,
		due: e.Due, started: e.Began, run: e.Ended.Sub(e.Began), err: e.Reason, code: e.Code,
		outcome: outcomeHandedBack, countsErr: e.Lost, contested: true,
	}
	_ = json.Unmarshal(e.Metadata, &a.origin)
	switch {
	case j.State != string(rivertype.JobStateAvailable): // cancelled, or discarded as a poison pill
		a.outcome = j.State
	case e.Lost:
		a.outcome = outcomeLost
	}
	return a
}

// querier is a worker's own connection, or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// judge declares workers dead, and gives the jobs of the dead and the stopped to others, all in one statement. A job's
// attempt is not held against it, and it keeps its place in the line, for it has waited its turn already. Each death with
// it is counted: after two it runs alone, and a worker that dies then has died of it.
func (l *liveness) judge(ctx context.Context, conn *pgx.Conn) error {
	l.judged = time.Now()
	ids, attempts := l.gate.Held()
	return rescue(ctx, conn, l.recorder, l.opts.Schema, ids, attempts)
}

// rescue does the judging, for a worker, which passes the jobs and attempts that it holds, or for a process that works
// none. A job whose rescue the server refuses, because another job has its unique key, say, does not keep the others: it is
// discarded.
func rescue(ctx context.Context, db querier, r *recorder, schema string, ids []int64, attempts []int) error {
	err := rescueAmong(ctx, db, r, schema, ids, attempts, nil)
	if !pilot.IsRefused(err) {
		return err
	}
	rows, err := db.Query(ctx, "select id from "+pilot.Table(schema)+" where state = 'running' order by id")
	if err != nil {
		return err
	}
	running, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	return rescueEach(ctx, db, r, schema, ids, attempts, running)
}

// rescueAmong rescues among the jobs of among, or among all if that is nil.
func rescueAmong(ctx context.Context, db querier, r *recorder, schema string, ids []int64, attempts []int, among []int64) error {
	rows, err := db.Query(ctx, rescueSQL(schema), quickDead.Seconds(), silentDead.Seconds(), afterServerStart.Seconds(),
		strangerLost.Seconds(), pilot.AloneQueue, schema+".river_insert", r.worker, fetchLost.Seconds(), ids, attempts, among)
	if err != nil {
		return err
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rescued])
	if err != nil {
		return fmt.Errorf("rescue jobs: %w", err)
	}
	for _, j := range jobs {
		r.log.WarnContext(ctx, "a job was rescued", "job_id", j.ID, "kind", j.Kind, "queue", j.Queue, "state", j.State, "worker", j.Worker)
		r.note(j.attempt())
	}
	return nil
}

// rescueSQL: $1 quick, $2 silent, $3 after the server's start, $4 strangers, all in seconds; $5 the queue of jobs that
// run alone; $6 River's channel; $7 this worker; $8 a lost fetch, in seconds; $9 and $10 the jobs and attempts it has; $11 the
// jobs to which it keeps, null for all.
func rescueSQL(riverSchema string) string {
	return `
with died as (
    update work.worker set dead_at = clock_timestamp()
    where id in (
        select w.id from work.worker w
        where w.id <> $7 and w.stopped_at is null and w.dead_at is null
          and clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => $3)
          and (w.seen_at < clock_timestamp() - make_interval(secs => $2)
               or w.locked and w.seen_at < clock_timestamp() - make_interval(secs => $1) and not exists (` + lockHeld + `))
        for update skip locked)
    returning id
), gone as (
    select id, true as dead from died
    union all
    select id, stopped_at is null from work.worker where stopped_at is not null or dead_at is not null
), lost as (
    select j.id, g.dead,
           case when g.dead then 'the worker ' || g.id || ' died while it ran this job'
                when g.dead is false then 'handed back by the worker ' || g.id || ' at its stop'
                when j.attempted_by[array_upper(j.attempted_by, 1)] = $7 then 'the worker ' || $7 || ' was given this job and never got it'
                else 'no worker that is known has this job' end as reason,
           case when g.dead and j.queue = $5 and not j.metadata ? 'cancel_attempted_at' then '` + CodePoisonPill + `'
                when g.dead then '` + CodeWorkerDied + `' when g.dead is false then '` + CodeWorkerStopped + `'
                when j.attempted_by[array_upper(j.attempted_by, 1)] = $7 then '` + CodeNotReceived + `'
                else '` + CodeUnregistered + `' end as code,
           j.attempt, j.queue, case when jsonb_typeof(j.metadata) = 'object' then j.metadata else '{}' end as metadata,
           greatest(j.created_at, j.scheduled_at, ` + rescuedIn + `) as due, coalesce(j.attempted_at, now()) as began,
           j.metadata ? 'cancel_attempted_at' as cancelled, g.dead is true and j.queue = $5 as poison,
           ` + countIn(KeyDeaths) + ` + coalesce(g.dead, false)::int as deaths, ` + countIn(KeyRescues) + ` + 1 as rescues
    from ` + pilot.Table(riverSchema) + ` j
    left join gone g on g.id = j.attempted_by[array_upper(j.attempted_by, 1)]
    where j.state = 'running' and ($11::bigint[] is null or j.id = any ($11))
      and (g.id is not null
           or j.attempted_by[array_upper(j.attempted_by, 1)] = $7 and j.attempted_at < now() - make_interval(secs => $8)
              and not exists (select from unnest($9::bigint[], $10::int[]) as h (id, attempt) where h.id = j.id and h.attempt = j.attempt)
           or j.attempted_at < now() - make_interval(secs => $4)
              and not exists (select from work.worker w where w.id = j.attempted_by[array_upper(j.attempted_by, 1)]))
    for update of j skip locked
), rescued as (
    update ` + pilot.Table(riverSchema) + ` j set
        state = (case when v.cancelled then 'cancelled' when v.poison then 'discarded' else 'available' end)::` +
		pgx.Identifier{riverSchema, "river_job_state"}.Sanitize() + `,
        finalized_at = case when v.cancelled or v.poison then now() end,
        queue = case when v.deaths >= 2 then $5 else j.queue end,
        max_attempts = least(j.max_attempts + 1, 32767),
        errors = ` + pilot.AppendError("j.errors", `jsonb_build_object('at', clock_timestamp(), 'attempt', j.attempt, 'trace', '',
            'code', v.code, 'worker', j.attempted_by[array_upper(j.attempted_by, 1)],
            'error', v.reason || case when v.poison and not v.cancelled then ' alone: it is discarded as a poison pill' else '' end)`) + `,
        metadata = v.metadata
            || jsonb_build_object('` + KeyRescues + `', v.rescues, '` + KeyRescuedAt + `', extract(epoch from clock_timestamp()),
                '` + KeyRescuedFrom + `', j.attempted_by[array_upper(j.attempted_by, 1)], '` + KeyRescueCode + `', v.code)
            || case when v.deaths > 0 then jsonb_build_object('` + KeyDeaths + `', v.deaths) else '{}' end
            || case when v.deaths >= 2 and j.queue <> $5 then jsonb_build_object('` + KeyQueue + `', j.queue) else '{}' end
    from lost v where j.id = v.id
    returning j.id, j.kind, j.queue, j.state::text, j.attempted_by[array_upper(j.attempted_by, 1)] as worker,
        json_build_object('Number', v.attempt, 'Queue', v.queue, 'Metadata', v.metadata - 'river:log', 'Due', v.due, 'Began', v.began,
            'Ended', clock_timestamp(), 'Reason', j.errors[array_upper(j.errors, 1)] ->> 'error', 'Code', v.code, 'Lost', v.dead is distinct from false,
            'Release', (select w.release from work.worker w where w.id = j.attempted_by[array_upper(j.attempted_by, 1)])) as ended
), told as (
    select pg_notify($6, json_build_object('queue', queue)::text)
    from (select distinct queue from rescued where state = 'available') q
)
select id, kind, queue, state, coalesce(worker, ''), ended from rescued where (select count(*) from told) >= 0`
}

// rescuedIn reads when a job j was rescued last, null if never, as jobs.job does.
const rescuedIn = `case when jsonb_typeof(j.metadata -> '` + KeyRescuedAt + `') = 'number'
                then to_timestamp(greatest(least((j.metadata ->> '` + KeyRescuedAt + `')::numeric, 1e10), 0)::float8) end`

// countIn reads a number that we keep in a job's metadata j, where anybody may have written something else.
func countIn(key string) string {
	return `case when j.metadata ->> '` + key + `' ~ '^\d{1,9}$' then (j.metadata ->> '` + key + `')::int else 0 end`
}

// rescuesOf reads how often a job was rescued, and when that was last. Where somebody wrote something else under our names, it was
// not.
func rescuesOf(job *rivertype.JobRow) (n int, last time.Time) {
	if !bytes.Contains(job.Metadata, []byte(`"`+KeyRescues+`"`)) {
		return 0, last
	}
	var kept struct {
		N    int     `json:"rescues"`    // KeyRescues
		Last float64 `json:"rescued_at"` // KeyRescuedAt
	}
	if json.Unmarshal(job.Metadata, &kept) != nil {
		return 0, last
	}
	return kept.N, time.UnixMicro(int64(min(max(kept.Last, 0), 1e10) * 1e6))
}

// dueAt is since when a job has waited for its present attempt.
func dueAt(job *rivertype.JobRow) time.Time {
	_, rescued := rescuesOf(job)
	return slices.MaxFunc([]time.Time{job.CreatedAt, job.ScheduledAt, rescued}, time.Time.Compare)
}
