package work

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/brief"
	"github.com/backlist/backlist/internal/work/mask"
	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/record"
)

var (
	//go:embed sql/rescue.sql
	rescueSQL string
	//go:embed sql/find_running.sql
	findRunningSQL string
)

const (
	// quickDead is how long after its last heartbeat a worker without its session lock is declared dead.
	quickDead = 2 * time.Second
	// silentDead is how long after its last heartbeat any worker is declared dead.
	silentDead = 12 * time.Second
	// afterServerStart is how long after the start of Postgres no worker is declared dead, since all connections were cut.
	afterServerStart = 10 * time.Second
	// unregisteredLost is how long a job of an unregistered client (another program, say) may run before it counts as lost. It
	// must exceed every worker's time limit.
	unregisteredLost = 6 * time.Minute
	// fetchLost is how long after its fetch a job counts as lost that this worker never received, because the connection broke
	// before the answer. River ends a fetch after 10 s.
	fetchLost = 15 * time.Second
)

// Codes for why a rescue ended an attempt, in the job's errors and metadata, and in work.attempt. sql/rescue.sql and the
// comments in schema jobs repeat them.
const (
	// CodeWorkerDied means that the job's worker was declared dead.
	CodeWorkerDied = "worker_died"
	// CodeWorkerStopped means that the job's worker stopped and handed the job back.
	CodeWorkerStopped = "worker_stopped"
	// CodeNotReceived means that the worker never received the job: its connection broke before the answer.
	CodeNotReceived = "not_received"
	// CodeUnregistered means that no registered worker has the job.
	CodeUnregistered = "unregistered"
	// CodePoisonPill means that the job was discarded because a worker died while it ran the job isolated.
	CodePoisonPill = "poison_pill"
	// CodeRescueRefused means that the job was discarded because the server refuses to let it run again.
	CodeRescueRefused = "rescue_refused"
)

// rescued is a job that a rescue took from its worker.
type rescued struct {
	ID     int64
	Kind   string
	Queue  string
	State  string
	Worker string

	Ended endedAttempt
}

// endedAttempt is the attempt that a rescue ended, with what is recorded of it.
type endedAttempt struct {
	Number            int
	Queue             string
	Release           string
	Metadata          json.RawMessage
	Due, Began, Ended time.Time
	Reason, Code      string
	Lost              bool // not handed back
}

// attempt returns the record of the attempt, which the rescuer writes since the process that ran it is gone. If it is not gone
// after all, the attempt is Contested and recorded once.
func (j *rescued) attempt() *record.Attempt {
	e := j.Ended
	a := &record.Attempt{
		JobID: j.ID, Number: e.Number, Kind: j.Kind, Queue: e.Queue, Worker: j.Worker, Release: e.Release,
		Due: e.Due, Started: e.Began, Run: e.Ended.Sub(e.Began), Err: e.Reason, Code: e.Code,
		Outcome: record.HandedBack, CountsErr: e.Lost, Contested: true,
	}
	_ = json.Unmarshal(e.Metadata, &a.Origin)
	switch {
	case j.State != string(rivertype.JobStateAvailable): // cancelled, or discarded as a poison pill
		a.Outcome = j.State
	case e.Lost:
		a.Outcome = record.Lost
	}
	return a
}

// querier is a worker's own connection or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// rescuer declares workers dead, and makes the jobs of dead and stopped workers available again.
type rescuer struct {
	by       string // the name of this process
	schema   string // River's
	recorder *record.Recorder
	log      *slog.Logger
}

// rescue does all of it in one statement. ids and attempts are the jobs that this process runs. A rescue does not use up one
// of the job's attempts, and the job keeps its place in the queue, since it has waited its turn already. The workers that died
// running it are counted: see pilot.IsolateAfter. If the server refuses the rescue of a job, for instance because another job
// has its unique key, that job is discarded and the others are rescued.
func (r *rescuer) rescue(ctx context.Context, q querier, ids []int64, attempts []int) error {
	err := r.among(ctx, q, ids, attempts, nil)
	if !pilot.IsRefused(err) {
		return err
	}
	rows, err := q.Query(ctx, db.Statement(findRunningSQL, r.schema))
	if err != nil {
		return err
	}
	running, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	return r.each(ctx, q, ids, attempts, running)
}

// among rescues those of the given running jobs that are lost, or of all running jobs if the list is nil.
func (r *rescuer) among(ctx context.Context, q querier, ids []int64, attempts []int, running []int64) error {
	rows, err := q.Query(ctx, db.Statement(rescueSQL, r.schema), pgx.NamedArgs{
		"quick": quickDead.Seconds(), "silent": silentDead.Seconds(), "after_start": afterServerStart.Seconds(),
		"unregistered": unregisteredLost.Seconds(), "fetch": fetchLost.Seconds(), "me": r.by, "ids": ids, "attempts": attempts,
		"alone": pilot.IsolationQueue, "singly": pilot.SinglyQueue, "head": brief.HeadMost, "isolate_after": pilot.IsolateAfter, "among": running,
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
		r.recorder.Note(j.attempt())
	}
	return nil
}

// each rescues like among, and halves the list until only the job is left that the server refuses.
func (r *rescuer) each(ctx context.Context, q querier, ids []int64, attempts []int, running []int64) error {
	if len(running) == 0 {
		return nil
	}
	err := r.among(ctx, q, ids, attempts, running)
	switch n := len(running); {
	case !pilot.IsRefused(err):
		return err
	case n > 1:
		return errors.Join(r.each(ctx, q, ids, attempts, running[:n/2]), r.each(ctx, q, ids, attempts, running[n/2:]))
	}
	r.log.ErrorContext(ctx, "a rescued job was discarded: the server refuses to let it run again", "job_id", running[0], "err", err)
	return pilot.EndRefused(ctx, q, r.schema, running[0], CodeRescueRefused, "its worker is gone, and the server refuses to let it run again: "+mask.Text(err.Error()))
}
