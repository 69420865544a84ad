// Package insert has the options with which a job is enqueued, as data: the rows of schedules and kinds store them as JSON.
package insert

import (
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivershared/structtag"
	"github.com/riverqueue/river/rivertype"
)

// Options are River's options of an insert, as a row stores them. Together with kind and args they suffice to enqueue a job, so
// that a process of any release can do so, even if it does not know the kind.
type Options struct {
	Queue       string   `json:"queue,omitempty"`
	Priority    int      `json:"priority,omitempty"`
	MaxAttempts int      `json:"max_attempts,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Unique      *Unique  `json:"unique,omitempty"`
}

// Unique are River's options of the same names. Period is in seconds.
type Unique struct {
	Args        bool                 `json:"args,omitempty"`
	Period      float64              `json:"period,omitempty"`
	Queue       bool                 `json:"queue,omitempty"`
	States      []rivertype.JobState `json:"states,omitempty"`
	ExcludeKind bool                 `json:"exclude_kind,omitempty"`
	Keys        []string             `json:"keys,omitempty"` // the fields of the args that count, if not all do
}

// River returns the options for an insert.
func (o Options) River() *river.InsertOpts {
	opts := &river.InsertOpts{Queue: o.Queue, Priority: o.Priority, MaxAttempts: o.MaxAttempts, Tags: o.Tags}
	if u := o.Unique; u != nil {
		opts.UniqueOpts = river.UniqueOpts{
			ByArgs: u.Args, ByPeriod: time.Duration(u.Period * float64(time.Second)), ByQueue: u.Queue, ByState: u.States,
			ExcludeKind: u.ExcludeKind,
		}
	}
	return opts
}

// Merge merges the args' own options with those of an insert, as River does at each insert.
func Merge(args river.JobArgs, own, opts river.InsertOpts) (o Options, err error) {
	o = Options{Queue: opts.Queue, Priority: opts.Priority, MaxAttempts: opts.MaxAttempts, Tags: opts.Tags}
	if o.Queue == "" {
		o.Queue = own.Queue
	}
	if o.Priority == 0 {
		o.Priority = own.Priority
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = own.MaxAttempts
	}
	if o.Tags == nil {
		o.Tags = own.Tags
	}
	u := opts.UniqueOpts
	if u.ByState == nil && !u.ByArgs && u.ByPeriod == 0 && !u.ByQueue && !u.ExcludeKind {
		u = own.UniqueOpts
	}
	if u.ByState != nil || u.ByArgs || u.ByPeriod != 0 || u.ByQueue || u.ExcludeKind {
		o.Unique = &Unique{Args: u.ByArgs, Period: u.ByPeriod.Seconds(), Queue: u.ByQueue, States: u.ByState, ExcludeKind: u.ExcludeKind}
	}
	if u.ByArgs {
		if o.Unique.Keys, err = structtag.SortedFieldsWithTag(args, "unique"); err != nil {
			return o, fmt.Errorf("the fields that make %s unique: %w", args.Kind(), err)
		}
	}
	return o, nil
}
