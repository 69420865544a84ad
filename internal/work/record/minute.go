package record

import (
	"cmp"
	_ "embed"
	"math/bits"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/add_minute.sql
var addMinuteSQL string

// histogram counts durations, as db/migrations/006_work_measure.sql describes.
type histogram [26]int32

func (h *histogram) add(d time.Duration) {
	h[min(bits.Len64(uint64(max(d.Milliseconds(), 0))), len(h)-1)]++
}

// minuteKey is a row of work.minute_release.
type minuteKey struct {
	minute               time.Time
	queue, kind, release string
}

// minute is what a batch adds to such a row.
type minute struct {
	completed, failed, discarded, cancelled, snoozed, handedBack int
	judged, late                                                 int // against the queue's wait target
	wait, run                                                    histogram
	waitSum, runSum                                              time.Duration
}

func (m *minute) add(a *Attempt, within targets) {
	switch a.Outcome {
	case Completed:
		m.completed++
	case Failed:
		m.failed++
	case Discarded:
		m.discarded++
	case Cancelled:
		m.cancelled++
	case Snoozed:
		m.snoozed++
	default:
		m.handedBack++
	}
	wait := max(a.Started.Sub(a.Due), 0)
	if target, ok := within[a.Queue]; ok {
		m.judged++
		if wait > target {
			m.late++
		}
	}
	m.wait.add(wait)
	m.run.add(a.Run)
	m.waitSum += wait
	m.runSum += a.Run
}

// targets are the queues that have a wait target: the longest wait of an attempt that is not late.
type targets map[string]time.Duration

// minuteSums returns what the attempts add to work.minute_release. Processes that write the same rows do so in the same order, so that
// they cannot deadlock.
func minuteSums(attempts []*Attempt, within targets) (sums []addition) {
	minutes := map[minuteKey]*minute{}
	for _, a := range attempts {
		key := minuteKey{a.Started.Add(a.Run).Truncate(time.Minute).UTC(), a.Queue, a.Kind, a.Release}
		if minutes[key] == nil {
			minutes[key] = &minute{}
		}
		minutes[key].add(a, within)
	}
	for _, key := range sortedKeys(minutes, func(a, b minuteKey) int {
		return cmp.Or(a.minute.Compare(b.minute), cmp.Compare(a.queue, b.queue), cmp.Compare(a.kind, b.kind), cmp.Compare(a.release, b.release))
	}) {
		m := minutes[key]
		sums = append(sums, addition{addMinuteSQL, pgx.NamedArgs{
			"minute": key.minute, "queue": key.queue, "kind": key.kind, "release": key.release, "completed": m.completed, "failed": m.failed,
			"discarded": m.discarded, "cancelled": m.cancelled, "snoozed": m.snoozed, "handed_back": m.handedBack,
			"judged": m.judged, "late": m.late,
			"wait": m.wait[:], "run": m.run[:], "wait_s": m.waitSum.Seconds(), "run_s": m.runSum.Seconds(),
		}})
	}
	return sums
}

func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compare)
	return keys
}
