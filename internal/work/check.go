package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// What River, its tables and jobs.enqueue take.
var (
	kindName  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_\-\[\]<>/.·:+]{1,126}$`)
	queueName = regexp.MustCompile(`^[a-z0-9]+([_|-]?[a-z0-9]+)*$`)
	tagName   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{1,253}[A-Za-z0-9_]$`)
)

// jobStates are River's; a duplicate must be looked for in the first four at least.
var jobStates = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	rivertype.JobStateCancelled, rivertype.JobStateCompleted, rivertype.JobStateDiscarded, rivertype.JobStateRetryable,
}

// checkJob finds what no job could be enqueued with, but for args that Postgres refuses. Its error is a fault.
func checkJob(kind, args string, i insertion) error {
	if !kindName.MatchString(kind) {
		return &fault{"kind", fmt.Errorf("the kind %s must be 2 to 127 letters, digits and _ - [ ] < > / . · : +, beginning with a letter, digit or _", quoted(kind))}
	}
	if err := checkArgs(args); err != nil {
		return &fault{"args", err}
	}
	if err := i.check(); err != nil {
		return &fault{"opts", err}
	}
	return nil
}

// checkArgs wants one JSON object, in which each key occurs once: the table keeps the last, and the unique key the first.
func checkArgs(text string) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber() // which may be too large for a float64
	first, err := dec.Token()
	if err != nil || first != json.Delim('{') {
		return errors.New(`the arguments must be a JSON object, as in {"order_id": 42}`)
	}
	return checkObject(dec)
}

// checkObject reads the rest of an object.
func checkObject(dec *json.Decoder) error {
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return fmt.Errorf("the arguments have the key %s twice", quoted(key))
		}
		seen[key] = true
		if err := checkValue(dec); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func checkValue(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return checkObject(dec)
	case json.Delim('['):
		for dec.More() {
			if err := checkValue(dec); err != nil {
				return err
			}
		}
		_, err = dec.Token()
	}
	return err
}

// parseInsertion reads the options of a schedule's row, and refuses those it does not know.
func parseInsertion(text string) (i insertion, err error) {
	if !strings.HasPrefix(text, "{") {
		return i, errors.New(`the options must be a JSON object, as in {"queue": "mail"}`)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	err = dec.Decode(&i)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return i, fmt.Errorf("the option %s cannot be a %s", wrong.Field, wrong.Value)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return i, fmt.Errorf("the options are queue, priority, max_attempts, tags and unique {args, period, queue, states, exclude_kind}: %s",
			strings.TrimPrefix(err.Error(), "json: "))
	}
	return i, nil
}

// check finds options that an insert would refuse. What is empty is left to the defaults.
func (i insertion) check() error {
	switch {
	case i.Queue != "" && (len(i.Queue) > 64 || !queueName.MatchString(i.Queue)):
		return fmt.Errorf("the queue %s must be up to 64 small letters and digits, with single _ or - between them", quoted(i.Queue))
	case i.Priority < 0 || i.Priority > 4:
		return fmt.Errorf("the priority must be 1 (first) to 4 (last), not %d", i.Priority)
	case i.MaxAttempts < 0 || i.MaxAttempts > 1<<15-1:
		return fmt.Errorf("max_attempts must be 1 to 32767, not %d", i.MaxAttempts)
	}
	for _, tag := range i.Tags {
		if !tagName.MatchString(tag) {
			return fmt.Errorf("the tag %s must be 3 to 255 letters, digits, _ and -, and no - at either end", quoted(tag))
		}
	}
	if i.Unique != nil {
		return i.Unique.check()
	}
	return nil
}

func (u unique) check() error {
	if longest := longestInterval / time.Second; u.Period != 0 && (u.Period < 1 || u.Period > float64(longest)) {
		return fmt.Errorf("unique.period must be 1 to %d seconds, not %g", longest, u.Period)
	}
	if u.ExcludeKind && !u.Args && u.Period == 0 && !u.Queue {
		return errors.New("unique.exclude_kind must have args, period or queue beside it")
	}
	if len(u.Keys) > 0 {
		return errors.New("unique.keys cannot be an option of a schedule: leave it out, and all args count")
	}
	for _, state := range u.States {
		if !slices.Contains(jobStates, state) {
			return fmt.Errorf("unique.states has %s, which is not a state of a job", quoted(string(state)))
		}
	}
	for _, state := range jobStates[:4] {
		if len(u.States) > 0 && !slices.Contains(u.States, state) {
			return fmt.Errorf("unique.states must contain available, pending, running and scheduled, but %s is missing", state)
		}
	}
	return nil
}
