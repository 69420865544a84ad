package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/record"
)

// TestRequestsThatEnqueueAreKept: a request that enqueues jobs is recorded with its route, steps and jobs. A request that only
// reads or that is rolled back is not. The last ones are written when the process stops.
func TestRequestsThatEnqueueAreKept(t *testing.T) {
	t.Parallel()
	cfg, err := pgxpool.ParseConfig(testdb.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.Tracer = trace.Queries{}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := newSite(t)
	workers := work.NewWorkers()
	work.AddWorker(workers, &recommend.ReaderWorker{})
	work.AddWorker(workers, &mail.DeliverWorker{})
	o := work.Options{Schema: "river", Log: s.server.Log, Workers: workers, Process: "web.1", Release: "v7"}
	s.server.DB, s.server.Requests = pool, record.NewRequests(pool, o.Recording())
	if s.server.Jobs, err = work.NewInserter(pool, o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.server.Requests.Run(ctx)
	}()
	kept := func(where string) (n int) {
		if err := pool.QueryRow(t.Context(), "select count(*) from work.request where "+where).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}

	s.header.Set("X-Request-Id", "the-sign-up")
	s.post("/signup", url.Values{"name": {"Odo"}, "email": {s.email("odo")}, "password": {"a long password"}}).leadsTo("/")
	answered := time.Now()
	for kept("id = 'the-sign-up'") == 0 {
		if time.Since(answered) > time.Minute {
			t.Fatal("the request is not recorded after a minute")
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
	for _, sql := range []string{
		"method = 'POST' and route = '/signup' and status = 303 and process = 'web.1' and release = 'v7'",
		"jobs = (select array_agg(id) from river.river_job where kind = 'deliver_mail' and metadata ->> 'request_id' = 'the-sign-up')",
		"exists (select from jsonb_array_elements(steps) s where s ->> 'name' = 'transaction' and (s ->> 'queries')::int >= 4)",
	} {
		if kept(sql) != 1 {
			t.Errorf("not true: %s", sql)
		}
	}

	var book int64
	if err := pool.QueryRow(t.Context(), "insert into book (title) values ('Middlemarch') returning id").Scan(&book); err != nil {
		t.Fatal(err)
	}
	rate := fmt.Sprintf("/books/%d/rating", book)
	s.server.TasteChange = func(ctx context.Context, db pipeline.DB, jobs *work.Client, readerID int64, _ ...func(pgx.Tx) error) error {
		return recommend.Change(ctx, db, jobs, readerID, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "select 1 / 0")
			return errors.Join(err, errors.New("boom"))
		})
	}
	s.header.Set("X-Request-Id", "rolled-back")
	s.post(rate, url.Values{"stars": {"4"}}).wants(http.StatusInternalServerError)
	s.header.Set("X-Request-Id", "only-reading")
	s.get("/").wants(http.StatusOK)
	s.server.TasteChange = nil
	s.header.Set("X-Request-Id", "the-last-one")
	s.post(rate, url.Values{"stars": {"4"}}).wants(http.StatusSeeOther)
	cancel()
	<-ended
	if kept("id = 'the-last-one' and route = '/books/{id}/rating' and cardinality(jobs) = 1") != 1 || kept("true") != 2 {
		t.Errorf("%d requests are recorded, want the first and the last", kept("true"))
	}
}
