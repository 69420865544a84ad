package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Budget divides the connections that a server allows among the processes of a deployment. Each process has a pool and one
// connection that listens. Deploys run two generations of all processes for a while. Two connections are left for an operator
// and the release phase.
type Budget struct {
	Limit      int // of the server, or of our role if that is lower
	WebMax     int // the most web processes at once; 0: 1
	WorkersMax int // the most worker processes at once, of all apps on the database; 0: 2
}

const (
	generations      = 2
	spareConnections = 2
	listeners        = 1  // of a process
	smallestPool     = 2  // of a process: one connection for requests or jobs, and one that those cannot take
	largestPool      = 16 // more do not make a process faster, and other programs may need them
)

// ReadBudget reads the limit of the server that conn is connected to.
func ReadBudget(ctx context.Context, conn *pgx.Conn, webMax, workersMax int) (Budget, error) {
	b := Budget{WebMax: webMax, WorkersMax: workersMax}
	err := conn.QueryRow(ctx, `
		select least(
			current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
			(select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user))`).Scan(&b.Limit)
	if err != nil {
		return b, fmt.Errorf("read the server's connection limit: %w", err)
	}
	return b, nil
}

// Pool returns the largest size of each process's pool, or an error if the limit is too low for the processes.
func (b Budget) Pool() (int, error) {
	share := (b.Limit - spareConnections) / generations / (b.webs() + b.workers())
	if pool := share - listeners; pool >= smallestPool {
		return min(pool, largestPool), nil
	}
	advice := "choose a plan with more"
	if most := (b.Limit-spareConnections)/generations/(smallestPool+listeners) - b.webs(); most >= 1 {
		advice = fmt.Sprintf("set WORKERS_MAX=%d, or %s", most, advice)
	}
	return 0, fmt.Errorf("the database allows %d connections; Backlist needs at least %d (for %s, twice during a deploy): %s",
		b.Limit, b.Need(smallestPool, smallestPool), b.Processes(), advice)
}

// Need returns the largest number of connections that the processes open with pools of these sizes.
func (b Budget) Need(web, worker int) int {
	return generations*(b.webs()*(max(web, 1)+listeners)+b.workers()*(max(worker, smallestPool)+listeners)) + spareConnections
}

// Processes describes the budget's processes, as "1 web and 2 worker processes".
func (b Budget) Processes() string {
	return fmt.Sprintf("%d web and %d worker processes", b.webs(), b.workers())
}

func (b Budget) webs() int    { return cmp.Or(b.WebMax, 1) }
func (b Budget) workers() int { return cmp.Or(b.WorkersMax, 2) }
