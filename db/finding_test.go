package db_test

import "testing"

// TestKeptFindings: jobs.finding shows what maintenance has found, unless that is too old or an act has followed it.
func TestKeptFindings(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	const (
		kept  = `[{"rank": 1, "severity": "broken", "area": "workers", "code": "kept", "subject": "", "sentence": "It was so.", "advice": "", "page": "workers"}]`
		codes = "select count(*) filter (where code = 'kept') || ' of ' || count(*) from jobs.finding"
		now   = "select '0 of ' || count(*) from jobs.finding_now"
	)
	for _, c := range []struct{ do, want string }{
		{"update work.finding set at = now(), list = '" + kept + "'", "1 of 1"},
		{"update work.finding set at = now() - interval '16 s'", ask(t, tx, now)},
		{"update work.finding set at = now() - interval '14 s'; delete from work.audit", "1 of 1"},
		{"select jobs.mute('f1')", ask(t, tx, now)},
		{"update work.finding set at = now()", "1 of 1"},
		{"update work.finding set list = '[]'", "0 of 0"},
	} {
		do(t, tx, c.do)
		if got := ask(t, tx, codes); got != c.want {
			t.Errorf("after %s: %s, want %s", c.do, got, c.want)
		}
	}
	if ask(t, tx, now) == "0 of 0" {
		t.Error("the test needs a finding")
	}
}
