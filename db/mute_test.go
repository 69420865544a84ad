package db_test

import (
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// TestMuteEnds: a mute ends at its time, or when an attempt that ended after it has the error.
func TestMuteEnds(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	do(t, tx, `insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release)
		values ('f1', 'no', now() - interval '1 h', now() - interval '1 h', 'v1', 'v1')`)
	const state = "select concat_ws(' ', muted, muted_by is not null, muted_reason, muted_until - now(), muted_until_seen) from jobs.error"
	for _, step := range []struct{ sql, want string }{
		{"select jobs.mute('f1', 'known', now() + interval '1 h')", "t t known 01:00:00 f"},
		{"update work.error set muted_until = now()", "f f f"},
		{"select jobs.mute('f1', until_seen => true)", "t t t"},
		{"update work.error set last_seen_at = now()", "t t t"}, // an attempt that ended before
		{"update work.error set last_seen_at = now() + interval '1 s'", "f f f"},
		{"select jobs.mute('f1')", "t t f"},
		{"select jobs.unmute('f1')", "f f f"},
	} {
		do(t, tx, step.sql)
		if got := ask(t, tx, state); got != step.want {
			t.Errorf("after %s: %q, want %q", step.sql, got, step.want)
		}
	}
	if got, want := ask(t, tx, "select after::text from jobs.audit order by id offset 1 limit 1"), `{"muted": true, "until_seen": true}`; got != want {
		t.Errorf("the audit has %s, want %s", got, want)
	}
}
