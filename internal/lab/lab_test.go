package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestInlineOrBackground: both ways have the same effects; the request of the second does not wait for its jobs' work.
func TestInlineOrBackground(t *testing.T) {
	t.Parallel()
	l := open(t)
	l.startWorker()
	s := l.run("inline-or-background")
	if s.Problem != "" || len(s.Result.Sentences) != 2 || len(s.Result.Groups) != 2 || len(s.Result.Figures) != 3 {
		t.Fatalf("%+v", s)
	}
	if n := l.count("select count(*) from message where state = 'sent' and key like 'lab:%'"); n != 2 {
		t.Errorf("%d letters were sent, want 2", n)
	}
	if n := l.count("select count(*) from recommendation_run"); n != 1 {
		t.Errorf("%d lists were made, want 1", n)
	}
	background := s.Result.Groups[1]
	var enqueued, worked float64
	for _, lane := range background.Lanes {
		switch lane.Name {
		case "enqueue":
			enqueued = lane.Bars[0].From
		case "job lab_recommend", "job lab_mail":
			worked++
			if lane.Bars[1].From < enqueued {
				t.Errorf("%s began before it was enqueued: %+v", lane.Name, lane)
			}
		}
	}
	if worked != 2 || enqueued == 0 {
		t.Errorf("lanes %+v", background.Lanes)
	}
	if inline := s.Result.Groups[0].Lanes; !strings.HasPrefix(inline[1].Name, "load") || inline[1].Depth != 1 {
		t.Errorf("lanes %+v", inline)
	}
	if n := l.count("select count(*) from river.river_job"); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	if statement := s.Result.Statements[0]; !strings.Contains(statement.SQL, "run_id = '"+s.ID+"'") || len(statement.Rows) != 2 {
		t.Errorf("statement %+v", statement)
	}
}

// TestBigOrSmall: both send every letter; a failure in the middle makes the big job send some of them twice, the small ones none.
func TestBigOrSmall(t *testing.T) {
	t.Parallel()
	l := open(t)
	l.startWorker()
	s := l.run("one-big-or-many-small")
	if s.Problem != "" || len(s.Result.Sentences) != 2 || len(s.Result.Groups) != 4 || len(s.Result.Tables[0].Rows) != 8 {
		t.Fatalf("%+v", s)
	}
	for i, row := range s.Result.Tables[0].Rows {
		sent, again := "8", "0"
		if i == 6 {
			sent, again = "12", "4"
		}
		if row[4] != sent || row[5] != again {
			t.Errorf("%v: want %s sent, %s twice", row, sent, again)
		}
	}
	if one, two := s.Result.Groups[0].Lanes, s.Result.Groups[1].Lanes; len(one) != 2 || len(one[1].Bars) != 8 || len(two) != 3 {
		t.Errorf("lanes %+v and %+v", one, two)
	}
	if n := l.count("select count(*) from work.worker where stopped_at is null and dead_at is null and queues = '{lab_own}'"); n != 0 {
		t.Errorf("%d workers of the experiment have not stopped", n)
	}
}

// TestWorkerThatCannotStart: a sentence says that the database has no connection left, or that the log says why.
func TestWorkerThatCannotStart(t *testing.T) {
	t.Parallel()
	l := open(t)
	for want, fails := range map[string]error{
		"no free connection":              &pgconn.PgError{Code: "53300"},
		"The log of the web process says": errors.New("out of memory"),
	} {
		l.Work = func(context.Context, int, func()) error { return fails }
		if s := l.run("one-big-or-many-small"); !strings.Contains(s.Problem, want) {
			t.Errorf("%q, want %q", s.Problem, want)
		}
	}
}

