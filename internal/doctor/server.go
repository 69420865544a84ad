package doctor

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/surface"
)

//go:embed sql/rights.sql
var rightsSQL string

// server checks the server itself, before any other check.
func (e *Exam) server(ctx context.Context) ([]Finding, error) {
	s, err := db.DescribeServer(ctx, e.conn)
	if err != nil && !errors.Is(err, db.ErrNotPostgres) {
		return nil, err
	}
	return serverIs(s), nil
}

func serverIs(s db.Server) []Finding {
	broken := func(says, do string) []Finding { return []Finding{{Level: Broken, Says: says, Do: do}} }
	switch err := s.Check(); {
	case errors.Is(err, db.ErrNotPostgres):
		return broken("The server is not Postgres.", "Backlist needs Postgres 15 to 18.")
	case errors.Is(err, db.ErrReplica):
		return broken("The server is a replica, which accepts no writes: web and worker do not start.", "DATABASE_URL must name the primary.")
	case errors.Is(err, db.ErrEncoding):
		return broken(fmt.Sprintf("The encoding of database %s is %s: not every text can be stored.", s.Database, s.Encoding),
			"Create another and move to it: create database … encoding 'UTF8' template template0;")
	case errors.Is(err, db.ErrTemplate):
		return broken(fmt.Sprintf("Database %s is a template: every new database is a copy of it.", s.Database), "Create a database for Backlist, and name it in DATABASE_URL.")
	}
	found := versionIs(s.Major)
	if s.Maintenance {
		found = append(found, Finding{
			Level: Hint, Says: "This is the server's database for administrators.", Do: "A database of its own is easier to restore and to remove.",
		})
	}
	return found
}

func versionIs(major int) []Finding {
	says := fmt.Sprintf("The server is Postgres %d.", major)
	switch {
	case major < 15:
		return []Finding{{Level: Broken, Says: says, Do: "Backlist needs 15 to 18: upgrade it."}}
	case major > db.Newest:
		return []Finding{{Level: Warn, Says: says, Do: "Backlist is tested on 15 to 18: try it on a copy first."}}
	}
	return []Finding{{Level: OK, Says: says}}
}

func (e *Exam) tls(ctx context.Context) ([]Finding, error) {
	var encrypted bool
	if err := e.conn.QueryRow(ctx, "select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)").Scan(&encrypted); err != nil {
		return nil, err
	}
	return tlsIs(e.Config.Host, encrypted), nil
}

func tlsIs(host string, encrypted bool) []Finding {
	ip := net.ParseIP(host)
	local := strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case encrypted:
		return []Finding{{Level: OK, Says: "The connection is encrypted."}}
	case local:
		return []Finding{{Level: OK, Says: "The connection is not encrypted, and does not leave this machine."}}
	}
	return []Finding{{Level: Warn, Says: "The connection to " + host + " is not encrypted.", Do: "Add sslmode=require to DATABASE_URL, unless the network is your own."}}
}

// clock compares this machine's clock with the database's, which it reads between two readings of ours.
func (e *Exam) clock(ctx context.Context) ([]Finding, error) {
	var server time.Time
	var ahead time.Duration
	narrowest := time.Hour
	for range 3 { // the fastest response is the most accurate
		before := e.Now()
		if err := e.conn.QueryRow(ctx, "select clock_timestamp()").Scan(&server); err != nil {
			return nil, err
		}
		if took := e.Now().Sub(before); took < narrowest {
			narrowest, ahead = took, before.Add(took/2).Sub(server)
		}
	}
	says := fmt.Sprintf("This machine's clock is %s %s the database's.", surface.Duration(ahead.Abs()), map[bool]string{true: "behind", false: "ahead of"}[ahead < 0])
	if ahead.Abs() > time.Second+narrowest/2 {
		return []Finding{{
			Level: Warn, Says: says,
			Do: "Set the clock by NTP. Jobs use the database's clock, but sessions and log lines use this machine's.",
		}}, nil
	}
	return good("%s", says)
}

// session checks whether a connection keeps its session between statements, and whether notices arrive.
func (e *Exam) session(ctx context.Context) ([]Finding, error) {
	other, _, err := db.Connect(ctx, e.Config)
	if err != nil {
		return []Finding{{
			Check: "connections", Level: Broken, Says: "A second connection was refused: " + postgres.Cause(err) + ".",
			Do: "See who holds the connections with db/reports/connections.sql; stop a process or make pools smaller.",
		}}, nil
	}
	defer other.Close(context.WithoutCancel(ctx))
	pooled, err := e.pooled(ctx, other)
	if err != nil {
		return nil, err
	}
	if pooled {
		found := Finding{Check: "pooler", Level: Warn, Says: "The database is behind a transaction pooler: notices and session locks are lost."}
		found.Do = "Set WORKER_POLL_ONLY=yes, or better, give workers a direct connection: it is faster."
		if e.PollOnly {
			found.Level, found.Do = OK, ""
			found.Says = "The database is behind a transaction pooler, and WORKER_POLL_ONLY is set, as it must be."
		}
		return []Finding{found}, nil
	}
	found := []Finding{{Check: "pooler", Level: OK, Says: "A connection keeps its session between statements."}}
	if e.PollOnly {
		found = append(found, Finding{
			Check: "pooler", Level: Hint, Says: "WORKER_POLL_ONLY is set, but no transaction pooler was found.",
			Do: "Without it, jobs start at once instead of up to a second later.",
		})
	}
	heard, err := e.hears(ctx, other)
	return append(found, heard...), err
}

