package surface

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter selects jobs. An empty field matches every job, and a list matches any of its values. ParseSearch makes one of a
// search, and String a search of it.
type Filter struct {
	Jobs                           []int64 // ids
	States, Kinds, Queues, Workers []string
	Waiting                        []string // codes of jobs.job.waiting
	Args                           []Arg    // all of these
	Tags                           []string
	Errors                         []string // fingerprints, or parts of messages
	Requests                       []string
	Parents                        []int64
	Releases                       []string
	Is, Has                        []string // as the keys of the same names
	Since, Until                   Moment   // enqueued, started or finished then
	Text                           []string // all of these are part of the kind or the latest error

	Limit int // the most jobs of List and Find, newest first; not part of a search
}

// states returns every state of a job, unfinished ones first.
func states() []string {
	return []string{"available", "running", "scheduled", "retryable", "pending", "completed", "cancelled", "discarded"}
}

func isFinished(state string) bool {
	return state == "completed" || state == "cancelled" || state == "discarded"
}

// Check returns an error that says what is wrong with the filter.
func (f Filter) Check() error {
	if f.Limit < 1 {
		return errors.New("the limit is at least 1")
	}
	for _, k := range Keys() {
		if k.Values == nil {
			continue
		}
		for _, v := range *k.field(&f) {
			if !slices.Contains(k.Values, v) {
				return notAmong(v, k)
			}
		}
	}
	return nil
}

// Add adds the conditions of g. The values of both for one key are alternatives.
func (f *Filter) Add(g Filter) error {
	for _, k := range Keys() {
		if k.field != nil {
			for _, v := range *k.field(&g) {
				addOnce(k.field(f), v)
			}
		}
	}
	f.Jobs, f.Parents, f.Text = append(f.Jobs, g.Jobs...), append(f.Parents, g.Parents...), append(f.Text, g.Text...)
	for _, a := range g.Args {
		for _, v := range a.Values {
			f.addArgValue(a.Path, v)
		}
	}
	for _, m := range []struct {
		to   *Moment
		from Moment
		key  string
	}{{&f.Since, g.Since, "since"}, {&f.Until, g.Until, "until"}} {
		if !m.from.IsZero() {
			if err := m.to.set(m.key, m.from.text); err != nil {
				return err
			}
		}
	}
	return nil
}

// Narrows reports whether the filter leaves any job out.
func (f Filter) Narrows() bool { return f.String() != "" }

