package lab

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

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
