package pilot

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
)

//go:embed sql/insert.sql
var insertSQL string

// JobInsertMany inserts as River does and sends the notice in the inserting transaction. River sends at most one notice
// per client, queue and cooldown, so that the second of two jobs, or a job inserted after a rollback, would wait for a
// worker's poll. A duplicate is announced too: the insert locked the waiting job's row for a moment, so a concurrent fetch
// may have skipped it.
//
// One job and its notice are one round trip, which in a pipeline.Transact is that of the whole transaction.
func (p *Pilot) JobInsertMany(
	ctx context.Context, execTx riverdriver.ExecutorTx, params *riverdriver.JobInsertFastManyParams,
) ([]*riverdriver.JobInsertFastResult, error) {
	dueNow(params.Jobs)
	tx := unwrapTx(execTx)
	if len(params.Jobs) == 1 {
		result, err := insertOne(ctx, tx, params.Jobs[0], params.Schema)
		return []*riverdriver.JobInsertFastResult{result}, err
	}
	results, err := p.StandardPilot.JobInsertMany(ctx, execTx, params)
	if err != nil {
		return nil, err
	}
	var notices pgx.Batch
	queueNotices(&notices, params)
	if err := tx.SendBatch(ctx, &notices).Close(); err != nil {
		return nil, fmt.Errorf("notify of jobs: %w", err)
	}
	return results, nil
}

func insertOne(ctx context.Context, tx pgx.Tx, job *riverdriver.JobInsertFastParams, schema string) (*riverdriver.JobInsertFastResult, error) {
	now := time.Now().UTC()
	created, scheduled := cmp.Or(job.CreatedAt, &now), cmp.Or(job.ScheduledAt, &now)
	if scheduled.IsZero() {
		scheduled = nil
	}
	var key []byte // null unless the job is unique
	if len(job.UniqueKey) > 0 {
		key = job.UniqueKey
	}
	var batch pgx.Batch
	batch.Queue(db.ForSchema(insertSQL, schema),
		job.ID, cmp.Or(string(job.EncodedArgs), "{}"), created, job.Kind, min(job.MaxAttempts, math.MaxInt16),
		cmp.Or(string(job.Metadata), "{}"), min(job.Priority, math.MaxInt16), job.Queue, scheduled, string(job.State),
		strings.Join(job.Tags, ","), key, int32(job.UniqueStates))
	queueNotices(&batch, &riverdriver.JobInsertFastManyParams{Jobs: []*riverdriver.JobInsertFastParams{job}, Schema: schema})
	results := tx.SendBatch(ctx, &batch)
	var r insertedRow
	err := results.QueryRow().Scan(r.into()...)
	if closed := results.Close(); err == nil && closed != nil {
		err = fmt.Errorf("notify of jobs: %w", closed)
	}
	if err != nil {
		return nil, err
	}
	row, err := r.row()
	return &riverdriver.JobInsertFastResult{Job: row, UniqueSkippedAsDuplicate: r.duplicate}, err
}

// insertedRow is the row that insertSQL returns.
type insertedRow struct {
	storedRow
	attemptedAt, finalizedAt *time.Time
	duplicate                bool
}

func (r *insertedRow) into() []any {
	return append(r.storedRow.into(&r.attemptedAt), &r.job.Queue, &r.job.State, &r.finalizedAt, &r.duplicate)
}

// row returns the row as River's insert does.
func (r *insertedRow) row() (*rivertype.JobRow, error) {
	job, err := r.decode()
	if r.attemptedBy == nil {
		job.AttemptedBy = nil
	}
	for _, at := range []*time.Time{r.attemptedAt, r.finalizedAt} {
		if at != nil {
			*at = at.UTC()
		}
	}
	job.AttemptedAt, job.FinalizedAt = r.attemptedAt, r.finalizedAt
	job.CreatedAt, job.ScheduledAt = job.CreatedAt.UTC(), job.ScheduledAt.UTC()
	return job, err
}
