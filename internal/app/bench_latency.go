package app

import (
	"context"
	"errors"
	"flag"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/bench"
)

// benchLatency is the command bench latency and its flags.
type benchLatency struct {
	rounds        int
	seconds, idle float64
	json          bool
}

func benchLatencyCommand() command {
	b := &benchLatency{}
	return command{
		name: "bench latency", short: "measure the time from a job's commit to its start, beside plain River", flags: b.flags, run: b.run,
	}
}

func (b *benchLatency) flags(f *flag.FlagSet) {
	f.IntVar(&b.rounds, "rounds", 3, "`rounds` of each contender")
	f.Float64Var(&b.seconds, "seconds", 10, "`length` of a round in seconds")
	f.Float64Var(&b.idle, "idle", 24, "`seconds` for which to watch an idle worker; below 20 the figure is rough")
	f.BoolVar(&b.json, "json", false, "print everything as JSON")
}

// latencyPerSecond is the load of bench latency: low, on a machine that is otherwise idle.
const latencyPerSecond = 100

// run measures the time from a job's commit to its start, beside plain River.
func (b *benchLatency) run(ctx context.Context, p *program, _ []string) (err error) {
	if b.rounds < 1 || !isSpan(b.seconds) || !isSpan(b.idle) {
		return usageError("rounds, seconds and idle (a day at most) must be above zero")
	}
	dbs := &workDatabases{program: p, pools: map[string]*pgxpool.Pool{}}
	defer func() { err = errors.Join(err, dbs.drop()) }()
	l := bench.Latency{
		Rounds: b.rounds, PerSecond: latencyPerSecond, For: seconds(b.seconds),
		Idle: seconds(b.idle),
		Database: func(ctx context.Context, contender string) (*pgxpool.Pool, error) {
			return dbs.get(ctx, contender, false)
		},
		Done: func(c bench.LatencyCell) {
			p.say("round %d: %s, %s: p50 %.2f, p99 %.2f ms", c.Round, c.Pattern, c.Contender, c.P50, c.P99)
		},
	}
	cells, err := l.Run(ctx)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	p.say("counting the queries of an idle worker")
	idle, err := l.IdleQueries(ctx)
	if err != nil {
		return err
	}
	machine, err := dbs.machine(ctx)
	if err != nil {
		return err
	}
	report := bench.NewLatencyReport(machine, cells, idle)
	if b.json {
		return p.printJSON(report)
	}
	return report.Print(p.Stdout)
}
