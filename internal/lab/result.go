package lab

import "time"

// Result is what an experiment has measured so far, as its page draws it. It is stored as JSON.
type Result struct {
	Sentences  []string    `json:"sentences,omitempty"` // two, made from the numbers of this run
	Figures    []Figure    `json:"figures,omitempty"`
	Groups     []Group     `json:"groups,omitempty"` // drawn below one another, on one time axis
	Grids      []Grid      `json:"grids,omitempty"`
	Tables     []Table     `json:"tables,omitempty"`
	Statements []Statement `json:"statements,omitempty"` // from which all of it was made
}

// Figure is a number that is worth large digits.
type Figure struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Note  string `json:"note,omitempty"`
}

// Group is a set of lanes, such as those of one way to do it.
type Group struct {
	Title string `json:"title"`
	Note  string `json:"note,omitempty"`
	Marks []Mark `json:"marks,omitempty"` // across its lanes
	Lanes []Lane `json:"lanes"`
}

// Mark is a moment, in milliseconds since the beginning of the time axis.
type Mark struct {
	At   float64 `json:"at"`
	Text string  `json:"text"`
}

// Lane is a line of a drawing. Depth moves its name to the right.
type Lane struct {
	Name  string `json:"name"`
	Depth int    `json:"depth,omitempty"`
	Note  string `json:"note,omitempty"` // at the end of the line, such as a duration
	Bars  []Bar  `json:"bars"`
}

// Bar is a time on a lane, in milliseconds since the beginning of the time axis.
type Bar struct {
	Look Look    `json:"look"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Text string  `json:"text,omitempty"` // what it is, for its tooltip
}

// Look is how a bar looks.
type Look string

// The looks.
const (
	Request Look = "request" // a request is being answered, and its client waits
	Step    Look = "step"    // a part of a request
	Wait    Look = "wait"    // a job waits for a worker
	Attempt Look = "attempt" // a worker runs a job
	Part    Look = "part"    // a part of an attempt
	Failed  Look = "failed"  // an attempt that failed
	Backoff Look = "backoff" // the time until a failed job is tried again
	Lost    Look = "lost"    // a process that died, or an attempt whose job was taken from it
	Away    Look = "away"    // no worker runs
)

// Grid draws many small things, such as orders, one cell each.
type Grid struct {
	Title string `json:"title"`
	Note  string `json:"note,omitempty"`
	Cells []Cell `json:"cells"`
}

// Cell is one of them. Look is whole, neither, row or job; Text says it in words.
type Cell struct {
	Look string `json:"look"`
	Text string `json:"text"`
}

// Table is a small table.
type Table struct {
	Title string     `json:"title"`
	Head  []string   `json:"head"`
	Rows  [][]string `json:"rows"`
	Note  string     `json:"note,omitempty"`
}

// Statement is a SELECT of a run with its parameters filled in, and the rows that it returned.
type Statement struct {
	Title string     `json:"title"`
	SQL   string     `json:"sql"`
	Head  []string   `json:"head"`
	Rows  [][]string `json:"rows"`
}

// State is a run as its page shows it.
type State struct {
	ID         string
	Experiment string
	StartedBy  string
	StartedAt  time.Time
	Running    bool
	Doing      string
	Problem    string
	Result     Result
}

// ms returns the time from one moment to another, in milliseconds.
func ms(from, to time.Time) float64 { return float64(to.Sub(from).Microseconds()) / 1000 }
