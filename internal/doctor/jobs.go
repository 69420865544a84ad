package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/surface"
)

// health returns what jobs.health reports about tables, indexes, snapshots, connections and notices. More detailed
// checks here replace its services.
func (e *Exam) health(ctx context.Context) ([]Finding, error) {
	found, err := e.facts(ctx, `
		select case status when 'bad' then 'broken' else 'warning' end,
			format('%s %s: %s %s (%s).', initcap(area), name, value, unit, rtrim(detail, '.')), advice
		from jobs.health where status <> 'ok' and area <> 'service'
		union all
		select 'ok', format('Connections: %s.', detail), null from jobs.health where area = 'connections' and name = 'all' and status = 'ok'`)
	return found, err
}

// transactions reports the transactions that keep vacuum from removing rows: idle ones and long ones.
func (e *Exam) transactions(ctx context.Context) ([]Finding, error) {
	found, err := e.facts(ctx, `
		select case when xact_start < now() - 60 * $1 * interval '1 s' then 'broken' else 'warning' end,
			format('Process %s (%s) is %s, in a transaction since %s, its last statement began at %s.', pid, coalesce(nullif(application_name, ''), usename),
				state, to_char(xact_start, 'HH24:MI:SS TZ'), to_char(query_start, 'HH24:MI:SS TZ')),
			format('What has died since then cannot be cleaned up. End it: select pg_terminate_backend(%s);', pid)
		from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()
		  and (state like 'idle in transaction%' and state_change < now() - $1 * interval '1 s'
		       or (backend_xmin is not null or backend_xid is not null) and backend_type = 'client backend'
		          and xact_start < now() - 5 * $1 * interval '1 s')
		order by xact_start limit 5`, e.Patience.Seconds())
	if err == nil && len(found) == 0 {
		return good("No transaction has been open for long.")
	}
	return found, err
}

func (e *Exam) workers(ctx context.Context) ([]Finding, error) {
	var alive, draining, slots, waiting int
	var silent []string
	err := e.conn.QueryRow(ctx, `select count(*) filter (where alive), count(*) filter (where alive and draining), coalesce(sum(slots) filter (where alive), 0),
			coalesce(array_agg(worker) filter (where status = 'silent'), '{}'), (select coalesce(sum(available), 0) from jobs.queue)
		from jobs.worker`).Scan(&alive, &draining, &slots, &silent, &waiting)
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
	return e.facts(ctx, `
		select case when status = 'ok' then 'ok' else 'warning' end,
			case when status = 'ok' then format('The %s.', detail)
				else 'No process leads: finished jobs and unused queues are not deleted. Everything else continues.' end,
			case when status <> 'ok' then 'A worker or web process should lead within 15 s of its start.' end
		from jobs.health where area = 'service' and name = 'leader'`)
}

func (e *Exam) queues(ctx context.Context) ([]Finding, error) {
	found, err := e.facts(ctx, `
		select case when paused then 'warning' else 'broken' end,
			case when paused then format('Queue %s is paused since %s%s%s; %s jobs wait in it.', queue, to_char(paused_at, 'YYYY-MM-DD HH24:MI TZ'),
					' by ' || paused_by, ' (' || paused_reason || ')', available)
				else format('%s jobs wait in queue %s, which no live worker takes.', available, queue) end,
			case when paused then format('select * from jobs.resume(%L, ''why'');', queue) else 'Start a worker that takes it, or cancel its jobs.' end
		from jobs.queue where paused or available > 0 and workers = 0 and exists (select from jobs.worker where alive and not draining)
		order by queue`)
	if err == nil && len(found) == 0 {
		return good("No queue is paused or without a worker.")
	}
	return found, err
}

func (e *Exam) kinds(ctx context.Context) ([]Finding, error) {
	return e.facts(ctx, `
		select 'broken', format('%s jobs of kind %s wait, which no live worker knows.', available, kind), 'Start a worker of a release that knows it, or cancel them.'
		from jobs.kind where available > 0 and workers = 0 and exists (select from jobs.worker where alive and not draining) order by kind`)
}

func (e *Exam) waiting(ctx context.Context) ([]Finding, error) {
	var queue string
	var seconds float64
	err := e.conn.QueryRow(ctx, `select coalesce((array_agg(queue order by oldest_wait desc))[1], ''), coalesce(extract(epoch from max(oldest_wait)), 0)::float8
		from jobs.queue where not paused and oldest_wait is not null`).Scan(&queue, &seconds)
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
	found, err := e.facts(ctx, `
		select 'broken', case when broken is not null then format('Schedule %s is broken. %s.', name, broken)
				else format('Schedule %s (%s) is overdue since %s.', name, case when dirty then spec else words end, to_char(next_at, 'YYYY-MM-DD HH24:MI TZ')) end,
			case when broken is not null then format('Correct it where it is declared, or: update work.schedule set … where name = %L;', name)
				else 'Workers see to schedules, and web processes where there is no worker: is one alive?' end
		from jobs.schedule where not retired and (broken is not null or overdue > interval '1 min') order by name`)
	if err == nil && len(found) == 0 {
		return good("No schedule is overdue or broken.")
	}
	return found, err
}
