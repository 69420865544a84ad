package app

import (
	"strings"
	"testing"
)

// jobActs does what a job's page offers, and copies the job with other arguments.
func (c *testConsole) jobActs(t *testing.T) {
	c.exec(`insert into river.river_job (id, kind, queue, state, args, max_attempts, scheduled_at)
		values (900001, 'charge_card', 'billing', 'scheduled', '{"order_id": 1, "card_token": "4000-0566"}', 2, now() + interval '1 h')`)
	_, b := c.openFor(t, "operator")
	b.expect("status of 422")
	b.goTo("/console/jobs/900001")
	b.write(`$("#job-reason")`, "the customer asked")
	for _, act := range []struct{ button, did, state string }{
		{"Run now", "run now: job 900001", "available"},
		{"Snooze", "snooze: job 900001", "scheduled"},
		{"Cancel", "cancel: job 900001", "cancelled"},
		{"Retry", "retry: job 900001", "available"},
		{"Undo", "undo: job 900001", "cancelled"},
	} {
		b.press(act.button)
		b.sees(".acted", act.did)
		b.sees("#job\\.now", act.state)
	}
	b.sees("#job\\.audit", "the customer asked")

	b.press("Copy with other arguments…")
	b.wait("the form", `seen($("#copy-args"))`)
	args := get[string](b, `$("#copy-args").value`)
	if strings.Contains(args, "0566") {
		t.Errorf("the form shows a secret: %s", args)
	}
	bad := strings.Replace(args, "1", `"one"`, 1)
	b.write(`$("#copy-args")`, bad)
	b.press("Enqueue the copy")
	b.sees("#copy-problems", "order_id")
	if kept := get[string](b, `$("#copy-args").value`); kept != bad {
		t.Errorf("the form has %q instead of what was typed, %q", kept, bad)
	}
	b.write(`$("#copy-args")`, strings.Replace(args, "1", "17", 1))
	b.press("Enqueue the copy")
	b.sees("#job\\.audit", "of job 900001")
	b.sees("#job\\.args", "17")
}

// errorActs mutes an error until it is seen again and until a time, and marks it as fixed; it is seen again after each.
func (c *testConsole) errorActs(t *testing.T) {
	c.exec(`insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release)
		values ('parcels', 'no parcels today', now() - interval '2 h', now() - interval '1 h', 'v41', 'v41')`)
	seenAgain := func() { c.exec("update work.error set last_seen_at = now() where fingerprint = 'parcels'") }
	_, b := c.openFor(t, "operator")
	b.goTo("/console/errors")
	b.press("Mute no parcels today")
	b.sees(".acted", "mute: error parcels")
	b.wait("it to leave the inbox", `!$("#error-parcels")`)
	b.goTo("/console/errors?show=muted")
	b.sees("#error-parcels", "muted until seen again")
	seenAgain()
	b.wait("it to come back", `!$("#error-parcels")`)

	b.goTo("/console/errors/parcels")
	b.sees("#error\\.now", "open")
	get[bool](b, `$("#error-until").value = "2099-12-24T18:00", true`)
	b.press("Mute")
	b.wait("the time", `$("#error\\.now time[datetime^='2099-12-24T18:00']")`)
	b.press("Unmute")
	b.sees("#error\\.now", "open")
	b.press("Resolve")
	b.sees("#error\\.now", "resolved")
	seenAgain()
	b.sees("#error\\.now", "regressed")
}
