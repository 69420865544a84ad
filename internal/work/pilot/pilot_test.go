package pilot

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivershared/riverpilot"
)

// River must have exactly this version, because the seam below is its internal API. To upgrade, read River's changes to
// rivershared/riverpilot, run this test, and fix what it reports.
const riverVersion = "v0.51.1"

func TestRiverIsPinned(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[0], "github.com/riverqueue/river") {
			continue
		}
		found++
		if fields[1] != riverVersion {
			t.Errorf("%s is %s, not %s: check the pilot's seam", fields[0], fields[1], riverVersion)
		}
	}
	if found != 5 {
		t.Errorf("go.mod names %d modules of River, not 5", found)
	}
}

// TestSeam fails when a method of the pilot, or a field of its parameters, changes.
func TestSeam(t *testing.T) {
	t.Parallel()
	var methods []string
	pilot := reflect.TypeFor[riverpilot.Pilot]()
	for i := range pilot.NumMethod() {
		methods = append(methods, pilot.Method(i).Name+strings.TrimPrefix(pilot.Method(i).Type.String(), "func"))
	}
	wantMethods := []string{
		"JobCancel(context.Context, riverdriver.Executor, *riverdriver.JobCancelParams) (*rivertype.JobRow, error)",
		"JobCleanerQueuesExcluded() []string",
		"JobGetAvailable(context.Context, riverdriver.Executor, riverpilot.ProducerState, *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error)",
		"JobInsertMany(context.Context, riverdriver.ExecutorTx, *riverdriver.JobInsertFastManyParams) ([]*riverdriver.JobInsertFastResult, error)",
		"JobRetry(context.Context, riverdriver.Executor, *riverdriver.JobRetryParams) (*rivertype.JobRow, error)",
		"JobSetStateIfRunningMany(context.Context, riverdriver.Executor, *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error)",
		"PeriodicJobGetAll(context.Context, riverdriver.Executor, *riverpilot.PeriodicJobGetAllParams) ([]*riverpilot.PeriodicJob, error)",
		"PeriodicJobKeepAliveAndReap(context.Context, riverdriver.Executor, *riverpilot.PeriodicJobKeepAliveAndReapParams) ([]*riverpilot.PeriodicJob, error)",
		"PeriodicJobUpsertMany(context.Context, riverdriver.Executor, *riverpilot.PeriodicJobUpsertManyParams) ([]*riverpilot.PeriodicJob, error)",
		"PilotInit(*baseservice.Archetype, *riverpilot.PilotInitParams)",
		"ProducerInit(context.Context, riverdriver.Executor, *riverpilot.ProducerInitParams) (int64, riverpilot.ProducerState, error)",
		"ProducerKeepAlive(context.Context, riverdriver.Executor, *riverdriver.ProducerKeepAliveParams) error",
		"ProducerShutdown(context.Context, riverdriver.Executor, *riverpilot.ProducerShutdownParams) error",
		"QueueMetadataChanged(context.Context, riverdriver.Executor, *riverpilot.QueueMetadataChangedParams) error",
	}
	if !slices.Equal(methods, wantMethods) {
		t.Errorf("the pilot's methods changed:\n%s", strings.Join(methods, "\n"))
	}
	for _, c := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[riverdriver.JobInsertFastManyParams](), "Jobs []*riverdriver.JobInsertFastParams, Schema string"},
		{reflect.TypeFor[riverdriver.JobGetAvailableParams](), "ClientID string, Kind []string, MaxAttemptedBy int, MaxToLock int, Now *time.Time, ProducerID int64, Queue string, Schema string"},
		{reflect.TypeFor[riverdriver.JobGetAvailableResult](), "DecodeErrors map[int64]error, Jobs []*rivertype.JobRow"},
		{reflect.TypeFor[riverdriver.JobSetStateIfRunningManyParams](), "ID []int64, Attempt []*int, ErrData [][]uint8, FinalizedAt []*time.Time, MetadataDoMerge []bool, MetadataUpdates [][]uint8, Now *time.Time, ScheduledAt []*time.Time, Schema string, State []rivertype.JobState"},
		{reflect.TypeFor[riverdriver.JobDeleteBeforeParams](), "CancelledDoDelete bool, CancelledFinalizedAtHorizon time.Time, CompletedDoDelete bool, CompletedFinalizedAtHorizon time.Time, DiscardedDoDelete bool, DiscardedFinalizedAtHorizon time.Time, Max int, QueuesExcluded []string, QueuesIncluded []string, Schema string"},
		{reflect.TypeFor[riverdriver.JobInsertFastResult](), "Job *rivertype.JobRow, UniqueSkippedAsDuplicate bool"},
	} {
		var fields []string
		for field := range c.typ.Fields() {
			fields = append(fields, fmt.Sprintf("%s %s", field.Name, field.Type))
		}
		if got := strings.Join(fields, ", "); got != c.want {
			t.Errorf("%s changed: %s", c.typ, got)
		}
	}
}
