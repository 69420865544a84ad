package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Code says why a decision is as it is.
type Code string

// The codes.
const (
	Steady          Code = "steady"
	Bounded         Code = "bounded" // the load calls for more than a limit allows
	AddedForBacklog Code = "added_for_backlog"
	AddedForRate    Code = "added_for_rate"
	AddedForDue     Code = "added_for_due"
	RaisedToMinimum Code = "raised_to_minimum"
	Draining        Code = "draining"
	Removed         Code = "removed"
	Grown           Code = "grown" // too soon after adding
	Stale           Code = "stale"
	InvalidTarget   Code = "invalid_target"
	Manual          Code = "manual"
	Paused          Code = "paused"
	Releasing       Code = "releasing"
	Mixed           Code = "mixed_releases"
	Crashing        Code = "crashing"
	Failing         Code = "failing"
	Unidentified    Code = "unidentified"
	Unordered       Code = "unordered"
)

// Figures are the numbers of a decision's sentence.
type Figures struct {
	Present int           `json:"present"`
	Live    int           `json:"live"`
	Keep    int           `json:"keep"` // workers that were wanted during the hold time
	Ready   int           `json:"ready"`
	Due     int           `json:"due"`
	Running int           `json:"running"`
	Oldest  time.Duration `json:"oldest"`
	MaxWait time.Duration `json:"max_wait"`
	Boot    time.Duration `json:"boot"`
	Age     time.Duration `json:"age,omitempty"`
	Failing float64       `json:"failing,omitempty"`
}

func figures(in Inputs, t Target) Figures {
	f := Figures{Present: in.Formation.Quantity, Live: len(in.Workers), MaxWait: t.MaxWait, Boot: in.boot(), Age: in.Age, Failing: in.Failing}
	f.Ready, f.Due, f.Running, f.Oldest = in.load()
	return f
}

// steady is the code of a decision that changes nothing.
func steady(bound Bound) Code {
	if bound == "" || bound == BoundMin || bound == BoundFloor {
		return Steady
	}
	return Bounded
}

// say sets the code and its sentence.
func (d *Decision) say(code Code, problem string) Decision {
	d.Code, d.Sentence = code, problem
	if problem == "" {
		d.Sentence = d.sentence()
	}
	return *d
}

// sentence says in one sentence why.
func (d *Decision) sentence() string {
	f := d.Figures
	change := fmt.Sprintf("%d -> %d: ", f.Present, d.Quantity)
	waiting := "no job is ready"
	if f.Ready > 0 {
		waiting = fmt.Sprintf("%s ready, the oldest for %s of %s", are(f.Ready, "job"), short(f.Oldest), short(f.MaxWait))
	}
	switch d.Code {
	case Steady:
		return fmt.Sprintf("%s: %s.", enough(f.Present), waiting)
	case Bounded:
		return fmt.Sprintf("The load calls for %s, but %s: %s.", count(d.Demand, "worker"), d.Bound.words(), waiting)
	case AddedForBacklog:
		return change + waiting + ", and new workers take " + short(f.Boot) + " to boot" + d.limited() + "."
	case AddedForRate:
		return change + "jobs arrive faster than the present workers can start within " + short(f.MaxWait) + d.limited() + "."
	case AddedForDue:
		return change + fmt.Sprintf("%s due within %s, the time that a worker takes to boot", are(f.Due, "job"), short(f.Boot)) + d.limited() + "."
	case RaisedToMinimum:
		return change + d.Bound.words() + "."
	case Draining:
		return fmt.Sprintf("%s: %s %s no jobs and %s what runs; then %s.", enough(f.Keep), numbers(d.Drain), verb(d.Drain, "takes", "take"),
			verb(d.Drain, "finishes", "finish"), verb(d.Drain, "it is removed", "they are removed"))
	case Removed:
		return change + fmt.Sprintf("%s enough, and those removed were drained and ran nothing.", isAre(f.Keep))
	case Grown:
		return fmt.Sprintf("%s, but workers were added for a backlog less than %s ago.", enough(f.Keep), short(2*f.Boot))
	case Stale:
		return fmt.Sprintf("The measurements are %s old, so nothing is changed.", short(f.Age))
	case Manual:
		return fmt.Sprintf("The number of workers was set to %d by hand, which is respected for %s.", f.Present, short(respect))
	case Paused:
		return "The workers were scaled to 0 by hand, so they stay there until they are scaled up by hand."
	case Releasing:
		return "The platform refuses changes during a release, so nothing is changed until it is complete."
	case Mixed:
		return "Workers of different releases run, as during a deploy, so none is removed."
	case Crashing:
		return fmt.Sprintf("%d of %s send heartbeats although the others were ordered more than %s ago: they may crash at their start. See their log.",
			f.Live, count(f.Present, "worker"), short(2*f.Boot))
	case Failing:
		return fmt.Sprintf("%.0f %% of the attempts of the last five minutes failed, so no workers are added: more of them would fail too.", 100*f.Failing)
	case Unidentified:
		return fmt.Sprintf("The heartbeats of %s do not match the numbers 1 to %d, so none is removed.", count(f.Live, "worker"), f.Present)
	case Unordered:
		return fmt.Sprintf("%s, but the platform chooses which worker it removes, so none is removed before all of them are idle.", enough(f.Keep))
	}
	return ""
}

// limited says which limit kept a decision from what the load calls for.
func (d *Decision) limited() string {
	if d.Bound == "" || d.Want >= d.Demand {
		return ""
	}
	return fmt.Sprintf("; %d would be needed, but %s", d.Demand, d.Bound.words())
}

// words complete a sentence on a bound.
func (b Bound) words() string {
	switch b {
	case BoundMin:
		return "this is the minimum"
	case BoundFloor:
		return "this is the scheduled minimum at this time"
	case BoundMax:
		return "this is the maximum"
	case BoundWorkersMax:
		return "WORKERS_MAX allows no more"
	case BoundConnections:
		return "the database's connections suffice for no more"
	case BoundAPI:
		return "the platform allows no more"
	case BoundBudget:
		return "the rest of the month's budget allows no more"
	case BoundFixed:
		return "Eco and Basic dynos allow one of a type"
	}
	return ""
}

func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return count(n, noun) + " are"
}

// numbers names workers by their numbers.
func numbers(indexes []int) string {
	texts := make([]string, len(indexes))
	for i, n := range indexes {
		texts[i] = strconv.Itoa(n)
	}
	return verb(indexes, "worker ", "workers ") + strings.Join(texts, ", ")
}

func verb(indexes []int, one, several string) string {
	if len(indexes) == 1 {
		return one
	}
	return several
}

func isAre(n int) string { return are(n, "worker") }

func enough(n int) string { return isAre(n) + " enough" }
