package work

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// histogram counts durations, as db/migrations/006_work_measure.sql describes.
type histogram [26]int32

func (h *histogram) add(d time.Duration) {
	h[min(bits.Len64(uint64(max(d.Milliseconds(), 0))), len(h)-1)]++
}

// minuteKey is a row of work.minute.
type minuteKey struct {
	minute      time.Time
	queue, kind string
}

// minute is what a batch adds to it.
type minute struct {
	completed, failed, discarded, cancelled, snoozed, handedBack int
	wait, run                                                    histogram
	waitSum, runSum                                              time.Duration
}

func (m *minute) add(a *attempt) {
	switch a.outcome {
	case outcomeCompleted:
		m.completed++
	case outcomeFailed:
		m.failed++
	case outcomeDiscarded:
		m.discarded++
	case outcomeCancelled:
		m.cancelled++
	case outcomeSnoozed:
		m.snoozed++
	default:
		m.handedBack++
	}
	wait := max(a.started.Sub(a.due), 0)
	m.wait.add(wait)
	m.run.add(a.run)
	m.waitSum += wait
	m.runSum += a.run
}

// minuteSums are what the attempts add to their minutes. Processes that write the same rows do it in the same order,
// so that they wait for each other and never in a circle.
func minuteSums(attempts []*attempt) (sums []addition) {
	minutes := map[minuteKey]*minute{}
	for _, a := range attempts {
		key := minuteKey{a.started.Add(a.run).Truncate(time.Minute).UTC(), a.queue, a.kind}
		if minutes[key] == nil {
			minutes[key] = &minute{}
		}
		minutes[key].add(a)
	}
	for _, key := range sortedKeys(minutes, func(a, b minuteKey) int {
		return cmp.Or(a.minute.Compare(b.minute), cmp.Compare(a.queue, b.queue), cmp.Compare(a.kind, b.kind))
	}) {
		m := minutes[key]
		sums = append(sums, addition{minuteSQL, []any{
			key.minute, key.queue, key.kind, m.completed, m.failed, m.discarded, m.cancelled, m.snoozed, m.handedBack,
			m.wait[:], m.run[:], m.waitSum.Seconds(), m.runSum.Seconds(),
		}})
	}
	return sums
}

const minuteSQL = `
insert into work.minute as m (minute, queue, kind, completed, failed, discarded, cancelled, snoozed, handed_back,
    wait, run, wait_s, run_s)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (minute, queue, kind) do update set
    completed = m.completed + excluded.completed, failed = m.failed + excluded.failed,
    discarded = m.discarded + excluded.discarded, cancelled = m.cancelled + excluded.cancelled,
    snoozed = m.snoozed + excluded.snoozed, handed_back = m.handed_back + excluded.handed_back,
    wait = work.sum(m.wait, excluded.wait), run = work.sum(m.run, excluded.run),
    wait_s = m.wait_s + excluded.wait_s, run_s = m.run_s + excluded.run_s`

func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compare)
	return keys
}
