package postgres_test

import (
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/postgres"
)

// TestPool: pools are as large as possible, while both generations of a deploy stay within the limit.
func TestPool(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, webMax, workersMax int
		pool                      int    // 0: refused
		says                      string // part of the refusal
	}{
		{limit: 20, pool: 2},
		{limit: 20, workersMax: 1, pool: 3},
		{limit: 20, workersMax: 2, pool: 2},
		{limit: 20, workersMax: 3, says: "needs at least 26 (for 1 web and 3 worker processes, twice during a deploy): set WORKERS_MAX=2, or choose"},
		{limit: 20, webMax: 2, says: "needs at least 26 (for 2 web and 2 worker processes, twice during a deploy): set WORKERS_MAX=1, or choose"},
		{limit: 20, webMax: 3, workersMax: 1, says: "twice during a deploy): choose a plan with more"},
		{limit: 12, says: "the database allows 12 connections; Backlist needs at least 20 (for 1 web and 2 worker processes, twice during a deploy): choose a plan"},
		{limit: 40, pool: 5},
		{limit: 40, workersMax: 5, pool: 2},
		{limit: 40, workersMax: 6, says: "set WORKERS_MAX=5"},
		{limit: 120, pool: 16},
		{limit: 120, workersMax: 3, pool: 13},
		{limit: 120, workersMax: 10, pool: 4},
		{limit: 120, webMax: 2, workersMax: 10, pool: 3},
		{limit: 120, workersMax: 18, pool: 2},
		{limit: 120, workersMax: 19, says: "set WORKERS_MAX=18"},
		{limit: 400, pool: 16},
		{limit: 400, workersMax: 10, pool: 16},
		{limit: 400, workersMax: 20, pool: 8},
		{limit: 400, workersMax: 65, pool: 2},
		{limit: 500, workersMax: 10, pool: 16},
		{limit: 500, workersMax: 82, pool: 2},
		{limit: 500, workersMax: 83, says: "set WORKERS_MAX=82"},
	} {
		b := postgres.Budget{Limit: c.limit, WebMax: c.webMax, WorkersMax: c.workersMax}
		pool, err := b.Pool()
		if pool != c.pool || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: pools of %d, %v; want %d, %q", b, pool, err, c.pool, c.says)
		}
		if need := b.Need(pool, pool); err == nil && need > c.limit {
			t.Errorf("%+v: %d connections are needed", b, need)
		}
		if need := b.Need(pool+1, pool+1); err == nil && pool < 16 && need <= c.limit {
			t.Errorf("%+v: pools of %d would fit as well", b, pool+1)
		}
	}
}
