package surface

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
	return "select a.job_id from jobs.attempt a where a.stored and a.fingerprint = any (array(select e.fingerprint from jobs.error e" +
		" where exists (select from unnest(" + starts + ") v where starts_with(e.fingerprint, v))))"
}

// withArgs returns the SELECT for the ids of jobs that match the first condition on arguments: of an unfinished state, or of
// finished jobs if state is empty.
func (f Filter) withArgs(s *statement, state string, ids idRange) string {
	name, key := "null", found
	if state != "" {
		name, key = "'"+state+"'", state
	}
	if place, ok := ids.after[key]; ok {
		ids.upTo = place.id - 1
	}
	return fmt.Sprintf("select jobs.with_args(%s, %s, %s, %s, %t, %d)", s.arg(f.Args[0].objects(), "jsonb[]"), name,
		s.arg(ids.above, "bigint"), s.arg(ids.upTo, "bigint"), ids.newest, ids.most)
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

// named returns the conditions on kind and queue.
func (f Filter) named(s *statement) (list []string) {
	if len(f.Kinds) > 0 {
		list = append(list, "kind = any ("+s.arg(f.Kinds, "text[]")+")")
	}
	if len(f.Queues) > 0 {
		list = append(list, "queue = any ("+s.arg(f.Queues, "text[]")+")")
	}
	return list
}

// general returns the conditions that no index answers.
func (f Filter) general(s *statement) (list []string) {
	add := func(condition string, values any, as string) {
		list = append(list, strings.ReplaceAll(condition, "$?", s.arg(values, as)))
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
