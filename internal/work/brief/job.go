package brief

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work/record"
)

// Job is a job of a batch.
type Job struct {
	Row     *rivertype.JobRow // as it is while it runs, though the database does not show that
	Effects *Effects

	// Config.Work sets these.
	Outcome Outcome
	Record  *record.Attempt
	Err     error // of the handler, for the log

	at      string        // where its row is
	began   time.Duration // since the batch began
	took    time.Duration // by its handler
	movable bool          // it does not belong into a batch
}

// Outcome is what becomes of a job.
type Outcome struct {
	State    rivertype.JobState // empty: it stays as it is
	Spent    bool               // the attempt counts
	Wait     time.Duration      // until it is due again
	Error    []byte             // to append to its errors, in JSON; nil: none
	Metadata []byte             // to add to its metadata, in JSON; nil: nothing
}

// plain reports whether the job completed and has nothing else to store.
func (o Outcome) plain() bool {
	return o.State == rivertype.JobStateCompleted && o.Error == nil && o.Metadata == nil
}

// collect reads the rows that sql/head.sql returns. It accepts null elements in arrays and errors that are not River's, because one
// row that cannot be read would fail the whole batch. It returns the transaction's time by the server's clock.
func collect(rows pgx.Rows, queue, worker string) (jobs []*Job, now time.Time, err error) {
	for rows.Next() {
		row := &rivertype.JobRow{Queue: queue, State: rivertype.JobStateRunning}
		j := &Job{Row: row, Effects: &Effects{most: effectsMost}}
		var by, errors, tags []*string
		err := rows.Scan(&j.at, &row.ID, &row.EncodedArgs, &row.Attempt, &now, &by, &row.CreatedAt, &errors, &row.Kind, &row.MaxAttempts,
			&row.Metadata, &row.Priority, &row.ScheduledAt, &tags)
		if err != nil {
			return nil, now, fmt.Errorf("read a brief job: %w", err)
		}
		row.AttemptedBy, row.Tags = append(present(by), worker), present(tags)
		for _, text := range present(errors) {
			var e rivertype.AttemptError
			_ = json.Unmarshal([]byte(text), &e) // it counts, at least
			row.Errors = append(row.Errors, e)
		}
		jobs = append(jobs, j)
	}
	return jobs, now, rows.Err()
}

// present returns the elements that are not null.
func present(list []*string) []string {
	texts := make([]string, 0, len(list)+1)
	for _, text := range list {
		if text != nil {
			texts = append(texts, *text)
		}
	}
	return texts
}

// start notes when the job's handler is called: after the batch began, at a time by the server's clock.
func (j *Job) start(after time.Duration, at time.Time) {
	j.began = after.Truncate(time.Microsecond)
	at = at.Add(j.began)
	j.Row.AttemptedAt = &at
}

// end sets the job's run time: its handler's, and its share of what the batch took besides.
func (j *Job) end(share time.Duration) {
	j.Record.Run = (j.took + share).Truncate(time.Microsecond)
}

// place returns where the job stands in its queue.
func (j *Job) place() place { return place{int16(j.Row.Priority), j.Row.ScheduledAt, j.Row.ID} }
