package surface

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A part is a piece of the search that one index can answer: the jobs of one state, because River's indexes begin with the
// state, or jobs whose ids an index finds.
type part struct {
	name   string
	where  []string // conditions with an index
	pre    []string // a cheaper condition than filter for what it implies, if the newest jobs are asked for
	filter []string // conditions that must be tested on each job
	byTime bool     // the newest are the last finished; otherwise those with the highest ids
	listed bool     // where is answered by an index of unfinished jobs, which is not in the order of ids
}

// found is the name of the part whose ids an index finds.
const found = "found"

func (p part) order() string {
	if p.byTime {
		return "finished_at desc, id desc"
	}
	return "id desc"
}

// A statement collects the arguments of an SQL statement.
type statement struct {
	args  []any
	brief bool // it may read jobs.job_brief; otherwise jobs.job suffices, to which an operator may have been granted no more
}

// view returns the view that has the columns of the filter's conditions. Postgres plans a SELECT from jobs.job ten times as long.
func (s *statement) view(f Filter) string {
	if !s.brief || len(f.Waiting) > 0 || slices.Contains(f.Has, "progress") {
		return "jobs.job"
	}
	return "jobs.job_brief"
}

// arg adds an argument and returns its place.
func (s *statement) arg(value any, as string) string {
	s.args = append(s.args, value)
	return fmt.Sprintf("$%d::%s", len(s.args), as)
}

var places = regexp.MustCompile(`\$(\d+)`)

// used returns the statement with the arguments that its text names, renumbered: Postgres refuses unused ones.
func (s *statement) used(sql string) (string, []any) {
	var args []any
	numbers := map[string]string{}
	sql = places.ReplaceAllStringFunc(sql, func(old string) string {
		if numbers[old] == "" {
			i, _ := strconv.Atoi(old[1:])
			args = append(args, s.args[i-1])
			numbers[old] = "$" + strconv.Itoa(len(args))
		}
		return numbers[old]
	})
	return sql, args
}

// and joins conditions.
func and(conditions []string) string {
	if len(conditions) == 0 {
		return "true"
	}
	return strings.Join(conditions, " and ")
}

// An idRange is the range of ids to search, and how many to look for at most, from its upper or lower end.
type idRange struct {
	above, upTo int64
	newest      bool
	most        int
	after       cursor // if the newest are asked for: where each part goes on
}

// parts returns the parts of the search.
func (f Filter) parts(s *statement, ids idRange) (list []part) {
	f = f.At(time.Now().UTC())
	names, general := f.named(s), f.general(s)
	wanted := f.wantedStates()
	if driver := f.driver(s); driver != nil { // few jobs of any state
		general = slices.Concat(names, general, f.inArgs(s, f.Args))
		p := part{name: found, where: driver, filter: append(general, f.inTime(s, "coalesce(finished_at, greatest(enqueued_at, started_at))")...)}
		if len(wanted) < len(states()) {
			p.where = append(p.where, "state in ("+literals(wanted)+")")
		}
		return []part{p}
	}
	args, requests := f.inArgs(s, f.Args), f.inRequests(s)
	unfinishedTime := f.inTime(s, "greatest(enqueued_at, started_at)")
	finishedTime := f.inTime(s, "finished_at")
	finished := slices.DeleteFunc(slices.Clone(wanted), func(state string) bool { return !isFinished(state) })
	for _, state := range wanted { // a literal, not an argument, so that partial indexes apply
		p := part{name: state, where: []string{"state = '" + state + "'"}, filter: slices.Concat(general, args, requests, unfinishedTime)}
		if isFinished(state) {
			if len(f.Args)+len(f.Requests) > 0 {
				continue
			}
			p.byTime, p.filter = true, slices.Concat(names, general)
			p.where = append(append(p.where, "finished_at is not null"), finishedTime...)
		}
		if len(f.Args) > 0 && ids.newest {
			p.pre = []string{"id = any (array(" + f.withArgs(s, state, ids) + "))"}
		}
		if !isFinished(state) {
			p.where, p.listed = append(p.where, names...), true
		}
		list = append(list, p)
	}
	if len(finished) > 0 && len(f.Args)+len(f.Requests) > 0 {
		inState := "state in (" + literals(finished) + ")"
		p := part{name: found, filter: slices.Concat(names, general, finishedTime)}
		if len(f.Requests) > 0 {
			p.where = append(p.where, "id = any (array(select a.job_id from jobs.attempt a where a.stored and a.request_id = any ("+s.arg(f.Requests, "text[]")+")"+
				" union select unnest(r.jobs) from jobs.request r where r.id = any ("+s.arg(f.Requests, "text[]")+")))")
			p.where = append(p.where, inState)
			p.filter = slices.Concat(p.filter, requests, args)
		} else {
			p.where = append(p.where, "id = any (array("+f.withArgs(s, "", ids)+"))")
			p.filter = append(slices.Concat(p.filter, f.inArgs(s, f.Args[1:])), inState) // not in where: the function may have stopped at its most
		}
		list = append(list, p)
	}
	return list
}

// wantedStates returns the states that can match.
func (f Filter) wantedStates() (list []string) {
	for _, state := range states() {
		if (len(f.States) == 0 || slices.Contains(f.States, state)) && (len(f.Waiting) == 0 || canWait(state, f.Waiting)) {
			list = append(list, state)
		}
	}
	return list
}

// canWait reports whether a job in this state can have one of these codes in jobs.job.waiting.
func canWait(state string, codes []string) bool {
	return slices.ContainsFunc(codes, func(code string) bool {
		switch code {
		case "pending":
			return state == "pending"
		case "duplicate", "due":
			return state == "scheduled" || state == "retryable"
		case "queued", "isolated", "no_worker", "no_worker_for_queue", "no_worker_for_kind", "all_draining":
			return state == "available"
		}
		return !isFinished(state) && state != "running"
	})
}

var fingerprints = regexp.MustCompile(`^(?:[0-9a-f]{12}|[0-9a-f]{2,11})$`)
