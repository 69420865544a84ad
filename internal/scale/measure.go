package scale

import (
	"context"
	_ "embed"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/scale/plan"
)

//go:embed sql/measure.sql
var measureSQL string

// row is a process type of which this process has the lease, with what was measured.
type row struct {
	Type     string `db:"process_type"`
	Mode     string
	MaxWait  float64
	Min, Max int
	Budget   float64
	State    plan.State
	Limit    int `db:"api_limit"`
	Boots    []float64
	Ordered  map[int]float64
	Problem  string
	Hours    float64
	Boot     float64
	At       time.Time
	Ready    []counted
	Due      []counted
	Running  []counted
	Minutes  []minute
	Workers  []worker
}

// counted are counts of a queue's jobs of a kind.
type counted struct {
	Queue, Kind         string
	Ready, Due, Running int
	Oldest, Elapsed     float64
}

// minute is a row of work.minutes.
type minute struct {
	Queue, Kind          string
	Minute               int64
	Ended, Failed, Tried int
	Run                  float64
	Histogram            []float64
}

// worker is a live worker process.
type worker struct {
	ID                string
	Index             int
	Slots, Queues     int
	Running           int
	Draining, Drained bool
	Ours              bool // the loop drains it
	Release           string
	Started           float64
}

// measure takes the leases, and returns the process types of which this process has one.
func (l *Loop) measure(ctx context.Context) ([]row, error) {
	rows, err := l.DB.Query(ctx, db.Statement(measureSQL, l.Schema), pgx.NamedArgs{"by": l.by, "lease": lease.Seconds()})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[row])
}

func (r *row) target() plan.Target {
	return plan.Target{MaxWait: seconds(r.MaxWait), Min: r.Min, Max: r.Max, Budget: r.Budget}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// inputs returns what the planner gets. before is what the last measurement counted.
func (r *row) inputs(f plan.Formation, before *count) plan.Inputs {
	in := plan.Inputs{At: r.At, Formation: f, Boot: seconds(r.Boot), Spent: r.Hours, Failing: r.failing()}
	in.Limits.API = r.Limit
	for _, w := range r.Workers {
		slots := r.usable(w)
		in.Workers = append(in.Workers, plan.Worker{
			Index: w.Index, Slots: slots, Running: w.Running, Draining: w.Draining, Drained: w.Drained, Release: w.Release,
		})
		in.Slots = slots
	}
	kinds := r.kinds()
	now := r.count(kinds)
	arrived := now.since(before)
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		k := *kinds[name]
		k.Arrived = arrived[name]
		if before.at.IsZero() { // taken over: as before
			k.Arrived = r.State.Kinds[name].Rate * r.At.Sub(r.State.At).Seconds()
		}
		in.Kinds = append(in.Kinds, k)
	}
	*before = now
	return in
}

// usable returns the slots of a worker that the present load can use: each queue has the same number of its own.
func (r *row) usable(w worker) int {
	load, total := map[string]int{}, 0
	for _, c := range slices.Concat(r.Ready, r.Due, r.Running) {
		n := c.Ready + c.Due + c.Running
		load[c.Queue] += n
		total += n
	}
	most := 0
	for _, n := range load {
		most = max(most, n)
	}
	share := 1.0
	if total > 0 {
		share = max(float64(most)/float64(total), 1/float64(w.Queues))
	}
	return max(1, int(float64(w.Slots)/float64(w.Queues)/share))
}

// failing returns the share of failed attempts of the last five minutes; 0 if there were fewer than 20.
func (r *row) failing() float64 {
	failed, tried := 0, 0
	for _, m := range r.Minutes {
		if m.Minute > r.At.Unix()-300 {
			failed, tried = failed+m.Failed, tried+m.Tried
		}
	}
	if tried < 20 {
		return 0
	}
	return float64(failed) / float64(tried)
}

// kinds returns all kinds that are known, with their counts and run times.
func (r *row) kinds() map[string]*plan.Kind {
	kinds := map[string]*plan.Kind{}
	of := func(name string) *plan.Kind {
		if kinds[name] == nil {
			kinds[name] = &plan.Kind{Name: name}
		}
		return kinds[name]
	}
	for name := range r.State.Kinds {
		of(name)
	}
	for _, c := range slices.Concat(r.Ready, r.Due, r.Running) {
		k := of(c.Kind)
		if c.Running > 0 {
			k.Elapsed = seconds((k.Elapsed.Seconds()*float64(k.Running) + c.Elapsed*float64(c.Running)) / float64(k.Running+c.Running))
		}
		k.Ready, k.Due, k.Running = k.Ready+c.Ready, k.Due+c.Due, k.Running+c.Running
		k.Oldest = max(k.Oldest, seconds(c.Oldest))
	}
	runs := map[string]*moments{}
	for _, m := range r.Minutes {
		if runs[m.Kind] == nil {
			runs[m.Kind] = &moments{}
		}
		runs[m.Kind].add(m)
	}
	for name, m := range runs {
		if m.n > 0 {
			k := of(name)
			k.Runs, k.Run, k.CV2 = int(m.n), seconds(m.run/m.n), m.cv2()
		}
	}
	return kinds
}

// moments sum up run times. Their spread comes from the histograms, whose count i is of times from 2^(i-2) to 2^(i-1) ms.
type moments struct{ n, run, sum, squares float64 }

func (m *moments) add(x minute) {
	m.n += float64(x.Ended)
	m.run += x.Run
	for i, n := range x.Histogram {
		low := math.Exp2(float64(i-1)) / 1000
		if i == 0 {
			low = 0.0005
		}
		m.sum += n * 1.5 * low
		m.squares += n * 7 / 3 * low * low
	}
}

func (m *moments) cv2() float64 {
	if m.sum == 0 {
		return 0
	}
	mean := m.sum / m.n
	return max(0, m.squares/m.n/(mean*mean)-1)
}
