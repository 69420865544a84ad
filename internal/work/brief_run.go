package work

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/brief"
	"github.com/backlist/backlist/internal/work/mask"
	"github.com/backlist/backlist/internal/work/record"
)

// newLane returns the lane of the worker's brief kinds, nil if it has none.
func (w *Worker) newLane() *brief.Lane {
	kinds := w.opts.briefKinds()
	if len(kinds) == 0 {
		return nil
	}
	return brief.NewLane(brief.Config{
		Kinds: kinds, Pool: w.jobsPool(), Own: w.pool, Gate: w.gate, Worker: w.id, Schema: w.opts.Schema, Poll: w.poll(), Log: w.opts.Log,
		Work: w.workBrief, Enqueue: w.enqueueBrief, Done: w.briefDone,
	})
}

// jobsPool has the connections of jobs.
func (w *Worker) jobsPool() *pgxpool.Pool {
	if w.opts.Jobs == nil {
		return w.pool
	}
	return w.opts.Jobs
}

// inBatch is what a run has to store that belongs to a batch. A run that River executes stores it by River's means.
type inBatch struct {
	metadata map[string]any
	log      bytes.Buffer
}

// setMetadata sets a value in the job's metadata, once its outcome is stored.
func (r *run) setMetadata(ctx context.Context, key string, value any) error {
	if r.batch == nil {
		return river.MetadataSet(ctx, key, value)
	}
	if r.batch.metadata == nil {
		r.batch.metadata = map[string]any{}
	}
	r.batch.metadata[key] = value
	return nil
}

// workBrief runs the handler of a job in a batch, and decides its outcome as execute does.
func (w *Worker) workBrief(ctx context.Context, j *brief.Job) {
	r := w.newRun(j.Row)
	r.batch = &inBatch{}
	r.attempt.Brief = true
	j.Record = r.attempt
	ctx = context.WithValue(ctx, runKey{}, r)
	if w.recorder.Enabled() {
		ctx, r.attempt.Steps = trace.Start(ctx)
		r.kept = &r.batch.log
	}
	var text, stack string // of the error
	defer func() {
		if v := recover(); v != nil {
			value := r.panicked(context.Cause(ctx), v, string(debug.Stack()))
			text, stack = fmt.Sprint(value), r.attempt.Stack
			j.Err = fmt.Errorf("panic: %s", text)
		}
		r.end(ctx)
		j.Outcome = r.briefOutcome(j.Err, text, stack)
	}()
	err := w.opts.Workers.kinds[j.Row.Kind].brief.work(ctx, j.Row, j.Effects)
	if _, _, refused := j.Effects.Seal(); err == nil {
		err = refused
	}
	if j.Err = r.returned(ctx, r.updateMetadata(ctx, err)); j.Err != nil {
		text = j.Err.Error()
	}
}

// briefOutcome returns what the lane stores: what River would store for the same outcome.
func (r *run) briefOutcome(err error, text, stack string) (o brief.Outcome) {
	switch r.attempt.Outcome {
	case record.Completed:
		o.State, o.Spent = rivertype.JobStateCompleted, true
	case record.Failed:
		o.State, o.Spent = rivertype.JobStateRetryable, true
		o.Wait = max(time.Until(r.nextRetry()), 0)
	case record.Discarded:
		o.State, o.Spent = rivertype.JobStateDiscarded, true
	case record.Cancelled:
		o.State, o.Spent = rivertype.JobStateCancelled, true
	case record.Snoozed, record.Held:
		o.State = rivertype.JobStateScheduled
		if snooze, ok := errors.AsType[*river.JobSnoozeError](err); ok {
			o.Wait = snooze.Duration
		}
		_ = r.setMetadata(context.Background(), "snoozes", snoozes(r.job)+1)
	default: // it is left as it is, and runs again
		return o
	}
	if o.Spent && o.State != rivertype.JobStateCompleted {
		o.Error, _ = json.Marshal(rivertype.AttemptError{At: *r.job.AttemptedAt, Attempt: r.job.Attempt, Error: text, Trace: stack})
	}
	if r.batch.log.Len() > 0 {
		_ = r.setMetadata(context.Background(), riversLog, appendLog(r.job, r.batch.log.Bytes()))
	}
	if len(r.batch.metadata) > 0 {
		var encodeErr error
		if o.Metadata, encodeErr = json.Marshal(r.batch.metadata); encodeErr != nil {
			r.worker.opts.Log.Warn("a job's metadata was not stored", "job_id", r.job.ID, "err", encodeErr)
		}
	}
	return o
}

// nextRetry returns when the failed job is retried.
func (r *run) nextRetry() time.Time {
	if own := r.worker.opts.Workers.kinds[r.job.Kind].brief.nextRetry; own != nil {
		if at := own(r.job); !at.IsZero() {
			return at
		}
	}
	return r.worker.retries.NextRetry(r.job)
}

// snoozes returns how often a job was snoozed, as River counts.
func snoozes(job *jobRow) int {
	var counted struct {
		Snoozes float64 `json:"snoozes"`
	}
	_ = json.Unmarshal(job.Metadata, &counted)
	return int(counted.Snoozes)
}

// enqueueBrief enqueues the further jobs of a brief job.
func (w *Worker) enqueueBrief(ctx context.Context, tx pgx.Tx, j *brief.Job, jobs []brief.Enqueued) error {
	ctx = WithOrigin(ctx, Origin{RequestID: j.Record.Origin.RequestID, ParentID: j.Row.ID})
	for _, further := range jobs {
		if _, err := w.client.InsertTx(ctx, tx, further.Args, further.Opts); err != nil {
			return err
		}
	}
	return nil
}

// briefDone records a brief job whose outcome is committed.
func (w *Worker) briefDone(ctx context.Context, j *brief.Job) {
	w.lines.log(ctx, j.Record, j.Err)
	w.recorder.Note(j.Record)
}

// riversLog is the key under which River stores the logs of a job's attempts.
const riversLog = "river:log"

// appendLog returns the logs of a job with one more, without the oldest if they are too large.
func appendLog(job *jobRow, text []byte) []json.RawMessage {
	var kept map[string]json.RawMessage
	var logs []json.RawMessage
	_ = json.Unmarshal(job.Metadata, &kept)
	_ = json.Unmarshal(kept[riversLog], &logs)
	entry, _ := json.Marshal(struct { // text and a number
		Attempt int    `json:"attempt"`
		Log     string `json:"log"`
	}{job.Attempt, mask.Addresses(string(text))})
	logs = append(logs, entry)
	size := 0
	for i := len(logs) - 1; i >= 0; i-- {
		if size += len(logs[i]); size > logsMost {
			return logs[i+1:]
		}
	}
	return logs
}
