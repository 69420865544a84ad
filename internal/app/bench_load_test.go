package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/config"
	"github.com/backlist/backlist/internal/crowd"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/testdb"
)

// TestLoadCoversTheRoutes: bench load visits nearly all of the routes. A new route belongs in crowd.SiteMix, or, with a reason, in
// the routes that it leaves out.
func TestLoadCoversTheRoutes(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/none") // does not connect
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	site, err := (&program{cfg: config.Config{SecretKey: "only for a test"}}).site(pool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := crowd.SiteMix().Covers(site.Handler().(chi.Routes)); err != nil {
		t.Error(err)
	}
	router := chi.NewRouter()
	router.Get("/new", nil)
	if err := crowd.SiteMix().Covers(router); err == nil || !strings.Contains(err.Error(), "does not visit GET /new") || !strings.Contains(err.Error(), "has no GET /books") {
		t.Errorf("another router: %v", err)
	}
}

// TestBenchLoadInShort makes a small site, finds it again, and offers a modest load to it, of which every request must be
// answered and every job done.
func TestBenchLoadInShort(t *testing.T) {
	t.Parallel()
	var report crowd.LoadReport
	plot := filepath.Join(t.TempDir(), "load.svg")
	benchInShort(t, self(t), &report, "load", "--books", "1000", "--readers", "200", "--ratings", "1500", "--rate", "900", "--duration", "5s", "--plot", plot)
	if report.All.Requests < 60 || report.All.Errors != 0 || report.Search.Requests == 0 || report.Mails == 0 || report.Size.Readers != 200 {
		t.Errorf("%d requests, %d failed, %d searches, %d mails", report.All.Requests, report.All.Errors, report.Search.Requests, report.Mails)
	}
	if len(report.Routes) < 50 || len(report.Jobs) < 2 || len(report.Processes) != 2 || len(report.BySecond) != 5 || len(report.Targets) != 4 {
		t.Errorf("%d routes, %d kinds, %d processes, %d seconds", len(report.Routes), len(report.Jobs), len(report.Processes), len(report.BySecond))
	}
	for _, p := range report.Processes {
		if p.Memory.Peak < 1 {
			t.Errorf("%s: %+v", p.Name, p.Memory)
		}
	}
	if image, err := os.ReadFile(plot); err != nil || !strings.HasPrefix(string(image), "<svg") {
		t.Errorf("the plot: %v, %.20q", err, image)
	}
}

// TestLoadRefusesReaders: a load test does not run beside readers, and leaves nothing on their server.
func TestLoadRefusesReaders(t *testing.T) {
	t.Parallel()
	server := &benchServer{url: testdb.NewURL(t)}
	if err := server.refuseReaders(t.Context()); err != nil {
		t.Errorf("without readers: %v", err)
	}
	pool := openPool(t, server.url)
	add := func(email string) {
		if _, err := pool.Exec(t.Context(), "insert into reader (email, email_key, name, password_hash) values ($1, $1, 'Odo', '')", email); err != nil {
			t.Fatal(err)
		}
	}
	add("odo@readers.example")
	if err := server.refuseReaders(t.Context()); err != nil {
		t.Errorf("with invented readers: %v", err)
	}
	add("odo@backlist.org")
	if _, err := (&program{}).loadSite(t.Context(), server, demo.Size{Books: 1000, Readers: 100, Ratings: 1000}); !errors.Is(err, errRealReaders) {
		t.Errorf("with a reader: %v", err)
	}
}
