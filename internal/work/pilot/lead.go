package pilot

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivershared/riverpilot"
)

// NewLeadDriver returns a driver over pool for a client that can lead but works no jobs.
func NewLeadDriver(pool *pgxpool.Pool) *Driver {
	return &Driver{Driver: riverpgxv5.New(pool), pilot: &leadPilot{}}
}

type leadPilot struct{ Pilot }

// JobGetAvailable fetches nothing, even if there are jobs in the queue without which River does not start the client.
func (*leadPilot) JobGetAvailable(
	context.Context, riverdriver.Executor, riverpilot.ProducerState, *riverdriver.JobGetAvailableParams,
) (*riverdriver.JobGetAvailableResult, error) {
	return &riverdriver.JobGetAvailableResult{}, nil
}
