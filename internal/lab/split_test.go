package lab

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

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
