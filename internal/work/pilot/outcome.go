package pilot

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// JobSetStateIfRunningMany is the fence: it stores outcomes only of attempts that still hold their job. River itself
// matches by id alone, so that a late attempt would end, or write into, the job of the attempt after it. Most attempts end
// well and bring nothing with them: these take the short way, complete.
func (p *Pilot) JobSetStateIfRunningMany(
	ctx context.Context, exec riverdriver.Executor, params *riverdriver.JobSetStateIfRunningManyParams,
) ([]*rivertype.JobRow, error) {
	for i := range params.ID {
		params.ErrData[i], params.MetadataUpdates[i] = storable(params.ErrData[i]), storable(params.MetadataUpdates[i])
	}
	if p.gate == nil {
		return p.StandardPilot.JobSetStateIfRunningMany(ctx, exec, params)
	}
	if _, inTx := exec.(riverdriver.ExecutorTx); inTx {
		// A worker's own transaction. River writes the attempt's outcome once more, below.
		return p.StandardPilot.JobSetStateIfRunningMany(ctx, exec, params)
	}
	var plain completion
	rest := &riverdriver.JobSetStateIfRunningManyParams{Now: params.Now, Schema: params.Schema}
	for i, h := range p.gate.known(params.ID) {
		if !isPlain(params, i) {
			move(rest, params, i)
		} else {
			plain.add(h, params.ID[i], params.FinalizedAt[i])
		}
	}
	rows, err := p.complete(ctx, params.Schema, &plain)
	if err != nil {
		return nil, err
	}
	if len(rest.ID) > 0 {
		others, err := p.setState(ctx, exec, rest)
		if err != nil {
			return nil, err
		}
		rows = append(rows, others...)
	}
	p.gate.written(params.ID)
	return rows, nil
}

// setState stores outcomes of any kind with River's statement, after locking those that are still this process's.
func (p *Pilot) setState(
	ctx context.Context, exec riverdriver.Executor, params *riverdriver.JobSetStateIfRunningManyParams,
) ([]*rivertype.JobRow, error) {
	tx, err := exec.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	fenced, err := p.holding(ctx, tx, params)
	if err != nil {
		return nil, err
	}
	var rows []*rivertype.JobRow
	if len(fenced.ID) > 0 {
		if rows, err = p.StandardPilot.JobSetStateIfRunningMany(ctx, tx, fenced); err != nil {
			return nil, err
		}
	}
	return rows, tx.Commit(ctx)
}

// EndIfSilent is an expression of SQL that makes Postgres end the present transaction when its client has said nothing for
// 8 s, the time that a worker goes on without a beat: the locks of a host that has vanished must not outlive it.
const EndIfSilent = "set_config('idle_in_transaction_session_timeout', '8s', true)"

// storable replaces NUL characters in JSON, which Postgres does not store. One in one error's text would make River try
// the whole batch in vain for ever, and with it every outcome of this process.
func storable(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u0000`)) {
		return text
	}
	return escapes.ReplaceAllFunc(text, func(escape []byte) []byte {
		if string(escape) == `\u0000` {
			return []byte(`\ufffd`)
		}
		return escape
	})
}

// escapes matches JSON's escapes, so that a backslash before one is not taken for its beginning.
var escapes = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|.)`)

// holding locks the jobs' rows, in the order of their ids, and returns params without those whose attempt here is over:
// rescued, cancelled or deleted meanwhile. A row that Finish completed passes, for River adds its metadata to it.
func (p *Pilot) holding(
	ctx context.Context, tx riverdriver.ExecutorTx, params *riverdriver.JobSetStateIfRunningManyParams,
) (*riverdriver.JobSetStateIfRunningManyParams, error) {
	attempts := make([]int, len(params.ID))
	for i, h := range p.gate.known(params.ID) {
		attempts[i] = h.attempt // 0 matches none: not ours, or written already
	}
	var ours []int64
	var server time.Time
	err := tx.QueryRow(ctx, holdingSQL(params.Schema), params.ID, attempts, p.gate.clientID).Scan(&ours, &server)
	if err != nil {
		return nil, fmt.Errorf("lock the jobs of a batch: %w", err)
	}
	moved := *params // River may try the same batch again
	moved.ScheduledAt = slices.Clone(params.ScheduledAt)
	byTheServersClock(moved.ScheduledAt, server)
	params = &moved
	if len(ours) == len(params.ID) {
		return params, nil
	}
	fenced := &riverdriver.JobSetStateIfRunningManyParams{Now: params.Now, Schema: params.Schema}
	for i, id := range params.ID {
		if !slices.Contains(ours, id) {
			p.late(ctx, id, attempts[i], params.State[i])
			continue
		}
		move(fenced, params, i)
	}
	return fenced, nil
}

// holdingSQL: $1 ids, $2 attempts, $3 this client. The lateral subquery, which the planner leaves as it is because it locks,
// finds each row by its key. A join would read all jobs, and compare each with the whole batch, for the planner cannot tell
// how many are this client's.
func holdingSQL(schema string) string {
	return `select coalesce(array_agg(held.id), '{}'), clock_timestamp()
		from (select ` + EndIfSilent + `) _
		cross join (select * from unnest($1::bigint[], $2::int[]) order by 1) as a (id, attempt)
		cross join lateral (select j.id from ` + Table(schema) + ` j
			where j.id = a.id and j.attempt = a.attempt and j.state in ('running', 'completed')
				and j.attempted_by[array_upper(j.attempted_by, 1)] = $3 for update) held`
}

// move appends the i-th outcome of from to to.
func move(to, from *riverdriver.JobSetStateIfRunningManyParams, i int) {
	to.ID = append(to.ID, from.ID[i])
	to.Attempt = append(to.Attempt, from.Attempt[i])
	to.ErrData = append(to.ErrData, from.ErrData[i])
	to.FinalizedAt = append(to.FinalizedAt, from.FinalizedAt[i])
	to.MetadataDoMerge = append(to.MetadataDoMerge, from.MetadataDoMerge[i])
	to.MetadataUpdates = append(to.MetadataUpdates, from.MetadataUpdates[i])
	to.ScheduledAt = append(to.ScheduledAt, from.ScheduledAt[i])
	to.State = append(to.State, from.State[i])
}

func (p *Pilot) late(ctx context.Context, id int64, attempt int, outcome rivertype.JobState) {
	p.log.WarnContext(ctx, "a late attempt was not recorded: its job is no longer its own", "job_id", id, "attempt", attempt,
		"outcome", string(outcome))
}
