package pilot

import (
	"context"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// outcomes is a batch of outcomes that River wants stored, in parallel arrays.
type outcomes = riverdriver.JobSetStateIfRunningManyParams

// JobSetStateIfRunningMany is the fence: it stores outcomes only of attempts that still hold their job. River itself
// matches by id alone, so that a late attempt would end, or write into, the job of the attempt after it. Most attempts
// complete and have nothing else to store: complete stores these faster.
//
// An outcome that cannot be stored does not delay others. If another session has its row locked, the outcome is set aside and
// stored when the row is free, and River is not told. If the server refuses a part of it, it is stored without that part
// (refused.go).
func (p *Pilot) JobSetStateIfRunningMany(ctx context.Context, exec riverdriver.Executor, params *outcomes) ([]*rivertype.JobRow, error) {
	for i := range params.ID {
		params.ErrData[i], params.MetadataUpdates[i] = storable(params.ErrData[i]), storable(params.MetadataUpdates[i])
	}
	if p.gate == nil {
		return p.StandardPilot.JobSetStateIfRunningMany(ctx, exec, params)
	}
	if _, inTx := exec.(riverdriver.ExecutorTx); inTx {
		// A transaction of the job's own code. River stores the attempt's outcome again later, and not in a transaction.
		return p.StandardPilot.JobSetStateIfRunningMany(ctx, exec, params)
	}
	return p.store(ctx, exec, params, p.complete)
}

// store stores a batch; it uses complete for completions with nothing else to store. It skips outcomes that an earlier try of
// the same batch has stored.
func (p *Pilot) store(ctx context.Context, exec riverdriver.Executor, params *outcomes, complete completing) ([]*rivertype.JobRow, error) {
	plain := completion{of: params}
	rest := &outcomes{Now: params.Now, Schema: params.Schema}
	for i, h := range p.attempts.known(params.ID) {
		switch {
		case h.job == nil:
		case isPlain(params, i):
			plain.add(h, i)
		default:
			move(rest, params, i)
			fit(rest, len(rest.ID)-1, h.attempt)
		}
	}
	rows, err := complete(ctx, &plain)
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
	return rows, nil
}

// move appends the i-th outcome of from to to.
func move(to, from *outcomes, i int) {
	to.ID = append(to.ID, from.ID[i])
	to.Attempt = append(to.Attempt, from.Attempt[i])
	to.ErrData = append(to.ErrData, from.ErrData[i])
	to.FinalizedAt = append(to.FinalizedAt, from.FinalizedAt[i])
	to.MetadataDoMerge = append(to.MetadataDoMerge, from.MetadataDoMerge[i])
	to.MetadataUpdates = append(to.MetadataUpdates, from.MetadataUpdates[i])
	to.ScheduledAt = append(to.ScheduledAt, from.ScheduledAt[i])
	to.State = append(to.State, from.State[i])
}

// part returns the outcomes from the i-th up to, but not including, the j-th.
func part(of *outcomes, i, j int) *outcomes {
	return &outcomes{
		ID: of.ID[i:j], Attempt: of.Attempt[i:j], ErrData: of.ErrData[i:j], FinalizedAt: of.FinalizedAt[i:j],
		MetadataDoMerge: of.MetadataDoMerge[i:j], MetadataUpdates: of.MetadataUpdates[i:j], ScheduledAt: of.ScheduledAt[i:j],
		State: of.State[i:j], Now: of.Now, Schema: of.Schema,
	}
}

// CodeLate is the code of the log line about a late attempt.
const CodeLate = "late_attempt"

func (p *Pilot) late(ctx context.Context, id int64, attempt int, outcome rivertype.JobState) {
	p.log.WarnContext(ctx, "a late attempt was not recorded: its job is no longer its own", "code", CodeLate, "job_id", id, "attempt", attempt,
		"outcome", string(outcome))
}
