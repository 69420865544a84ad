package pilot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivershared/uniquestates"
	"github.com/riverqueue/river/rivertype"
)

// fetchTimeout bounds a fetch: a connection may be cut without a word.
const fetchTimeout = 10 * time.Second

// fetch takes jobs as River does, with a statement whose plan does not depend on how many jobs wait: the rows to take are
// found in their order in the index, and an array of their ids leads to each. (River joins them, and on a table that was
// small when it was last analysed Postgres reads all of it instead, each time.) Columns that are mostly empty are sent only
// where they are not.
func (p *Pilot) fetch(ctx context.Context, params *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	rows, err := p.pool.Query(ctx, fetchSQL(params.Schema, params.Queue), params.Queue, params.Kind, params.MaxToLock, params.ClientID, params.MaxAttemptedBy)
	if err != nil {
		return nil, fmt.Errorf("fetch jobs: %w", err)
	}
	res := &riverdriver.JobGetAvailableResult{}
	var r fetched
	_, err = pgx.ForEachRow(rows, r.into(), func() error {
		job, err := r.row(params)
		if err != nil {
			if res.DecodeErrors == nil {
				res.DecodeErrors = map[int64]error{}
			}
			res.DecodeErrors[job.ID] = err
		}
		res.Jobs = append(res.Jobs, job)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fetch jobs: %w", err)
	}
	slices.SortFunc(res.Jobs, func(a, b *rivertype.JobRow) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.ScheduledAt.Compare(b.ScheduledAt), cmp.Compare(a.ID, b.ID))
	})
	return res, nil
}

// fetchSQL: $1 queue, $2 kinds (null: all), $3 how many, $4 this client, $5 how many clients a job remembers.
func fetchSQL(schema, queue string) string {
	also := ""
	if queue == AloneQueue {
		also = " and not " + homePaused(schema)
	}
	return `update ` + Table(schema) + ` set
			state = 'running', attempt = least(attempt, 32766) + 1, attempted_at = now(),
			attempted_by = case when array_ndims(attempted_by) > 1 then array[$4::text]
				else array_append(attempted_by[greatest(array_length(attempted_by, 1) + 2 - $5::int, 1):], $4::text) end
		where id = any(array(
			select id from ` + Table(schema) + `
			where state = 'available' and queue = $1 and ($2::text[] is null or kind = any($2)) and scheduled_at <= now()` + also + `
			order by priority, scheduled_at, id
			limit $3
			for update skip locked))
		returning id, args, attempt, attempted_at, case when array_length(attempted_by, 1) > 1 then attempted_by end,
			case when isfinite(created_at) then created_at else now() end,
			nullif(errors, '{}')::text[], kind, max_attempts, metadata, priority,
			case when isfinite(scheduled_at) then scheduled_at else created_at end, nullif(tags, '{}')::text[],
			unique_key, unique_states`
}

// fetched is one row of fetchSQL. Elements of its arrays may be null: a row that cannot be scanned would take all that were fetched
// with it.
type fetched struct {
	job          rivertype.JobRow
	attemptedAt  time.Time
	attemptedBy  []*string
	errors       []*string
	tags         []*string
	uniqueStates pgtype.Bits
}

func (r *fetched) into() []any {
	j := &r.job
	return []any{
		&j.ID, &j.EncodedArgs, &j.Attempt, &r.attemptedAt, &r.attemptedBy, &j.CreatedAt, &r.errors, &j.Kind, &j.MaxAttempts, &j.Metadata,
		&j.Priority, &j.ScheduledAt, &r.tags, &j.UniqueKey, &r.uniqueStates,
	}
}

// row is the row that was just scanned, as River wants it.
func (r *fetched) row(params *riverdriver.JobGetAvailableParams) (*rivertype.JobRow, error) {
	job, at := r.job, r.attemptedAt
	job.AttemptedAt, job.Queue, job.State = &at, params.Queue, rivertype.JobStateRunning
	job.AttemptedBy, job.Tags = present(r.attemptedBy), present(r.tags)
	if len(job.AttemptedBy) == 0 {
		job.AttemptedBy = []string{params.ClientID}
	}
	if r.uniqueStates.Valid && len(r.uniqueStates.Bytes) > 0 {
		job.UniqueStates = uniquestates.UniqueBitmaskToStates(r.uniqueStates.Bytes[0])
	}
	errors := present(r.errors)
	job.Errors = make([]rivertype.AttemptError, len(errors))
	for i, text := range errors {
		if err := json.Unmarshal([]byte(text), &job.Errors[i]); err != nil {
			return &job, fmt.Errorf("its error %d: %w", i+1, err)
		}
	}
	return &job, nil
}

// present is the elements that are not null.
func present(list []*string) []string {
	texts := make([]string, 0, len(list))
	for _, text := range list {
		if text != nil {
			texts = append(texts, *text)
		}
	}
	return texts
}
