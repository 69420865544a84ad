package lab

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// order is a row of sql/together.sql and sql/beside.sql.
type order struct {
	Item     int
	Row, Job bool
}

// draw counts the orphans on both sides, and draws each order.
func (w *writer) draw(ctx context.Context) error {
	together, err := ask[order](ctx, w.Run, "In one transaction: rows and jobs", togetherSQL, pgx.NamedArgs{"run": w.ID, "orders": w.takenTogether})
	if err != nil {
		return err
	}
	queued, err := askOn[struct{ Item int64 }](ctx, w.Run, w.queue, "What is in the queue beside the database", queueSQL, nil)
	if err != nil {
		return err
	}
	items := make([]int64, len(queued))
	for i, q := range queued {
		items[i] = q.Item
	}
	beside, err := ask[order](ctx, w.Run, "Beside: rows, and the queue's items", besideSQL, pgx.NamedArgs{"run": w.ID, "orders": w.takenBeside, "queued": items})
	if err != nil {
		return err
	}
	w.ours, w.theirs = count(together), count(beside)
	w.Tables = []Table{{
		Title: "The orders, counted", Head: []string{"way", "row and job", "neither", "row without job", "job without row"},
		Rows: [][]string{w.ours.cells("in one transaction"), w.theirs.cells("queue beside the database")},
	}}
	w.Grids = []Grid{
		grid("In one transaction", "A square is an order: on the left its row, on the right its job. Dashed: neither, as if it had never been.", together),
		grid("A queue beside the database", "Red on the left: a row that no job acts on. Red on the right: a job without its row.", beside),
	}
	w.Figures = []Figure{
		{"Orphans in one transaction", fmt.Sprint(w.ours.orphans()), fmt.Sprintf("of %d orders", w.takenTogether)},
		{"Orphans with a queue beside", fmt.Sprint(w.theirs.orphans()), fmt.Sprintf("of %d orders", w.takenBeside)},
	}
	return w.Show(ctx, fmt.Sprintf("%d of %d orders are taken.", w.takenTogether+w.takenBeside, 2*orders))
}

// conclude says what this run has shown.
func (w *writer) conclude() {
	w.Sentences = []string{
		fmt.Sprintf("The process died %d times between the two writes: in one transaction that left %d orphans, since %d orders were rolled back whole.",
			orders/diesAt, w.ours.orphans(), w.ours.neither),
		fmt.Sprintf("With a queue beside the database it left %d: %d rows that no job will ever act on, and %d jobs whose row does not exist.",
			w.theirs.orphans(), w.theirs.rows, w.theirs.jobs),
	}
}

// counts are the orders of one way.
type counts struct{ whole, neither, rows, jobs int }

func (c counts) orphans() int { return c.rows + c.jobs }

func count(list []order) (c counts) {
	for _, o := range list {
		switch {
		case o.Row && o.Job:
			c.whole++
		case o.Row:
			c.rows++
		case o.Job:
			c.jobs++
		default:
			c.neither++
		}
	}
	return c
}

// cells returns a row of the table.
func (c counts) cells(name string) []string {
	return []string{name, strconv.Itoa(c.whole), strconv.Itoa(c.neither), strconv.Itoa(c.rows), strconv.Itoa(c.jobs)}
}

// grid draws each order as a cell.
func grid(title, note string, list []order) Grid {
	g := Grid{Title: title, Note: note}
	for _, o := range list {
		cell := Cell{Look: "neither", Text: fmt.Sprintf("order %d: neither row nor job", o.Item)}
		switch {
		case o.Row && o.Job:
			cell = Cell{Look: "whole", Text: fmt.Sprintf("order %d: row and job", o.Item)}
		case o.Row:
			cell = Cell{Look: "row", Text: fmt.Sprintf("order %d: a row without its job", o.Item)}
		case o.Job:
			cell = Cell{Look: "job", Text: fmt.Sprintf("order %d: a job without its row", o.Item)}
		}
		g.Cells = append(g.Cells, cell)
	}
	return g
}
