package crowd

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
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/reader"
)

const (
	fewConnections  = 1
	manyConnections = 32
	warmUp          = time.Second // of each contender, not counted
)

// compare lets the four contenders take turns. After every round readers sign in while others rate, because a web process then
// needs most memory.
func (m *measurement) compare(ctx context.Context, report *Report) error {
	during := m.For
	contenders := []bench.Contender{
		m.contender(NoJob, m.rate(NoJob), 0),
		m.contender(WithJob, m.rate(WithJob), 1),
		m.contender(SQLAlone, m.rateBySQL, 1),
		m.contender(Inlined, m.rate(Inlined), 0),
	}
	m.Say("warming up")
	warm := bench.Plan{
		Rounds: 1, Connections: []int{manyConnections}, For: min(warmUp, during), Most: m.Readers,
	}
	if _, err := bench.Compare(ctx, warm, contenders); err != nil {
		return err
	}
	cells, err := bench.Compare(ctx, bench.Plan{
		Rounds: m.Rounds, Connections: []int{fewConnections, manyConnections}, For: during, Most: m.Readers,
		Done: func(c bench.Cell) {
			m.Say("round %d: %-9s %2d connections: p50 %.2f ms, p99 %.2f ms, %.0f requests/s", c.Round, c.Contender,
				c.Connections, c.P50, c.P99, c.PerSecond)
		},
		RoundDone: func(ctx context.Context, round int) error { return m.signInWhileRating(ctx, report, round) },
	}, contenders)
	report.Cells = cells
	return err
}

// contender empties the queue before each turn, so that every rating enqueues a job, and counts the jobs after it.
func (m *measurement) contender(name string, op bench.Op, jobsEach int) bench.Contender {
	return bench.Contender{
		Name: name, Op: op,
		Before: func(ctx context.Context) error {
			m.turn++
			_, err := m.Pool.Exec(ctx, "truncate river.river_job")
			return err
		},
		After: func(ctx context.Context, cell *bench.Cell) error {
			m.first = (m.first + cell.Requests + cell.Errors) % len(m.readers)
			cell.JobsEach = jobsEach
			return m.Pool.QueryRow(ctx, "select count(*) from river.river_job where kind = 'recommend_reader'").Scan(&cell.Jobs)
		},
	}
}

// visit returns the n-th rating of this turn. Each reader rates once in a turn, and another book in each turn.
func (m *measurement) visit(n int) (v rater, bookID int64, stars book.Stars) {
	i := (m.first + n) % len(m.readers)
	return m.readers[i], m.books[(31*i+17*m.turn)%len(m.books)], book.Stars(1 + (i+m.turn)%10)
}

// rate posts a rating to a web process like the platform's router.
func (m *measurement) rate(contender string) bench.Op {
	client := bench.NewClient(manyConnections)
	return func(ctx context.Context, n int) error {
		v, bookID, stars := m.visit(n)
		return m.post(ctx, client, m.webs[contender], v, bookID, stars)
	}
}

func (m *measurement) post(
	ctx context.Context, client *http.Client, web *bench.Process, v rater, bookID int64, stars book.Stars,
) error {
	path := "/books/" + strconv.FormatInt(bookID, 10)
	r, err := m.request(ctx, web, http.MethodPost, path+"/rating", url.Values{
		"stars": {strconv.FormatFloat(float64(stars)/2, 'f', -1, 64)},
	})
	if err != nil {
		return err
	}
	r.Header.Set("Cookie", m.cookie+"="+v.token)
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

// request returns a request like those of the platform's router.
func (m *measurement) request(
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

// rateBySQL sends only the statements of the request with its job. No request can be faster.
func (m *measurement) rateBySQL(ctx context.Context, n int) error {
	v, bookID, stars := m.visit(n)
	if _, err := reader.BySession(ctx, m.Pool, v.token); err != nil {
		return err
	}
	return pipeline.Transact(ctx, m.Pool,
		func(tx pgx.Tx) error { return bench.Replay(ctx, tx, v.enqueue) },
		func(tx pgx.Tx) error { return book.Rate(ctx, tx, v.id, bookID, stars) })
}
