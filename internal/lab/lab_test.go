package lab

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestWithoutWorker: an experiment whose jobs nothing works ends with a sentence and keeps what it has measured.
func TestWithoutWorker(t *testing.T) {
	t.Parallel()
	l := open(t)
	e, _ := l.Find("inline-or-background")
	e.Limit = 300 * time.Millisecond
	id, err := l.Start(t.Context(), e, l.by)
	if err != nil {
		t.Fatal(err)
	}
	s := l.end(e, id)
	if !strings.Contains(s.Problem, "Does a worker run?") {
		t.Errorf("%+v", s)
	}
	if n := l.count("select count(*) from river.river_job"); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
}

// waiting is an experiment that runs until it is released.
func waiting(release <-chan struct{}) Experiment {
	return Experiment{Slug: "waiting", Limit: time.Minute, Run: func(ctx context.Context, r *Run) error {
		r.Sentences = []string{"It waits."}
		if err := r.Show(ctx, "It waits to be released."); err != nil {
			return err
		}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

// TestOneAtATime: while an experiment runs, in any process, no other starts. A run whose process died does not count.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	l := open(t)
	release := make(chan struct{})
	e := waiting(release)
	id, err := l.Start(t.Context(), e, l.by)
	if err != nil {
		t.Fatal(err)
	}
	other := New(l.Config)
	t.Cleanup(other.Close)
	for _, process := range []*Lab{l.Lab, other} {
		_, err := process.Start(t.Context(), e, By{l.by.ReaderID, "Ben"})
		if busy, ok := errors.AsType[*BusyError](err); !ok || busy.State.ID != id || busy.State.StartedBy != "Ann" {
			t.Errorf("a second start: %v", err)
		}
	}
	close(release)
	if s := l.end(e, id); s.Problem != "" || s.Result.Sentences[0] != "It waits." {
		t.Errorf("%+v", s)
	}
	if _, err := l.DB.Exec(t.Context(), `insert into lab_run (id, experiment, reader_id, started_by, seen_at)
		values ('dead', 'waiting', $1, 'Ann', now() - interval '11 s')`, l.by.ReaderID); err != nil {
		t.Fatal(err)
	}
	isDead := func() {
		if s, err := l.State(t.Context(), e, "dead"); err != nil || s.Running || s.Problem == "" {
			t.Errorf("the dead run: %+v, %v", s, err)
		}
	}
	isDead()
	id, err = other.Start(t.Context(), e, l.by)
	if err != nil {
		t.Fatal("beside a dead run:", err)
	}
	l.end(e, id)
	isDead()
}

// TestStopped: a process that stops ends its run, and says so.
func TestStopped(t *testing.T) {
	t.Parallel()
	l := open(t)
	e := waiting(nil)
	id, err := l.Start(t.Context(), e, l.by)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if s, err := l.State(t.Context(), e, id); err != nil || s.Running || !strings.Contains(s.Problem, "stopped") {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestResultsAreKeptForAWeek: an unknown id, one of another experiment and an expired one are all unknown; the job deletes.
func TestResultsAreKeptForAWeek(t *testing.T) {
	t.Parallel()
	l := open(t)
	e := Experiment{Slug: "old"}
	for id, age := range map[string]string{"young": "6 d 23 h", "expired": "7 d 1 min"} {
		if _, err := l.DB.Exec(t.Context(), `insert into lab_run (id, experiment, reader_id, started_by, started_at, ended_at)
			values ($1, 'old', $2, 'Ann', now() - $3::text::interval, now())`, id, l.by.ReaderID, age); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.State(t.Context(), e, "young"); err != nil {
		t.Error(err)
	}
	if _, err := l.State(t.Context(), Experiment{Slug: "new"}, "young"); !errors.Is(err, pgx.ErrNoRows) {
		t.Error("another experiment's:", err)
	}
	worker := &PruneWorker{DB: l.DB}
	jobs, err := work.NewInserter(l.DB, l.options(pruning(worker)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jobs.Insert(t.Context(), PruneArgs{}, nil); err != nil {
		t.Fatal(err)
	}
	options := l.options(pruning(worker))
	options.Queues = map[string]int{river.QueueDefault: 1}
	worktest.Start(t, l.DB, options)
	if err := until(t.Context(), func() (bool, error) { return l.count("select count(*) from lab_run") == 1, nil }); err != nil {
		t.Error("the expired run was not deleted:", err)
	}
	for _, id := range []string{"expired", "unknown", ""} {
		if _, err := l.State(t.Context(), e, id); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func pruning(w *PruneWorker) *work.Workers {
	workers := work.NewWorkers()
	work.AddWorker(workers, w)
	return workers
}

// TestInProduction: only experiments that need no process or database of their own are there.
func TestInProduction(t *testing.T) {
	t.Parallel()
	for _, e := range New(Config{}).Experiments() {
		if e.DevOnly {
			t.Errorf("%s is there", e.Slug)
		}
	}
	if _, ok := New(Config{}).Find("unknown"); ok {
		t.Error("an unknown experiment was found")
	}
}
