package lab

import (
	"context"
	"time"
)

// Experiment is one page of the lab.
type Experiment struct {
	Letter  string // a, b, c …: its place among all, wherever it runs
	Slug    string // in its address
	Title   string
	Purpose string // one line: what it lets you see
	Lesson  string // a paragraph: what is compared, and how
	Button  string
	DevOnly bool          // it needs processes or databases of its own, which only dev may make
	Limit   time.Duration // after which it is ended
	Code    []Code        // what in this program does it

	// Run runs the experiment and draws its result by Run.Show. The error that it returns ends the run; a Problem says why to
	// the reader.
	Run func(ctx context.Context, r *Run) error
}

// Experiments returns all experiments, in the order in which they tell the lesson.
func Experiments() []Experiment {
	all := []Experiment{inlineOrBackground(), bigOrSmall(), noWorker(), retry(), kill(), whereDidItCommit()}
	for i := range all {
		all[i].Letter = string(rune('a' + i))
	}
	return all
}
