package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// setting is a server setting that our statements rely on, and that ALTER ROLE and ALTER DATABASE can change.
type setting struct {
	name, value string
	effect      string                  // what goes wrong with another value; "": every value is fine
	fits        func(value string) bool // reports whether another value is fine; nil: none is
}

// settings returns all of them, with the values that our connections start with. It omits those that only affect speed
// (except jit), and those that only a superuser may set.
func settings() []setting {
	return []setting{
		{"default_transaction_isolation", "read committed", "concurrent jobs and requests fail with 40001", nil},
		{"default_transaction_read_only", "off", "nothing can be written", nil},
		{"statement_timeout", "0", "longer statements are cancelled, and jobs and migrations fail", longEnough},
		{"lock_timeout", "0", "jobs and requests that wait for a row fail", longEnough},
		{"idle_in_transaction_session_timeout", "0", "a job's transaction is ended while the job computes", longEnough},
		{"idle_session_timeout", "0", "connections are cut while they wait for notices", longEnough},
		{transactionTimeout, "0", "longer transactions are ended, and jobs and migrations fail", longEnough},
		{"search_path", "public", "the site's tables are not found, or other tables of the same name are", nil},
		{"row_security", "on", "statements fail where a table has policies", nil},
		// The text form of values, which is used when no statement is prepared, as through a pooler.
		{"DateStyle", "ISO, MDY", "dates cannot be read", func(value string) bool { return strings.HasPrefix(value, "ISO") }},
		{"IntervalStyle", "postgres", "intervals cannot be read", nil},
		{"bytea_output", "hex", "hashes of sessions and passwords cannot be read", nil},
		{"extra_float_digits", "1", "numbers are rounded", func(value string) bool { n, err := strconv.Atoi(value); return err == nil && n >= 1 }},
		{"client_encoding", "UTF8", "text beyond ASCII is broken or refused", nil},
		{"standard_conforming_strings", "on", "backslashes in strings are read as escapes", nil},
		// Hours and days are counted in UTC on every server, but a report in another zone is not wrong.
		{"TimeZone", "UTC", "", nil},
		// Postgres compiles statements with a high estimated cost. On a table of millions of jobs many of these take a
		// millisecond, and compiling would take 200 ms each time (measured).
		{"jit", "off", "", nil},
	}
}

// transactionTimeout exists from Postgres 17 on; an older server refuses a connection that names it.
const transactionTimeout = "transaction_timeout"

// shortestTimeout is the shortest time limit that none of our statements and transactions reaches in normal operation.
const shortestTimeout = 30 * time.Second

// longEnough reports whether a time limit, in milliseconds, is off or at least shortestTimeout.
func longEnough(value string) bool {
	ms, err := strconv.Atoi(value)
	return err == nil && (ms == 0 || ms >= int(shortestTimeout.Milliseconds()))
}

// Rely makes connections of cfg start with the settings that our statements rely on. They are startup parameters, which
// override the settings of the role and the database. A setting in the URL stays; CheckSettings checks it.
func Rely(cfg *pgx.ConnConfig) {
	named := namedSettings(cfg.RuntimeParams)
	for _, s := range settings() {
		if s.name != transactionTimeout && !slices.Contains(named, strings.ToLower(s.name)) {
			cfg.RuntimeParams[s.name] = s.value
		}
	}
	if slices.Contains(named, transactionTimeout) {
		return
	}
	before := cfg.AfterConnect
	cfg.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if before != nil {
			if err := before(ctx, conn); err != nil {
				return err
			}
		}
		if majorOf(conn.ParameterStatus("server_version")) < 17 {
			return nil
		}
		return conn.Exec(ctx, "set "+transactionTimeout+" = 0").Close()
	}
}

// namedSettings returns the settings in a URL (or in PGOPTIONS and PGTZ), in lower case.
func namedSettings(params map[string]string) (names []string) {
	for name, value := range params {
		names = append(names, strings.ToLower(name))
		if name != "options" {
			continue
		}
		for _, word := range strings.Fields(value) { // "-c name=value", "-cname=value" and "--name=value"
			option, _, _ := strings.Cut(word, "=")
			option = strings.TrimPrefix(strings.TrimPrefix(option, "-c"), "--")
			names = append(names, strings.ToLower(strings.ReplaceAll(option, "-", "_")))
		}
	}
	return names
}

