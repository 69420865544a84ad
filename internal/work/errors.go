package work

import (
	"cmp"
	"time"
)

// seen is what a batch has to say of one fingerprint.
type seen struct {
	message                   string // of the latest
	first, last               time.Time
	firstRelease, lastRelease string
}

func (s *seen) add(a *attempt, at time.Time) {
	if s.first.IsZero() || at.Before(s.first) {
		s.first, s.firstRelease = at, a.release
	}
	if !at.Before(s.last) {
		s.last, s.lastRelease, s.message = at, a.release, a.err
	}
}

// fingerprints gives each error its own. Many have the very same text.
func fingerprints(attempts []*attempt) {
	known := map[string]string{}
	for _, a := range attempts {
		if !a.countsErr || a.finger != "" {
			continue
		}
		if known[a.err] == "" {
			known[a.err] = fingerprint(a.err)
		}
		a.finger = known[a.err]
	}
}

// hourKey is a row of work.error_hour.
type hourKey struct {
	fingerprint, kind, release string
	hour                       time.Time
}

// errorSums are what the attempts say of their errors, in an order that all processes keep.
func errorSums(attempts []*attempt) (sums []addition) {
	errs, hours := map[string]*seen{}, map[hourKey]int{}
	for _, a := range attempts {
		if !a.countsErr {
			continue
		}
		finger, at := a.finger, a.started.Add(a.run).UTC()
		if errs[finger] == nil {
			errs[finger] = &seen{}
		}
		errs[finger].add(a, at)
		hours[hourKey{finger, a.kind, a.release, at.Truncate(time.Hour)}]++
	}
	for _, finger := range sortedKeys(errs, cmp.Compare[string]) {
		e := errs[finger]
		sums = append(sums, addition{errorSQL, []any{finger, e.message, e.first, e.last, e.firstRelease, e.lastRelease}})
	}
	for _, key := range sortedKeys(hours, func(a, b hourKey) int {
		return cmp.Or(cmp.Compare(a.fingerprint, b.fingerprint), a.hour.Compare(b.hour), cmp.Compare(a.kind, b.kind),
			cmp.Compare(a.release, b.release))
	}) {
		sums = append(sums, addition{errorHourSQL, []any{key.fingerprint, key.hour, key.kind, key.release, hours[key]}})
	}
	return sums
}

const errorSQL = `
insert into work.error as e (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release)
values ($1, $2, $3, $4, $5, $6)
on conflict (fingerprint) do update set
    message = case when excluded.last_seen_at >= e.last_seen_at then excluded.message else e.message end,
    last_release = case when excluded.last_seen_at >= e.last_seen_at then excluded.last_release else e.last_release end,
    last_seen_at = greatest(e.last_seen_at, excluded.last_seen_at),
    first_release = case when excluded.first_seen_at < e.first_seen_at then excluded.first_release else e.first_release end,
    first_seen_at = least(e.first_seen_at, excluded.first_seen_at)`

const errorHourSQL = `
insert into work.error_hour as h (fingerprint, hour, kind, release, attempts) values ($1, $2, $3, $4, $5)
on conflict (fingerprint, hour, kind, release) do update set attempts = h.attempts + excluded.attempts`
