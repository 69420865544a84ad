// Package bench measures programs that serve requests, work jobs and answer questions about jobs. A caller supplies the
// requests; the jobs are the package's own, and it compares plain River with Backlist.
//
// It measures so that other load on the machine matters little: all contenders take turns in one run, in several
// rounds; figures are medians with minimum and maximum; contenders are compared only within a round.
package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Op makes the n-th request of a cell, counted from 0, and returns when the response has arrived.
type Op func(ctx context.Context, n int) error

// Contender is one of the programs that are compared. Before and After may be nil.
type Contender struct {
	Name   string
	Op     Op
	Before func(ctx context.Context) error             // sets up the initial state of a cell, which is the same for all
	After  func(ctx context.Context, cell *Cell) error // checks and counts the jobs of the cell
}

// Plan is how contenders are compared.
type Plan struct {
	Rounds      int
	Connections []int         // concurrent requests; one cell for each number
	For         time.Duration // of a cell
	Most        int           // requests in a cell, so that each reader is used once; 0: no limit
	Done        func(Cell)    // called after each cell; may be nil

	// RoundDone runs after each round, for work that would disturb the cells; it may be nil.
	RoundDone func(ctx context.Context, round int) error
}

// Cell is the result of one contender in one round with one number of connections.
type Cell struct {
	Round       int     `json:"round"`
	Contender   string  `json:"contender"`
	Connections int     `json:"connections"`
	Requests    int     `json:"requests"`
	Errors      int     `json:"errors"`
	FirstError  string  `json:"first_error,omitempty"`
	Jobs        int     `json:"jobs"`      // set by After
	JobsEach    int     `json:"jobs_each"` // set by After: jobs expected per request
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	PerSecond   float64 `json:"requests_per_second"`
}

// Compare measures the contenders in turn: one cell each in every round and with every number of connections. Each
// round begins with a different contender.
func Compare(ctx context.Context, plan Plan, contenders []Contender) ([]Cell, error) {
	var cells []Cell
	for round := range plan.Rounds {
		turn := round % len(contenders)
		order := slices.Concat(contenders[turn:], contenders[:turn])
		for _, connections := range plan.Connections {
			for _, c := range order {
				cell, err := measure(ctx, plan, c, connections)
				if err != nil {
					return cells, fmt.Errorf("%s, %d connections: %w", c.Name, connections, err)
				}
				cell.Round = round + 1
				cells = append(cells, cell)
				if plan.Done != nil {
					plan.Done(cell)
				}
			}
		}
		if plan.RoundDone != nil {
			if err := plan.RoundDone(ctx, round+1); err != nil {
				return cells, err
			}
		}
	}
	return cells, nil
}

func measure(ctx context.Context, plan Plan, c Contender, connections int) (Cell, error) {
	if c.Before != nil {
		if err := c.Before(ctx); err != nil {
			return Cell{}, err
		}
	}
	load := Run(ctx, connections, plan.For, plan.Most, c.Op)
	if err := ctx.Err(); err != nil {
		return Cell{}, err
	}
	cell := Cell{
		Contender: c.Name, Connections: connections, Requests: len(load.Took), Errors: load.Errors,
		P50: Milliseconds(Percentile(load.Took, 0.50)), P99: Milliseconds(Percentile(load.Took, 0.99)),
		PerSecond: float64(len(load.Took)) / load.Elapsed.Seconds(),
	}
	if load.FirstError != nil {
		cell.FirstError = load.FirstError.Error()
	}
	if c.After != nil {
		if err := c.After(ctx, &cell); err != nil {
			return Cell{}, err
		}
	}
	return cell, nil
}
