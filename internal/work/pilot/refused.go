package pilot

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/bound"
)

//go:embed sql/end_refused.sql
var endRefusedSQL string

// setRefused stores the one outcome of batch, which the server refuses, without the refused parts, and names these in an error
// of the job. If no part is refused by itself, the cause is the job's next state, and endRefused ends the job.
func (p *Pilot) setRefused(ctx context.Context, exec riverdriver.Executor, batch *outcomes, cause error) ([]*rivertype.JobRow, error) {
	id, attempt := batch.ID[0], p.attempts.known(batch.ID)[0].attempt
	kept, refused, err := p.withoutRefused(ctx, batch)
	if err != nil {
		return nil, err
	}
	if len(refused) == 0 {
		p.log.ErrorContext(ctx, "the server refuses a job's next state: the job ends here", "job_id", id, "attempt", attempt,
			"state", string(batch.State[0]), "err", cause)
		return nil, p.endRefused(ctx, batch, attempt, cause)
	}
	p.log.ErrorContext(ctx, "the server refuses a part of a job's outcome: the rest is stored", "job_id", id, "attempt", attempt,
		"refused", refused, "err", cause)
	addNote(kept, 0, attempt, refused...)
	rows, err := p.setTogether(ctx, exec, kept)
	if IsRefused(err) {
		return nil, p.endRefused(ctx, kept, attempt, err)
	}
	return rows, err
}

// withoutRefused asks the server for each part of an outcome whether it can be stored, and leaves out those that cannot.
func (p *Pilot) withoutRefused(ctx context.Context, batch *outcomes) (kept *outcomes, refused []string, err error) {
	kept = &outcomes{Now: batch.Now, Schema: batch.Schema}
	move(kept, batch, 0)
	if text := kept.ErrData[0]; text != nil {
		why, err := p.refusal(ctx, "error", text)
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			kept.ErrData[0], refused = nil, append(refused, why)
		}
	}
	parts := map[string]json.RawMessage{}
	if kept.MetadataDoMerge[0] {
		if err := json.Unmarshal(kept.MetadataUpdates[0], &parts); err != nil {
			return nil, nil, fmt.Errorf("read a job's metadata: %w", err) // River has just written it
		}
	}
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		why, err := p.refusal(ctx, key, parts[key])
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			delete(parts, key)
			refused = append(refused, why)
		}
	}
	setMetadata(kept, 0, parts)
	return kept, refused, nil
}

// refusal returns why the server refuses a part of an outcome, or "" if it does not.
func (p *Pilot) refusal(ctx context.Context, name string, text []byte) (string, error) {
	var ok bool
	err := p.pool.QueryRow(ctx, "select jsonb_build_object($1::text, $2::text::jsonb) is not null", name, string(text)).Scan(&ok)
	if IsRefused(err) {
		return fmt.Sprintf("not stored: %s, which the server refuses: %s", bound.Text(name, bound.Name), inShort(err)), nil
	}
	return "", err
}

// endRefused ends a job whose next state the server refuses, for instance because another job holds its unique key. The job
// loses its unique key, and is discarded if it was to run again.
func (p *Pilot) endRefused(ctx context.Context, batch *outcomes, attempt int, cause error) error {
	addNote(batch, 0, attempt, fmt.Sprintf("the server refuses the state %q: %s", batch.State[0], inShort(cause)))
	state := batch.State[0]
	if batch.FinalizedAt[0] == nil {
		state = rivertype.JobStateDiscarded
	}
	var ended int64
	err := p.pool.QueryRow(ctx, db.Statement(endRefusedSQL, batch.Schema), pgx.NamedArgs{
		"id": batch.ID[0], "state": string(state), "error": string(batch.ErrData[0]), "attempt": attempt, "client": p.attempts.clientID,
	}).Scan(&ended)
	if errors.Is(err, pgx.ErrNoRows) {
		return p.missing(ctx, batch)
	}
	if err == nil {
		p.attempts.written(batch.ID)
	}
	return err
}

// EndRefused discards a running job that the server refuses to let run again, unless another session has its row locked. code
// and why become its error.
func EndRefused(ctx context.Context, q interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}, schema string, id int64, code, why string,
) error {
	text, err := json.Marshal(struct {
		rivertype.AttemptError
		Code string `json:"code"`
	}{rivertype.AttemptError{At: time.Now(), Error: why}, code})
	if err != nil {
		return err
	}
	rows, err := q.Query(ctx, db.Statement(endRefusedSQL, schema),
		pgx.NamedArgs{"id": id, "state": string(rivertype.JobStateDiscarded), "error": string(text)})
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	return err
}

// inShort returns the server's message of an error, without its detail, which quotes values.
func inShort(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Sprintf("%s (SQLSTATE %s)", bound.Text(pgErr.Message, bound.Name), pgErr.Code)
	}
	return err.Error()
}

// addNote adds sentences to the error of the i-th outcome, which gets one if it has none.
func addNote(batch *outcomes, i, attempt int, sentences ...string) {
	e := rivertype.AttemptError{At: time.Now(), Attempt: attempt}
	if batch.ErrData[i] != nil {
		_ = json.Unmarshal(batch.ErrData[i], &e) // River has just written it
	}
	note := strings.Join(sentences, "\n")
	if e.Error != "" {
		note = bound.Text(e.Error, bound.Error) + "\n" + note
	}
	e.Error = note
	batch.ErrData[i], _ = json.Marshal(e)
}

// setMetadata makes the i-th outcome add parts to its job's metadata.
func setMetadata(batch *outcomes, i int, parts map[string]json.RawMessage) {
	batch.MetadataDoMerge[i], batch.MetadataUpdates[i] = len(parts) > 0, nil
	if len(parts) > 0 {
		batch.MetadataUpdates[i], _ = json.Marshal(parts)
	}
}

// fit leaves out of the i-th outcome the values that are too large to store with a job. Errors and logs are limited where they
// are made.
func fit(batch *outcomes, i, attempt int) {
	if len(batch.MetadataUpdates[i]) <= bound.Value {
		return
	}
	var parts map[string]json.RawMessage
	if json.Unmarshal(batch.MetadataUpdates[i], &parts) != nil {
		return // the server will say what is wrong
	}
	var large []string
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		if size := len(parts[key]); size > bound.Value && key != "river:log" {
			delete(parts, key)
			large = append(large, fmt.Sprintf("not stored: %s, which has %d bytes of at most %d", bound.Text(key, bound.Name), size, bound.Value))
		}
	}
	if len(large) > 0 {
		setMetadata(batch, i, parts)
		addNote(batch, i, attempt, large...)
	}
}
