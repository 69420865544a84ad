package pilot

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivershared/riverpilot"
)

// NewLeadDriver returns a driver over pool for a client that is started so that it can lead, and works nothing.
func NewLeadDriver(pool *pgxpool.Pool) *Driver {
	return &Driver{Driver: riverpgxv5.New(pool), pilot: &leadPilot{}}
}

type leadPilot struct{ Pilot }

// JobGetAvailable fetches nothing, also if there are jobs in the queue that River wants this client to have.
func (*leadPilot) JobGetAvailable(
	context.Context, riverdriver.Executor, riverpilot.ProducerState, *riverdriver.JobGetAvailableParams,
) (*riverdriver.JobGetAvailableResult, error) {
	return &riverdriver.JobGetAvailableResult{}, nil
}