// TestFailsTwice: two attempts fail with the same error, which is one line of the inbox; the third sends the letter, once.
func TestFailsTwice(t *testing.T) {
	t.Parallel()
	l := open(t)
	l.startWorker()
	s := l.run("fails-twice")
	if s.Problem != "" || len(s.Result.Sentences) != 2 || len(s.Result.Groups) != 1 {
		t.Fatalf("%+v", s)
	}
	var looks []string
	for _, bar := range s.Result.Groups[0].Lanes[0].Bars {
		if bar.From > bar.To {
			t.Errorf("a bar ends before it begins: %+v", bar)
		}
		looks = append(looks, string(bar.Look))
	}
	if got, want := strings.Join(looks, " "), "wait failed backoff wait failed backoff wait attempt"; got != want {
		t.Errorf("the job's lane has %s, want %s", got, want)
	}
	if inbox := s.Result.Tables[0].Rows; len(inbox) != 1 || inbox[0][2] != "2" || inbox[0][1] != "lab_retry" {
		t.Errorf("the inbox %v", inbox)
	}
	if n := l.count("select count(*) from message where state = 'sent'"); n != 1 {
		t.Errorf("%d letters were sent", n)
	}
}

// TestWhereDidItCommit: a process that dies between two writes leaves no orphan where they are one transaction, and orphans of both
// sorts where the queue is beside the database, which is dropped afterwards.
func TestWhereDidItCommit(t *testing.T) {
	t.Parallel()
	l := open(t)
	s := l.run("where-did-it-commit")
	if s.Problem != "" || len(s.Result.Sentences) != 2 || len(s.Result.Tables) != 1 {
		t.Fatalf("%+v", s)
	}
	rows := s.Result.Tables[0].Rows
	if got, want := fmt.Sprint(rows[0][1:], rows[1][1:]), "[32 8 0 0] [32 0 4 4]"; got != want {
		t.Errorf("orders %s, want %s", got, want)
	}
	if n := l.count("select count(*) from pg_database where datname = current_database() || '_lab'"); n != 0 {
		t.Error("the second database is left")
	}
	if n := l.count("select count(*) from river.river_job"); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
}

// TestNoSecondDatabase: where the account may not create databases, a sentence says so.
func TestNoSecondDatabase(t *testing.T) {
	t.Parallel()
	l := open(t)
	role := "lab_" + strings.ToLower(rand.Text())
	l.exec("create role " + role + " login password 'only for a test'")
	t.Cleanup(func() { l.exec("drop owned by " + role + "; drop role " + role) })
	l.exec("grant all on all tables in schema public to " + role)
	cfg := l.DB.Config().Copy()
	cfg.ConnConfig.User, cfg.ConnConfig.Password = role, "only for a test"
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	other := New(l.Config)
	other.DB = pool
	t.Cleanup(other.Close)
	e, _ := other.Find("where-did-it-commit")
	id, err := other.Start(t.Context(), e, l.by)
	if err != nil {
		t.Fatal(err)
	}
	if s := l.end(e, id); !strings.HasPrefix(s.Problem, "This account of the database server may not create databases") {
		t.Errorf("%+v", s)
	}
}

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
	id, err = other.Start(t.Context(), e, l.by)
	if err != nil {
		t.Fatal("beside a dead run:", err)
	}
	l.end(e, id)
	if s, err := l.State(t.Context(), e, "dead"); err != nil || s.Running || s.Problem == "" {
		t.Errorf("the dead run: %+v, %v", s, err)
	}
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

// TestCode: every part of the program that a page shows exists, is short, and is Go as gofmt writes it.
func TestCode(t *testing.T) {
	t.Parallel()
	slugs := map[string]bool{}
	for _, e := range Experiments() {
		if slugs[e.Slug] || e.Title == "" || e.Purpose == "" || e.Button == "" || e.Limit == 0 || len(e.Code) == 0 {
			t.Errorf("experiment %+v", e)
		}
		slugs[e.Slug] = true
		for _, c := range e.Code {
			text := c.Text()
			if lines := strings.Count(text, "\n") + 1; text == "" || lines > 24 || !strings.HasPrefix(text, "// ") {
				t.Errorf("%s, %s has %d lines:\n%s", c.File, c.Func, lines, text)
			}
		}
	}
	if (Code{File: "no.go"}).Text() != "" || (Code{File: "inline_site.go", Func: "nothing"}).Text() != "" {
		t.Error("a part that does not exist has a text")
	}
}
