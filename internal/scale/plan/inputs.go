package plan

import "time"

// Inputs are what was measured. All times are of the database's clock.
type Inputs struct {
	At        time.Time     `json:"at"`
	Age       time.Duration `json:"age,omitempty"` // of the measurements
	Kinds     []Kind        `json:"kinds,omitempty"`
	Workers   []Worker      `json:"workers,omitempty"` // those that send heartbeats
	Formation Formation     `json:"formation"`
	Boot      time.Duration `json:"boot,omitempty"`  // 90th percentile from the order of a worker to its first heartbeat; 0: not measured yet
	Slots     int           `json:"slots,omitempty"` // of one worker
	Limits    Limits        `json:"limits,omitzero"`
	Spent     float64       `json:"spent,omitempty"`   // dyno-hours this month
	Failing   float64       `json:"failing,omitempty"` // share of attempts of the last five minutes that failed, if there were 20 or more
}

// Kind is what was measured of a kind of jobs. Jobs that more workers cannot help are not counted: those of paused queues and
// kinds, and those that wait for another job.
type Kind struct {
	Name    string        `json:"kind"`
	Ready   int           `json:"ready,omitempty"`
	Due     int           `json:"due,omitempty"` // become ready while a worker boots: scheduled jobs, retries and schedules
	Running int           `json:"running,omitempty"`
	Oldest  time.Duration `json:"oldest,omitempty"`  // wait of the oldest ready job that has not been tried
	Arrived float64       `json:"arrived,omitempty"` // became ready since the state's At
	Runs    int           `json:"runs,omitempty"`    // attempts from which Run and CV2 come
	Run     time.Duration `json:"run,omitempty"`     // their mean
	CV2     float64       `json:"cv2,omitempty"`     // their squared coefficient of variation
	Elapsed time.Duration `json:"elapsed,omitempty"` // mean time for which the running ones have run
	// Expected is the profile's rate of arrivals over the next boot time, in jobs a second, and Weight (0 to 1) how far it would have
	// been right in past weeks.
	Expected float64 `json:"expected,omitempty"`
	Weight   float64 `json:"weight,omitempty"`
}

// Worker is a worker process that sends heartbeats.
type Worker struct {
	Index    int    `json:"index"` // its number in the formation; 0: not known
	Slots    int    `json:"slots"`
	Running  int    `json:"running,omitempty"`
	Draining bool   `json:"draining,omitempty"`
	Drained  bool   `json:"drained,omitempty"` // it has acknowledged that it takes no jobs
	Release  string `json:"release,omitempty"`
}

// Formation is what the platform says of the process type.
type Formation struct {
	Quantity  int  `json:"quantity"`
	Unordered bool `json:"unordered,omitempty"` // which process a smaller quantity removes is not known
	Busy      bool `json:"busy,omitempty"`      // it refuses changes for now, as during a release
	Fixed     bool `json:"fixed,omitempty"`     // its size allows one process of a type
}

// Limits are upper bounds besides the target's maximum; 0: none is known.
type Limits struct {
	Workers     int `json:"workers,omitempty"`     // WORKERS_MAX
	Connections int `json:"connections,omitempty"` // workers that the database's connections suffice for
	API         int `json:"api,omitempty"`         // that the platform answered to a larger quantity
}

// slots returns the slots of a worker.
func (in Inputs) slots() int {
	if in.Slots > 0 {
		return in.Slots
	}
	for _, w := range in.Workers {
		if w.Slots > 0 {
			return w.Slots
		}
	}
	return 1
}

// boot returns the time that a worker takes to boot.
func (in Inputs) boot() time.Duration {
	if in.Boot > 0 {
		return in.Boot
	}
	return firstBoot
}

// load sums up all kinds.
func (in Inputs) load() (ready, due, running int, oldest time.Duration) {
	for _, k := range in.Kinds {
		ready, due, running, oldest = ready+k.Ready, due+k.Due, running+k.Running, max(oldest, k.Oldest)
	}
	return ready, due, running, oldest
}
