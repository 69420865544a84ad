package bench

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPercentileIsNearestRank(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for _, c := range []struct {
		of   []time.Duration
		p    float64
		want time.Duration
	}{
		{hundred, 0.50, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{hundred, 0, 1},
		{hundred[:3], 0.5, 2},
		{hundred[:1], 0.99, 1},
		{nil, 0.5, 0},
	} {
		if got := Percentile(c.of, c.p); got != c.want {
			t.Errorf("percentile %g of %d = %d, want %d", c.p, len(c.of), got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	if got, want := SpreadOf([]float64{3, 1, 2}), (Spread{2, 1, 3}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := SpreadOf([]float64{4, 1}), (Spread{2.5, 1, 4}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := SpreadOf(nil); got != (Spread{}) {
		t.Errorf("without rounds: %v", got)
	}
	got := Between([]float64{10, 30}, []float64{5, 10}, func(a, b float64) float64 { return a / b })
	if want := (Spread{2.5, 2, 3}); got != want {
		t.Errorf("ratio by rounds %v, want %v", got, want)
	}
}

func TestRunMakesEveryRequestOnce(t *testing.T) {
	t.Parallel()
	const most = 1000
	var seen [most]atomic.Int32
	var now, peak atomic.Int64
	bad := errors.New("every tenth")
	load := Run(t.Context(), 8, time.Minute, most, func(_ context.Context, n int) error {
		seen[n].Add(1)
		peak.Store(max(peak.Load(), now.Add(1)))
		defer now.Add(-1)
		if n%10 == 0 {
			return bad
		}
		return nil
	})
	for n := range seen {
		if got := seen[n].Load(); got != 1 {
			t.Fatalf("request %d was made %d times", n, got)
		}
	}
	if len(load.Took) != 900 || load.Errors != 100 || !errors.Is(load.FirstError, bad) {
		t.Errorf("%d succeeded, %d failed, first: %v", len(load.Took), load.Errors, load.FirstError)
	}
	if !slices.IsSorted(load.Took) {
		t.Error("times are not sorted")
	}
	if peak.Load() > 8 {
		t.Errorf("%d concurrent requests", peak.Load())
	}
}

func TestRunEndsWithItsTimeAndItsContext(t *testing.T) {
	t.Parallel()
	if load := Run(t.Context(), 2, 20*time.Millisecond, 0, func(context.Context, int) error { return nil }); len(load.Took) == 0 {
		t.Error("no request was made")
	}
	if load := Run(t.Context(), 2, 0, 0, func(context.Context, int) error { return nil }); len(load.Took) != 2 {
		t.Errorf("with no time: %d requests, want one of each caller", len(load.Took))
	}
	ctx, cancel := context.WithCancel(t.Context())
	Run(ctx, 2, time.Hour, 0, func(_ context.Context, n int) error {
		if n == 10 {
			cancel()
		}
		return nil
	})
}

func TestCompareTakesTurns(t *testing.T) {
	t.Parallel()
	var order []string
	contender := func(name string) Contender {
		var made atomic.Int32
		return Contender{
			Name:   name,
			Before: func(context.Context) error { made.Store(0); order = append(order, name); return nil },
			Op:     func(context.Context, int) error { made.Add(1); return nil },
			After:  func(_ context.Context, c *Cell) error { c.Jobs = int(made.Load()); return nil },
		}
	}
	plan := Plan{
		Rounds: 3, Connections: []int{1, 4}, For: time.Minute, Most: 5,
		RoundDone: func(context.Context, int) error { order = append(order, " "); return nil },
	}
	cells, err := Compare(t.Context(), plan, []Contender{contender("a"), contender("b"), contender("c")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(order, ""), "abcabc bcabca cabcab "; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	for _, c := range cells {
		if c.Requests != 5 || c.Jobs != 5 || c.Errors != 0 || c.PerSecond <= 0 {
			t.Errorf("cell %+v", c)
		}
	}
	if got := Figure(cells, "b", 4, func(c Cell) float64 { return float64(c.Round) }); !slices.Equal(got, []float64{1, 2, 3}) {
		t.Errorf("rounds of b at 4: %v", got)
	}
	var text strings.Builder
	if err := PrintCells(&text, cells); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(text.String(), "\n"); lines != 7 {
		t.Errorf("want a heading and six lines, got %d:\n%s", lines, text.String())
	}
}

func TestCompareStopsAtAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := Compare(t.Context(), Plan{Rounds: 1, Connections: []int{1}, For: time.Millisecond}, []Contender{{
		Name: "a", Op: func(context.Context, int) error { return nil },
		Before: func(context.Context) error { return broken },
	}})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	targets := []Target{
		{Name: "fast", Unit: "ms", Value: Spread{Median: 3, Min: 2, Max: 9}, Limit: 3},
		{Name: "slow", Unit: "ms", Value: Spread{Median: 3.01}, Limit: 3},
		{Name: "busy", Unit: "x", Value: Spread{Median: 0.5}, Limit: 0.5, AtLeast: true},
		{Name: "idle", Unit: "x", Value: Spread{Median: 0.4}, Limit: 0.5, AtLeast: true},
	}
	var text strings.Builder
	if err := PrintTargets(&text, targets); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(text.String()), "\n")[1:] {
		if missed := strings.Contains(line, "NOT REACHED"); missed != (i%2 == 1) {
			t.Errorf("verdict of: %s", line)
		}
	}
}

func TestMemoryOfThisProcess(t *testing.T) {
	t.Parallel()
	m, err := MemoryOf(t.Context(), os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.Now < 1 || m.Peak < m.Now || math.IsNaN(m.Peak) {
		t.Errorf("memory %+v", m)
	}
	if _, err := parseStatus([]byte("Name:\tzombie\n")); err == nil {
		t.Error("a process that does not exist has memory")
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(":\n\ndata: one\ndata: two\n\n:\n\ndata: three\n\n"))
	}))
	t.Cleanup(server.Close)
	client := NewClient(1)
	client.Timeout = 0
	get := func(path string) (*Events, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return OpenEvents(t.Context(), client, r)
	}
	events, err := get("/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for _, want := range []string{"one\ntwo\n", "three\n"} {
		if got, err := events.Next(); got != want || err != nil {
			t.Errorf("event %q, %v; want %q", got, err, want)
		}
	}
	if _, err := events.Next(); err == nil {
		t.Error("an event after the end")
	}
	if _, err := get("/page"); err == nil {
		t.Error("accepted a page as an event stream")
	}
}
