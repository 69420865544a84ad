package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/record"
)

// TestDecide: the recorded outcome of an attempt agrees with what River does with its job, however the attempt ends.
func TestDecide(t *testing.T) {
	t.Parallel()
	type state int
	const (
		unread state = iota + 1
		finished
		itsLast
	)
	boom, stopped := errors.New("boom"), errors.New("stopped")
	for _, c := range []struct {
		name       string
		is         state
		cause, err error
		outcome    string
		counts     bool
		river      string // what River does by the error
	}{
		{name: "it returned nil", outcome: "completed", river: "complete"},
		{name: "nil at a stop", cause: stopped, outcome: "completed", river: "complete"},
		{name: "an error after Finish", is: finished, err: boom, outcome: "completed", river: "fail"},
		{name: "an error", err: boom, outcome: "failed", counts: true, river: "fail"},
		{name: "the last error", is: itsLast, err: boom, outcome: "discarded", counts: true, river: "fail"},
		{name: "its own time limit", err: context.DeadlineExceeded, outcome: "failed", counts: true, river: "fail"},
		{name: "its own context ended", err: context.Canceled, outcome: "failed", counts: true, river: "fail"},
		{name: "a permanent error", err: Permanent(boom), outcome: "cancelled", counts: true, river: "cancel"},
		{name: "River's cancel", err: river.JobCancel(boom), outcome: "cancelled", counts: true, river: "cancel"},
		{name: "a snooze", err: river.JobSnooze(time.Hour), outcome: "snoozed", river: "snooze"},
		{name: "arguments that cannot be read", is: unread, err: boom, outcome: "held", counts: true, river: "snooze"},
		{name: "the same at a stop", is: unread, cause: stopped, err: boom, outcome: "handed back", river: "hand back"},
		{name: "an error at a stop", cause: stopped, err: boom, outcome: "handed back", river: "hand back"},
		{name: "a snooze at a stop", cause: stopped, err: river.JobSnooze(time.Hour), outcome: "snoozed", river: "snooze"},
		{name: "a permanent error at a stop", cause: stopped, err: Permanent(boom), outcome: "cancelled", counts: true, river: "cancel"},
		{name: "a context's end called permanent", cause: stopped, err: Permanent(context.Canceled), outcome: "handed back", river: "hand back"},
		{name: "cancelled by an operator", cause: rivertype.ErrJobCancelledRemotely, err: river.JobSnooze(0), outcome: "cancelled", river: "cancel"},
		{name: "the worker counts as dead", cause: ErrLost, err: boom, outcome: "lost", river: "snooze"},
		{name: "the fence found it lost", err: fmt.Errorf("finish: %w", ErrLost), outcome: "lost", river: "fail"},
		{name: "the same at a stop", cause: stopped, err: ErrLost, outcome: "lost", river: "hand back"},
	} {
		r := &run{began: c.is != unread, finished: c.is == finished, job: &jobRow{Attempt: 1, MaxAttempts: 3}}
		if c.is == itsLast {
			r.job.Attempt = 3
		}
		v := r.decide(c.cause, c.err)
		if v.outcome != c.outcome || v.countsErr != c.counts {
			t.Errorf("%s: %s, counts %t; want %s, %t", c.name, v.outcome, v.countsErr, c.outcome, c.counts)
		}
		if does := riverDoes(c.cause, v.err); does != c.river {
			t.Errorf("%s: River would %s, not %s (%v)", c.name, does, c.river, v.err)
		}
	}
}

// riverDoes returns what River's executor does with an error, which it examines in the same order.
func riverDoes(cause, err error) string {
	_, snoozed := errors.AsType[*river.JobSnoozeError](err)
	_, cancelled := errors.AsType[*river.JobCancelError](err)
	switch {
	case err == nil:
		return "complete"
	case snoozed:
		return "snooze"
	case cause != nil && errors.Is(err, context.Canceled):
		return "hand back"
	case cancelled:
		return "cancel"
	}
	return "fail"
}

// BenchmarkRun measures what this package adds to a job that does nothing.
func BenchmarkRun(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	w := &Worker{id: "w", opts: Options{Schema: "river", Log: log}, lines: attemptLines{out: log}}
	driver := pilot.NewWorkerDriver(nil, "w", pilot.NewConn(nil, "river", log, true), log)
	w.gate, w.attempts = driver.Gate, driver.Attempts
	w.recorder = record.NewRecorder(nil, "w", w.opts.Recording())
	w.liveness = newLiveness("w", w.opts, driver, rescuer{"w", "river", w.recorder, log})
	now := time.Now()
	job := &jobRow{
		ID: 1, Kind: "k", Queue: "q", Attempt: 1, MaxAttempts: 25, AttemptedAt: &now, CreatedAt: now, ScheduledAt: now,
		Metadata: []byte(`{"request_id": "req-1", "parent_id": 7}`), AttemptedBy: []string{"w"},
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = w.execute(b.Context(), job, func(context.Context) error { return nil })
	}
}
