// Package doctor examines the database of a job system and the processes that share it, and reports what is wrong and
// what to do about it. Each check examines one thing and changes nothing.
package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/postgres"
)

// Level is the severity of a finding.
type Level string

// The levels, from good to bad. A hint needs no action.
const (
	OK     Level = "ok"
	Hint   Level = "hint"
	Warn   Level = "warning"
	Broken Level = "broken"
)

// Finding is the result of a check.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// Exam is one examination.
type Exam struct {
	Config   *pgx.ConnConfig  // of the database; without prepared statements, so that it works through any pooler
	Release  string           // of this program; "": none
	PollOnly bool             // WORKER_POLL_ONLY is set
	Now      func() time.Time // this machine's clock
	Patience time.Duration    // how long a transaction may be idle, or a job wait, before it is reported

	// Also runs the program's own checks once the server has passed; it may be nil.
	Also func(ctx context.Context, conn *pgx.Conn) []Finding

	NoticeTime time.Duration // time limit for a notice

	conn *pgx.Conn
	has  *pgx.ConnConfig // the connection's configuration, to open more
}

// check is one of the checks. An error means that it could not be made, which is a finding too.
type check struct {
	name string
	look func(ctx context.Context) ([]Finding, error)
}

// Run runs all checks. It omits those that need the database or the schema if these are missing.
func (e *Exam) Run(ctx context.Context) []Finding {
	conn, has, err := db.Connect(ctx, e.Config)
	if err != nil {
		return []Finding{{"database", Broken, "The database cannot be reached: " + postgres.Cause(err) + ".", "Check DATABASE_URL, and whether the server is up and has a connection left."}}
	}
	e.conn, e.has = conn, has
	defer func() { _ = e.conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "set jit = off"); err != nil { // compiling would take longer than all checks
		return []Finding{{"database", Broken, "The database does not answer: " + postgres.Cause(err) + ".", ""}}
	}
	found := e.all(ctx, []check{{"postgres", e.server}})
	if Worst(found) == Broken {
		return found // the other checks need a job system's database
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
		{"scale", e.scale},
	})...)
}

func (e *Exam) all(ctx context.Context, checks []check) (found []Finding) {
	for _, c := range checks {
		list, err := c.look(ctx)
		if err != nil {
			list = append(list, Finding{Level: Broken, Says: "This could not be checked: " + postgres.Cause(err) + "."})
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

// Worst returns the level of the worst finding.
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

func good(format string, args ...any) ([]Finding, error) {
	return []Finding{{Level: OK, Says: fmt.Sprintf(format, args...)}}, nil
}

// fact is a row of a query for findings: the level, the sentence, what to do.
type fact struct {
	Level, Says string
	Do          *string
}

// facts returns the rows of a query as findings.
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

// pool returns a pool with the same connection settings, for functions that need one.
func (e *Exam) pool(ctx context.Context) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	cfg.ConnConfig, cfg.MaxConns = e.has.Copy(), 1
	return pgxpool.NewWithConfig(ctx, cfg)
}
