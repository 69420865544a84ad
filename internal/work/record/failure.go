package record

import (
	"cmp"
	_ "embed"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed sql/add_error.sql
	addErrorSQL string
	//go:embed sql/add_error_hour.sql
	addErrorHourSQL string
)

// seen sums up the attempts of a batch with one fingerprint.
type seen struct {
	message                   string // of the latest
	first, last               time.Time
	firstRelease, lastRelease string
}

func (s *seen) add(a *Attempt, at time.Time) {
	if s.first.IsZero() || at.Before(s.first) {
		s.first, s.firstRelease = at, a.Release
	}
	if !at.Before(s.last) {
		s.last, s.lastRelease, s.message = at, a.Release, a.Err
	}
}

// fingerprints sets the fingerprint of each error. Since many errors have the same text, it computes each text's once.
func fingerprints(attempts []*Attempt) {
	known := map[string]string{}
	for _, a := range attempts {
		if !a.CountsErr || a.finger != "" {
			continue
		}
		if known[a.Err] == "" {
			known[a.Err] = fingerprint(a.Err)
		}
		a.finger = known[a.Err]
	}
}

// hourKey is a row of work.error_hour.
type hourKey struct {
	fingerprint, kind, release string
	hour                       time.Time
}

// errorSums returns what the attempts add to work.error and work.error_hour, in the same order in all processes.
func errorSums(attempts []*Attempt) (sums []addition) {
	errs, hours := map[string]*seen{}, map[hourKey]int{}
	for _, a := range attempts {
		if !a.CountsErr {
			continue
		}
		finger, at := a.finger, a.Started.Add(a.Run).UTC()
		if errs[finger] == nil {
			errs[finger] = &seen{}
		}
		errs[finger].add(a, at)
		hours[hourKey{finger, a.Kind, a.Release, at.Truncate(time.Hour)}]++
	}
	for _, finger := range sortedKeys(errs, cmp.Compare[string]) {
		e := errs[finger]
		sums = append(sums, addition{addErrorSQL, pgx.NamedArgs{
			"fingerprint": finger, "message": e.message, "first": e.first, "last": e.last,
			"first_release": e.firstRelease, "last_release": e.lastRelease,
		}})
	}
	for _, key := range sortedKeys(hours, func(a, b hourKey) int {
		return cmp.Or(cmp.Compare(a.fingerprint, b.fingerprint), a.hour.Compare(b.hour), cmp.Compare(a.kind, b.kind),
			cmp.Compare(a.release, b.release))
	}) {
		sums = append(sums, addition{addErrorHourSQL, pgx.NamedArgs{
			"fingerprint": key.fingerprint, "hour": key.hour, "kind": key.kind, "release": key.release, "attempts": hours[key],
		}})
	}
	return sums
}
