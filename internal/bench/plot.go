package bench

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Curve is a line of a plot: a value for each step.
type Curve struct {
	Name   string
	Color  string
	Values []float64
}

// Chart is a plot over time. Its scale begins at 0.
type Chart struct {
	Title  string
	Unit   string
	Step   int // seconds; 0: 1
	Curves []Curve
}

const (
	plotWidth, plotHeight = 880.0, 180.0 // of a chart's area
	plotLeft, plotTop     = 70.0, 40.0
	plotStep              = plotHeight + 80 // from chart to chart
)

// WritePlot writes charts, one below the other, as an SVG image.
func WritePlot(w io.Writer, title string, charts []Chart) error {
	var b strings.Builder
	height := plotTop + plotStep*float64(len(charts)) - 30
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="12">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="%.0f" y="20" font-size="15">%s</text>
`, plotLeft+plotWidth+30, height, plotLeft, html.EscapeString(title))
	for i, c := range charts {
		c.write(&b, plotTop+plotStep*float64(i)+20)
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (c Chart) write(b *strings.Builder, top float64) {
	most, seconds := 0.0, 1
	for _, curve := range c.Curves {
		seconds = max(seconds, len(curve.Values)-1)
		for _, v := range curve.Values {
			most = max(most, v)
		}
	}
	step := roundUp(most / 4)
	if c.Unit == "" { // numbers of things
		step = max(step, 1)
	}
	most = 4 * step
	bottom := top + plotHeight
	x := func(second int) float64 { return plotLeft + plotWidth*float64(second)/float64(seconds) }
	y := func(v float64) float64 { return bottom - plotHeight*v/most }
	fmt.Fprintf(b, `<text x="%.0f" y="%.0f" font-weight="bold">%s</text>`+"\n", plotLeft, top-8, html.EscapeString(c.Title))
	for line := range 5 {
		v := step * float64(line)
		fmt.Fprintf(b, `<path d="M%.0f %.1fh%.0f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end" fill="#555">%g %s</text>`+"\n",
			plotLeft, y(v), plotWidth, plotLeft-6, y(v)+4, v, html.EscapeString(c.Unit))
	}
	for second := 0; second <= seconds; second += roundSeconds(seconds) {
		fmt.Fprintf(b, `<text x="%.1f" y="%.0f" text-anchor="middle" fill="#555">%s</text>`+"\n", x(second), bottom+18, c.since(second))
	}
	for i, curve := range c.Curves {
		var path strings.Builder
		for second, v := range curve.Values {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(second, 1)], x(second), y(v))
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", path.String(), curve.Color)
		name := plotLeft + plotWidth - 100*float64(i+1)
		fmt.Fprintf(b, `<path d="M%.0f %.0fh18" stroke="%s" stroke-width="3"/><text x="%.0f" y="%.0f" fill="#333">%s</text>`+"\n",
			name, top-12, curve.Color, name+24, top-8, html.EscapeString(curve.Name))
	}
}

// since formats the time of a step.
func (c Chart) since(step int) string {
	if c.Step > 1 {
		return fmt.Sprintf("%.1f h", float64(step*c.Step)/3600)
	}
	return fmt.Sprintf("%d s", step)
}

// roundSeconds returns the time between the labels of an axis: a round number of seconds, with at most nine labels.
func roundSeconds(seconds int) int {
	for _, step := range []int{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600} {
		if seconds/step <= 8 {
			return step
		}
	}
	return seconds
}

// roundUp returns a round number that is at least v and above 0.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, factor := range []float64{1, 2, 4, 5, 10} {
		if factor*unit >= v {
			return factor * unit
		}
	}
	return 10 * unit
}