// pooled reports whether a session of ours changes its server process. A pooler that hands out server connections in
// turn changes it by itself. For a pooler that hands out the most recently returned one, the other session takes that
// one and holds it in a transaction.
func (e *Exam) pooled(ctx context.Context, other *pgx.Conn) (bool, error) {
	pids := map[int]bool{}
	ask := func() error {
		var pid int
		err := e.conn.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid)
		pids[pid] = true
		return err
	}
	if err := errors.Join(ask(), ask()); err != nil {
		return false, err
	}
	tx, err := other.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	err = ask()
	return len(pids) > 1, err
}

// defaults checks for settings of the role, the database or the server that break our statements. Our own connections
// override them, except through a pooler.
func (e *Exam) defaults(ctx context.Context) ([]Finding, error) {
	plain, err := pgx.ConnectConfig(ctx, e.Config.Copy())
	if err != nil {
		return nil, err
	}
	defer plain.Close(context.WithoutCancel(ctx))
	misfits, err := db.Misfits(ctx, plain)
	if err != nil {
		return nil, err
	}
	left, err := db.Misfits(ctx, e.conn) // not overridden
	if err != nil {
		return nil, err
	}
	if len(misfits) == 0 {
		return good("No setting of the role or the database causes problems.")
	}
	found := make([]Finding, 0, len(misfits))
	for _, m := range misfits {
		f := Finding{Level: Hint, Do: m.Fix}
		is := fmt.Sprintf("%s is '%s', set by %s", m.Name, m.Value, m.Where)
		switch {
		case slices.ContainsFunc(left, func(l db.Misfit) bool { return l.Name == m.Name }):
			f.Level, f.Says = Broken, is+": "+m.Effect+". Web and worker do not start."
		case m.Name == "default_transaction_read_only" && m.ByServer:
			f.Level, f.Says = Warn, is+", as some providers do when the disk is nearly full. Our connections still write."
			f.Do = "Check the free disk space."
		default:
			f.Says = is + ". Our connections override it; in other programs, " + m.Effect + "."
		}
		found = append(found, f)
	}
	return found, nil
}

// hears checks that a notice from one session reaches the other.
func (e *Exam) hears(ctx context.Context, other *pgx.Conn) ([]Finding, error) {
	channel := "doctor_" + strings.ToLower(rand.Text())
	if _, err := e.conn.Exec(ctx, "listen "+channel); err != nil {
		return nil, err
	}
	began := time.Now()
	if _, err := other.Exec(ctx, "select pg_notify($1, '')", channel); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, e.NoticeTime)
	defer cancel()
	if _, err := e.conn.WaitForNotification(waiting); err != nil {
		if !errors.Is(waiting.Err(), context.DeadlineExceeded) || ctx.Err() != nil {
			return nil, err
		}
		e.conn.Close(context.WithoutCancel(ctx)) // pgx has closed it
		if e.conn, _, err = db.Connect(ctx, e.Config); err != nil {
			return nil, err
		}
		return []Finding{{
			Check: "listen", Level: Broken, Says: fmt.Sprintf("A notice did not arrive within %s.", e.NoticeTime),
			Do: "Something between here and the server drops notices: connect workers directly, or set WORKER_POLL_ONLY=yes.",
		}}, nil
	}
	took := surface.Duration(time.Since(began))
	_, err := e.conn.Exec(ctx, "unlisten "+channel)
	return []Finding{{Check: "listen", Level: OK, Says: fmt.Sprintf("A notice arrives after %s.", took)}}, err
}

func (e *Exam) schema(ctx context.Context) ([]Finding, error) {
	pool, err := e.pool(ctx)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	err = db.Check(ctx, pool)
	if errors.Is(err, db.ErrSchemaOld) {
		return []Finding{{Level: Broken, Says: "The schema is older than this release: web and worker refuse to start.", Do: "Run: backlist migrate"}}, nil
	}
	if err != nil {
		return []Finding{{Level: Broken, Says: "The schema could not be checked: " + postgres.Cause(err) + ".", Do: "Check that this role owns the tables, or has rights on them."}}, nil
	}
	return good("The schema has everything that this release needs.")
}

func (e *Exam) surface(ctx context.Context) ([]Finding, error) {
	var version string
	if err := e.conn.QueryRow(ctx, "select jobs.version()").Scan(&version); err != nil {
		return []Finding{{Level: Broken, Says: "Schema jobs cannot be used: " + postgres.Cause(err) + ".", Do: "Run: backlist migrate"}}, nil
	}
	if version != db.JobsVersion() {
		return []Finding{{
			Level: Warn, Says: fmt.Sprintf("Schema jobs is of another release: %s, not %s.", version, db.JobsVersion()),
			Do: "Run: backlist migrate, unless a newer release than this one has done so.",
		}}, nil
	}
	return good("Schema jobs is this release's, version %s.", version)
}

// rights checks the rights that web and worker need.
func (e *Exam) rights(ctx context.Context) ([]Finding, error) {
	found, err := e.facts(ctx, rightsSQL)
	if err == nil && len(found) == 0 {
		return good("The role has all rights that web and worker need.")
	}
	if more := len(found) - 5; more > 0 {
		found = append(found[:5], Finding{Level: Broken, Says: fmt.Sprintf("And %d more rights are missing.", more)})
	}
	return found, err
}
