package pilot

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivershared/baseservice"
	"github.com/riverqueue/river/rivershared/riverpilot"
)

// LeadDriver is for a client that is started so that it can lead, and works nothing.
type LeadDriver struct{ *riverpgxv5.Driver }

// NewLeadDriver returns a driver over pool.
func NewLeadDriver(pool *pgxpool.Pool) *LeadDriver { return &LeadDriver{riverpgxv5.New(pool)} }

// PluginInit satisfies River's plugin interface; there is nothing to set up.
func (d *LeadDriver) PluginInit(*baseservice.Archetype) {}

// PluginPilot hands River our pilot.
func (d *LeadDriver) PluginPilot() riverpilot.Pilot { return &leadPilot{} }

type leadPilot struct{ Pilot }

// JobGetAvailable fetches nothing, whatever somebody has put into the queue that River wants this client to have.
func (*leadPilot) JobGetAvailable(
	context.Context, riverdriver.Executor, riverpilot.ProducerState, *riverdriver.JobGetAvailableParams,
) (*riverdriver.JobGetAvailableResult, error) {
	return &riverdriver.JobGetAvailableResult{}, nil
}
