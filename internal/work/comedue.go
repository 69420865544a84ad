package work

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/work/pilot"
)

// dueBatch is how many jobs come due in one statement.
const dueBatch = 1000

// comeDue makes jobs available that were put off until now: retries, snoozes, and what was enqueued for later. River's
// leader does the same every 5 s, once there is one, which takes up to 20 s after an outage; and a retry that waits for it
// keeps its unique twin, a reader's next run say, waiting too.
// There may be more of them than it takes at once.
func (k *housekeeping) comeDue(ctx context.Context) (more bool, err error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	var moved, discarded int
	if err := k.db.QueryRow(ctx, k.dueSQL, dueBatch, k.schema+".river_insert").Scan(&moved, &discarded); err != nil {
		return false, err
	}
	if discarded > 0 {
		k.log.InfoContext(ctx, "jobs came due whose unique twin is unfinished: they are discarded", "jobs", discarded)
	}
	return moved == dueBatch, nil
}

// comeDueSQL: $1 how many at most, $2 River's channel. Of jobs with the same unique key the one that has the key already
// stays, else the first that is due; the others are discarded with the note that River writes. Where a discarded job would
// still hold its unique key, the key is taken from it; otherwise the whole batch would fail.
func comeDueSQL(schema string) string {
	table, name := pilot.Table(schema), func(s string) string { return pgx.Identifier{schema, s}.Sanitize() }
	holds := name("river_job_state_in_bitmask")
	return `
with due as (
    select id, unique_key, unique_states, priority, scheduled_at from ` + table + `
    where state in ('retryable', 'scheduled') and scheduled_at <= now()
    order by scheduled_at limit $1
    for update skip locked
), ranked as (
    select id, unique_key is not null and unique_states is not null and id <> coalesce(
        (select h.id from ` + table + ` h
         where h.unique_key = due.unique_key and h.unique_key is not null and h.unique_states is not null and ` + holds + `(h.unique_states, h.state)),
        first_value(id) over (partition by unique_key order by priority, scheduled_at, id)) as discard
    from due
), moved as (
    update ` + table + ` j set
        state = (case when discard then 'discarded' else 'available' end)::` + name("river_job_state") + `,
        finalized_at = case when discard then now() end,
        unique_key = case when discard and ` + holds + `(j.unique_states, 'discarded') then null else j.unique_key end,
        metadata = j.metadata || case when discard then '{"unique_key_conflict": "scheduler_discarded"}' else '{}' end::jsonb
    from ranked r where j.id = r.id
    returning j.queue, r.discard
), told as (
    select pg_notify($2, '{"queue": ' || to_json(queue) || '}') from (select distinct queue from moved where not discard) q
)
select count(*), count(*) filter (where discard) from moved where (select count(*) from told) >= 0`
}
