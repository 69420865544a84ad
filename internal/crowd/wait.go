package crowd

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/recommend"
)

// upToDate is part of the markup of a list that includes all of the reader's ratings.
const upToDate = `aria-busy="false"`

// timeWaits measures the time from sending a rating until the reader's open page has a list that includes it. It measures one
// rating at a time, beside an idle worker.
func (m *measurement) timeWaits(ctx context.Context, report *Report) error {
	// Discard the jobs of the turns. The worker rebuilds neighbours before it counts as idle.
	if _, err := m.Pool.Exec(ctx, "truncate river.river_job"); err != nil {
		return err
	}
	return m.withWorker(ctx, func() error {
		var took []time.Duration
		for n := range m.Waits {
			wait, err := m.timeWait(ctx, m.readers[n%len(m.readers)])
			if err != nil {
				return fmt.Errorf("wait %d: %w", n+1, err)
			}
			took = append(took, wait)
		}
		slices.Sort(took)
		ms := make([]float64, len(took))
		for i, t := range took {
			ms[i] = bench.Milliseconds(t)
		}
		report.Wait, report.Waits = bench.SpreadOf(ms), len(ms)
		report.WaitP99 = bench.Milliseconds(bench.Percentile(took, 0.99))
		return nil
	})
}

// timeWait opens the reader's stream, posts a rating of a book that is new to the reader, and waits on the stream.
func (m *measurement) timeWait(ctx context.Context, v rater) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var unrated int64
	err := m.Pool.QueryRow(ctx, `select id from book
		where not exists (select from rating r where r.reader_id = $1 and r.book_id = book.id) order by id limit 1`,
		v.id).Scan(&unrated)
	if err != nil {
		return 0, fmt.Errorf("find a book to rate: %w", err)
	}
	web := m.webs[WithJob]
	r, err := m.request(ctx, web, http.MethodGet, "/recommendations/events", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Cookie", m.cookie+"="+v.token)
	streams, posts := bench.NewClient(1), bench.NewClient(1)
	streams.Timeout = 0
	defer streams.CloseIdleConnections()
	defer posts.CloseIdleConnections()
	events, err := bench.OpenEvents(ctx, streams, r)
	if err != nil {
		return 0, err
	}
	defer events.Close()
	if _, err := events.Next(); err != nil { // the state before
		return 0, err
	}
	sent := time.Now()
	if err := m.post(ctx, posts, web, v, unrated, 9); err != nil {
		return 0, err
	}
	for {
		list, err := events.Next()
		if err != nil {
			return 0, fmt.Errorf("the stream: %w", err)
		}
		if took := time.Since(sent); strings.Contains(list, upToDate) {
			return took, m.checkRun(ctx, v)
		}
	}
}

// checkRun checks that the page's list was stored, was the reader's own, and included the rating.
func (m *measurement) checkRun(ctx context.Context, v rater) error {
	state, err := recommend.StateOf(ctx, m.Pool, v.id)
	if err != nil {
		return err
	}
	if state.RunVersion != state.Version || state.Basis != recommend.Neighbours {
		return fmt.Errorf("reader %d saw a list of version %d made from %s, after version %d", v.id, state.RunVersion,
			state.Basis, state.Version)
	}
	return nil
}
