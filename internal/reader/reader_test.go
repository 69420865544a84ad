package reader

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// bundle is a transaction with one reader in it.
type bundle struct {
	tx   pgx.Tx
	jobs *work.Client
	odo  store.Reader
}

// noHash is a password hash for tests that do not sign in.
const noHash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func setup(t *testing.T) bundle {
	t.Helper()
	tx := testdb.Tx(t)
	jobs, err := work.NewInserter(nil, work.Options{Schema: "river", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := SignUp{Name: "Odo", Email: "Odo@Example.com", Password: "eight letters"}.Check()
	if err != nil {
		t.Fatal(err)
	}
	odo, err := Create(t.Context(), tx, jobs, s, noHash)
	if err != nil {
		t.Fatal(err)
	}
	return bundle{tx, jobs, odo}
}

// exec runs sql for what the package has no function for, such as letting time pass.
func (b bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.tx.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (b bundle) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := b.tx.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCreate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if b.odo.Email != "Odo@Example.com" || b.odo.EmailKey != "odo@example.com" || !b.odo.MailReady {
		t.Errorf("stored as %+v", b.odo)
	}
	if n := b.count(t, "select count(*) from message where reader_id = $1 and kind = 'welcome' and to_address = $2", b.odo.ID, b.odo.Email); n != 1 {
		t.Errorf("%d welcome messages", n)
	}
	if n := b.count(t, `select count(*) from river.river_job j join message m on j.args = jsonb_build_object('message_id', m.id)
		where j.kind = 'deliver_mail' and m.reader_id = $1`, b.odo.ID); n != 1 {
		t.Errorf("%d delivery jobs", n)
	}
}

func TestCreateTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, email := range []string{"odo@example.com", "ODO@EXAMPLE.COM", " odo@example.com ", "ｏｄｏ@example.com"} {
		s, err := SignUp{Name: "Another", Email: email, Password: "nine letters", Quiet: true}.Check()
		if err != nil {
			t.Fatal(err)
		}
		_, err = Create(t.Context(), b.tx, b.jobs, s, noHash)
		if v, ok := errors.AsType[form.Invalid](err); !ok || v["email"] == "" {
			t.Errorf("%q: %v", email, err)
		}
	}
	// The transaction is still usable, and the failed attempts changed nothing.
	if n := b.count(t, "select count(*) from message where created_at >= now()"); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestByEmail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, email := range []string{"Odo@Example.com", "odo@example.com", "\todo@EXAMPLE.com "} {
		if r, err := ByEmail(t.Context(), b.tx, email); err != nil || r.ID != b.odo.ID {
			t.Errorf("%q: %d, %v", email, r.ID, err)
		}
	}
	for _, email := range []string{"", "odo", "odo@example.com\x00", "odo@\xff.com", strings.Repeat("o", 10_000) + "@example.com"} {
		if _, err := ByEmail(t.Context(), b.tx, email); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%.20q: %v", email, err)
		}
	}
	if r, err := ByID(t.Context(), b.tx, b.odo.ID); err != nil || r.Name != "Odo" {
		t.Errorf("by id: %+v, %v", r, err)
	}
	if _, err := ByID(t.Context(), b.tx, -1); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("by an unknown id: %v", err)
	}
}
