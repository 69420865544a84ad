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

var (
	//go:embed sql/fetch.sql
	fetchSQL string
	//go:embed sql/fetch_behind.sql
	fetchBehindSQL string
)

// fetchTimeout bounds a fetch: a connection may be cut without a word.
const fetchTimeout = 10 * time.Second

// fetch takes jobs as River does, from the front of the queue or from behind the last place (see places).
func (p *Pilot) fetch(ctx context.Context, params *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	if params.Queue == IsolationQueue || params.Queue == SinglyQueue { // jobs that were moved from their queues
		got, err := p.take(ctx, fetchIsolatedSQL, params)
		return got.JobGetAvailableResult, err
	}
	last, until, behind := p.places.behind(params.Queue)
	if behind {
		got, err := p.take(ctx, fetchBehindSQL, params, last[0].due, last[0].id, last[1].due, last[1].id, last[2].due, last[2].id, last[3].due, last[3].id)
		if err != nil {
			return nil, err
		}
		slow := p.places.fetchedBehind(params.Queue, got.last, len(got.Jobs) == params.MaxToLock)
		if len(got.Jobs) > 0 {
			return got.JobGetAvailableResult, nil
		}
		if slow {
			p.conn.pollIn(params.Queue, time.Until(until))
			return got.JobGetAvailableResult, nil
		}
	}
	began := time.Now()
	got, err := p.take(ctx, fetchSQL, params)
	if err != nil {
		return nil, err
	}
	p.places.fetchedFront(params.Queue, began, got.last, cmp.Or(got.at, began), len(got.Jobs) == params.MaxToLock)
	return got.JobGetAvailableResult, nil
}

// taken is what a fetch brought, in the order in which the jobs are to run.
type taken struct {
	*riverdriver.JobGetAvailableResult
	last [priorities]place // the last place of each priority
	at   time.Time         // when, by the server's clock; zero without jobs
}

// take runs a statement that takes jobs. Its plan does not depend on how many jobs wait: it finds the rows in the order of the
// index, and then each row by its id. (River joins the two, and if the table was small when it was last analysed, Postgres reads
// the whole table instead, each time.) Columns that are mostly empty are sent only if they are not.
func (p *Pilot) take(ctx context.Context, sql string, params *riverdriver.JobGetAvailableParams, places ...any) (taken, error) {
	args := append([]any{params.Queue, params.Kind, params.MaxToLock, params.ClientID, params.MaxAttemptedBy}, places...)
	rows, err := p.pool.Query(ctx, db.ForSchema(sql, params.Schema), args...)
	if err != nil {
		return taken{}, fmt.Errorf("fetch jobs: %w", err)
	}
	got := taken{JobGetAvailableResult: &riverdriver.JobGetAvailableResult{}}
	var r fetched
	_, err = pgx.ForEachRow(rows, r.into(), func() error {
		job, err := r.row(params)
		if err != nil {
			if got.DecodeErrors == nil {
				got.DecodeErrors = map[int64]error{}
			}
			got.DecodeErrors[job.ID] = err
		}
		got.Jobs = append(got.Jobs, job)
		got.at = r.attemptedAt
		r.extend(&got.last)
		return nil
	})
	if err != nil {
		return taken{}, fmt.Errorf("fetch jobs: %w", err)
	}
	slices.SortFunc(got.Jobs, func(a, b *rivertype.JobRow) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.ScheduledAt.Compare(b.ScheduledAt), cmp.Compare(a.ID, b.ID))
	})
	return got, nil
}

// fetched is one row of fetchSQL.
type fetched struct {
	storedRow
	attemptedAt time.Time // the server's time
}

func (r *fetched) into() []any { return r.storedRow.into(&r.attemptedAt) }

// row returns the row that was just scanned, as River wants it.
func (r *fetched) row(params *riverdriver.JobGetAvailableParams) (*rivertype.JobRow, error) {
	at := r.attemptedAt
	job, err := r.decode()
	job.AttemptedAt, job.Queue, job.State = &at, params.Queue, rivertype.JobStateRunning
	if len(job.AttemptedBy) == 0 {
		job.AttemptedBy = []string{params.ClientID}
	}
	return job, err
}

// storedRow is a row of river_job as our statements return it. It accepts null elements in arrays, because one row that cannot be
// scanned would fail the whole fetch.
type storedRow struct {
	job          rivertype.JobRow
	scheduledAt  pgtype.Timestamptz
	attemptedBy  []*string
	errors       []*string
	tags         []*string
	uniqueStates pgtype.Bits
}

func (r *storedRow) into(attemptedAt any) []any {
	j := &r.job
	return []any{
		&j.ID, &j.EncodedArgs, &j.Attempt, attemptedAt, &r.attemptedBy, &j.CreatedAt, &r.errors, &j.Kind, &j.MaxAttempts, &j.Metadata,
		&j.Priority, &r.scheduledAt, &r.tags, &j.UniqueKey, &r.uniqueStates,
	}
}

// decode returns the row that was just scanned. It returns it with an error too.
func (r *storedRow) decode() (*rivertype.JobRow, error) {
	job := r.job
	if job.ScheduledAt = r.scheduledAt.Time; r.scheduledAt.InfinityModifier != pgtype.Finite {
		job.ScheduledAt = job.CreatedAt
	}
	job.AttemptedBy, job.Tags = present(r.attemptedBy), present(r.tags)
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

// extend moves the last place of the row's priority behind the row. A row of all times has no place.
func (r *fetched) extend(last *[priorities]place) {
	due, p := r.scheduledAt.Time, &last[r.job.Priority-1]
	if r.scheduledAt.InfinityModifier == pgtype.Finite && (due.After(p.due) || due.Equal(p.due) && r.job.ID > p.id) {
		*p = place{due, r.job.ID}
	}
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
