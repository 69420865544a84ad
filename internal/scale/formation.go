package scale

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/scale/plan"
)

// Formation is the platform's processes of one type.
type Formation interface {
	// Read returns their number. It may be some seconds old unless it must be fresh.
	Read(ctx context.Context, fresh bool) (plan.Formation, error)
	// Set changes their number. A platform removes the highest-numbered processes.
	Set(ctx context.Context, quantity int) error
}

// LimitError is returned by Set if the platform allows fewer processes.
type LimitError struct{ Limit int }

func (e *LimitError) Error() string { return fmt.Sprintf("the platform allows %d processes", e.Limit) }

// Local is a Formation of processes on this machine.
type Local struct{ Processes *formation.Local }

// Read returns the number of processes.
func (l Local) Read(context.Context, bool) (plan.Formation, error) {
	n := 0
	for _, p := range l.Processes.List() {
		if p.State != formation.Stopping {
			n++
		}
	}
	return plan.Formation{Quantity: n}, nil
}

// Set starts or stops processes.
func (l Local) Set(ctx context.Context, quantity int) error { return l.Processes.Scale(ctx, quantity) }
