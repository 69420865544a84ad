package page

import (
	"math"
	"strconv"
)

// LabRun is a run of an experiment: what it has measured so far.
type LabRun struct {
	Events     string // the address of its stream
	Reload     string // of its page
	Running    bool
	Doing      string // what it does at the moment
	Problem    string // why it did not come to its end
	When       string // "started 3 seconds ago by Ines"
	Sentences  []string
	Figures    []LabFigure
	Groups     []LabGroup
	Grids      []LabGrid
	Tables     []LabTable
	Statements []LabStatement
}

// LabFigure is a number in large digits.
type LabFigure struct{ Name, Value, Note string }

// LabGroup is a set of lanes. All groups of a run have one time axis.
type LabGroup struct {
	Title, Note string
	Marks       []LabMark
	Lanes       []LabLane
}

// LabMark is a moment that is marked across the lanes of a group; times are in milliseconds from the axis's beginning.
type LabMark struct {
	At   float64
	Text string
}

// LabLane is a line of a drawing.
type LabLane struct {
	Name  string
	Depth int
	Note  string
	Bars  []LabBar
}

// LabBar is a time on a lane. Look is a name for the style sheet.
type LabBar struct {
	Look     string
	From, To float64
	Text     string
}

// LabGrid draws many small things, one cell each.
type LabGrid struct {
	Title, Note string
	Cells       []LabCell
}

// LabCell is one of them: Look is a name for the style sheet, Text says it in words.
type LabCell struct{ Look, Text string }

// LabTable is a small table.
type LabTable struct {
	Title string
	Head  []string
	Rows  [][]string
	Note  string
}

// LabStatement is a SELECT with the rows that it returned.
type LabStatement struct {
	Title, SQL string
	Head       []string
	Rows       [][]string
}

// key names the looks of the bars, for the legend.
var key = []struct{ look, means string }{
	{"request", "a reader waits"},
	{"step", "a step"},
	{"wait", "a job waits for a worker"},
	{"attempt", "a worker runs a job"},
	{"part", "a step of a job"},
	{"failed", "an attempt fails"},
	{"backoff", "back-off"},
	{"lost", "lost"},
	{"away", "no worker runs"},
}

// shows reports whether a bar of the run has this look.
func (r LabRun) shows(look string) bool {
	for _, g := range r.Groups {
		for _, l := range g.Lanes {
			for _, b := range l.Bars {
				if b.Look == look {
					return true
				}
			}
		}
	}
	return false
}

// span returns the length of the time axis, at least 1 ms: until the last bar or mark ends, and a little more.
func (r LabRun) span() float64 {
	last := 1.0
	for _, g := range r.Groups {
		for _, m := range g.Marks {
			last = max(last, m.At)
		}
		for _, l := range g.Lanes {
			for _, b := range l.Bars {
				last = max(last, b.To)
			}
		}
	}
	return last * 1.02
}

// ticks returns the moments that the axis names: from four to eight, in round numbers.
func ticks(span float64) (list []float64) {
	step := math.Pow(10, math.Floor(math.Log10(span)))
	switch {
	case span/step < 2:
		step /= 5
	case span/step < 5:
		step /= 2
	}
	for at := 0.0; at <= span; at += step {
		list = append(list, at)
	}
	return list
}

// place returns a moment's place on the axis, as an attribute of SVG.
func place(at, span float64) string {
	return strconv.FormatFloat(min(max(at/span, 0), 1)*100, 'f', 3, 64) + "%"
}

// width returns a bar's width; a very short one can still be seen.
func (b LabBar) width(span float64) string {
	return strconv.FormatFloat(max(.35, min((b.To-max(b.From, 0))/span*100, 100)), 'f', 3, 64) + "%"
}

// number writes a moment exactly, for programs that read the page.
func number(ms float64) string { return strconv.FormatFloat(ms, 'f', -1, 64) }

// anchor keeps a text at a moment within the drawing.
func anchor(at, span float64) string {
	switch {
	case at/span > .94:
		return "end"
	case at == 0:
		return "start"
	}
	return "middle"
}

// mark returns the label of a mark: its text if it is the only one, otherwise its number in the list of marks. Numbers of marks that are
// close to each other stand side by side.
func (g LabGroup) mark(i int, span float64) (text, anchor, dx string) {
	at := g.Marks[i].At
	switch {
	case len(g.Marks) == 1 && at/span > .6:
		return g.Marks[i].Text, "end", "-6"
	case len(g.Marks) == 1:
		return g.Marks[i].Text, "start", "6"
	}
	const near = .025
	before := i > 0 && at-g.Marks[i-1].At < near*span
	after := i+1 < len(g.Marks) && g.Marks[i+1].At-at < near*span
	text, anchor = strconv.Itoa(i+1), "middle"
	switch {
	case before && !after:
		dx = "6"
	case after && !before:
		dx = "-6"
	}
	return text, anchor, dx
}

// duration names a moment of the axis.
func duration(ms float64) string {
	if ms >= 1000 {
		return strconv.FormatFloat(math.Round(ms)/1000, 'f', -1, 64) + " s"
	}
	return strconv.FormatFloat(math.Round(ms*100)/100, 'f', -1, 64) + " ms"
}
