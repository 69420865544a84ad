package simulate

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

const (
	mostJobs    = 5_000_000
	mostSeconds = 31 * daySeconds
)

// TraceError says what is wrong with a line of a trace.
type TraceError struct {
	Line   int
	Reason string
}

func (e *TraceError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// ReadTrace reads a load from CSV. With the columns at and run, and kind if wanted, each line is a job: when it became ready, and the
// seconds that it ran. With the columns at and rate, and run if wanted, each line is a rate of jobs a second from then on, until the
// time of the last line; run is then the mean run time, 5 s by default. at is in seconds, or a time as in 2026-01-31T12:00:00Z.
func ReadTrace(r io.Reader, seed uint64) (*Load, error) {
	lines := csv.NewReader(r)
	lines.ReuseRecord, lines.TrimLeadingSpace = true, true
	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return nil, &TraceError{1, "the trace is empty; its first line must name the columns, as in at,run"}
	}
	t := &trace{lines: lines, chances: rand.New(rand.NewPCG(seed, 4)), kinds: map[string]int{}, load: &Load{
		Name: "trace", About: "a trace", Slots: 5, Start: 1, Min: 1, Max: 20, MaxWait: 30 * time.Second, BootMin: 20, BootMax: 60,
	}}
	if err == nil {
		t.columns = slices.Clone(header)
		err = t.checkColumns()
	}
	for n := 0; err == nil; n++ {
		var record []string
		if record, err = lines.Read(); errors.Is(err, io.EOF) {
			return t.finish(n)
		}
		if err == nil {
			err = t.read(record)
		}
	}
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, &TraceError{bad.Line, bad.Err.Error()}
	}
	return nil, err
}

// trace is a trace that is being read.
type trace struct {
	lines   *csv.Reader
	columns []string
	load    *Load
	chances *rand.Rand
	kinds   map[string]int
	first   float64 // of at
	last    float64
	rate    float64 // since last
	run     float64
}

func (t *trace) fail(format string, args ...any) error {
	line, _ := t.lines.FieldPos(0)
	return &TraceError{line, fmt.Sprintf(format, args...)}
}

func (t *trace) checkColumns() error {
	for i, name := range t.columns {
		if !slices.Contains([]string{"at", "run", "kind", "rate"}, name) || slices.Contains(t.columns[:i], name) {
			return t.fail("the columns are at and run (and kind), or at and rate (and run), not %q", name)
		}
	}
	if !t.has("at") || t.rates() && t.has("kind") || !t.rates() && !t.has("run") {
		return t.fail("the columns must be at and run (and kind), or at and rate (and run)")
	}
	return nil
}

func (t *trace) has(column string) bool { return slices.Contains(t.columns, column) }
func (t *trace) rates() bool            { return t.has("rate") }

// read reads a line.
func (t *trace) read(record []string) (err error) {
	at, run, rate, kind := 0.0, 5.0, 0.0, "job"
	for i, name := range t.columns {
		switch name {
		case "at":
			at, err = t.time(record[i])
		case "run":
			run, err = t.number(name, record[i], 7*daySeconds)
		case "rate":
			rate, err = t.number(name, record[i], 100_000)
		case "kind":
			kind = record[i]
		}
		if err != nil {
			return err
		}
	}
	if len(t.load.Kinds) == 0 {
		t.first, t.last = at, at
	}
	if at -= t.first; at < 0 || at > mostSeconds {
		return t.fail("at must lie within 31 days after the first line")
	}
	if !t.rates() {
		return t.add(Job{At: at, Run: run, Kind: t.kind(kind)})
	}
	if at < t.last-t.first {
		return t.fail("rates must be in the order of their times")
	}
	if err := t.fill(at); err != nil {
		return err
	}
	t.last, t.rate, t.run = at+t.first, rate, run
	t.kind(kind)
	return nil
}

// time reads a time, in seconds.
func (t *trace) time(text string) (float64, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return float64(at.UnixNano()) / 1e9, nil
	}
	at, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(at) || math.IsInf(at, 0) {
		return 0, t.fail("at is a number of seconds or a time as in 2026-01-31T12:00:00Z, not %q", text)
	}
	return at, nil
}

func (t *trace) number(name, text string, most float64) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= most) {
		return 0, t.fail("%s is a number between 0 and %.0f, not %q", name, most, text)
	}
	return n, nil
}

// kind returns the number of a kind.
func (t *trace) kind(name string) int {
	i, ok := t.kinds[name]
	if !ok {
		i = len(t.load.Kinds)
		t.kinds[name] = i
		t.load.Kinds = append(t.load.Kinds, Kind{Name: name})
	}
	return i
}

func (t *trace) add(j Job) error {
	if len(t.load.Jobs) == mostJobs {
		return t.fail("a trace has at most %d jobs", mostJobs)
	}
	if len(t.load.Kinds) > 1000 {
		return t.fail("a trace has at most 1000 kinds")
	}
	t.load.Jobs = append(t.load.Jobs, j)
	return nil
}

// fill adds jobs at the present rate until a time, with log-normal run times.
func (t *trace) fill(until float64) error {
	if t.rate == 0 {
		return nil
	}
	if t.rate*(until-(t.last-t.first)) > mostJobs {
		return t.fail("a trace has at most %d jobs", mostJobs)
	}
	for at := t.last - t.first + t.chances.ExpFloat64()/t.rate; at < until; at += t.chances.ExpFloat64() / t.rate {
		if err := t.add(Job{At: at, Run: Kind{Mean: t.run, CV: 1}.run(t.chances)}); err != nil {
			return err
		}
	}
	return nil
}

// finish returns the load of a trace with this many lines.
func (t *trace) finish(lines int) (*Load, error) {
	if lines == 0 || t.rates() && lines == 1 {
		return nil, &TraceError{1, "the trace has too few lines"}
	}
	l := t.load
	sortJobs(l.Jobs)
	l.Seconds = t.last - t.first
	if n := len(l.Jobs); n > 0 {
		l.Seconds = max(l.Seconds, l.Jobs[n-1].At+l.MaxWait.Seconds())
	}
	return l, nil
}
