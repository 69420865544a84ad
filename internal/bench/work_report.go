package bench

import (
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"slices"
	"text/tabwriter"
)

// WorkVariants returns the lines of bench work's table whose names match only; beside adds the variant with finished
// jobs in its table, snapshot those under a snapshot that is held open.
func WorkVariants(beside, snapshot bool, only *regexp.Regexp) []Variant {
	variants := []Variant{
		{Name: "River, defaults: no-op", Contender: RiverDefaults, Workload: NoOp, Share: 20},
		{Name: "River, tuned: no-op", Contender: RiverTuned, Workload: NoOp},
		{Name: "Backlist: no-op", Contender: Ours, Workload: NoOp},
		{Name: "Backlist, nothing recorded: no-op", Contender: OursUnrecorded, Workload: NoOp},
		{Name: "Backlist, no attempts: no-op", Contender: OursNoAttempts, Workload: NoOp},
		{Name: "Backlist, no minutes: no-op", Contender: OursNoMinutes, Workload: NoOp},
		{Name: "Backlist: a step", Contender: Ours, Workload: TakesStep},
		{Name: "Backlist: a line", Contender: Ours, Workload: LogsLine, Share: 2},
		{Name: "Backlist, River's indexes: no-op", Contender: OursRiversIndexes, Workload: NoOp},
		{Name: "River, tuned: one write", Contender: RiverTuned, Workload: WritesRow, Share: 4},
		{Name: "Backlist: one write", Contender: Ours, Workload: WritesRow, Share: 4},
		{Name: "Backlist, brief: no-op", Contender: Ours, Workload: BriefNoOp},
		{Name: "Backlist, brief: one write", Contender: Ours, Workload: BriefWritesRow},
	}
	if beside {
		variants = append(variants, Variant{Name: "Backlist: no-op, finished jobs beside", Contender: Ours, Workload: NoOp, Finished: true})
	}
	if snapshot {
		variants = append(variants,
			Variant{Name: "River, tuned: no-op, old snapshot", Contender: RiverTuned, Workload: NoOp, Snapshot: true},
			Variant{Name: "Backlist: no-op, old snapshot", Contender: Ours, Workload: NoOp, Snapshot: true})
	}
	return slices.DeleteFunc(variants, func(v Variant) bool { return !only.MatchString(v.Name) })
}

// WorkReport is the result of bench work.
type WorkReport struct {
	Machine  Machine    `json:"machine"`
	River    string     `json:"river"`
	Jobs     int        `json:"jobs"`
	Finished int        `json:"finished"`
	Conns    int        `json:"connections"`
	Cells    []WorkCell `json:"cells"`
	Targets  []Target   `json:"targets"`
}

// NewWorkReport compares the measurements with the targets, round by round.
func NewWorkReport(m Machine, t Throughput, cells []WorkCell) WorkReport {
	r := WorkReport{Machine: m, River: riverVersion(), Jobs: t.Jobs, Finished: t.Finished, Conns: t.Conns, Cells: cells}
	perSecond := func(name string) []float64 {
		return workFigure(cells, name, func(c WorkCell) float64 { return c.PerSecond })
	}
	add := func(name, a, b string, limit float64) {
		if len(perSecond(a)) == 0 || len(perSecond(b)) == 0 {
			return // not measured
		}
		ratio := Between(perSecond(a), perSecond(b), func(a, b float64) float64 { return a / b })
		r.Targets = append(r.Targets, Target{Name: name, Unit: "x", Value: ratio, Limit: limit, AtLeast: true})
	}
	add("no-op: Backlist to tuned River", "Backlist: no-op", "River, tuned: no-op", 1)
	add("one write: Backlist to tuned River", "Backlist: one write", "River, tuned: one write", 0.9)
	add("no-op: brief to tuned River", "Backlist, brief: no-op", "River, tuned: no-op", 2.2)
	add("one write: brief to tuned River", "Backlist, brief: one write", "River, tuned: one write", 15)
	add("no-op beside finished jobs to an empty table", "Backlist: no-op, finished jobs beside", "Backlist: no-op", 0.9)
	add("no-op under an old snapshot to without", "Backlist: no-op, old snapshot", "Backlist: no-op", 0.9)
	return r
}

func workFigure(cells []WorkCell, variant string, of func(WorkCell) float64) (rounds []float64) {
	for _, c := range cells {
		if c.Variant == variant {
			rounds = append(rounds, of(c))
		}
	}
	return rounds
}

// Print writes the report as text.
func (r WorkReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, River %s\n%d jobs wait at the beginning of a turn (River with defaults: a twentieth; one write: a quarter; a line: half; old snapshot: four times as many); "+
		"%d connections each; %d jobs at once (River with defaults: %d)\n\n", r.Machine, r.River, r.Jobs, r.Conns, slots, riverSlots)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "variant\tjobs/s (min to max)\tCPU µs a job: worker\tPostgres\tWAL bytes a job\tcommits a job")
	seen := map[string]bool{}
	for _, c := range r.Cells {
		if seen[c.Variant] {
			continue
		}
		seen[c.Variant] = true
		of := func(f func(WorkCell) float64) Spread { return SpreadOf(workFigure(r.Cells, c.Variant, f)) }
		perSecond := of(func(c WorkCell) float64 { return c.PerSecond })
		fmt.Fprintf(table, "%s\t%.0f (%.0f to %.0f)\t%.1f\t%.1f\t%.0f\t%.4f\n", c.Variant, perSecond.Median, perSecond.Min, perSecond.Max,
			of(func(c WorkCell) float64 { return c.WorkerCPU }).Median, of(func(c WorkCell) float64 { return c.ServerCPU }).Median,
			of(func(c WorkCell) float64 { return c.WAL }).Median, of(func(c WorkCell) float64 { return c.Commits }).Median)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprint(w, "\nMedians of the rounds, in brackets the lowest and the highest. Finished jobs, measurements and what else a worker keeps are stored\n"+
		"within the measured time. River tuned: FetchCooldown 1 ms, poll 20 ms, GOGC 400; its tables as its migrator makes them.\n\n")
	return PrintTargets(w, r.Targets)
}

// riverVersion returns the version of River in this program.
func riverVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "?"
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/riverqueue/river" {
			return dep.Version
		}
	}
	return "?" // test binaries do not list modules
}
