package reader_test

import (
	"testing"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertest"

	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/pilot"
)

// TestPrune: expired rows are deleted, others remain.
func TestPrune(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	_, err := tx.Exec(t.Context(), `
		with r as (insert into reader (email, email_key, name, password_hash) values ('prune@x.example', 'prune@x.example', 'P', '') returning id)
		insert into session (token_hash, reader_id, expires_at)
		select sha256('old'), id, now() - interval '1 s' from r union all select sha256('new'), id, now() + interval '1 d' from r`)
	if err != nil {
		t.Fatal(err)
	}
	w := rivertest.NewWorker(t, pilot.NewDriver(nil), &river.Config{Schema: "river"}, &reader.PruneWorker{DB: tx})
	if _, err := w.Work(t.Context(), t, tx, reader.PruneArgs{}, nil); err != nil {
		t.Fatal(err)
	}
	var left int
	var isNew bool
	if err := tx.QueryRow(t.Context(), "select count(*), bool_and(expires_at > now()) from session").Scan(&left, &isNew); err != nil {
		t.Fatal(err)
	}
	if left != 1 || !isNew {
		t.Errorf("%d sessions remain, all unexpired: %v", left, isNew)
	}
}
