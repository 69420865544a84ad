package bench

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// The variants of the throughput with the surface in use.
const (
	alone   = "workers alone"
	watched = "workers, and an open console"
)

// BesideSurface measures the throughput of workers in the filled database, alone and with an open console, in turn.
// pages are the durations of the console's pages. The first turn does not count, because the server is still busy after
// the filling.
func BesideSurface(ctx context.Context, t Throughput) (cells []WorkCell, pages []float64, err error) {
	process := t.Process
	first := t
	first.Rounds, first.Variants = 1, []Variant{{Name: "the first turn, not counted", Contender: Ours, Workload: NoOp, Finished: true}}
	if _, err := first.Run(ctx); err != nil {
		return nil, nil, err
	}
	for round := range t.Rounds {
		for turn := range 2 {
			one := t
			name := alone
			if (round+turn)%2 == 1 {
				name = watched
				one.Process = func(ctx context.Context, s Setup) (Elapsed, error) {
					pool, err := t.Database(ctx, Ours, true)
					if err != nil {
						return Elapsed{}, err
					}
					closed, done := make(chan struct{}), make(chan error, 1)
					go func() {
						more, err := watch(ctx, pool, closed)
						pages = append(pages, more...)
						done <- err
					}()
					took, err := process(ctx, s)
					close(closed)
					if failed := <-done; err == nil {
						err = failed
					}
					return took, err
				}
			}
			one.Rounds, one.Variants = 1, []Variant{{Name: name, Contender: Ours, Workload: NoOp, Finished: true}}
			more, err := one.Run(ctx)
			if err != nil {
				return cells, pages, err
			}
			more[0].Round = round + 1
			cells = append(cells, more...)
		}
	}
	return cells, pages, nil
}

// SurfaceReport is the result of bench sql.
type SurfaceReport struct {
	Machine Machine     `json:"machine"`
	Size    SurfaceSize `json:"size"`
	Jobs    int         `json:"jobs"` // worked in a turn
	Conns   int         `json:"connections"`
	Answers []Answer    `json:"answers"`
	Cells   []WorkCell  `json:"cells"`
	Ratio   Spread      `json:"throughput_ratio"` // with an open console, compared with alone
	Page    Spread      `json:"console_page_ms"`  // meanwhile
}

// NewSurfaceReport makes the report.
func NewSurfaceReport(m Machine, size SurfaceSize, t Throughput, answers []Answer, cells []WorkCell, pages []float64) SurfaceReport {
	perSecond := func(c WorkCell) float64 { return c.PerSecond }
	return SurfaceReport{
		Machine: m, Size: size, Jobs: t.Jobs, Conns: t.Conns, Answers: answers, Cells: cells, Page: SpreadOf(pages),
		Ratio: Between(workFigure(cells, watched, perSecond), workFigure(cells, alone, perSecond), func(a, b float64) float64 { return a / b }),
	}
}

// Document writes the report with all plans as Markdown: db/reports/plans.md.
func (r SurfaceReport) Document(w io.Writer) error {
	fmt.Fprint(w, "# How quickly schema jobs answers, and how Postgres does it\n\nThis is what `backlist bench sql --plans` printed.\n\n```text\n")
	if err := r.table(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "```")
	for _, a := range r.Answers {
		if _, err := fmt.Fprintf(w, "\n```sql\n%s\n```\n\n```text\n%s\n```\n", a.SQL, a.Plan); err != nil {
			return err
		}
	}
	return nil
}

// Print writes the report as text, with the plans of questions that took too long.
func (r SurfaceReport) Print(w io.Writer) error {
	if err := r.table(w); err != nil {
		return err
	}
	for _, a := range r.Answers {
		if a.slow() {
			fmt.Fprintf(w, "\n%s\n  %s\n", a.SQL, strings.ReplaceAll(a.Plan, "\n", "\n  "))
		}
	}
	return nil
}

func (r SurfaceReport) table(w io.Writer) error {
	fmt.Fprintf(w, "%s\n%d finished jobs, %d waiting, %d failed\n\n", r.Machine, r.Size.Finished, r.Size.Waiting, r.Size.Failed)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ms (min to max)\tat most\t\trows\tquestion")
	for _, a := range r.Answers {
		verdict := "reached"
		if a.slow() {
			verdict = "NOT REACHED"
		}
		fmt.Fprintf(table, "%s\t%g\t%s\t%d\t%s\n", a.Took, a.Limit, verdict, a.Rows, a.SQL)
	}
	fmt.Fprintln(table)
	if len(r.Cells) > 0 {
		fmt.Fprintln(table, "jobs/s (min to max)\t\t\t\tvariant")
	}
	for _, name := range []string{alone, watched} {
		s := SpreadOf(workFigure(r.Cells, name, func(c WorkCell) float64 { return c.PerSecond }))
		if s.Max > 0 {
			fmt.Fprintf(table, "%.0f (%.0f to %.0f)\t\t\t\t%s\n", s.Median, s.Min, s.Max, name)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(r.Cells) > 0 {
		fmt.Fprintf(w, "\nWith an open console, workers reach %s of their throughput alone. The console asks its %d questions every second, and waits %s ms for all.\n",
			r.Ratio, len(overview()), r.Page)
	}
	return nil
}

func (a Answer) slow() bool { return a.Took.Median > a.Limit }
