package lab

import (
	"fmt"
	"time"
)

func (k *killing) draw() {
	k.Groups, k.Tables = nil, nil
	effects := Table{
		Title: "What is there afterwards", Head: []string{"part", "attempts", "effects in the database", "late attempts refused", "calls to the slow service"},
		Note: "The calls are not part of any transaction, so those of a lost attempt are made once more. What a job must do once belongs into the transaction that completes it.",
	}
	for _, p := range k.parts {
		k.Groups = append(k.Groups, k.group(p))
		effects.Rows = append(effects.Rows, []string{
			p.title, fmt.Sprint(len(k.tries(p.job))), fmt.Sprint(k.count(p.name, done, 0)), fmt.Sprint(k.count(p.name, refused, 0)),
			fmt.Sprintf("%d for %d", k.count(p.name, called, 0), killCalls),
		})
	}
	k.Tables = []Table{effects}
}

// group draws a part: a lane for each attempt, and one for its calls.
func (k *killing) group(p partOfKill) Group {
	g := Group{Title: p.title}
	tries := k.tries(p.job)
	if len(tries) == 0 {
		return g
	}
	zero := tries[0].due
	mark := func(at *time.Time, text string) {
		if at != nil {
			g.Marks = append(g.Marks, Mark{ms(zero, *at), text})
		}
	}
	mark(k.at(p.name, killed, 0), "SIGKILL")
	mark(k.at(p.name, paused, 0), "SIGSTOP")
	if len(tries) > 1 {
		mark(tries[0].ended, "declared dead")
	}
	mark(k.at(p.name, done, 0), "the effect")
	mark(k.at(p.name, continued, 0), "SIGCONT")
	mark(k.at(p.name, refused, 0), "late attempt refused")
	for i, try := range tries {
		lane := Lane{Name: fmt.Sprintf("attempt %d", try.number), Note: "waits", Bars: []Bar{try.waitBar(zero)}}
		if try.started != nil {
			lane.Note = try.process
			lane.Bars = append(lane.Bars, k.attemptBars(zero, p.name, i == 0, try)...)
		}
		g.Lanes = append(g.Lanes, lane, k.callLane(zero, p.name, try.number))
	}
	return g
}

// attemptBars draws an attempt. The first one is the one whose worker was killed or suspended.
func (k *killing) attemptBars(zero time.Time, part string, first bool, t try) []Bar {
	hit := k.at(part, killed, 0)
	if part == pausePart {
		hit = k.at(part, paused, 0)
	}
	if !first || hit == nil {
		return []Bar{{Attempt, ms(zero, *t.started), upTo(zero, t.ended), "runs in " + t.process}}
	}
	runs := Bar{Attempt, ms(zero, *t.started), ms(zero, *hit), "runs in " + t.process}
	if part == killPart {
		return []Bar{runs, {Lost, runs.To, upTo(zero, t.ended), "its process is dead"}}
	}
	again := k.at(part, continued, 0)
	bars := []Bar{runs, {Lost, runs.To, upTo(zero, again), "its process is suspended"}}
	if again != nil {
		bars = append(bars, Bar{Failed, ms(zero, *again), upTo(zero, k.at(part, refused, 0)), "runs on, too late"})
	}
	return bars
}

// conclude says what the run has shown.
func (k *killing) conclude() {
	a, b := k.tries(k.parts[0].job), k.tries(k.parts[1].job)
	kill, pause, again := k.at(killPart, killed, 0), k.at(pausePart, paused, 0), k.at(pausePart, continued, 0)
	effect, late := k.at(killPart, done, 0), k.at(pausePart, refused, 0)
	taken, silent := ms(*kill, *a[0].ended), ms(*pause, *b[0].ended)
	effects := fmt.Sprintf("%d and %d", k.count(killPart, done, 0), k.count(pausePart, done, 0))
	k.Figures = []Figure{
		{"Effects of the two jobs", effects, fmt.Sprintf("of %d attempts", len(a)+len(b))},
		{"Killed: job taken back after", Milliseconds(taken), "its lock was gone"},
		{"Suspended: job taken back after", Milliseconds(silent), "it still had its lock"},
	}
	k.Sentences = []string{
		fmt.Sprintf("%s was killed in the middle of its job; %s later the job was taken back, %s ran it as attempt %d, and %s after the kill its effect was there, once.",
			a[0].process, Milliseconds(taken), other(a), a[1].number, Milliseconds(ms(*kill, *effect))),
		fmt.Sprintf("%s was only suspended, and declared dead after %s; %s after it continued it tried to end its attempt too, and work.Finish refused: the effect of %s stayed the only one.",
			b[0].process, Milliseconds(silent), Milliseconds(ms(*again, *late)), other(b)),
	}
}

// other names the process of the second attempt. It may have been started in place of the killed one.
func other(tries []try) string {
	if tries[0].process == tries[1].process {
		return "a new process " + tries[1].process
	}
	return tries[1].process
}
