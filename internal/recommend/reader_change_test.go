package recommend

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertest"

	"github.com/backlist/backlist/internal/work/pilot"
)

func TestRunOfADeletedReader(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, _, _ := s.taste()
	s.exec("delete from reader where id = $1", me)
	s.run(me)
	if _, err := StateOf(t.Context(), s.db, me); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("state: %v, want ErrNoRows", err)
	}
}

// beforeFinish is a database that calls a function between a worker's reads and its last transaction.
type beforeFinish struct {
	DB
	happens func() error
}

func (d beforeFinish) Begin(ctx context.Context) (pgx.Tx, error) {
	if err := d.happens(); err != nil {
		return nil, err
	}
	return d.DB.Begin(ctx)
}

func TestReaderDeletedDuringTheRun(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, _, _ := s.taste()
	w := &ReaderWorker{Jobs: s.jobs, Log: quiet(t), DB: beforeFinish{s.db, func() error {
		s.exec("delete from reader where id = $1", me)
		return nil
	}}}
	if err := s.runWith(w, me); err != nil {
		t.Fatal(err)
	}
}

func TestChangeDuringTheRunAsksForTheNext(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, _, near := s.taste()
	w := &ReaderWorker{Jobs: s.jobs, Log: quiet(t), DB: beforeFinish{s.db, func() error {
		s.rate(me, near[0], 10)
		return nil
	}}}
	if err := s.runWith(w, me); err != nil {
		t.Fatal(err)
	}
	if st := s.state(me); st.Phase != Working || st.RunVersion != 3 || st.Version != 4 {
		t.Errorf("state %+v: the stored run must have the version that it read", st)
	}
	if got := ids(s.list(me)); slices.Contains(got, near[0]) {
		t.Errorf("%v has the book that was rated during the run", got)
	}
	if n := s.waiting(me); n != 1 {
		t.Errorf("%d next runs, want 1", n)
	}
}

// TestBuildDuringARunOfPopularBooks: a build looks for lists of popular books; a run that stores one after that must
// look for the build itself.
func TestBuildDuringARunOfPopularBooks(t *testing.T) {
	t.Parallel()
	for name, built := range map[string]bool{"built meanwhile": true, "not built": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newSite(t)
			me := s.reader()
			w := &ReaderWorker{Jobs: s.jobs, Log: quiet(t), DB: beforeFinish{s.db, sync.OnceValue(func() error {
				if built {
					s.exec("insert into neighbour_build (readers, ratings, pairs, rating_change, took) values (9, 9, 9, (1::bigint << 60) + 1, '0')")
				}
				return nil
			})}}
			if err := s.runWith(w, me); err != nil {
				t.Fatal(err)
			}
			if st := s.state(me); st.Basis != Popular {
				t.Fatalf("basis %q", st.Basis)
			}
			if n := s.waiting(me); (n == 1) != built || n > 1 {
				t.Errorf("%d next runs", n)
			}
		})
	}
}

func TestUnchangedRunAsksForNoOther(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, _, _ := s.taste()
	s.run(me)
	if n := s.waiting(me); n != 0 {
		t.Errorf("%d more runs", n)
	}
}

func TestFailureBeforeTheEndLosesNothing(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me, _, near := s.taste()
	boom := errors.New("the connection is gone")
	fails := true
	w := &ReaderWorker{Jobs: s.jobs, Log: quiet(t), DB: beforeFinish{s.db, func() error {
		if fails {
			return boom
		}
		return nil
	}}}
	attempts := rivertest.NewWorker(t, pilot.NewDriver(nil), &river.Config{Schema: "river"}, w)
	first, err := attempts.Work(t.Context(), t, tx, ReaderArgs{me}, nil)
	if !errors.Is(err, boom) {
		t.Fatalf("first attempt: %v, want %v", err, boom)
	}
	if len(s.list(me)) != 0 || s.state(me).Phase != Working {
		t.Fatalf("the failed attempt stored %v, %+v", s.list(me), s.state(me))
	}
	fails = false
	second, err := attempts.WorkJob(t.Context(), t, tx, first.Job)
	if err != nil || second.Job.State != "completed" {
		t.Fatalf("second attempt: %v", err)
	}
	if s.state(me).Phase != Ready {
		t.Errorf("state %+v", s.state(me))
	}
	s.wantList(me, near...)
}
