package record

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/pilot"
)

type requestArgs struct {
	N int `json:"n" river:"unique"`
}

func (requestArgs) Kind() string { return "test_request" }

// newInserter returns a client whose inserts are collected.
func newInserter(t *testing.T, pool *pgxpool.Pool) *river.Client[pgx.Tx] {
	t.Helper()
	client, err := river.NewClient(pilot.NewDriver(pool), &river.Config{
		Schema: "river", Middleware: []rivertype.Middleware{river.JobInsertMiddlewareFunc(Inserted)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// requesting returns a recorder, and a function that does what a handler does: it enqueues jobs in a transaction, which is
// committed unless outcome says otherwise.
func requesting(t *testing.T, pool *pgxpool.Pool) (*Requests, func(id string, jobs int, outcome error)) {
	t.Helper()
	o := Options{Schema: "river", Process: "web.1", Release: "v7", Log: newTestRecorder(t, nil, "").log}
	client := newInserter(t, pool)
	requests := NewRequests(pool, o)
	return requests, func(id string, jobs int, outcome error) {
		ctx, steps := trace.Start(t.Context())
		ctx, enqueued := Collect(ctx)
		began := time.Now()
		err := trace.Step(ctx, "transaction", func(context.Context) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				for n := range jobs {
					if _, err := client.InsertTx(ctx, tx, requestArgs{n}, nil); err != nil {
						return err
					}
				}
				return outcome
			})
		})
		if !errors.Is(err, outcome) {
			t.Error(err)
		}
		requests.Note(Request{
			ID: id, Method: "POST", Route: "/books/{id}/rating", Status: 303, Began: began, Ended: time.Now(), Enqueued: enqueued, Steps: steps,
		})
	}
}

// TestRequests: a request is written with the jobs that it enqueued, but not if it was rolled back or enqueued none.
func TestRequests(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	requests, request := requesting(t, pool)
	request("two-jobs", 2, nil)
	request("rolled-back", 2, errors.New("boom"))
	request("nothing", 0, nil)
	requests.flush(t.Context())
	if n := sum(t, pool, "select count(*) from work.request"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	for _, sql := range []string{
		"id = 'two-jobs' and method = 'POST' and route = '/books/{id}/rating' and status = 303 and release = 'v7' and process = 'web.1'",
		"jobs = (select array_agg(id order by id) from river.river_job) and cardinality(jobs) = 2 and stands_for = 1",
		"steps -> 0 ->> 'name' = 'transaction' and (steps -> 0 ->> 'ms')::float > 0",
		// The jobs' own time is that of the transaction's begin.
		"(select every(created_at between started_at - interval '10 ms' and ended_at) from river.river_job)",
		"ended_at > started_at and ended_at < clock_timestamp()",
	} {
		if sum(t, pool, "select count(*) from work.request where "+sql) != 1 {
			t.Errorf("it is not so that %s", sql)
		}
	}
}

// TestRequestsOfOneID: a client may send an id twice; the jobs of both requests are in one row.
func TestRequestsOfOneID(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	requests, request := requesting(t, pool)
	request("same", 1, nil)
	request("same", 2, nil)
	requests.flush(t.Context())
	request("same", 3, nil)
	requests.flush(t.Context())
	if n := sum(t, pool, "select cardinality(jobs) from work.request"); n != 6 {
		t.Errorf("%d jobs, want 6", n)
	}
	if _, err := pool.Exec(t.Context(), "update work.request set jobs = array(select generate_series(-1000, 0)::bigint)"); err != nil {
		t.Fatal(err)
	}
	request("same", 4, nil)
	requests.flush(t.Context())
	if n := sum(t, pool, "select cardinality(jobs) from work.request"); n != enqueuedMost {
		t.Errorf("%d jobs, want %d at most", n, enqueuedMost)
	}
}

// TestBusyRequests: of many requests of one sort a sample is written, with the number each stands for; of rare ones all are.
func TestBusyRequests(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	requests, request := requesting(t, pool)
	for n := range 75 {
		request(fmt.Sprintf("request-%d", n), 1, nil)
	}
	requests.flush(t.Context())
	if n, all := sum(t, pool, "select count(*) from work.request"), sum(t, pool, "select sum(stands_for) from work.request"); n != 20 || all != 75 {
		t.Errorf("%d rows stand for %d requests", n, all)
	}
	if spread := sum(t, pool, "select max(stands_for) - min(stands_for) from work.request"); spread != 1 {
		t.Errorf("they differ by %d", spread)
	}
}

// TestRequestsWhileDatabaseIsAway: requests are written later, once, with the times at which they happened.
func TestRequestsWhileDatabaseIsAway(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	through, wire := wired(t, pool)
	requests, request := requesting(t, pool)
	requests.pool = through
	request("first", 1, nil)
	wire.cut.Store(true)
	requests.flush(t.Context())
	request("second", 1, nil)
	requests.flush(t.Context())
	wire.cut.Store(false)
	requests.flush(t.Context())
	requests.flush(t.Context())
	if n := sum(t, pool, "select count(*) from work.request r, river.river_job j where array[j.id] = r.jobs and j.created_at - r.started_at < interval '1 min'"); n != 2 {
		t.Errorf("%d requests with their jobs, want 2", n)
	}
}

// TestDuplicatesAreNotEnqueued: a request whose job is a duplicate has enqueued none.
func TestDuplicatesAreNotEnqueued(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	client := newInserter(t, pool)
	for _, want := range []int{1, 0} {
		ctx, enqueued := Collect(t.Context())
		if _, err := client.Insert(ctx, requestArgs{}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}); err != nil {
			t.Fatal(err)
		}
		if got := len(enqueued.list()); got != want {
			t.Errorf("%d jobs are collected, want %d", got, want)
		}
	}
}

// TestLockedRequestIsPassedOver: while one request's row is locked, the others are written.
func TestLockedRequestIsPassedOver(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	_, err := pool.Exec(t.Context(), `insert into river.river_job (id, kind, args, max_attempts) select n, 'k', '{}', 25 from generate_series(1, 2) n;
		insert into work.request (id, method, route, status, started_at, ended_at, release, process, jobs)
		select n, '', '', 200, now(), now(), '', '', array[n] from generate_series(1, 2) n`)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if tag, err := tx.Exec(t.Context(), "select from work.request where id = '1' for update"); err != nil || tag.RowsAffected() != 1 {
		t.Fatal(tag, err)
	}
	r := NewRequests(pool, Options{Schema: "river", Log: newTestRecorder(t, nil, "").log})
	for id, name := range map[int64]string{1: "1", 2: "2"} {
		r.Note(Request{
			ID: name, Status: 200, Began: time.Now(), Ended: time.Now().Add(time.Hour), Enqueued: &Enqueued{ids: []int64{id}}, Steps: &trace.Trace{},
		})
	}
	r.flush(t.Context())
	if n := sum(t, pool, "select count(*) from work.request where ended_at > now() + interval '30 min'"); n != 1 {
		t.Errorf("%d of two rows were written while one was locked", n)
	}
}
