package record

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work/pilot"
)

//go:embed sql/request.sql
var requestSQL string

const (
	// sampleMost is how many requests of one sort are written each second: a random sample if there were more.
	sampleMost = 20
	// requestsKept bounds the requests that are kept while the database is away or rows are locked.
	requestsKept = 1000
)

// Request is a web request that has ended.
type Request struct {
	ID       string
	Method   string
	Route    string // the pattern, not the path
	Status   int
	Began    time.Time
	Ended    time.Time
	Enqueued *Enqueued
	Steps    *trace.Trace

	standsFor int
}

// Requests writes a web process's requests that enqueued jobs, in the background. Requests never wait for it.
type Requests struct {
	pool   *pgxpool.Pool
	opts   Options
	mu     sync.Mutex
	sorts  map[requestSort]*sample
	failed []Request // to be written again; only the goroutine of Run uses it
}

// requestSort identifies a sort of requests, of which a sample is written.
type requestSort struct {
	method, route string
	status        int
}

// sample is a uniform random sample of the requests of one sort.
type sample struct {
	seen int
	kept []Request
}

// NewRequests returns a recorder of web requests. It writes nothing until Run is called.
func NewRequests(pool *pgxpool.Pool, o Options) *Requests {
	return &Requests{pool: pool, opts: o, sorts: map[requestSort]*sample{}}
}

// Note takes a request that has ended. It ignores requests that enqueued no job. r may be nil.
func (r *Requests) Note(q Request) {
	if r == nil || len(q.Enqueued.list()) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := requestSort{q.Method, q.Route, q.Status}
	s := r.sorts[key]
	if s == nil {
		s = &sample{}
		r.sorts[key] = s
	}
	s.seen++
	if len(s.kept) < sampleMost {
		s.kept = append(s.kept, q)
	} else if i := rand.IntN(s.seen); i < sampleMost { // reservoir sampling: each request has the same chance
		s.kept[i] = q
	}
}

// take returns the samples, each request with the number of requests that it stands for, and begins new ones.
func (r *Requests) take() (list []Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sorts {
		for i, q := range s.kept {
			q.standsFor = s.seen / len(s.kept)
			if i < s.seen%len(s.kept) {
				q.standsFor++
			}
			list = append(list, q)
		}
	}
	clear(r.sorts)
	return list
}

// Run writes every second until ctx ends, and once more then.
func (r *Requests) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
			defer cancel()
			r.flush(ctx)
			return
		case <-tick.C:
		}
		r.flush(ctx)
	}
}

func (r *Requests) flush(ctx context.Context) {
	again := len(r.failed) > 0
	list := append(r.failed, r.take()...)
	r.failed = nil
	if len(list) == 0 {
		return
	}
	err := r.write(ctx, list)
	if pilot.IsRefused(err) || pilot.IsContended(err) {
		for _, q := range list {
			switch err := r.write(ctx, []Request{q}); {
			case pilot.IsRefused(err):
				r.opts.Log.ErrorContext(ctx, "a request cannot be stored and is dropped", "request_id", q.ID, "err", err)
			case err != nil:
				r.failed = append(r.failed, q)
			}
		}
		return
	}
	if err == nil {
		return
	}
	if !again {
		r.opts.Log.WarnContext(ctx, "requests cannot be written: they are kept for later", "err", err)
	}
	if n := len(list) - requestsKept; n > 0 {
		r.opts.Log.WarnContext(ctx, "requests were dropped: they could not be written in time", "requests", n)
		list = list[n:]
	}
	r.failed = list
}

// write stores the requests. It leaves out those whose transaction was rolled back, which it recognises by the absence of their
// jobs. Requests to which a client gave the same id become one row.
func (r *Requests) write(ctx context.Context, list []Request) error {
	var (
		ids, methods, routes, jobs []string
		statuses, standFor         []int
		began, ended               []float64 // seconds ago
		steps                      []*string
		at                         = map[string]int{}
	)
	for _, q := range list {
		enqueued := idList(q.Enqueued.list())
		if i, ok := at[q.ID]; ok {
			jobs[i] += "," + enqueued
			standFor[i] += q.standsFor
			continue
		}
		at[q.ID] = len(ids)
		ids, methods, routes, jobs = append(ids, q.ID), append(methods, q.Method), append(routes, q.Route), append(jobs, enqueued)
		statuses, standFor = append(statuses, q.Status), append(standFor, q.standsFor)
		began, ended = append(began, time.Since(q.Began).Seconds()), append(ended, time.Since(q.Ended).Seconds())
		steps = append(steps, orNull(string(stepsJSON(q.Steps))))
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	_, err := r.pool.Exec(ctx, db.Statement(requestSQL, r.opts.Schema), pgx.NamedArgs{
		"ids": ids, "methods": methods, "routes": routes, "statuses": statuses, "began": began, "ended": ended, "jobs": jobs,
		"steps": steps, "stand_for": standFor, "release": r.opts.Release, "process": r.opts.Process, "most": enqueuedMost,
	})
	if err != nil {
		return fmt.Errorf("write requests: %w", err)
	}
	return nil
}

func idList(ids []int64) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]")
}
