package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// sum is a row of sql/letters_sent.sql.
type sum struct {
	Part     string
	Sent     int64
	Recorded int64
	Again    int64 // sent more than once
	FirstAt  *time.Time
	LastAt   *time.Time
}

// sums returns what happened to the letters of each part so far.
func (s *split) sums(ctx context.Context) (map[string]sum, error) {
	rows, err := ask[sum](ctx, s.Run, "The letters of each part", lettersSentSQL, pgx.NamedArgs{"run": s.ID})
	byPart := map[string]sum{}
	for _, row := range rows {
		byPart[row.Part] = row
	}
	return byPart, err
}

// timed is how one size of a part went.
type timed struct {
	sum
	total, first float64 // until the last and the first letter was recorded, in milliseconds since the jobs were enqueued
	lanes        []Lane
	recorded     bool // all attempts are on record
}

// timing returns how each size of each part went, as far as it is on record.
func (s *split) timing(ctx context.Context) (map[string]timed, error) {
	sums, err := s.sums(ctx)
	if err != nil {
		return nil, err
	}
	var requests []string
	for _, p := range s.parts {
		requests = append(requests, s.request(p.code+"-big"), s.request(p.code+"-small"))
	}
	attempts, err := ask[attempt](ctx, s.Run, "The attempts", attemptsSQL, pgx.NamedArgs{"requests": requests})
	if err != nil {
		return nil, err
	}
	all := map[string]timed{}
	for _, p := range s.parts {
		for size, name := range map[string]string{"big": "one big job", "small": "many small jobs"} {
			code := p.code + "-" + size
			var own []attempt
			completed := 0
			for _, a := range attempts {
				if a.RequestID == s.request(code) {
					own = append(own, a)
					if a.Outcome == "completed" {
						completed++
					}
				}
			}
			t := timed{sum: sums[code]}
			if t.recorded = completed == map[string]int{"big": 1, "small": letters}[size]; t.recorded {
				zero := own[0].DueAt // of the first attempt
				t.total, t.first, t.lanes = ms(zero, *t.LastAt), ms(zero, *t.FirstAt), packed(name, zero, own)
			}
			all[code] = t
		}
	}
	return all, nil
}

// packed draws attempts on as few lanes as they fit on.
func packed(name string, zero time.Time, attempts []attempt) (lanes []Lane) {
	last := map[int64]int{} // the lanes of jobs that will be tried again
	for _, a := range attempts {
		look := Attempt
		if a.Outcome != "completed" {
			look = Failed
		}
		bar := Bar{look, ms(zero, a.StartedAt), ms(zero, a.EndedAt), fmt.Sprintf("attempt %d: %s, %s", a.Attempt, Milliseconds(a.RunMS), a.Outcome)}
		i, retried := last[a.JobID]
		if retried {
			failed := lanes[i].Bars[len(lanes[i].Bars)-1]
			lanes[i].Bars = append(lanes[i].Bars, Bar{Backoff, failed.To, bar.From, "backs off for " + Milliseconds(bar.From-failed.To)})
		} else {
			for i < len(lanes) && lanes[i].Bars[len(lanes[i].Bars)-1].To > bar.From {
				i++
			}
		}
		if i == len(lanes) {
			lanes = append(lanes, Lane{Depth: 1})
		}
		lanes[i].Bars = append(lanes[i].Bars, bar)
		if look == Failed {
			last[a.JobID] = i // and no other job runs there, since it begins later than all of them
		}
	}
	lanes[0].Name, lanes[0].Depth = name, 0
	return lanes
}

// draw draws the parts that are on record.
func (s *split) draw(ctx context.Context, doing string) error {
	all, err := s.timing(ctx)
	if err != nil {
		return err
	}
	s.Groups = nil
	t := Table{Title: "Side by side", Head: []string{"part", "jobs", "all letters done", "first letter done", "letters sent", "sent twice"}}
	for _, p := range s.parts {
		group := Group{Title: p.title, Note: p.note}
		for _, size := range []string{"big", "small"} {
			done := all[p.code+"-"+size]
			if !done.recorded {
				continue
			}
			done.lanes[0].Note = Milliseconds(done.total)
			group.Lanes = append(group.Lanes, done.lanes...)
			name := map[string]string{"big": "one big job", "small": "many small jobs"}[size]
			t.Rows = append(t.Rows, []string{
				p.title, name, Milliseconds(done.total), Milliseconds(done.first), fmt.Sprint(done.Sent), fmt.Sprint(done.Again),
			})
		}
		if len(group.Lanes) > 0 {
			s.Groups = append(s.Groups, group)
		}
	}
	s.Tables = []Table{t}
	return s.Show(ctx, doing)
}

// conclude waits until everything is on record, and says what this run has shown.
func (s *split) conclude(ctx context.Context) error {
	var all map[string]timed
	err := until(ctx, func() (done bool, err error) {
		all, err = s.timing(ctx)
		done = err == nil
		for _, t := range all {
			done = done && t.recorded
		}
		return done, err
	})
	if err != nil {
		return err
	}
	big, small, two, many := all["one-big"], all["one-small"], all["two-small"], all["all-small"]
	s.Figures = []Figure{
		{"First letter, one big job", Milliseconds(big.first), "with one worker"},
		{"First letter, many small jobs", Milliseconds(small.first), "with the same worker"},
		{"All letters, one big job", Milliseconds(all["all-big"].total), "with as many workers as run"},
		{"All letters, many small jobs", Milliseconds(many.total), Ratio(all["all-big"].total/many.total) + " as fast"},
	}
	failedBig, failedSmall := all["failing-big"], all["failing-small"]
	s.Sentences = []string{
		fmt.Sprintf("With one worker both take about as long, %s and %s, but the first of the small jobs was done after %s; with two workers the small "+
			"jobs took %s, with all of them %s. The big job took %s with all of them, because one worker has it.",
			Milliseconds(big.total), Milliseconds(small.total), Milliseconds(small.first), Milliseconds(two.total), Milliseconds(many.total),
			Milliseconds(all["all-big"].total)),
		fmt.Sprintf("A failure at letter %d made the big job begin again: it took %s and sent %d letters twice; of the small jobs only one was tried again, "+
			"they took %s, and %s sent twice.",
			failsAt, Milliseconds(failedBig.total), failedBig.Again, Milliseconds(failedSmall.total), lettersWere(failedSmall.Again)),
	}
	return s.draw(ctx, "All letters are sent.")
}

func lettersWere(n int64) string {
	if n == 0 {
		return "no letter was"
	}
	return fmt.Sprintf("%d letters were", n)
}
