package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/console"
)

// TestLongSearches: while every search would take minutes, pages are shown and say so, a preview ends with a sentence, and a second
// export waits for no connection.
func TestLongSearches(t *testing.T) {
	t.Parallel()
	s := jobSite(t)
	s.exec(`create or replace function jobs.redact(value jsonb, marked text[] default '{}') returns jsonb language plpgsql immutable as $$
		begin perform pg_advisory_xact_lock_shared(7); return value; end $$`)
	lock, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "select pg_advisory_xact_lock(7)"); err != nil {
		t.Fatal(err)
	}
	export := make(chan int, 1)
	go func() {
		status, _ := s.get("/console/jobs.csv?q=args.to:7")
		export <- status
	}()
	preview := make(chan string, 1)
	go func() {
		_, body := s.get("/console/jobs/act?act=retry&all=yes&q=args.to:7+state:discarded")
		preview <- body
	}()
	s.has("/console/jobs?q=args.to:7", http.StatusOK, "The search took too long and was ended", "Counting …", `value="args.to:7"`)
	s.has("/console/jobs/suggest?q=kind:s&at=6", http.StatusOK, `"send"`)
	if body := <-preview; !strings.Contains(body, "took longer than we allow") {
		t.Errorf("the preview says:\n%s", body)
	}
	for one[bool](s, `select not exists (select from pg_stat_activity where datname = current_database() and wait_event = 'advisory')`) {
	}
	s.has("/console/jobs.csv?q=args.to:7", http.StatusServiceUnavailable, "Another export is running")
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status := <-export; status != http.StatusOK {
		t.Errorf("the first export: %d", status)
	}
}

// TestStreamOfNothing: a page without panels is not kept current, because nothing would end its stream.
func TestStreamOfNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.has("/console/events/jobs?q=kin:x", http.StatusNoContent)
	if body := s.has("/console/jobs?q=kin:x", http.StatusUnprocessableEntity); strings.Contains(body, "/console/events/") {
		t.Error("the page opens a stream")
	}
}

// TestSignedOutStream: an open page ends when its session has ended.
func TestSignedOutStream(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	await := s.open("/console/events/workers")
	if !await("No worker is alive") {
		t.Fatal("the stream did not begin with the panels")
	}
	s.people.set(func(p *console.Person) { *p = console.Person{SignedIn: time.Now()} })
	if await("no event has this text") {
		t.Error("the stream goes on without a session")
	}
}
