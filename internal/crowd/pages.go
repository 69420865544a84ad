package crowd

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/backlist/backlist/internal/bench"
)

// PageTime is how long a page takes with one connection, for readers who have lists.
type PageTime struct {
	Path string  `json:"path"`
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
}

// pageWarm is the number of loads of each page that are not counted: connections prepare a statement at its first use.
const pageWarm = 10

// timePages measures the reading pages of the site, one after another, each twice as often as there are waits.
func (m *measurement) timePages(ctx context.Context, report *Report) error {
	client := bench.NewClient(1)
	defer client.CloseIdleConnections()
	for _, path := range []string{
		"/", "/books", "/books?q=war", "/books/" + strconv.FormatInt(m.books[0], 10), "/recommendations", "/shelf", "/mailbox", "/settings",
	} {
		var took []time.Duration
		for n := range pageWarm + 2*m.Waits {
			v := m.readers[n%min(m.Waits, len(m.readers))]
			began := time.Now()
			if err := m.load(ctx, client, v, path); err != nil {
				return err
			}
			if n >= pageWarm {
				took = append(took, time.Since(began))
			}
		}
		slices.Sort(took)
		report.Pages = append(report.Pages, PageTime{
			path, bench.Milliseconds(bench.Percentile(took, 0.5)), bench.Milliseconds(bench.Percentile(took, 0.99)),
		})
	}
	return nil
}

func (m *measurement) load(ctx context.Context, client *http.Client, v rater, path string) error {
	r, err := m.request(ctx, m.webs[WithJob], http.MethodGet, path, nil)
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
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s was answered %s", path, resp.Status)
	}
	return nil
}
