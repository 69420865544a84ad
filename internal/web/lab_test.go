package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/lab"
	"github.com/backlist/backlist/internal/live"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/site"
	"github.com/backlist/backlist/internal/testdb"
)

// labSite is a site whose lab has real runs, but no worker.
type labSite struct {
	*testSite
	pool *pgxpool.Pool
	lab  *lab.Lab
}

func newLab(t *testing.T, dev bool) *labSite {
	t.Helper()
	s := &labSite{testSite: newSite(t), pool: testdb.New(t)}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	s.server = &Server{
		DB: s.pool, Jobs: s.server.Jobs, Hasher: reader.NewHasher(), Hub: live.NewHub(log), Log: log, Secret: "a secret for tests",
		Address: site.NewAddress("http://example.com"), Dev: dev, RequestTime: time.Minute,
	}
	s.lab = lab.New(lab.Config{DB: s.pool, Jobs: s.server.Jobs, Log: slog.New(slog.DiscardHandler), Dev: dev})
	t.Cleanup(s.lab.Close)
	s.server.OpenLab(s.lab)
	return s
}

// ran records a run that has ended, or that runs in another process.
func (s *labSite) ran(id string, running bool) {
	s.t.Helper()
	_, err := s.pool.Exec(s.t.Context(), `insert into lab_run (id, experiment, reader_id, started_by, ended_at, doing, result)
		select $1, 'inline-or-background', id, 'Ben', case when not $2 then now() end, 'It is being done.', $3 from reader limit 1`,
		id, running, `{"sentences": ["It took 7 ms."], "groups": [{"title": "Inline", "marks": [{"at": 7, "text": "the response ends"}],
			"lanes": [{"name": "request", "bars": [{"look": "request", "from": 0, "to": 7}]}]}],
			"statements": [{"title": "Both", "sql": "select '<b>'", "head": ["a"], "rows": [["1"]]}]}`)
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *labSite) role(role string) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), `insert into operator (reader_id, role, added_by) select id, $1, 'a test' from reader
		on conflict (reader_id) do update set role = excluded.role`, role); err != nil {
		s.t.Fatal(err)
	}
}

// signIn creates an account and signs it in.
func (s *labSite) signIn() {
	s.t.Helper()
	s.post("/signup", url.Values{"name": {"Ann"}, "email": {s.email("Ann")}, "password": {"a long password"}}).leadsTo("/")
}

// TestLabInDev: the lab is open to everyone. Without an account to work on, and while an experiment runs, a sentence says so.
func TestLabInDev(t *testing.T) {
	t.Parallel()
	s := newLab(t, true)
	s.get("/lab").wants(200, "Everyone tells this story", "Inline or in the background")
	s.get("/lab/inline-or-background").wants(200, "Send both requests", "an invented reader’s account", "inline does all of it before it answers")
	s.post("/lab/inline-or-background", nil).wants(409, "No reader has rated a book yet")
	s.signIn()
	s.get("/lab/inline-or-background").wants(200, "your own account")
	s.ran("RUNNING", true)
	s.get("/lab/inline-or-background/RUNNING").wants(200, "It is being done.", "Reload the page", "It took 7 ms.", "by Ben", "select '<b>'")
	for range 2 { // started twice
		s.post("/lab/inline-or-background", nil).wants(409, "“Inline or in the background”, which Ben started just now, still runs.", "Watch it")
	}
}

// TestLabAddresses: experiments and results that do not exist are not found, and a sentence says why.
func TestLabAddresses(t *testing.T) {
	t.Parallel()
	s := newLab(t, true)
	s.signIn()
	s.ran("DONE", false)
	s.get("/lab/inline-or-background/DONE").wants(200, "It took 7 ms.", "the response ends")
	if _, err := s.pool.Exec(t.Context(), "update lab_run set started_at = now() - interval '8 d'"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"DONE", "done", "X", "%00", "%F0%9F", strings.Repeat("A", 5000), "DONE/events", "'"} {
		s.get("/lab/inline-or-background/"+id).wants(404, "There is no such result", "kept for a week")
	}
	for _, slug := range []string{"unknown", "%00", "..%2f"} {
		s.get("/lab/"+slug).wants(404, "There is no such experiment")
		s.post("/lab/"+slug, nil).wants(404, "There is no such experiment")
	}
}

// TestLabInProduction: visitors sign in, readers find nothing, viewers look, operators act.
func TestLabInProduction(t *testing.T) {
	t.Parallel()
	s := newLab(t, false)
	s.get("/lab").leadsTo("/signin?next=%2Flab")
	s.post("/lab/inline-or-background", nil).leadsTo("/signin?next=%2F")
	s.signIn()
	s.ran("DONE", false)
	paths := []string{"/lab", "/lab/inline-or-background", "/lab/inline-or-background/DONE"}
	for _, path := range append(paths, "/lab/inline-or-background/DONE/events") {
		s.get(path).wants(404)
	}
	s.post("/lab/inline-or-background", nil).wants(404)
	s.role("viewer")
	for _, path := range paths {
		s.get(path).wants(200)
	}
	s.post("/lab/inline-or-background", nil).wants(403, "You may look, but not start experiments")
	s.role("operator")
	s.ran("RUNNING", true)
	s.post("/lab/inline-or-background", nil).wants(409, "still runs")
	s.server.lab = nil
	s.get("/lab").wants(404)
}

// TestLabStream: the stream of a run sends its results at once and whenever they grow.
func TestLabStream(t *testing.T) {
	t.Parallel()
	s := newLab(t, true)
	s.signIn()
	s.ran("RUNNING", true)
	ctx, stop := context.WithCancel(t.Context())
	go s.server.Listen(ctx, s.pool.Config().ConnConfig)
	server := httptest.NewServer(s.server.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(stop)
	t.Cleanup(s.server.Stop)
	res, err := http.Get(server.URL + "/lab/inline-or-background/RUNNING/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	part := make([]byte, 1<<16)
	read := func(want string) {
		t.Helper()
		var text strings.Builder
		for !strings.Contains(text.String(), want) {
			n, err := res.Body.Read(part)
			if err != nil {
				t.Fatalf("%v after %s", err, text.String())
			}
			text.Write(part[:n])
		}
	}
	read(`data-running="true"`)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // until Listen listens to its last channel
		var listens bool
		err := s.pool.QueryRow(t.Context(), `select exists (select from pg_stat_activity where datname = current_database() and query = 'listen "lab"' and state = 'idle')`).Scan(&listens)
		if err != nil || time.Now().After(end) {
			t.Fatal("nothing listens:", err)
		}
		if listens {
			break
		}
	}
	if _, err := s.pool.Exec(t.Context(), "update lab_run set ended_at = now(), doing = ''; "); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), "select pg_notify($1, 'RUNNING')", lab.Channel); err != nil {
		t.Fatal(err)
	}
	read(`data-running="false"`)
}
