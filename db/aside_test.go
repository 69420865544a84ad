package db_test

import "testing"

// TestAside: what is aside is in no finding, in no wait target and not in the inbox of errors, while the same of another kind is.
func TestAside(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	const found = "select coalesce(string_agg(concat_ws(' ', code, subject), ', ' order by code, subject), '') from jobs.finding where subject in ('lab', 'try', 'f9')"
	do(t, tx, `
		insert into work.kind (kind, opts) values ('try', '{"queue": "lab"}'), ('odd', '{"aside": "odd"}');
		insert into river.river_queue (name, updated_at) values ('lab', now());
		insert into river.river_job (kind, queue, state, max_attempts, args, scheduled_at)
			values ('try', 'lab', 'available', 3, '{}', now() - interval '1 h');
		insert into work.error (fingerprint, message, first_seen_at, last_seen_at, resolved_at, first_release, last_release)
			values ('f9', 'on purpose', now(), now(), now() - interval '1 h', 'v1', 'v1');
		insert into work.error_hour (fingerprint, hour, kind, release, attempts) values ('f9', date_trunc('hour', now()), 'try', 'v1', 2);
		insert into work.minute (minute, queue, kind, completed, failed, discarded, wait, run, wait_s, run_s)
			select date_trunc('minute', now()) - interval '2 min', 'lab', 'try', 10, 90, 0, array_fill(0, array[26]), array_fill(0, array[26]), 0, 0;
		select * from jobs.set_wait_target('lab', '1 s')`)
	if got, want := ask(t, tx, found), "error_regressed f9, kind_fails try, kind_unknown try, queue_unattended lab, target_spent lab"; got != want {
		t.Errorf("findings %s, want %s", got, want)
	}
	do(t, tx, `update work.kind set opts = opts || '{"aside": ["lab", "lab_own"]}' where kind = 'try'`)
	for _, c := range []struct{ sql, want string }{
		{"select string_agg(kind || queue, ' ' order by queue) from jobs.aside", "trylab trylab_own"},
		{found, ""},
		{"select string_agg(fingerprint || aside, ' ' order by fingerprint) from jobs.error", "f1false f9true"},
		{"select count(*) from jobs.wait_target", "0"},
	} {
		if got := ask(t, tx, c.sql); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.sql, got, c.want)
		}
	}
	if code := fails(t, tx, "select * from jobs.set_wait_target('lab', '2 s')").Code; code != "22023" {
		t.Errorf("a wait target was set: %q", code)
	}
	if got := ask(t, tx, "select changed from jobs.clear_wait_target('lab')"); got != "true" {
		t.Errorf("an earlier target cannot be cleared: %s", got)
	}
	do(t, tx, "insert into work.error_hour (fingerprint, hour, kind, release, attempts) values ('f9', date_trunc('hour', now()), 'count', 'v1', 1)")
	if got := ask(t, tx, "select aside from jobs.error where fingerprint = 'f9'"); got != "false" {
		t.Error("an error that another kind has too is aside")
	}
}
