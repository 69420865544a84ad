package work

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/args"
	"github.com/backlist/backlist/internal/work/insert"
)

//go:embed sql/register_kind.sql
var registerKindSQL string

// Workers is the registry of the binary's job kinds.
type Workers struct {
	river *river.Workers
	kinds map[string]kind
}

// NewWorkers returns an empty registry, which AddWorker fills.
func NewWorkers() *Workers { return &Workers{river.NewWorkers(), map[string]kind{}} }

// kind is what schema jobs needs to know about a kind.
type kind struct {
	secrets []string // keys of its args and metadata whose values are hidden, in lower case
	opts    kindOptions
	schema  json.RawMessage // of its args; nil: not known
	example json.RawMessage // of its args, made up
	brief   *briefKind      // nil: ordinary
}

// kindOptions are the options of a kind as its row stores them.
type kindOptions struct {
	insert.Options
	Aside []string `json:"aside,omitempty"` // its queues, if it is left out of what operators watch
}

// ArgsAside is implemented by args whose jobs are left out of wait targets, findings and the inbox of errors, such as
// experiments that fail on purpose: Aside returns the queues that only such jobs use. See view jobs.aside.
type ArgsAside interface{ Aside() []string }

// ArgsWithSecrets is implemented by args that have values which are never shown, personal data for instance: Secrets returns
// their keys. Keys that look secret are hidden in any case. Real secrets, such as passwords, do not belong in args.
type ArgsWithSecrets interface{ Secrets() []string }

// AddWorker registers a kind's worker with River, and does three things more: it makes the kind known to schema jobs; it
// notes when Work begins, so that a job whose arguments cannot be read is held instead of retried; and it enforces the time
// limit itself, because River would use a goroutine and two timers for each job.
func AddWorker[T river.JobArgs](workers *Workers, worker river.Worker[T]) {
	var zero T
	k := kind{secrets: []string{}}
	if with, ok := any(zero).(ArgsWithSecrets); ok {
		for _, key := range with.Secrets() {
			k.secrets = append(k.secrets, strings.ToLower(key))
		}
	}
	var own river.InsertOpts
	if with, ok := any(zero).(river.JobArgsWithInsertOpts); ok {
		own = with.InsertOpts()
	}
	var err error
	if k.opts.Options, err = insert.Merge(zero, own, river.InsertOpts{}); err != nil {
		panic(err) // a mistake in the type's tags; River, too, panics at mistakes here
	}
	if with, ok := any(zero).(ArgsAside); ok {
		k.opts.Aside = with.Aside()
	}
	k.schema, k.example = args.Describe(reflect.TypeFor[T]())
	river.AddWorker(workers.river, &limited[T]{worker})
	workers.kinds[zero.Kind()] = k
	if with, ok := any(zero).(river.JobArgsWithKindAliases); ok {
		for _, alias := range with.KindAliases() {
			workers.kinds[alias] = k
		}
	}
}

// names returns the kinds, sorted.
func (w *Workers) names() []string {
	if w == nil {
		return []string{}
	}
	return slices.Sorted(maps.Keys(w.kinds))
}

// Register writes the kinds to the database: jobs.enqueue refuses all others, and views hide their secrets. It does not wait
// long for locks.
func (w *Workers) Register(ctx context.Context, db DB, release string) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('lock_timeout', '500ms', true)"); err != nil {
			return err
		}
		for _, name := range w.names() { // in a fixed order, so that processes that start together cannot deadlock
			k := w.kinds[name]
			opts, err := json.Marshal(k.opts)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, registerKindSQL, pgx.NamedArgs{
				"kind": name, "secrets": k.secrets, "opts": string(opts), "release": release, "schema": k.schema, "example": k.example,
				"brief": k.brief != nil,
			})
			if err != nil {
				return fmt.Errorf("register kind %s: %w", name, err)
			}
		}
		return nil
	})
}