// majorOf reads the major version of "17.2 (Debian 17.2-1)" or "18beta1"; 0 if there is none.
func majorOf(version string) int {
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		version = version[:end]
	}
	major, _ := strconv.Atoi(version)
	return major
}

// Connect opens a connection with the settings of Rely, and returns its configuration, to open more. (The configuration
// in a pgx connection would send this connection the notices of the others.) Poolers refuse startup parameters: then
// Connect omits them, and uses no prepared statements, because the next transaction may get another session.
func Connect(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, *pgx.ConnConfig, error) {
	has := cfg.Copy()
	Rely(has)
	conn, err := pgx.ConnectConfig(ctx, has)
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); connecting && ok && pgErr.Code == "08P01" { // protocol_violation
		has = cfg.Copy()
		if has.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
			has.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		}
		conn, err = pgx.ConnectConfig(ctx, has)
	}
	return conn, has, err
}

// Misfit is a setting of a session that our statements cannot work with.
type Misfit struct {
	Name, Value string
	Where       string // where it is set: "role reader", "database shop", …
	Effect      string // what goes wrong
	Fix         string // the statement that fixes it, or what to do instead
	ByServer    bool   // set in the server's configuration
}

// Misfits returns the settings of conn's session that our statements cannot work with.
func Misfits(ctx context.Context, conn *pgx.Conn) ([]Misfit, error) {
	list := settings()
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.name
	}
	const sql = `
		select name, setting, source, coalesce(current_schema(), ''), session_user::text, current_database()::text,
			format('ALTER ROLE %I IN DATABASE %I SET ', session_user, current_database())
		from pg_settings where name = any ($1)`
	type row struct{ Name, Value, Source, Schema, Role, Database, Alter string }
	var found []row
	var err error
	for try := 1; try == 1 || isCancelled(err) && ctx.Err() == nil && try <= 20; try++ { // cancelled by the very time limit that we look for
		rows, _ := conn.Query(ctx, sql, names)
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	}
	if err != nil {
		return nil, fmt.Errorf("read the session's settings: %w", err)
	}
	var misfits []Misfit
	for _, s := range list {
		i := slices.IndexFunc(found, func(r row) bool { return r.Name == s.name })
		if i < 0 || s.effect == "" {
			continue
		}
		r := found[i]
		if r.Value == s.value || s.fits != nil && s.fits(r.Value) || s.name == "search_path" && r.Schema == "public" {
			continue
		}
		m := Misfit{Name: s.name, Value: r.Value, Effect: s.effect, Fix: r.Alter + s.name + " = '" + s.value + "';"}
		switch r.Source {
		case "user":
			m.Where = "role " + r.Role
		case "database":
			m.Where = "database " + r.Database
		case "database user":
			m.Where = "role " + r.Role + " in database " + r.Database
		case "client":
			m.Where, m.Fix = "DATABASE_URL, PGOPTIONS or PGTZ", "Take "+s.name+" out of DATABASE_URL, PGOPTIONS or PGTZ."
		case "session":
			m.Where = "another client of the pooler"
		default:
			m.Where, m.ByServer = "the server's configuration", true
		}
		misfits = append(misfits, m)
	}
	return misfits, nil
}

func isCancelled(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "57014"
}

// MisfitError lists settings with which the program will fail sooner or later.
type MisfitError []Misfit

func (e MisfitError) Error() string {
	var text strings.Builder
	text.WriteString("Backlist does not work with these settings of the database:")
	for _, m := range e {
		fmt.Fprintf(&text, "\n  %s = '%s' (set by %s): %s", m.Name, m.Value, m.Where, m.Effect)
	}
	text.WriteString("\nto fix them (then let the pooler, if there is one, open new connections):")
	for _, m := range e {
		text.WriteString("\n  " + m.Fix)
	}
	return text.String()
}

// CheckSettings returns a MisfitError if conn's session has settings that our statements cannot work with, because Rely
// could not set them.
func CheckSettings(ctx context.Context, conn *pgx.Conn) error {
	misfits, err := Misfits(ctx, conn)
	if err == nil && len(misfits) > 0 {
		err = MisfitError(misfits)
	}
	return err
}
