package reader

import (
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// account inserts an account that cannot sign in, and returns its id.
func (b bundle) account(t *testing.T, email string) (id int64) {
	t.Helper()
	const sql = "insert into reader (email, email_key, name, password_hash) values ($1, $1, 'Ada', '-') returning id"
	if err := b.tx.QueryRow(t.Context(), sql, email).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOperators(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	ada := b.account(t, "ada@example.com")
	add := func(email string, role, want Role, wantErr error) {
		t.Helper()
		if got, err := AddOperator(ctx, b.tx, email, role, "a test"); got != want || !errors.Is(err, wantErr) {
			t.Errorf("%s as %q: %q, %v, want %q, %v", email, role, got, err, want, wantErr)
		}
	}
	remove := func(email string, want error) {
		t.Helper()
		if err := RemoveOperator(ctx, b.tx, email); !errors.Is(err, want) {
			t.Errorf("remove %s: %v, want %v", email, err, want)
		}
	}
	last := func(want bool) {
		t.Helper()
		if sum, err := DeletionSummary(ctx, b.tx, b.odo.ID); err != nil || sum.LastOperator != want {
			t.Errorf("last operator: %t, %v", sum.LastOperator, err)
		}
	}
	add("unknown@example.com", RoleOperator, RoleNone, pgx.ErrNoRows)
	remove("unknown@example.com", pgx.ErrNoRows)
	remove("odo@example.com", ErrNoRole)
	last(false)

	add("ODO@example.com", RoleNone, RoleViewer, nil) // the safe default
	remove("odo@example.com", nil)                    // no operator is lost
	add("odo@example.com", RoleOperator, RoleOperator, nil)
	add("odo@example.com", RoleNone, RoleOperator, nil) // keeps the role
	last(true)
	add("odo@example.com", RoleViewer, RoleNone, ErrLastOperator)
	remove("odo@example.com", ErrLastOperator)
	add("ada@example.com", RoleViewer, RoleViewer, nil)
	remove("odo@example.com", ErrLastOperator) // a viewer does not count

	list, err := Operators(ctx, b.tx)
	if err != nil || len(list) != 2 || list[0].Email != "Odo@Example.com" || list[0].Role != RoleOperator || list[0].AddedBy != "a test" ||
		list[1].Email != "ada@example.com" || list[1].Role != RoleViewer || list[1].AddedAt.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	add("ada@example.com", RoleOperator, RoleOperator, nil)
	last(false)
	add("odo@example.com", RoleViewer, RoleViewer, nil)
	remove("odo@example.com", nil)
	if err := Delete(ctx, b.tx, ada); err != nil { // allowed for the last operator too
		t.Fatal(err)
	}
	if n := b.count(t, "select count(*) from operator"); n != 0 {
		t.Errorf("%d roles are left", n)
	}
}

// TestRolesUnderConcurrency: a change of roles waits for another one and for acts, and sees what they did.
func TestRolesUnderConcurrency(t *testing.T) {
	t.Parallel()
	pool, ctx := testdb.New(t), t.Context()
	const setUp = `with r as (
		insert into reader (email, email_key, name, password_hash) select e, e, 'Ada', '-' from unnest(array['a@x.example', 'b@x.example']) e
		returning id
	) insert into operator (reader_id, role, added_by) select id, 'operator', 'a test' from r returning reader_id`
	rows, err := pool.Query(ctx, setUp)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	var token string
	inTx := func(fn func(tx pgx.Tx) error) error { return pgx.BeginFunc(ctx, pool, fn) }
	remove := func(email string) func(tx pgx.Tx) error {
		return func(tx pgx.Tx) error { return RemoveOperator(ctx, tx, email) }
	}
	add := func(email string) {
		t.Helper()
		err := inTx(func(tx pgx.Tx) error {
			_, err := AddOperator(ctx, tx, email, RoleOperator, "a test")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err = inTx(func(tx pgx.Tx) (err error) {
		token, err = StartSession(ctx, tx, ids[1])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var held Session
	hold := func(tx pgx.Tx) (err error) {
		held, err = HoldRole(ctx, tx, token)
		return err
	}

	// Two removals: the second finds itself the last.
	if first, second := oneThenOther(t, pool, remove("a@x.example"), remove("b@x.example")); first != nil || !errors.Is(second, ErrLastOperator) {
		t.Errorf("two removals: %v, %v", first, second)
	}
	add("a@x.example")
	// A removal waits for an act.
	if first, second := oneThenOther(t, pool, hold, remove("b@x.example")); first != nil || second != nil || held.Role != RoleOperator {
		t.Errorf("an act, then a removal: %v, %v, role %q", first, second, held.Role)
	}
	add("b@x.example")
	// An act waits for a removal, and has no right afterwards.
	if first, second := oneThenOther(t, pool, remove("b@x.example"), hold); first != nil || second != nil || held.Role != RoleNone {
		t.Errorf("a removal, then an act: %v, %v, role %q", first, second, held.Role)
	}
	add("b@x.example")
	// The end of the session waits for an act.
	end := func(tx pgx.Tx) error { return EndSession(ctx, tx, token) }
	if first, second := oneThenOther(t, pool, hold, end); first != nil || second != nil || held.Role != RoleOperator {
		t.Errorf("an act, then a sign-out: %v, %v, role %q", first, second, held.Role)
	}
	if err := inTx(hold); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("an act after the sign-out: %v", err)
	}
}

// oneThenOther runs first in a transaction that commits when the transaction of second waits for it.
func oneThenOther(t *testing.T, pool *pgxpool.Pool, first, second func(tx pgx.Tx) error) (firstErr, secondErr error) {
	t.Helper()
	ctx := t.Context()
	ended := make(chan error, 1)
	firstErr = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := first(tx); err != nil {
			ended <- nil
			return err
		}
		go func() { ended <- pgx.BeginFunc(ctx, pool, second) }()
		const sql = "select exists (select from pg_stat_activity where $1::int = any (pg_blocking_pids(pid)))"
		for waits := false; !waits; {
			if len(ended) > 0 {
				return errors.New("the second transaction did not wait for the first")
			}
			if err := pool.QueryRow(ctx, sql, int32(tx.Conn().PgConn().PID())).Scan(&waits); err != nil {
				return err
			}
		}
		return nil
	})
	return firstErr, <-ended
}

// TestOperatorMigration: the roles that earlier releases gave are kept.
func TestOperatorMigration(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	migration, err := os.ReadFile("../../db/migrations/023_operator.sql")
	if err != nil {
		t.Fatal(err)
	}
	const earlier = `drop table operator;
		insert into reader (email, email_key, name, password_hash, role)
		select role || '@x.example', role || '@x.example', role, '-', role from unnest(array['operator', 'viewer', 'reader']) role;`
	if _, err := pool.Exec(t.Context(), earlier+string(migration)); err != nil {
		t.Fatal(err)
	}
	list, err := Operators(t.Context(), pool)
	if err != nil || len(list) != 2 || list[0].Email != "operator@x.example" || list[0].Role != RoleOperator ||
		list[1].Email != "viewer@x.example" || list[1].Role != RoleViewer {
		t.Errorf("%+v, %v", list, err)
	}
}
