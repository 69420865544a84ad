// Package doctor examines the database of a job system, and the processes that share it, and says in sentences what is
// wrong and what to do about it. Each check looks at one thing and changes nothing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
)

// Level says how bad a finding is.
type Level string

// From well to broken. A hint is news that changes nothing.
const (
	OK     Level = "ok"
	Hint   Level = "hint"
	Warn   Level = "warning"
	Broken Level = "broken"
)

// Finding is what a check found.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// Exam is one examination.
type Exam struct {
	Config   *pgx.ConnConfig  // how to reach the database; in a way that works through any pooler: nothing is prepared
	Release  string           // of this program; "" where it has none
	PollOnly bool             // WORKER_POLL_ONLY is set
	Now      func() time.Time // this machine's clock
	Patience time.Duration    // how long a transaction may be idle, or a job wait, before it is worth a word

	// Also makes checks of the program's own once the server is known to do; it may be nil.
	Also func(ctx context.Context, conn *pgx.Conn) []Finding

	NoticeTime time.Duration // how long a notice may take

	conn *pgx.Conn
	has  *pgx.ConnConfig // to open more of its kind
}

// check is one of the checks. Its error says that it could not look, which is a finding too.
type check struct {
	name string
	look func(ctx context.Context) ([]Finding, error)
}

// Run makes all checks. Where the database cannot be reached, or lacks the schema, those that need it are left out.
func (e *Exam) Run(ctx context.Context) []Finding {
	conn, has, err := db.Connect(ctx, e.Config)
	if err != nil {
		return []Finding{{"database", Broken, "The database cannot be reached: " + cause(err) + ".", "Check DATABASE_URL, and whether the server is up and has a connection left."}}
	}
	e.conn, e.has = conn, has
	defer func() { _ = e.conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "set jit = off"); err != nil { // it would take longer than all the rest
		return []Finding{{"database", Broken, "The database does not answer: " + cause(err) + ".", ""}}
	}
	found := e.all(ctx, []check{{"postgres", e.server}})
	if Worst(found) == Broken {
		return found // what follows would judge something else than the database of a job system
	}
	if e.Also != nil {
		found = append(found, e.Also(ctx, conn)...)
	}
	found = append(found, e.all(ctx, []check{
		{"tls", e.tls}, {"clock", e.clock}, {"session", e.session}, {"defaults", e.defaults}, {"rights", e.rights}, {"schema", e.schema},
	})...)
	for _, f := range found {
		if f.Level == Broken && (f.Check == "rights" || f.Check == "schema") {
			return found
		}
	}
	return append(found, e.all(ctx, []check{
		{"surface", e.surface},
		{"health", e.health},
		{"transactions", e.transactions},
		{"workers", e.workers},
		{"releases", e.releases},
		{"leader", e.leader},
		{"queues", e.queues},
		{"kinds", e.kinds},
		{"waiting", e.waiting},
		{"schedules", e.schedules},
	})...)
}

func (e *Exam) all(ctx context.Context, checks []check) (found []Finding) {
	for _, c := range checks {
		list, err := c.look(ctx)
		if err != nil {
			list = append(list, Finding{Level: Broken, Says: "This could not be checked: " + cause(err) + "."})
			if ctx.Err() != nil {
				return found
			}
		}
		for _, f := range list {
			if f.Check == "" {
				f.Check = c.name
			}
			found = append(found, f)
		}
	}
	return found
}

// Worst is the level of the worst finding.
func Worst(found []Finding) Level {
	worst := OK
	for _, f := range found {
		switch {
		case f.Level == Broken:
			return Broken
		case f.Level == Warn:
			worst = Warn
		}
	}
	return worst
}

// cause is an error in a few words, without what it is wrapped in, which may hold a URL.
func cause(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Message
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}

func good(format string, args ...any) ([]Finding, error) {
	return []Finding{{Level: OK, Says: fmt.Sprintf(format, args...)}}, nil
}

// fact is a row of a query that gives findings: the level, the sentence, what to do.
type fact struct {
	Level, Says string
	Do          *string
}

// facts makes findings of rows.
func (e *Exam) facts(ctx context.Context, sql string, args ...any) ([]Finding, error) {
	rows, err := e.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[fact])
	found := make([]Finding, 0, len(list))
	for _, f := range list {
		finding := Finding{Level: Level(f.Level), Says: f.Says}
		if f.Do != nil {
			finding.Do = *f.Do
		}
		found = append(found, finding)
	}
	return found, err
}

// pool is a pool over the very connection settings, for what wants one.
func (e *Exam) pool(ctx context.Context) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	cfg.ConnConfig, cfg.MaxConns = e.has.Copy(), 1
	return pgxpool.NewWithConfig(ctx, cfg)
}
