package scale

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/scale/plan"
)

var (
	//go:embed sql/save.sql
	saveSQL string
	//go:embed sql/decide.sql
	decideSQL string
	//go:embed sql/idle.sql
	idleSQL string
)

// mostBoots is how many boot times are remembered, and lostIn how long after its order a worker counts as one that will not start.
const (
	mostBoots = 20
	lostIn    = 10 * time.Minute
)

// errLost is returned when another process has taken the lease.
var errLost = errors.New("another process decides now")

// save writes what must be remembered, and records the decision if it says something new. It comes before the decision is carried
// out, so that a process that takes over knows what the platform was asked for.
func (l *Loop) save(ctx context.Context, r *row, m *memory, in plan.Inputs, d plan.Decision, problem string) (id int64, err error) {
	if passed := in.At.Sub(r.State.At); !r.State.At.IsZero() {
		r.Hours += float64(in.Formation.Quantity) * min(passed, time.Minute).Hours()
	}
	notable := d.Code != m.recorded.Code || d.Want != m.recorded.Want || d.Quantity != m.recorded.Quantity ||
		!slices.Equal(d.Drain, m.recorded.Drain) || in.At.Sub(m.recorded.At) >= recordEvery
	err = pgx.BeginFunc(ctx, l.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, saveSQL, pgx.NamedArgs{
			"type": r.Type, "by": l.by, "state": d.Next, "quantity": in.Formation.Quantity, "boots": r.Boots, "ordered": r.Ordered,
			"problem": problem, "hours": r.Hours,
		})
		if err != nil || tag.RowsAffected() == 0 {
			return errors.Join(err, lostUnless(err))
		}
		if !notable {
			return nil
		}
		return tx.QueryRow(ctx, decideSQL, pgx.NamedArgs{
			"type": r.Type, "at": in.At, "mode": r.Mode, "code": d.Code, "sentence": d.Sentence, "present": in.Formation.Quantity,
			"want": d.Want, "demand": d.Demand, "bound": d.Bound, "quantity": d.Quantity, "drain": d.Drain, "inputs": in, "state": r.State,
		}).Scan(&id)
	})
	if err == nil && notable {
		m.recorded = d
	}
	return id, err
}

func lostUnless(err error) error {
	if err == nil {
		return errLost
	}
	return nil
}

// failed records why a decision could not be carried out, and the platform's limit if that is why.
func (l *Loop) failed(ctx context.Context, r *row, id int64, cause error) error {
	batch := &pgx.Batch{}
	batch.Queue("update work.scale_decision set answer = $2 where id = $1", id, cause.Error())
	if limit, ok := errors.AsType[*LimitError](cause); ok && limit.Limit > 0 {
		batch.Queue("update work.scale_state set api_limit = $2 where process_type = $1", r.Type, limit.Limit)
	}
	return l.DB.SendBatch(ctx, batch).Close()
}

// idle reports whether the workers that a smaller quantity removes are drained and run nothing at this moment.
func (l *Loop) idle(ctx context.Context, r *row, quantity int, unordered bool) (bool, error) {
	ids := []string{}
	for _, w := range r.Workers {
		if unordered || w.Index > quantity {
			ids = append(ids, w.ID)
		}
	}
	var idle int
	err := l.DB.QueryRow(ctx, db.Statement(idleSQL, l.Schema), pgx.NamedArgs{"ids": ids}).Scan(&idle)
	return idle == len(ids), err
}

// drain makes the workers of a decision take no jobs, and lets the others that the loop drained take jobs again. A worker that an
// operator drains stays so.
func (l *Loop) drain(ctx context.Context, r *row, d plan.Decision) error {
	batch := &pgx.Batch{}
	for _, w := range r.Workers {
		wanted := slices.Contains(d.Drain, w.Index)
		switch {
		case wanted && !w.Draining:
			batch.Queue("insert into work.scale_drain (worker, process_type) values ($1, $2) on conflict do nothing", w.ID, r.Type)
			batch.Queue("select jobs.drain($1, $2)", w.ID, d.Sentence)
		case !wanted && w.Ours:
			batch.Queue("delete from work.scale_drain where worker = $1", w.ID)
			batch.Queue("select jobs.undrain($1, $2)", w.ID, d.Sentence)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	batch.Queue("delete from work.scale_drain d where not exists (select from work.worker w where w.id = d.worker and w.stopped_at is null and w.dead_at is null)")
	return pgx.BeginFunc(ctx, l.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('jobs.who', 'scaler', true)"); err != nil {
			return err
		}
		return tx.SendBatch(ctx, batch).Close()
	})
}

// asked returns what a decision that is not carried out leaves as it was. A formation whose number was not known before is known now.
func (r *row) asked(d plan.Decision) (quantity int, at, shrunk time.Time) {
	quantity = r.State.Asked
	if !r.State.Adopted || d.Next.Quantity != r.State.Quantity {
		quantity = d.Next.Quantity
	}
	return quantity, r.State.AskedAt, r.State.ShrunkAt
}

// order notes when the new workers of a decision were ordered.
func (r *row) order(in plan.Inputs, d plan.Decision) {
	if r.Ordered == nil {
		r.Ordered = map[int]float64{}
	}
	for index := in.Formation.Quantity + 1; index <= d.Quantity; index++ {
		r.Ordered[index] = unix(in.At)
	}
}

// booted notes how long the workers that have started since took.
func (r *row) booted(at time.Time) {
	for _, w := range r.Workers {
		if ordered, ok := r.Ordered[w.Index]; ok && w.Started > ordered {
			r.Boots = append(r.Boots, w.Started-ordered)
			delete(r.Ordered, w.Index)
		}
	}
	for index, ordered := range r.Ordered {
		if unix(at)-ordered > lostIn.Seconds() {
			delete(r.Ordered, index)
		}
	}
	r.Boots = r.Boots[max(0, len(r.Boots)-mostBoots):]
}

func unix(at time.Time) float64 { return float64(at.UnixMicro()) / 1e6 }
