package work_test

import (
	"context"
	"testing"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/args"
)

type letterArgs struct {
	ReaderID int64  `json:"reader_id" river:"unique"`
	Diary    string `json:"diary"`
}

func (letterArgs) Kind() string { return "test_letter" }

func (letterArgs) KindAliases() []string { return []string{"test_old_letter"} }

func (letterArgs) Secrets() []string { return []string{"Diary"} }

func (letterArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "mail", MaxAttempts: 3, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

type letterWorker struct {
	river.WorkerDefaults[letterArgs]
}

func (*letterWorker) Work(context.Context, *river.Job[letterArgs]) error { return nil }

type chainArgs struct {
	Next *chainArgs `json:"next,omitempty"`
}

func (chainArgs) Kind() string { return "test_chain" }

type chainWorker struct {
	river.WorkerDefaults[chainArgs]
}

func (*chainWorker) Work(context.Context, *river.Job[chainArgs]) error { return nil }

// TestKindsShowTheirArgs: jobs.kind has a schema and an example, in which secrets are hidden. A process of the release before, which
// registers without them, leaves them.
func TestKindsShowTheirArgs(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	workers := work.NewWorkers()
	work.AddWorker(workers, &letterWorker{})
	work.AddWorker(workers, &chainWorker{})
	if err := workers.Register(t.Context(), tx, "v7"); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `insert into work.kind (kind, secrets, opts, release) values ('test_letter', '{diary}', '{}', 'v6')
		on conflict (kind) do update set secrets = excluded.secrets, opts = excluded.opts, release = excluded.release, seen_at = now()`); err != nil {
		t.Fatal(err)
	}
	var schema, example string
	err := tx.QueryRow(t.Context(), "select args_schema, args_example from jobs.kind where kind = 'test_letter'").Scan(&schema, &example)
	if err != nil || example != `{"diary": "[redacted]", "reader_id": 1}` {
		t.Errorf("example %s (%v)", example, err)
	}
	for given, want := range map[string]int{example: 0, `{"reader_id": 8, "diary": "x"}`: 0, `{"reader_id": "8", "dairy": "x"}`: 3} {
		if faults, err := args.Check([]byte(schema), []byte(given)); err != nil || len(faults) != want {
			t.Errorf("%s: %v (%v), want %d faults", given, faults, err, want)
		}
	}
	var none bool
	err = tx.QueryRow(t.Context(), "select args_schema is null and args_example is not null from jobs.kind where kind = 'test_chain'").Scan(&none)
	if err != nil || !none {
		t.Errorf("a type that contains itself has a schema (%v)", err)
	}
}

// TestKindsAreKnownToSQL: jobs.enqueue uses a kind's options, and views hide its secrets.
func TestKindsAreKnownToSQL(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	workers := work.NewWorkers()
	work.AddWorker(workers, &letterWorker{})
	if err := workers.Register(t.Context(), tx, "v7"); err != nil {
		t.Fatal(err)
	}
	client, err := work.NewInserter(nil, work.Options{Workers: workers, Schema: "river", Release: "v7"})
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.InsertTx(t.Context(), tx, letterArgs{7, "dear diary"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var twin bool
	err = tx.QueryRow(t.Context(), `select duplicate and id = $1
		from jobs.enqueue('test_letter', '{"reader_id": 7, "diary": "another day"}')`, res.Job.ID).Scan(&twin)
	if err != nil || !twin {
		t.Errorf("the same letter by SQL is another job (%v)", err)
	}
	if _, err := tx.Exec(t.Context(), `select jobs.enqueue('test_old_letter', '{"reader_id": 8, "diary": "dear diary"}')`); err != nil {
		t.Fatal(err)
	}
	var queue, shown string
	err = tx.QueryRow(t.Context(), `select queue, args ->> 'diary' from jobs.job where kind = 'test_old_letter'`).Scan(&queue, &shown)
	if err != nil || queue != "mail" || shown != "[redacted]" {
		t.Errorf("queue %q, diary shown as %q (%v)", queue, shown, err)
	}
	if _, err := tx.Exec(t.Context(), `select jobs.enqueue('test_lettre', '{}')`); err == nil {
		t.Error("an unknown kind was enqueued")
	}
}
