package lab

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	//go:embed sql/together.sql
	togetherSQL string
	//go:embed sql/queue.sql
	queueSQL string
	//go:embed sql/beside.sql
	besideSQL string
)

const (
	// orders is how many orders are taken in each way.
	orders = 40
	// diesAt is how often the process dies between the two writes: at every fifth order, of which every second is an even one.
	diesAt = 5
)

func whereDidItCommit() Experiment {
	return Experiment{
		Slug: "where-did-it-commit", Title: "Where did it commit?",
		Purpose: "A row and its job, with a process that dies between the two writes: once in one transaction, once with a queue beside the database.",
		Lesson: fmt.Sprintf("A process takes %d orders in each way. An order is a row and a job. At every fifth order the process dies between the two "+
			"writes: its connections are cut at once, which is all that Postgres sees of a process that is killed. One way writes both in one "+
			"transaction. The other has its queue elsewhere, as with a queue server: a second database on this server plays it. There the row is "+
			"committed first for odd orders, and the job first for even ones, because each order of the two has its gap.", orders),
		Button: "Take the orders", DevOnly: true, Limit: time.Minute,
		Code: []Code{
			{"One transaction: both or neither", "commit_write.go", "writer.together"},
			{"A queue beside the database, the row first", "commit_write.go", "writer.rowFirst"},
			{"The job first is no better", "commit_write.go", "writer.jobFirst"},
		},
		Run: runCommit,
	}
}

func runCommit(ctx context.Context, r *Run) (err error) {
	if err := r.Show(ctx, "A second database is being created, for the queue beside."); err != nil {
		return err
	}
	cfg, drop, err := r.secondDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	w := &writer{Run: r}
	defer w.closeAll()
	if err := w.take(ctx, cfg, &w.takenTogether, func(int) write { return w.together }); err != nil {
		return err
	}
	err = w.take(ctx, cfg, &w.takenBeside, func(item int) write {
		if item%2 == 0 {
			return w.jobFirst
		}
		return w.rowFirst
	})
	if err != nil {
		return err
	}
	w.conclude()
	return nil
}

// secondDatabase creates the database of the queue beside. drop drops it.
func (r *Run) secondDatabase(ctx context.Context) (cfg *pgx.ConnConfig, drop func() error, err error) {
	cfg = r.DB.Config().ConnConfig.Copy()
	name := fmt.Sprintf("%.48s_lab", cfg.Database)
	remove := "drop database if exists " + pgx.Identifier{name}.Sanitize() + " with (force)" // an earlier run may have died
	for _, sql := range []string{remove, "create database " + pgx.Identifier{name}.Sanitize() + " template template0"} {
		_, err := r.DB.Exec(ctx, sql)
		if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "42501" { // insufficient privilege
			return nil, nil, Problem("This account of the database server may not create databases, and the experiment needs a second one. " +
				"With the private Postgres of backlist dev it may.")
		} else if err != nil {
			return nil, nil, fmt.Errorf("create the second database: %w", err)
		}
	}
	cfg.Database = name
	return cfg, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, err := r.DB.Exec(ctx, remove)
		return err
	}, nil
}

// write takes an order, and dies between its writes if dies is set.
type write func(ctx context.Context, item int, dies bool) error

// take takes all orders in one way. A process that died is started again, with a new connection.
func (w *writer) take(ctx context.Context, queue *pgx.ConnConfig, taken *int, how func(item int) write) error {
	if err := w.connect(ctx, queue); err != nil {
		return err
	}
	for *taken < orders {
		*taken++
		dies := *taken%diesAt == 0
		if err := how(*taken)(ctx, *taken, dies); err != nil && !(dies && errors.Is(err, errDied)) {
			return fmt.Errorf("take order %d: %w", *taken, err)
		}
		if !dies {
			continue
		}
		if err := w.connect(ctx, queue); err != nil {
			return err
		}
		if err := w.draw(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) connect(ctx context.Context, queue *pgx.ConnConfig) (err error) {
	if w.data == nil || w.data.IsClosed() {
		if w.data, err = pgx.ConnectConfig(ctx, w.DB.Config().ConnConfig.Copy()); err != nil {
			return err
		}
	}
	if w.queue == nil || w.queue.IsClosed() {
		if w.queue, err = pgx.ConnectConfig(ctx, queue); err != nil {
			return err
		}
		_, err = w.queue.Exec(ctx, "create table if not exists queue (id bigint generated always as identity primary key, item int not null)")
	}
	return err
}

func (w *writer) closeAll() {
	for _, conn := range []*pgx.Conn{w.data, w.queue} {
		if conn != nil {
			_ = conn.Close(context.Background())
		}
	}
}
