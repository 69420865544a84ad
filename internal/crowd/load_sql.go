package crowd

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/bench"
	view "github.com/backlist/backlist/views/console"
)

// recorded is the number of requests whose SQL is sent again without HTTP.
const recorded = 3000

// sqlAlone measures how many requests' worth of SQL a second as many connections as the web process has can send, without a web
// server. It first records the SQL, by requests to the site in a transaction that is rolled back, so that each statement can be
// sent once in earnest. Requests to the console and streams are left out, since they share their statements among those who look.
func (l *load) sqlAlone(ctx context.Context, report *Highest) error {
	requests, err := l.record(ctx, min(recorded, int(report.PerSecond*10)+100))
	if err != nil {
		return fmt.Errorf("record the SQL: %w", err)
	}
	connections := int(l.Pool.Config().MaxConns)
	l.Say("sending the SQL of %d requests by %d connections", len(requests), connections)
	sent := bench.Run(ctx, connections, time.Hour, len(requests), func(ctx context.Context, n int) error { return l.send(ctx, requests[n]) })
	if err := ctx.Err(); err != nil {
		return err
	}
	report.SQL = float64(len(requests)) / sent.Elapsed.Seconds()
	report.Ratio, report.Failed = report.PerSecond/report.SQL, sent.Errors
	return l.settle(ctx)
}

// record returns the statements of so many requests.
func (l *load) record(ctx context.Context, count int) (requests [][]bench.Trip, err error) {
	plan := bench.Schedule(l.visits, float64(count), time.Second)
	if err := l.prepare(ctx, l.mix, plan, len(l.members)); err != nil {
		return nil, err
	}
	recorder := &bench.Recorder{}
	cfg := l.Pool.Config().ConnConfig.Copy()
	cfg.Tracer = recorder
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx) // the connection is closed next
	site, err := l.Site(tx)
	if err != nil {
		return nil, err
	}
	for _, a := range plan {
		v := l.mix[a.Visit]
		number := l.another()
		visit := v.make(l.guests, a.N, l.of(l.mix, a, int(number)))
		if v.stream || strings.HasPrefix(visit.path, view.Root) {
			continue
		}
		r, err := l.request(ctx, v, visit, number)
		if err != nil {
			return nil, err
		}
		recorder.Take()
		answer := &unread{header: http.Header{}, status: http.StatusOK}
		site.ServeHTTP(answer, r)
		if want := max(v.want, http.StatusOK); answer.status != want {
			return nil, fmt.Errorf("%s was answered %d, not %d", v.name(), answer.status, want)
		}
		requests = append(requests, recorder.Take())
	}
	return requests, ctx.Err()
}

// send sends the statements of a request in earnest: the savepoints of the recording are transactions. A transaction of one round trip
// needs neither begin nor commit.
func (l *load) send(ctx context.Context, trips []bench.Trip) error {
	conn, err := l.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // with an open transaction, the pool closes it
	for len(trips) > 0 {
		if len(trips) > 2 && trips[0][0].Verb() == "savepoint" && trips[2][0].Verb() == "release" {
			trips = append(trips[1:2:2], trips[3:]...)
		}
		if err := bench.Replay(ctx, conn, inEarnest(trips[0])); err != nil {
			return err
		}
		trips = trips[1:]
	}
	return nil
}

func inEarnest(trip bench.Trip) bench.Trip {
	switch trip[0].Verb() {
	case "savepoint":
		return bench.Trip{{SQL: "begin"}}
	case "release":
		return bench.Trip{{SQL: "commit"}}
	case "rollback":
		return bench.Trip{{SQL: "rollback"}}
	default:
		return trip
	}
}

// unread is an answer of which only the status matters.
type unread struct {
	header http.Header
	status int
}

func (u *unread) Header() http.Header         { return u.header }
func (u *unread) WriteHeader(status int)      { u.status = status }
func (u *unread) Write(p []byte) (int, error) { return len(p), nil }
