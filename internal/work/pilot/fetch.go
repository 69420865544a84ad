package pilot

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivershared/uniquestates"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
)

//go:embed sql/fetch.sql
var fetchSQL string

// fetchTimeout bounds a fetch: a connection may be cut without a word.
const fetchTimeout = 10 * time.Second

// fetch takes jobs as River does, by a statement whose plan does not depend on how many jobs wait: it finds the rows in the
// order of the index, and then each row by its id. (River joins the two, and if the table was small when it was last
// analysed, Postgres reads the whole table instead, each time.) Columns that are mostly empty are sent only if they are not.
func (p *Pilot) fetch(ctx context.Context, params *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	rows, err := p.pool.Query(ctx, db.Statement(fetchStatement(params.Queue), params.Schema), params.Queue, params.Kind, params.MaxToLock, params.ClientID, params.MaxAttemptedBy)
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

// fetched is one row of fetchSQL. It accepts null elements in arrays, because one row that cannot be scanned would fail the
// whole fetch.
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

// row returns the row that was just scanned, as River wants it.
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

// present returns the elements that are not null.
func present(list []*string) []string {
	texts := make([]string, 0, len(list))
	for _, text := range list {
		if text != nil {
			texts = append(texts, *text)
		}
	}
	return texts
}