// A part is a piece of the search that one index can answer: the jobs of one state, because River's indexes begin with the
// state, or jobs whose ids an index finds.
type part struct {
	name   string
	where  []string // conditions with an index
	pre    []string // a cheaper condition than filter for what it implies, if the newest jobs are asked for
	filter []string // conditions that must be tested on each job
	byTime bool     // the newest are the last finished; otherwise those with the highest ids
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
type statement struct{ args []any }

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
	general := f.general(s)
	wanted := f.wantedStates()
	if driver := f.driver(s); driver != nil { // few jobs of any state
		general = append(general, f.inArgs(s, f.Args)...)
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
			p.byTime, p.filter = true, general
			p.where = append(append(p.where, "finished_at is not null"), finishedTime...)
		}
		if len(f.Args) > 0 && ids.newest {
			p.pre = []string{"id = any (array(" + f.withArgs(s, state, ids) + "))"}
		}
		if state == "available" && len(f.Queues) > 0 {
			p.where = append(p.where, "queue = any ("+s.arg(f.Queues, "text[]")+")")
		}
		list = append(list, p)
	}
	if len(finished) > 0 && len(f.Args)+len(f.Requests) > 0 {
		inState := "state in (" + literals(finished) + ")"
		p := part{name: found, filter: slices.Concat(general, finishedTime)}
		if len(f.Requests) > 0 {
			p.where = append(p.where, "id = any (array(select a.job_id from jobs.attempt a where a.request_id = any ("+s.arg(f.Requests, "text[]")+")"+
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

// isFingerprint reports whether the value of error: is a fingerprint or its start. Short ones have a letter and a digit, so
// that neither a word nor a status code is taken for one.
func isFingerprint(v string) bool {
	return fingerprints.MatchString(v) && (len(v) == 12 || strings.ContainsAny(v, "0123456789") && strings.ContainsAny(v, "abcdef"))
}

// driver returns conditions by which an index finds all jobs; nil if the filter has none.
func (f Filter) driver(s *statement) (where []string) {
	if len(f.Jobs) > 0 {
		where = append(where, "id = any ("+s.arg(f.Jobs, "bigint[]")+")")
	}
	if len(f.Errors) > 0 && !slices.ContainsFunc(f.Errors, func(v string) bool { return !isFingerprint(v) }) {
		where = append(where, "id = any (array("+hadError(s.arg(f.Errors, "text[]"))+"))")
	}
	return where
}

// hadError returns the SELECT for the ids of jobs that had one of these errors.
func hadError(starts string) string {
	return "select a.job_id from jobs.attempt a where a.fingerprint = any (array(select e.fingerprint from jobs.error e" +
		" where exists (select from unnest(" + starts + ") v where starts_with(e.fingerprint, v))))"
}

// withArgs returns the SELECT for the ids of jobs that match the first condition on arguments: of an unfinished state, or of
// finished jobs if state is empty.
func (f Filter) withArgs(s *statement, state string, ids idRange) string {
	var selects []string
	name, key := "null", found
	if state != "" {
		name, key = "'"+state+"'", state
	}
	if place, ok := ids.after[key]; ok {
		ids.upTo = place.id - 1
	}
	for _, object := range f.Args[0].objects() {
		selects = append(selects, fmt.Sprintf("select w.id from jobs.with_args(%s, %s, %s, %s, %t, %d) as w (id)",
			s.arg(object, "jsonb"), name, s.arg(ids.above, "bigint"), s.arg(ids.upTo, "bigint"), ids.newest, ids.most))
	}
	return strings.Join(selects, " union ")
}

// objects returns the JSON objects of which the arguments contain one. A number, true, false or null also stands for the same
// text: args.no:42 finds {"no": "42"}.
func (a Arg) objects() (list []string) {
	for _, v := range a.Values {
		if a.Path == "" {
			list = append(list, v)
			continue
		}
		values := []string{v}
		if v[0] != '"' {
			values = append(values, strconv.Quote(v))
		}
		for _, v := range values {
			path := strings.Split(a.Path, ".")
			for _, name := range slices.Backward(path) {
				key, _ := json.Marshal(name)
				v = "{" + string(key) + ":" + v + "}"
			}
			list = append(list, v)
		}
	}
	return list
}

// inArgs returns the conditions on arguments, tested on each job.
func (f Filter) inArgs(s *statement, args []Arg) (list []string) {
	for _, a := range args {
		list = append(list, "args @> any ("+s.arg(a.objects(), "jsonb[]")+")")
	}
	return list
}

func (f Filter) inRequests(s *statement) (list []string) {
	if len(f.Requests) > 0 {
		list = append(list, "request_id = any ("+s.arg(f.Requests, "text[]")+")")
	}
	return list
}

// inTime returns the conditions on the time of a job.
func (f Filter) inTime(s *statement, at string) (list []string) {
	if since, ok := f.Since.at(time.Time{}, false); ok {
		list = append(list, at+" >= "+s.arg(since, "timestamptz"))
	}
	if until, ok := f.Until.at(time.Time{}, true); ok {
		list = append(list, at+" < "+s.arg(until, "timestamptz"))
	}
	return list
}

// general returns the conditions that no index answers.
func (f Filter) general(s *statement) (list []string) {
	add := func(condition string, values any, as string) {
		list = append(list, strings.ReplaceAll(condition, "$?", s.arg(values, as)))
	}
	if len(f.Kinds) > 0 {
		add("kind = any ($?)", f.Kinds, "text[]")
	}
	if len(f.Queues) > 0 {
		add("queue = any ($?)", f.Queues, "text[]")
	}
	if len(f.Workers) > 0 {
		add("worker = any (array(select unnest($?) union all select w.worker from jobs.worker w where w.process = any ($?)))", f.Workers, "text[]")
	}
	if len(f.Waiting) > 0 {
		add("waiting = any ($?)", f.Waiting, "text[]")
	}
	if len(f.Tags) > 0 {
		add("tags && $?", f.Tags, "text[]")
	}
	if len(f.Requests) > 0 && len(f.Jobs) > 0 {
		add("request_id = any ($?)", f.Requests, "text[]")
	}
	if len(f.Parents) > 0 {
		add("parent_id = any ($?)", f.Parents, "bigint[]")
	}
	if len(f.Releases) > 0 {
		add("release = any ($?)", f.Releases, "text[]")
	}
	list = append(list, f.inErrors(s)...)
	for _, text := range f.Text {
		add("(strpos(lower(kind), lower($?)) > 0 or strpos(lower(last_error), lower($?)) > 0)", text, "text")
	}
	for values, conditions := range map[*[]string]map[string]string{
		&f.Is:  {"cancelling": "cancelling", "unique": "is_unique"},
		&f.Has: {"error": "last_error is not null", "parent": "parent_id is not null", "progress": "progress is not null", "deaths": "deaths > 0"},
	} {
		var any []string
		for _, v := range *values {
			any = append(any, conditions[v])
		}
		if len(any) > 0 {
			list = append(list, "("+strings.Join(any, " or ")+")")
		}
	}
	return list
}

// inErrors returns the condition on errors if some value is text.
func (f Filter) inErrors(s *statement) []string {
	var any []string
	var starts []string
	for _, v := range f.Errors {
		if isFingerprint(v) {
			starts = append(starts, v)
		} else {
			any = append(any, "strpos(lower(last_error), lower("+s.arg(v, "text")+")) > 0")
		}
	}
	if len(any) == 0 {
		return nil
	}
	if len(starts) > 0 {
		any = append(any, "id = any (array("+hadError(s.arg(starts, "text[]"))+"))")
	}
	return []string{"(" + strings.Join(any, " or ") + ")"}
}

func literals(states []string) string { return "'" + strings.Join(states, "', '") + "'" }
