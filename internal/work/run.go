package work

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/metadata"
	"github.com/backlist/backlist/internal/work/record"
)

// run is one attempt of a job while this process executes it. The job's context carries it; Finish, Progress, Log and the
// others find it there.
type run struct {
	worker  *Worker
	job     *jobRow
	attempt *record.Attempt // its record, which outlives the run

	began    bool          // the worker's Work was called: the arguments could be read
	finished bool          // its effects are committed (Finish)
	advanced atomic.Bool   // it has stored a cursor (Advance)
	ended    chan struct{} // closed when the worker's code has returned
	reports  reports       // its progress
	batch    *inBatch      // what a brief job has to store; nil: River runs this one
	kept     io.Writer     // the log that is stored with the job; nil if none is
	logger   *slog.Logger  // made when the job first logs: most jobs never do
	logging  sync.Once
}

type runKey struct{}

// runOf returns the run that ctx belongs to, nil if none: in a web request, or in a test that calls Work itself.
func runOf(ctx context.Context) *run {
	r, _ := ctx.Value(runKey{}).(*run)
	return r
}

func (w *Worker) newRun(job *jobRow) *run {
	r := &run{worker: w, job: job, attempt: record.NewAttempt(job, w.id, w.opts.Release), ended: make(chan struct{})}
	r.reports.next = time.Now().Add(progressBrief)
	r.reports.shown = metadata.Has(job, metadata.Progress)
	return r
}

// execute is the middleware around every job. It makes the run, with a context that pilot.Attempts can end, decides the
// outcome, records it, and returns the error by which River decides the same outcome.
func (w *Worker) execute(ctx context.Context, job *jobRow, doInner func(context.Context) error) error {
	r := w.newRun(job)
	ctx, cancel := w.attempts.Watch(context.WithValue(ctx, runKey{}, r), job)
	defer cancel(nil)
	defer r.end(ctx)
	if w.recorder.Enabled() {
		ctx, r.attempt.Steps = trace.Start(ctx)
	}
	began := time.Now()
	defer func() {
		if v := recover(); v != nil {
			r.attempt.Run = time.Since(began)
			v = r.panicked(context.Cause(ctx), v, string(debug.Stack()))
			w.recorder.Note(r.attempt)
			panic(v)
		}
	}()
	err := doInner(ctx)
	r.attempt.Run = time.Since(began)
	err = r.returned(ctx, r.updateMetadata(ctx, err))
	w.lines.log(ctx, r.attempt, err)
	w.recorder.Note(r.attempt)
	return err
}

// end stops the goroutines and timers beside the worker's code.
func (r *run) end(ctx context.Context) {
	close(r.ended)
	r.endReports(ctx)
}

// finish notes that the effects, and with them the job's completion, are committed.
func (r *run) finish() {
	r.finished = true
	r.worker.attempts.Finished(r.job)
}

// moved reports whether the job has a cursor, of this attempt or an earlier one. r may be nil.
func (r *run) moved(job *jobRow) bool {
	return r != nil && r.advanced.Load() || metadata.CursorOf(job) != nil
}
