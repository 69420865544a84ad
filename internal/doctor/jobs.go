package doctor

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
)

var (
	//go:embed sql/findings.sql
	findingsSQL string
	//go:embed sql/transactions.sql
	transactionsSQL string
	//go:embed sql/waiting.sql
	waitingSQL string
)

// The good news of areas in which jobs.finding_now has only the bad.
const (
	healthySQL = "select 'ok', format('Connections: %s.', detail), null from jobs.health where area = 'connections' and name = 'all' and status = 'ok'"
	workingSQL = "select 'ok', format('Live workers: %s, with %s slots.', count(*), sum(slots)), null from jobs.live having count(*) filter (where not draining) > 0"
	leadingSQL = "select 'ok', format('The %s.', detail), null from jobs.health where area = 'service' and name = 'leader' and status = 'ok'"
)

// findings returns what jobs.finding_now says of an area.
func (e *Exam) findings(ctx context.Context, area string) ([]Finding, error) {
	return e.facts(ctx, findingsSQL, pgx.NamedArgs{"area": area})
}

// findingsAnd adds the good news of an area to its findings.
func (e *Exam) findingsAnd(ctx context.Context, area, goodSQL string) ([]Finding, error) {
	found, err := e.findings(ctx, area)
	if err != nil {
		return nil, err
	}
	well, err := e.facts(ctx, goodSQL)
	return append(found, well...), err
}

// health returns what jobs.health reports about tables, indexes, snapshots, connections and notices. More detailed
// checks here replace its services.
func (e *Exam) health(ctx context.Context) ([]Finding, error) {
	return e.findingsAnd(ctx, "health", healthySQL)
}

// transactions reports the transactions that keep vacuum from removing rows: idle ones and long ones.
func (e *Exam) transactions(ctx context.Context) ([]Finding, error) {
	found, err := e.facts(ctx, transactionsSQL, pgx.NamedArgs{"patience": e.Patience.Seconds()})
	if err == nil && len(found) == 0 {
		return good("No transaction has been open for long.")
	}
	return found, err
}

func (e *Exam) workers(ctx context.Context) ([]Finding, error) {
	return e.findingsAnd(ctx, "workers", workingSQL)
}

func (e *Exam) releases(ctx context.Context) ([]Finding, error) {
	var releases []string
	err := e.conn.QueryRow(ctx, "select coalesce(array_agg(distinct coalesce(nullif(release, ''), 'without a name')), '{}') from jobs.worker where alive").Scan(&releases)
	switch {
	case err != nil || len(releases) == 0:
		return nil, err
	case len(releases) > 1:
		return []Finding{{Level: Warn, Says: "Workers of several releases are alive: " + strings.Join(releases, ", ") + ".", Do: "This is normal for a minute during a deploy. Otherwise restart the older workers."}}, nil
	case e.Release != "" && releases[0] != e.Release:
		return []Finding{{Level: Warn, Says: fmt.Sprintf("Workers run release %s, and this is %s.", releases[0], e.Release), Do: "Kinds of job that only one of them knows wait for its workers: restart those that are older."}}, nil
	}
	return good("All workers run one release: %s.", releases[0])
}

// leader checks the process that deletes old rows. Schedules, due jobs and rescues do not depend on it: every process
// handles them.
func (e *Exam) leader(ctx context.Context) ([]Finding, error) {
	return e.findingsAnd(ctx, "leader", leadingSQL)
}

func (e *Exam) queues(ctx context.Context) ([]Finding, error) {
	found, err := e.findings(ctx, "queues")
	if err == nil && len(found) == 0 {
		return good("No queue is paused or without a worker.")
	}
	return found, err
}

func (e *Exam) kinds(ctx context.Context) ([]Finding, error) {
	return e.findings(ctx, "kinds")
}

func (e *Exam) waiting(ctx context.Context) ([]Finding, error) {
	var queue string
	var seconds float64
	err := e.conn.QueryRow(ctx, waitingSQL).Scan(&queue, &seconds)
	if err != nil {
		return nil, err
	}
	wait := surface.Duration(time.Duration(seconds * float64(time.Second)))
	if seconds > e.Patience.Seconds() {
		return []Finding{{Level: Warn, Says: fmt.Sprintf("The oldest job of queue %s has waited for %s.", queue, wait), Do: "See db/reports/stuck.sql: the queue needs more workers, or something blocks it."}}, nil
	}
	if queue == "" {
		return good("No job waits.")
	}
	return good("The oldest waiting job has waited for %s.", wait)
}

func (e *Exam) schedules(ctx context.Context) ([]Finding, error) {
	found, err := e.findings(ctx, "schedules")
	if err == nil && len(found) == 0 {
		return good("No schedule is overdue or broken.")
	}
	return found, err
}

func (e *Exam) scale(ctx context.Context) ([]Finding, error) {
	found, err := e.findings(ctx, "scale")
	if err == nil && len(found) == 0 {
		return good("Nothing keeps the numbers of workers from being planned.")
	}
	return found, err
}
