package work_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestIdleWorkerAsksLittle: an idle worker sends at most two statements for each heartbeat, which is one a second, although it polls
// two queues and looks what comes due. And it finds a job that no notice announced.
func TestIdleWorkerAsksLittle(t *testing.T) {
	t.Parallel()
	cfg := testdb.New(t).Config()
	count := &counter{beats: make(chan int, 100)}
	cfg.ConnConfig.Tracer = count
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	o := options(t, func(context.Context, *stepJob) error { return nil })
	o.Queues["other"] = 2
	worktest.Start(t, pool, o)

	const settle, beats = 3, 5 // heartbeats: those during the start, and those that are counted
	var statements []int       // with each heartbeat
	before := 0
	for i := range settle + beats {
		until := <-count.beats
		if i >= settle {
			statements = append(statements, until-before)
		}
		before = until
	}
	slices.Sort(statements)
	if statements[beats/2] > 2 { // the median, because River tidies up now and then
		t.Errorf("%d statements with the heartbeats: %q", statements, count.all())
	}
	if _, err := pool.Exec(t.Context(), "insert into river.river_job (kind, args, max_attempts) values ('"+stepArgs{}.Kind()+"', '{}', 5)"); err != nil {
		t.Fatal(err)
	}
	until(t, pool, "a job without a notice is done", "select state = 'completed' from river.river_job")
}

// counter counts the statements of connections, without those that begin and end transactions.
type counter struct {
	mu    sync.Mutex
	texts []string
	beats chan int // the number of statements until each heartbeat
}

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if data.SQL == "begin" || data.SQL == "commit" {
		return ctx
	}
	c.texts = append(c.texts, data.SQL[:min(len(data.SQL), 100)])
	if strings.Contains(data.SQL, "Writes a worker's row") {
		select {
		case c.beats <- len(c.texts):
		default:
		}
	}
	return ctx
}

func (*counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (c *counter) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.texts[:len(c.texts):len(c.texts)]
}
