package work

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/insert"
)

//go:embed sql/register_kind.sql
var registerKindSQL string

// Workers are all kinds of jobs that a binary knows.
type Workers struct {
	river *river.Workers
	kinds map[string]kind
}

// NewWorkers returns an empty list, which AddWorker fills.
func NewWorkers() *Workers { return &Workers{river.NewWorkers(), map[string]kind{}} }

// kind is what schema jobs wants to know of one.
type kind struct {
	secrets []string // keys of its args and metadata that are not to be shown, in lower case
	opts    insert.Options
}

// ArgsWithSecrets is implemented by args of which the values of some keys are never shown, because they say much of a
// person, for instance. Keys that look secret are hidden anyhow; a secret itself belongs in no job's args.
type ArgsWithSecrets interface{ Secrets() []string }

// AddWorker registers a kind's worker with River, and does three things more: it makes the kind known to schema jobs; it notes
// that Work has begun, so that a job whose arguments cannot be read is held rather than tried again and again; and it keeps
// the time limit, for which River would take a goroutine and two timers of each job.
func AddWorker[T river.JobArgs](workers *Workers, worker river.Worker[T]) {
	var args T
	k := kind{secrets: []string{}}
	if with, ok := any(args).(ArgsWithSecrets); ok {
		for _, key := range with.Secrets() {
			k.secrets = append(k.secrets, strings.ToLower(key))
		}
	}
	var own river.InsertOpts
	if with, ok := any(args).(river.JobArgsWithInsertOpts); ok {
		own = with.InsertOpts()
	}
	var err error
	if k.opts, err = insert.Merge(args, own, river.InsertOpts{}); err != nil {
		panic(err) // a mistake in the type's tags, as those that River panics at here
	}
	river.AddWorker(workers.river, &limited[T]{worker})
	workers.kinds[args.Kind()] = k
	if with, ok := any(args).(river.JobArgsWithKindAliases); ok {
		for _, alias := range with.KindAliases() {
			workers.kinds[alias] = k
		}
	}
}

// names are the kinds, sorted.
func (w *Workers) names() []string {
	if w == nil {
		return []string{}
	}
	return slices.Sorted(maps.Keys(w.kinds))
}

// Register tells the database which kinds there are: jobs.enqueue takes no others, and views hide what is secret in them. It does
// not wait long for others' locks.
func (w *Workers) Register(ctx context.Context, db DB, release string) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('lock_timeout', '500ms', true)"); err != nil {
			return err
		}
		for _, name := range w.names() { // in one order, so that processes that start together do not wait for each other in a ring
			k := w.kinds[name]
			opts, err := json.Marshal(k.opts)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, registerKindSQL, pgx.NamedArgs{"kind": name, "secrets": k.secrets, "opts": string(opts), "release": release})
			if err != nil {
				return fmt.Errorf("register kind %s: %w", name, err)
			}
		}
		return nil
	})
}
