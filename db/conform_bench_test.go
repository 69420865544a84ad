package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
)

// bench is a River database with the SQL surface over it, and a connection that listens to all of River's channels.
type bench struct {
	schema string
	pool   *pgxpool.Pool
	ear    *pgx.Conn
}

// newBench installs the surface over a River database. Schema river is migrated like a deployment; any other schema is
// made by a plain River program, which does not know Backlist. The settings apply to its connections.
func newBench(t *testing.T, schema, zone string, settings ...string) *bench {
	t.Helper()
	url := ""
	if schema == db.RiverSchema {
		url = testdb.NewURL(t)
	} else {
		url = testdb.NewEmptyURL(t)
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.RuntimeParams["timezone"] = zone
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	cfg.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if schema != db.RiverSchema {
		plainRiver(t, pool, schema)
	}
	ear, err := pgx.ConnectConfig(t.Context(), cfg.ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ear.Close(context.WithoutCancel(t.Context())) })
	b := &bench{schema: schema, pool: pool, ear: ear}
	for _, topic := range []string{"river_insert", "river_control", "river_leadership"} {
		if _, err := ear.Exec(t.Context(), "listen "+pgx.Identifier{schema + "." + topic}.Sanitize()); err != nil {
			t.Fatal(err)
		}
	}
	do(t, ear, "listen done")
	return b
}

// plainRiver migrates a schema like a River program at its first deployment, and installs the surface over it.
func plainRiver(t *testing.T, pool *pgxpool.Pool, schema string) {
	t.Helper()
	do(t, pool, "create schema if not exists "+pgx.Identifier{schema}.Sanitize())
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: schema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := db.InstallJobs(t.Context(), conn.Conn(), schema, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) table(name string) string { return pgx.Identifier{b.schema, name}.Sanitize() }

// empty returns statements that delete everything that a scenario leaves. They do not truncate, because every statement of the
// surface would then be planned again. A trigger keeps paused queues.
func (b *bench) empty() string {
	return fmt.Sprintf(`delete from %[1]s; update %[2]s set paused_at = null; delete from %[2]s; delete from work.undo; delete from work.audit;
		delete from work.kind; select setval(pg_get_serial_sequence('%[1]s', 'id'), 1, false);`, b.table("river_job"), b.table("river_queue"))
}

// client returns a plain River client. Each client limits its insert notices, so each call gets a new one.
func (b *bench) client(t *testing.T) *river.Client[pgx.Tx] {
	t.Helper()
	c, err := river.NewClient(riverpgxv5.New(b.pool), &river.Config{Schema: b.schema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcome is everything observable about a scenario: rows, notices and refusals.
type outcome struct {
	Rows    []map[string]any
	Notices []string
	Refused []string
}

// step is one act, by Go through River's client, or by SQL.
type step struct {
	name string
	inGo func(ctx context.Context, c *river.Client[pgx.Tx]) error
	// inBench is inGo where River's client has no such call.
	inBench func(ctx context.Context, b *bench) error
	sql     string
	args    []any
	fresh   bool // starts from the seed again
}

// observe runs steps from a seed and returns the outcome. Times since the start are replaced by "now".
func (b *bench) observe(t *testing.T, seed string, steps []step, hand func(*testing.T, step) error) outcome {
	t.Helper()
	var out outcome
	var start time.Time
	begin := func() {
		do(t, b.pool, b.empty()+seed)
		b.heard(t)
		if err := b.pool.QueryRow(t.Context(), "select clock_timestamp()").Scan(&start); err != nil {
			t.Fatal(err)
		}
	}
	end := func() {
		out.Rows = append(out.Rows, b.rows(t, "river_job", "id", start)...)
		out.Rows = append(out.Rows, b.rows(t, "river_queue", "name", start)...)
		out.Notices = append(out.Notices, b.heard(t)...)
	}
	begin()
	for i, s := range steps {
		if i > 0 && s.fresh {
			end()
			begin()
		}
		if err := hand(t, s); err != nil {
			out.Refused = append(out.Refused, s.name+": "+refusal(err))
		}
	}
	end()
	return out
}

func (b *bench) byGo(t *testing.T, s step) error {
	if s.inBench != nil {
		return s.inBench(t.Context(), b)
	}
	return s.inGo(t.Context(), b.client(t))
}

func (b *bench) bySQL(t *testing.T, s step) error {
	_, err := b.pool.Exec(t.Context(), s.sql, s.args...)
	return err
}

// refusal maps River's errors and ours to the same names.
func refusal(err error) string {
	pgErr, isPg := errors.AsType[*pgconn.PgError](err)
	switch {
	case errors.Is(err, rivertype.ErrNotFound), isPg && pgErr.Code == "P0002":
		return "not found"
	case errors.Is(err, rivertype.ErrJobRunning):
		return "refused"
	case isPg && pgErr.Code == "23505", isPg && pgErr.Code == "55000":
		return "refused"
	case !isPg, isPg && pgErr.Code == "22023":
		return "invalid"
	default:
		return err.Error()
	}
}

// rows returns a table's rows with all columns.
func (b *bench) rows(t *testing.T, table, order string, start time.Time) []map[string]any {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), fmt.Sprintf("select to_jsonb(x)::text from %s x order by %s", b.table(table), order))
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	list := make([]map[string]any, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &list[i]); err != nil {
			t.Fatal(err)
		}
		for column, v := range list[i] {
			if strings.HasSuffix(column, "_at") {
				list[i][column] = sinceStart(v, start)
			}
		}
		if m, ok := list[i]["metadata"].(map[string]any); ok && m["cancel_attempted_at"] != nil {
			m["cancel_attempted_at"] = sinceStart(m["cancel_attempted_at"], start)
		}
	}
	return list
}

// sinceStart returns "now" for an RFC 3339 time after start, and otherwise the time in UTC.
func sinceStart(v any, start time.Time) any {
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	switch {
	case err != nil:
		return v
	case !at.Before(start.Add(-time.Second)) && at.Before(start.Add(time.Minute)):
		return "now"
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// heard returns the notices received so far.
func (b *bench) heard(t *testing.T) (list []string) {
	t.Helper()
	do(t, b.pool, "notify done")
	for {
		n, err := b.ear.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n.Channel == "done" {
			slices.Sort(list)
			return list
		}
		list = append(list, strings.TrimPrefix(n.Channel, b.schema+".")+" "+n.Payload)
	}
}

// differs returns the differences of two outcomes, or "". In addition to River's notices, only those in added are
// allowed.
func differs(river, ours outcome, added []string) string {
	var text []string
	if len(river.Rows) != len(ours.Rows) {
		return fmt.Sprintf("%d rows, River has %d", len(ours.Rows), len(river.Rows))
	}
	for i := range river.Rows {
		for _, column := range slices.Sorted(maps.Keys(river.Rows[i])) {
			want, _ := json.Marshal(river.Rows[i][column])
			got, _ := json.Marshal(ours.Rows[i][column])
			if string(want) != string(got) {
				text = append(text, fmt.Sprintf("row %v, %s: %s, River has %s", river.Rows[i]["id"], column, got, want))
			}
		}
	}
	want := slices.Sorted(slices.Values(slices.Concat(river.Notices, added)))
	if got := slices.Sorted(slices.Values(ours.Notices)); !slices.Equal(got, want) {
		text = append(text, fmt.Sprintf("notices %q, River and the additions have %q", got, want))
	}
	if refused := river.Refused; !slices.Equal(refused, ours.Refused) {
		text = append(text, fmt.Sprintf("refused %q, River %q", ours.Refused, refused))
	}
	return strings.Join(text[:min(len(text), 10)], "\n")
}
