package db

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// migrateRiver applies River's migrations, each as a step, as River's migrator does.
func (r *run) migrateRiver(ctx context.Context) error {
	var pending []rivermigrate.MigrateVersion
	err := r.step(ctx, "read the version of River's tables", func(tx pgx.Tx) (err error) {
		pending, err = riverUp(ctx, tx, r.log, &rivermigrate.MigrateOpts{DryRun: true})
		return err
	})
	if err != nil {
		return err
	}
	for _, v := range pending {
		name := fmt.Sprintf("River's migration %03d", v.Version)
		var applied []rivermigrate.MigrateVersion // none if another migration has applied it
		err := r.inTurn(ctx, name, func(tx pgx.Tx) (err error) {
			applied, err = riverUp(ctx, tx, r.log, &rivermigrate.MigrateOpts{TargetVersion: v.Version})
			return err
		})
		if err != nil {
			return err
		}
		if len(applied) == 0 {
			continue
		}
		r.done = append(r.done, name)
		r.log.InfoContext(ctx, "migrated", "schema", RiverSchema, "version", v.Version, "name", v.Name)
	}
	return nil
}

func riverUp(ctx context.Context, tx pgx.Tx, log *slog.Logger, opts *rivermigrate.MigrateOpts) ([]rivermigrate.MigrateVersion, error) {
	m, err := rivermigrate.New(inTx{riverpgxv5.New(nil), tx}, &rivermigrate.Config{Schema: RiverSchema, Logger: quiet(log)})
	if err != nil {
		return nil, err
	}
	res, err := m.Migrate(ctx, rivermigrate.DirectionUp, opts)
	if err != nil {
		return nil, err
	}
	return res.Versions, nil
}

// inTx is River's driver over a transaction instead of a pool: the migrator's own transaction is a savepoint in it.
type inTx struct {
	*riverpgxv5.Driver
	tx pgx.Tx
}

func (d inTx) GetExecutor() riverdriver.Executor { return d.UnwrapExecutor(d.tx) }

// quiet drops River's own log lines for a migration; migrateRiver logs one.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(atLeast{log.Handler(), slog.LevelWarn}) }

type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }
