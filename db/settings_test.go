package db_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
)

// hostile are values that break our statements.
var hostile = map[string]string{
	"default_transaction_isolation":       "serializable",
	"default_transaction_read_only":       "on",
	"statement_timeout":                   "50ms",
	"lock_timeout":                        "50ms",
	"idle_in_transaction_session_timeout": "50ms",
	"idle_session_timeout":                "20s",
	"search_path":                         "elsewhere",
	"row_security":                        "off",
	"DateStyle":                           "German",
	"IntervalStyle":                       "iso_8601",
	"bytea_output":                        "escape",
	"extra_float_digits":                  "-5",
	"client_encoding":                     "LATIN1",
	"standard_conforming_strings":         "off",
}

// TestSettings: a setting of a role or database is found on a plain connection, is overridden by Rely, and is fixed by
// the statement in the error.
func TestSettings(t *testing.T) {
	t.Parallel()
	for name, value := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := testdb.NewEmptyURL(t)
			setInDatabase(t, url, name, value)
			misfits := misfitsOf(t, session(t, url))
			if len(misfits) != 1 || misfits[0].Name != name || !strings.HasPrefix(misfits[0].Where, "database t_") || misfits[0].ByServer {
				t.Fatalf("%s = %s: %+v", name, value, misfits)
			}
			if got := misfitsOf(t, session(t, url, db.Rely)); len(got) > 0 {
				t.Errorf("after Rely: %+v", got)
			}
			writable := func(cfg *pgx.ConnConfig) { cfg.RuntimeParams["default_transaction_read_only"] = "off" }
			conn := session(t, url, writable)
			if _, err := conn.Exec(t.Context(), misfits[0].Fix); err != nil {
				t.Fatalf("%s: %v", misfits[0].Fix, err)
			}
			if got := misfitsOf(t, session(t, url)); len(got) > 0 {
				t.Errorf("after %s: %+v", misfits[0].Fix, got)
			}
		})
	}
}

// TestAcceptableSettings: values other than ours that work too.
func TestAcceptableSettings(t *testing.T) {
	t.Parallel()
	url := testdb.NewEmptyURL(t)
	for name, value := range map[string]string{
		"statement_timeout": "30s", "lock_timeout": "1min", "DateStyle": "ISO, DMY", "extra_float_digits": "3",
		"search_path": `"$user", public`, "TimeZone": "Asia/Kathmandu", "jit": "on",
	} {
		setInDatabase(t, url, name, value)
	}
	if got := misfitsOf(t, session(t, url)); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// TestSettingsOfTheURL: a setting in the URL stays, in any spelling, and is checked.
func TestSettingsOfTheURL(t *testing.T) {
	t.Parallel()
	url := testdb.NewEmptyURL(t) + "&"
	if !strings.Contains(url, "?") {
		url = strings.TrimSuffix(url, "&") + "?"
	}
	for _, c := range []struct{ params, name string }{
		{"statement_timeout=700", "statement_timeout"},
		{"Statement_Timeout=700", "statement_timeout"},
		{"options=-c%20statement_timeout%3D700", "statement_timeout"},
		{"options=-clock_timeout%3D700%20--statement-timeout%3D60000", "lock_timeout"},
		{"datestyle=SQL", "DateStyle"},
	} {
		got := misfitsOf(t, session(t, url+c.params, db.Rely))
		if len(got) != 1 || got[0].Name != c.name || !strings.Contains(got[0].Fix, "out of DATABASE_URL") {
			t.Errorf("%s: %+v", c.params, got)
		}
	}
	if got := session(t, url+"timezone=Asia/Tokyo", db.Rely).PgConn().ParameterStatus("TimeZone"); got != "Asia/Tokyo" {
		t.Errorf("the URL's time zone became %s", got)
	}
}

// TestSettingsForEveryServer: each setting has a hostile value here, unless every value is fine. A setting that only
// newer servers know is set after connecting.
func TestSettingsForEveryServer(t *testing.T) {
	t.Parallel()
	cfg, err := pgx.ParseConfig("postgres://user@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	before := maps.Clone(cfg.RuntimeParams)
	db.Rely(cfg)
	for name := range cfg.RuntimeParams {
		if _, ok := before[name]; !ok && hostile[name] == "" && !slices.Contains([]string{"TimeZone", "jit"}, name) {
			t.Errorf("no test sets %s to another value", name)
		}
	}
	if cfg.RuntimeParams["transaction_timeout"] != "" || cfg.AfterConnect == nil {
		t.Error("transaction_timeout must be set only when the server's version is known")
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	good := db.Server{Product: "PostgreSQL", Major: 15, Encoding: "UTF8"}
	for want, spoil := range map[error]func(*db.Server){
		nil:               func(s *db.Server) { s.Major, s.Maintenance = 19, true },
		db.ErrNotPostgres: func(s *db.Server) { s.Product = "CockroachDB" },
		db.ErrVersion:     func(s *db.Server) { s.Major = 14 },
		db.ErrReplica:     func(s *db.Server) { s.Replica = true },
		db.ErrEncoding:    func(s *db.Server) { s.Encoding = "SQL_ASCII" },
		db.ErrTemplate:    func(s *db.Server) { s.Template = true },
	} {
		s := good
		spoil(&s)
		if err := s.Check(); err != want {
			t.Errorf("%+v: %v, want %v", s, err, want)
		}
	}
	s, err := db.DescribeServer(t.Context(), session(t, testdb.NewEmptyURL(t)))
	if err != nil || s.Check() != nil || s.Major < 15 || !strings.HasPrefix(s.Database, "t_") {
		t.Errorf("%+v: %v", s, err)
	}
}

// session returns a connection to a database that is closed after the test.
func session(t *testing.T, url string, prepare ...func(*pgx.ConnConfig)) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range prepare {
		f(cfg)
	}
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func setInDatabase(t *testing.T, url, name, value string) {
	t.Helper()
	conn := session(t, url)
	database := pgx.Identifier{conn.Config().Database}.Sanitize()
	if name != "search_path" {
		value = "'" + value + "'"
	}
	if _, err := conn.Exec(t.Context(), "alter database "+database+" set "+name+" = "+value); err != nil {
		t.Fatal(err)
	}
}

func misfitsOf(t *testing.T, conn *pgx.Conn) []db.Misfit {
	t.Helper()
	misfits, err := db.Misfits(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return misfits
}
