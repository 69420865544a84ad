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
	//go:embed sql/health.sql
	healthSQL string
	//go:embed sql/transactions.sql
	transactionsSQL string
	//go:embed sql/workers.sql
	workersSQL string
	//go:embed sql/leader.sql
	leaderSQL string
	//go:embed sql/queues.sql
	queuesSQL string
	//go:embed sql/kinds.sql
	kindsSQL string
	//go:embed sql/waiting.sql
	waitingSQL string
	//go:embed sql/schedules.sql
	schedulesSQL string
)

// health returns what jobs.health reports about tables, indexes, snapshots, connections and notices. More detailed
// checks here replace its services.
func (e *Exam) health(ctx context.Context) ([]Finding, error) {
	return e.facts(ctx, healthSQL)
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
	var alive, draining, slots, waiting int
	var silent []string
	err := e.conn.QueryRow(ctx, workersSQL).Scan(&alive, &draining, &slots, &silent, &waiting)
	if err != nil {
		return nil, err
	}
	found := make([]Finding, 0, 2)
	for _, worker := range silent {
		found = append(found, Finding{Level: Warn, Says: "Worker " + worker + " has sent no heartbeat for 12 s and is not declared dead yet.", Do: "If no other worker is alive, start one: it takes over the jobs."})
	}
	switch {
	case alive == 0 && waiting > 0:
		found = append(found, Finding{Level: Broken, Says: fmt.Sprintf("No worker is alive, and %d jobs wait.", waiting), Do: "Start one: heroku ps:scale worker=1, or backlist worker."})
	case alive == 0:
		found = append(found, Finding{Level: Warn, Says: "No worker is alive. No job waits yet.", Do: "Start one: heroku ps:scale worker=1, or backlist worker."})
	case draining == alive:
		found = append(found, Finding{Level: Warn, Says: fmt.Sprintf("All live workers (%d) are draining: no job is started.", alive), Do: "select jobs.undrain(worker, 'why') from jobs.worker where draining and alive;"})
	default:
		found = append(found, Finding{Level: OK, Says: fmt.Sprintf("Live workers: %d, with %d slots.", alive, slots)})
	}
	return found, nil
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
	return e.facts(ctx, leaderSQL)
}

func (e *Exam) queues(ctx context.Context) ([]Finding, error) {
	found, err := e.facts(ctx, queuesSQL)
	if err == nil && len(found) == 0 {
		return good("No queue is paused or without a worker.")
	}
	return found, err
}

func (e *Exam) kinds(ctx context.Context) ([]Finding, error) {
	return e.facts(ctx, kindsSQL)
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
	found, err := e.facts(ctx, schedulesSQL)
	if err == nil && len(found) == 0 {
		return good("No schedule is overdue or broken.")
	}
	return found, err
}
