// Package bench measures programs that serve requests, work off jobs and answer questions about them. The requests are handed
// to it; the jobs are its own, and it compares what plain River makes of them with what ours does.
//
// It measures as one should where others use the machine too: all contenders in one run, taking turns, in several rounds;
// medians with minimum and maximum; comparisons within a round only.
package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Op makes the n-th request of a cell, counted from 0, and returns when its answer is there.
type Op func(ctx context.Context, n int) error

// Contender is one of the things that are compared. Before and After may be nil.
type Contender struct {
	Name   string
	Op     Op
	Before func(ctx context.Context) error             // makes the starting state of a cell, which is the same for all
	After  func(ctx context.Context, cell *Cell) error // checks and counts what the cell has done
}

// Plan is how contenders are compared.
type Plan struct {
	Rounds      int
	Connections []int         // requests at once; a cell each
	For         time.Duration // of a cell
	Most        int           // requests in a cell, so that no reader is used twice; 0: no bound
	Done        func(Cell)    // told of each cell; may be nil

	// RoundDone runs between rounds and after the last, for what would disturb the cells; it may be nil.
	RoundDone func(ctx context.Context, round int) error
}

// Cell is what one contender did in one round at one number of connections.
type Cell struct {
	Round       int     `json:"round"`
	Contender   string  `json:"contender"`
	Connections int     `json:"connections"`
	Requests    int     `json:"requests"`
	Errors      int     `json:"errors"`
	FirstError  string  `json:"first_error,omitempty"`
	Jobs        int     `json:"jobs"`      // as After counted them
	JobsEach    int     `json:"jobs_each"` // as After wants them for each request
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	PerSecond   float64 `json:"requests_per_second"`
}

// Compare lets contenders take turns: in every round and at every number of connections each has its cell, and each round
// begins with another of them.
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
