package app

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/scale"
	"github.com/backlist/backlist/internal/scale/heroku"
	"github.com/backlist/backlist/internal/scale/plan"
)

// scaleWorkers scales worker processes until stop is called: those of dev --scale, or an app's on Heroku. Where there is nothing to scale
// them with, it only advises.
func (p *program) scaleWorkers(ctx context.Context, log *slog.Logger, pool *pgxpool.Pool) (stop func()) {
	formation := p.formation
	if formation == nil && p.cfg.HerokuToken != "" {
		formation = heroku.New(heroku.Address, p.cfg.ScaleApp, p.cfg.HerokuToken).Formation
	}
	loop := scale.New(scale.Config{
		DB: pool, Schema: db.RiverSchema, Process: p.cfg.Process, Formation: formation, Log: log,
		Limits: plan.Limits{Workers: p.cfg.WorkersMax},
	})
	return background(ctx, loop.Run)
}
