package insert

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

	"github.com/backlist/backlist/internal/work/bound"
)

// longestPeriod is about a century; a time.Duration holds three.
const longestPeriod = 5200 * 7 * 24 * time.Hour

// Names that River, its tables and jobs.enqueue accept.
var (
	queueName = regexp.MustCompile(`^[a-z0-9]+([_|-]?[a-z0-9]+)*$`)
	tagName   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{1,253}[A-Za-z0-9_]$`)
)

// jobStates are River's. unique.states must contain at least the first four.
var jobStates = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	rivertype.JobStateCancelled, rivertype.JobStateCompleted, rivertype.JobStateDiscarded, rivertype.JobStateRetryable,
}

// Parse reads the options of a schedule's row, and refuses those it does not know.
func Parse(text string) (o Options, err error) {
	if !strings.HasPrefix(text, "{") {
		return o, errors.New(`the options must be a JSON object, as in {"queue": "mail"}`)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	err = dec.Decode(&o)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return o, fmt.Errorf("the option %s cannot be a %s", wrong.Field, wrong.Value)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return o, fmt.Errorf("the options are queue, priority, max_attempts, tags and unique {args, period, queue, states, exclude_kind}: %s",
			strings.TrimPrefix(err.Error(), "json: "))
	}
	return o, nil
}

// Check returns an error for options that an insert would refuse. Empty options stand for the defaults.
func (o Options) Check() error {
	switch {
	case o.Queue != "" && (len(o.Queue) > 64 || !queueName.MatchString(o.Queue)):
		return fmt.Errorf("the queue %s must be up to 64 lower-case letters and digits, with single _ or - between them", bound.Quote(o.Queue))
	case o.Priority < 0 || o.Priority > 4:
		return fmt.Errorf("the priority must be 1 (first) to 4 (last), not %d", o.Priority)
	case o.MaxAttempts < 0 || o.MaxAttempts > 1<<15-1:
		return fmt.Errorf("max_attempts must be 1 to 32767, not %d", o.MaxAttempts)
	}
	for _, tag := range o.Tags {
		if !tagName.MatchString(tag) {
			return fmt.Errorf("the tag %s must be 3 to 255 letters, digits, _ and -, and no - at either end", bound.Quote(tag))
		}
	}
	if o.Unique != nil {
		return o.Unique.check()
	}
	return nil
}

func (u Unique) check() error {
	if longest := longestPeriod / time.Second; u.Period != 0 && (u.Period < 1 || u.Period > float64(longest)) {
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
			return fmt.Errorf("unique.states has %s, which is not a state of a job", bound.Quote(string(state)))
		}
	}
	for _, state := range jobStates[:4] {
		if len(u.States) > 0 && !slices.Contains(u.States, state) {
			return fmt.Errorf("unique.states must contain available, pending, running and scheduled, but %s is missing", state)
		}
	}
	return nil
}
