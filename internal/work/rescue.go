package work

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/pilot"
)

var (
	//go:embed sql/rescue.sql
	rescueSQL string
	//go:embed sql/find_running.sql
	findRunningSQL string
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

// Why a rescue ended an attempt: a code in the job's errors and metadata, and in work.attempt. sql/rescue.sql and the comments
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
func rescue(ctx context.Context, q querier, r *recorder, schema string, ids []int64, attempts []int) error {
	err := rescueAmong(ctx, q, r, schema, ids, attempts, nil)
	if !pilot.IsRefused(err) {
		return err
	}
	rows, err := q.Query(ctx, db.Statement(findRunningSQL, schema))
	if err != nil {
		return err
	}
	running, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	return rescueEach(ctx, q, r, schema, ids, attempts, running)
}

// rescueAmong rescues among the jobs of among, or among all if that is nil.
func rescueAmong(ctx context.Context, q querier, r *recorder, schema string, ids []int64, attempts []int, among []int64) error {
	rows, err := q.Query(ctx, db.Statement(rescueSQL, schema), pgx.NamedArgs{
		"quick": quickDead.Seconds(), "silent": silentDead.Seconds(), "after_start": afterServerStart.Seconds(),
		"stranger": strangerLost.Seconds(), "fetch": fetchLost.Seconds(), "me": r.worker, "ids": ids, "attempts": attempts,
		"alone": pilot.IsolationQueue, "isolate_after": pilot.IsolateAfter, "among": among,
	})
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
