package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/reader"
)

const (
	fewConnections  = 1
	manyConnections = 32
	signInsAtOnce   = 8
	warmUp          = time.Second // of each contender, not counted
)

// compare lets the four contenders take turns. After every round real people sign in while others rate, which is when
// a web process needs most memory.
func (b *webBench) compare(ctx context.Context, report *webReport) error {
	during := time.Duration(b.bench.seconds * float64(time.Second))
	contenders := []bench.Contender{
		b.contender(noJob, b.rate(noJob), 0),
		b.contender(withJob, b.rate(withJob), 1),
		b.contender(sqlAlone, b.rateBySQL, 1),
		b.contender(inlined, b.rate(inlined), 0),
	}
	b.say("warming up")
	warm := bench.Plan{
		Rounds: 1, Connections: []int{manyConnections}, For: min(warmUp, during), Most: b.bench.readers,
	}
	if _, err := bench.Compare(ctx, warm, contenders); err != nil {
		return err
	}
	cells, err := bench.Compare(ctx, bench.Plan{
		Rounds: b.bench.rounds, Connections: []int{fewConnections, manyConnections}, For: during, Most: b.bench.readers,
		Done: func(c bench.Cell) {
			b.say("round %d: %-9s %2d connections: p50 %.2f ms, p99 %.2f ms, %.0f requests/s", c.Round, c.Contender,
				c.Connections, c.P50, c.P99, c.PerSecond)
		},
		RoundDone: func(ctx context.Context, round int) error { return b.signInWhileRating(ctx, report, round) },
	}, contenders)
	report.Cells = cells
	return err
}

// contender empties the queue before each turn, so that every rating enqueues a job, and counts the jobs after it.
func (b *webBench) contender(name string, op bench.Op, jobsEach int) bench.Contender {
	return bench.Contender{
		Name: name, Op: op,
		Before: func(ctx context.Context) error {
			b.turn++
			_, err := b.pool.Exec(ctx, "truncate river.river_job")
			return err
		},
		After: func(ctx context.Context, cell *bench.Cell) error {
			b.first = (b.first + cell.Requests + cell.Errors) % len(b.readers)
			cell.JobsEach = jobsEach
			return b.pool.QueryRow(ctx, "select count(*) from river.river_job where kind = 'recommend_reader'").Scan(&cell.Jobs)
		},
	}
}

// visit is the n-th rating of this turn: who rates what, and how. Nobody rates twice in a turn, and everybody rates
// another book in each.
func (b *webBench) visit(n int) (v rater, bookID int64, stars book.Stars) {
	i := (b.first + n) % len(b.readers)
	return b.readers[i], b.books[(31*i+17*b.turn)%len(b.books)], book.Stars(1 + (i+b.turn)%10)
}

// rate posts a rating to a web process as the platform's router would hand it on.
func (b *webBench) rate(contender string) bench.Op {
	client := bench.NewClient(manyConnections)
	return func(ctx context.Context, n int) error {
		v, bookID, stars := b.visit(n)
		return b.post(ctx, client, b.webs[contender], v, bookID, stars)
	}
}

func (b *webBench) post(
	ctx context.Context, client *http.Client, web *bench.Process, v rater, bookID int64, stars book.Stars,
) error {
	path := "/books/" + strconv.FormatInt(bookID, 10)
	r, err := b.request(ctx, web, http.MethodPost, path+"/rating", url.Values{
		"stars": {strconv.FormatFloat(float64(stars)/2, 'f', -1, 64)},
	})
	if err != nil {
		return err
	}
	r.Header.Set("Cookie", b.cookie+"="+v.token)
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	if err := bench.Drain(resp); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != path {
		return fmt.Errorf("a rating was answered %s, to %q", resp.Status, resp.Header.Get("Location"))
	}
	return nil
}

// request is one that has come through the platform's router.
func (b *webBench) request(
	ctx context.Context, web *bench.Process, method, path string, form url.Values,
) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+web.Addr+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	return r, nil
}

// rateBySQL sends the statements of the request with its job and nothing else: nobody can be faster than that.
func (b *webBench) rateBySQL(ctx context.Context, n int) error {
	v, bookID, stars := b.visit(n)
	if _, err := reader.BySession(ctx, b.pool, v.token); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		if err := bench.Replay(ctx, tx, v.enqueue); err != nil {
			return err
		}
		return book.Rate(ctx, tx, v.id, bookID, stars)
	})
}

// signInWhileRating lets readers sign in by their passwords, each from an address of their own, while others rate.
func (b *webBench) signInWhileRating(ctx context.Context, report *webReport, round int) error {
	count := b.bench.signIns / b.bench.rounds
	if round <= b.bench.signIns%b.bench.rounds {
		count++
	}
	b.say("round %d: %d sign-ins, %d at once, beside %d connections that rate", round, count, signInsAtOnce, manyConnections)
	b.turn++
	ratings, stop := context.WithCancel(ctx)
	rated, watched := make(chan bench.Load, 1), make(chan bench.Memory, 1)
	go func() { rated <- bench.Run(ratings, manyConnections, time.Hour, 0, b.rate(withJob)) }()
	go func() { watched <- bench.Watch(ratings, b.webs[withJob].PID()) }()
	client := bench.NewClient(signInsAtOnce)
	load := bench.Run(ctx, signInsAtOnce, time.Hour, count, func(ctx context.Context, n int) error {
		_, err := b.signIn(ctx, client, report.SignIns+n)
		return err
	})
	stop()
	<-rated // the last requests were cut off
	report.watched.Peak = max(report.watched.Peak, (<-watched).Peak)
	report.SignIns += len(load.Took)
	report.SignInP50 = bench.Milliseconds(bench.Percentile(load.Took, 0.5))
	if load.FirstError != nil {
		return fmt.Errorf("sign in: %w", load.FirstError)
	}
	return ctx.Err()
}

// signIn signs the n-th reader in and returns the session's cookie.
func (b *webBench) signIn(ctx context.Context, client *http.Client, n int) (*http.Cookie, error) {
	v := b.readers[n%len(b.readers)]
	r, err := b.request(ctx, b.webs[withJob], http.MethodPost, "/signin", url.Values{
		"email": {v.email}, "password": {b.password},
	})
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", n>>8&255, n&255))
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	if err := bench.Drain(resp); err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSeeOther {
		for _, cookie := range resp.Cookies() {
			if _, err := reader.BySession(ctx, b.pool, cookie.Value); err == nil {
				return cookie, nil
			}
		}
	}
	return nil, fmt.Errorf("a sign-in was answered %s, without a session", resp.Status)
}

// learnCookie finds out by what name the site keeps sessions.
func (b *webBench) learnCookie(ctx context.Context) error {
	cookie, err := b.signIn(ctx, bench.NewClient(1), 0)
	if err == nil {
		b.cookie = cookie.Name
	}
	return err
}
