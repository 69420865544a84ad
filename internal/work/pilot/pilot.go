// Package pilot is the one place that touches the seam which River's own extensions use: the pilot. River marks it as
// internal, so River is pinned to an exact version, the test in this package fails when the seam changes, and a client
// without this package still works correctly, only less promptly.
package pilot

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivershared/baseservice"
	"github.com/riverqueue/river/rivershared/riverpilot"
	"github.com/riverqueue/river/rivertype"
)

// Driver is River's pgx driver with our pilot plugged in.
type Driver struct {
	*riverpgxv5.Driver
	pilot *Pilot
}

// NewDriver returns a driver over pool. A nil pool makes a driver for transactions only, as River's own does.
func NewDriver(pool *pgxpool.Pool) *Driver {
	return &Driver{Driver: riverpgxv5.New(pool), pilot: &Pilot{}}
}

// PluginInit satisfies River's plugin interface; there is nothing to set up.
func (d *Driver) PluginInit(*baseservice.Archetype) {}

// PluginPilot hands River our pilot.
func (d *Driver) PluginPilot() riverpilot.Pilot { return d.pilot }

// Pilot overrides what River leaves open.
type Pilot struct {
	riverpilot.StandardPilot
}

// JobInsertMany inserts as River does and always sends the notice in the inserting transaction. River sends at most one
// notice a client, queue and cooldown, so that the second of a pair, or any insert after one that was rolled back,
// would wait for a worker's poll. A duplicate is announced too: the insert locked the waiting job's row for a moment,
// and a fetch that came by meanwhile has skipped it.
func (p *Pilot) JobInsertMany(
	ctx context.Context, tx riverdriver.ExecutorTx, params *riverdriver.JobInsertFastManyParams,
) ([]*riverdriver.JobInsertFastResult, error) {
	results, err := p.StandardPilot.JobInsertMany(ctx, tx, params)
	if err != nil {
		return nil, err
	}
	var payloads []string
	for _, job := range params.Jobs {
		// The same text as River's own notice: Postgres merges equal ones of a transaction.
		payload := fmt.Sprintf("{\"queue\": %q}", job.Queue)
		if job.State == rivertype.JobStateAvailable && !slices.Contains(payloads, payload) {
			payloads = append(payloads, payload)
		}
	}
	if len(payloads) == 0 {
		return results, nil
	}
	err = tx.NotifyMany(ctx, &riverdriver.NotifyManyParams{Payload: payloads, Schema: params.Schema, Topic: "river_insert"})
	return results, err
}
