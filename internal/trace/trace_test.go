package trace_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/trace"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// traced returns a pool whose queries are counted.
func traced(t testing.TB) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(testdb.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.Tracer = trace.Queries{}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func query(t testing.TB, ctx context.Context, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(ctx, sql); err != nil {
		t.Error(err)
	}
}

func names(steps []trace.StepTimes) (list []string) {
	for _, s := range steps {
		list = append(list, fmt.Sprintf("%s:%d", s.Name, s.Queries))
	}
	return list
}

func wantNames(t *testing.T, tr *trace.Trace, want ...string) []trace.StepTimes {
	t.Helper()
	steps := tr.Steps()
	if got := names(steps); !slices.Equal(got, want) {
		t.Errorf("steps %v, want %v", got, want)
	}
	return steps
}

func TestQueriesCountForTheirStep(t *testing.T) {
	t.Parallel()
	pool := traced(t)
	ctx, tr := trace.Start(t.Context())
	boom := errors.New("boom")
	err := trace.Step(ctx, "load", func(in context.Context) error {
		query(t, in, pool, "select pg_sleep(0.02)")
		query(t, ctx, pool, "select 1") // with the context outside the step
		return trace.Step(in, "within", func(in context.Context) error {
			query(t, in, pool, "select 1")
			return boom
		})
	})
	if !errors.Is(err, boom) {
		t.Errorf("%v, want boom", err)
	}
	query(t, ctx, pool, "select 1")
	_ = trace.Step(ctx, "write", func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			batch := &pgx.Batch{}
			batch.Queue("select 1")
			batch.Queue("select 2")
			if err := tx.SendBatch(ctx, batch).Close(); err != nil {
				t.Error(err)
			}
			_, err := tx.CopyFrom(ctx, pgx.Identifier{"subject"}, []string{"key", "name"}, pgx.CopyFromRows([][]any{{"a", "b"}}))
			return err
		})
	})
	steps := wantNames(t, tr, "load:2", "within:1", trace.Outside+":1", "write:5") // begin, two of a batch, copy, commit
	load, within := steps[0], steps[1]
	if load.MS < 20 || load.SQLMS < 20 || load.SQLMS > load.MS || within.AtMS < load.AtMS+20 {
		t.Errorf("load %+v, within %+v", load, within)
	}
	n, trips, took := tr.Queries()
	if n != 9 || trips != 8 || steps[3].Trips != 4 || took < 20*time.Millisecond { // the batch is one round trip
		t.Errorf("%d queries in %d round trips took %s in all", n, trips, took)
	}
	text, err := json.Marshal(steps[1:2])
	if err != nil || !strings.HasPrefix(string(text), `[{"name":"within","at_ms":`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestWithoutTrace(t *testing.T) {
	t.Parallel()
	pool := traced(t)
	ran := false
	err := trace.Step(t.Context(), "load", func(ctx context.Context) error {
		ran = true
		query(t, ctx, pool, "select 1")
		return nil
	})
	if err != nil || !ran {
		t.Error(ran, err)
	}
}

// TestManySteps: one more step sums up the steps beyond the limit.
func TestManySteps(t *testing.T) {
	t.Parallel()
	pool := traced(t)
	ctx, tr := trace.Start(t.Context())
	for i := range 60 {
		_ = trace.Step(ctx, fmt.Sprint(i), func(context.Context) error {
			query(t, ctx, pool, "select 1")
			return nil
		})
	}
	steps := tr.Steps()
	last := steps[len(steps)-1]
	if len(steps) != 51 || last.Name != "10 more steps" || last.Queries != 10 || last.AtMS < steps[49].AtMS || last.MS <= 0 {
		t.Errorf("%d steps, the last %+v", len(steps), last)
	}
}

// TestPanickingStep: a step that panics has ended.
func TestPanickingStep(t *testing.T) {
	t.Parallel()
	ctx, tr := trace.Start(t.Context())
	func() {
		defer func() { _ = recover() }()
		_ = trace.Step(ctx, "bad", func(context.Context) error { panic("bad") })
	}()
	took := tr.Steps()[0].MS
	time.Sleep(2 * time.Millisecond) // a step that had not ended would be longer now
	if again := tr.Steps()[0].MS; again != took {
		t.Errorf("the step took %v ms, and later %v", took, again)
	}
}

// TestConcurrentSteps: goroutines of a job have their own steps, while another goroutine reads the trace.
func TestConcurrentSteps(t *testing.T) {
	t.Parallel()
	pool := traced(t)
	ctx, tr := trace.Start(t.Context())
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			_ = trace.Step(ctx, fmt.Sprint(i), func(ctx context.Context) error {
				for range i {
					query(t, ctx, pool, "select 1")
				}
				return nil
			})
		})
		tr.Steps()
	}
	group.Wait()
	for _, s := range tr.Steps() {
		if fmt.Sprint(s.Queries) != s.Name {
			t.Errorf("step %s made %d queries", s.Name, s.Queries)
		}
	}
	if n, _, _ := tr.Queries(); n != 28 {
		t.Errorf("%d queries in all, want 28", n)
	}
}

func BenchmarkStep(b *testing.B) {
	for name, ctx := range contexts(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%maxPerTrace == 0 && name == "traced" {
					ctx, _ = trace.Start(b.Context())
				}
				_ = trace.Step(ctx, "load", func(context.Context) error { return nil })
			}
		})
	}
}

// maxPerTrace keeps the benchmark below a trace's limit of steps.
const maxPerTrace = 40

func BenchmarkQuery(b *testing.B) {
	for name, ctx := range contexts(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var tracer trace.Queries
			for b.Loop() {
				tracer.TraceQueryEnd(tracer.TraceQueryStart(ctx, nil, pgx.TraceQueryStartData{}), nil, pgx.TraceQueryEndData{})
			}
		})
	}
}

// contexts returns contexts as deep as a handler's, with a timeout and some values.
func contexts(b *testing.B) map[string]context.Context {
	ctx, _ := trace.Start(b.Context())
	deep := func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		b.Cleanup(cancel)
		type key int
		for i := range 4 {
			ctx = context.WithValue(ctx, key(i), i)
		}
		return ctx
	}
	return map[string]context.Context{"traced": deep(ctx), "without": deep(b.Context())}
}
