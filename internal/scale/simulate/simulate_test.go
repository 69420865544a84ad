package simulate_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/scale/simulate"
)

// policy returns the policy of a name.
func policy(t *testing.T, name string) simulate.Policy {
	t.Helper()
	for _, p := range simulate.Policies() {
		if p.Name == name {
			return p
		}
	}
	t.Fatal("no policy " + name)
	return simulate.Policy{}
}

// TestPlanner: in a few hours of a load the planner kills nothing, keeps most waits within the target, and the same seed gives the
// same result. A longer run is `backlist simulate --all --seeds 5`.
func TestPlanner(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]float64{"daily": 0.995, "bursts": 0.97, "cron": 0.9, "cold-start": 0.9} {
		l, ok := simulate.Generate(name, 3, 0.2)
		if !ok {
			t.Fatal(name)
		}
		r := simulate.Run(l, policy(t, "planner"), 3, false)
		if r.Killed > 0 || r.Within < want || r.Jobs != len(l.Jobs) {
			t.Errorf("%s: %+v", name, r)
		}
		if name == "cron" && !reflect.DeepEqual(r, simulate.Run(l, policy(t, "planner"), 3, false)) {
			t.Error("the same seed gives another result")
		}
		without := simulate.Run(l, policy(t, "without foresight"), 3, false)
		if name == "bursts" && r.DynoHours > without.DynoHours {
			t.Errorf("%s: foresight costs %.1f dyno-hours, %.1f without", name, r.DynoHours, without.DynoHours)
		}
	}
}

// TestRivals: the models kill jobs, or guard against it at a price, as they are documented to.
func TestRivals(t *testing.T) {
	t.Parallel()
	l, _ := simulate.Generate("daily", 1, 0.3)
	ours := simulate.Run(l, policy(t, "planner"), 1, false)
	for _, p := range simulate.Policies() {
		r := simulate.Run(l, p, 1, false)
		switch p.Name {
		case "tuned, busy guard":
			if r.Killed > 0 || r.DynoHours < ours.DynoHours {
				t.Errorf("%+v beside %+v", r, ours)
			}
		case "oldest age, tuned":
			if r.Killed == 0 {
				t.Errorf("%s kills nothing", p.Name)
			}
		}
	}
}

func TestReadTrace(t *testing.T) {
	t.Parallel()
	jobs, err := simulate.ReadTrace(strings.NewReader("at,run,kind\n2026-01-01T00:00:10Z,5,mail\n2026-01-01T00:00:10Z,1.5,report\n2026-01-01T01:00:00Z,2,mail\n"), 1)
	if err != nil || len(jobs.Jobs) != 3 || len(jobs.Kinds) != 2 || jobs.Jobs[2].At != 3590 || jobs.Jobs[1].Run != 1.5 {
		t.Errorf("%+v, %v", jobs, err)
	}
	rates, err := simulate.ReadTrace(strings.NewReader("at,rate,run\n0,2,3\n600,0,3\n1200,0,0\n"), 1)
	if err != nil || len(rates.Jobs) < 1000 || len(rates.Jobs) > 1400 || rates.Jobs[len(rates.Jobs)-1].At > 600 || rates.Seconds != 1200 {
		t.Errorf("%d jobs, %v", len(rates.Jobs), err)
	}
	for text, want := range map[string]string{
		"":                               "line 1: the trace is empty",
		"a,b\n1,2\n":                     `line 1: the columns are`,
		"at\n1\n":                        "line 1: the columns must be",
		"at,rate,kind\n1,2,3\n":          "line 1: the columns must be",
		"at,run\n1,2\nx,2\n":             `line 3: at is a number of seconds or a time as in 2026-01-31T12:00:00Z, not "x"`,
		"at,run\n1,2\n2,-1\n":            `line 3: run is a number between 0 and 604800, not "-1"`,
		"at,run\n1,NaN\n":                `line 2: run is a number`,
		"at,run\n1,2,3\n":                "line 2: wrong number of fields",
		"at,run\n5,2\n1,2\n":             "line 3: at must lie within 31 days",
		"at,rate\n1,2\n5,2\n4,2\n":       "line 4: rates must be in the order",
		"at,rate\n0,100000\n1000000,1\n": "line 3: a trace has at most 5000000 jobs",
		"at,run\n":                       "the trace has too few lines",
		"at,rate\n1,2\n":                 "the trace has too few lines",
	} {
		_, err := simulate.ReadTrace(strings.NewReader(text), 1)
		if _, ok := errors.AsType[*simulate.TraceError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
}

func FuzzReadTrace(f *testing.F) {
	for _, text := range []string{"at,run\n1,2\n", "at,rate,run\n0,1,1\n9,0,0\n", "at,run,kind\n1,\"a\nb\",c\n", "run,at\n1e3,2026-01-01T00:00:00Z\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := simulate.ReadTrace(strings.NewReader(text), 1)
		if err != nil {
			if bad, ok := errors.AsType[*simulate.TraceError](err); !ok || bad.Line < 1 || bad.Reason == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		for i, j := range l.Jobs {
			if !(j.At >= 0 && j.Run >= 0) || j.Kind >= len(l.Kinds) || i > 0 && j.At < l.Jobs[i-1].At {
				t.Fatalf("%+v", j)
			}
		}
	})
}

func TestReport(t *testing.T) {
	t.Parallel()
	load := func(seed uint64) *simulate.Load {
		l, _ := simulate.Generate("cold-start", seed, 0.1)
		return l
	}
	summaries, err := simulate.Compare(t.Context(), load, simulate.Policies(), 3)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := simulate.Print(&b, [][]simulate.Summary{summaries}, []string{"cold"}); err != nil || !strings.Contains(b.String(), "tuned, busy guard") {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	l := load(1)
	if err := simulate.Plot(&b, l, []simulate.Result{simulate.Run(l, policy(t, "planner"), 1, true)}); err != nil {
		t.Error(err)
	}
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := simulate.Compare(ended, load, simulate.Policies(), 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
