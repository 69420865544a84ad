package web

import (
	"time"

	"github.com/backlist/backlist/internal/lab"
	"github.com/backlist/backlist/views/page"
)

// labRun prepares a run for display.
func labRun(s lab.State) page.LabRun {
	url := runURL(s.Experiment, s.ID)
	r := page.LabRun{
		Events: url + "/events", Reload: url, Running: s.Running, Doing: s.Doing, Problem: s.Problem,
		When: "Started " + ago(s.StartedAt, time.Now()) + " by " + s.StartedBy + ".", Sentences: s.Result.Sentences,
	}
	for _, f := range s.Result.Figures {
		r.Figures = append(r.Figures, page.LabFigure(f))
	}
	for _, g := range s.Result.Groups {
		r.Groups = append(r.Groups, labGroup(g))
	}
	for _, g := range s.Result.Grids {
		grid := page.LabGrid{Title: g.Title, Note: g.Note}
		for _, c := range g.Cells {
			grid.Cells = append(grid.Cells, page.LabCell(c))
		}
		r.Grids = append(r.Grids, grid)
	}
	for _, t := range s.Result.Tables {
		r.Tables = append(r.Tables, page.LabTable(t))
	}
	for _, statement := range s.Result.Statements {
		r.Statements = append(r.Statements, page.LabStatement(statement))
	}
	return r
}

func labGroup(g lab.Group) page.LabGroup {
	v := page.LabGroup{Title: g.Title, Note: g.Note}
	for _, m := range g.Marks {
		v.Marks = append(v.Marks, page.LabMark(m))
	}
	for _, l := range g.Lanes {
		lane := page.LabLane{Name: l.Name, Depth: l.Depth, Note: l.Note}
		for _, b := range l.Bars {
			lane.Bars = append(lane.Bars, page.LabBar{Look: string(b.Look), From: b.From, To: b.To, Text: b.Text})
		}
		v.Lanes = append(v.Lanes, lane)
	}
	return v
}
