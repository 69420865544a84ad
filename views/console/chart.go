package console

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Chart is a figure of lines over time. The script draws it from its data; its
// text says the same in words, and the panel's SQL page has the table.
type Chart struct {
	ID, Title string
	Unit      string      // s for durations, otherwise what is counted, as in /s
	At        []time.Time // the start of each bucket
	Lines     []Line
	Marks     []Mark
}

// Line is a line of a chart. A nil value is a gap.
type Line struct {
	Name   string
	Tone   string // ink, busy, soft, warn or bad
	Values []*float64
}

// Mark is a release that started during the time of a chart.
type Mark struct {
	At   time.Time
	Name string
}

// data returns what the script reads.
func (c Chart) data() (string, error) {
	type line struct {
		Name   string     `json:"name"`
		Tone   string     `json:"tone"`
		Values []*float64 `json:"values"`
	}
	type mark struct {
		At   int64  `json:"at"`
		Name string `json:"name"`
	}
	d := struct {
		Unit  string  `json:"unit"`
		At    []int64 `json:"at"`
		Lines []line  `json:"lines"`
		Marks []mark  `json:"marks"`
	}{Unit: c.Unit, Marks: []mark{}}
	for _, at := range c.At {
		d.At = append(d.At, at.Unix())
	}
	for _, l := range c.Lines {
		short := line{Name: l.Name, Tone: l.Tone}
		for _, v := range l.Values {
			short.Values = append(short.Values, rounded(v))
		}
		d.Lines = append(d.Lines, short)
	}
	for _, m := range c.Marks {
		d.Marks = append(d.Marks, mark{m.At.Unix(), m.Name})
	}
	text, err := json.Marshal(d)
	return string(text), err
}

// rounded keeps three digits: more cannot be seen, and are sent for each point.
func rounded(v *float64) *float64 {
	if v == nil || *v == 0 || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return v
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(*v))))
	x := math.Round(*v*scale) / scale
	return &x
}

// words summarises the chart: the latest and the highest value of each line.
func (c Chart) words() string {
	var parts []string
	for _, l := range c.Lines {
		var latest, most *float64
		for _, v := range l.Values {
			if v == nil {
				continue
			}
			latest = v
			if most == nil || *v > *most {
				most = v
			}
		}
		if latest == nil {
			parts = append(parts, l.Name+": no figures")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s: last %s, at most %s", l.Name, c.figure(*latest), c.figure(*most)))
	}
	return c.Title + ". " + strings.Join(parts, "; ") + "."
}

// figure writes a value with its unit.
func (c Chart) figure(v float64) string {
	if c.Unit == "s" {
		number, unit := split(time.Duration(v * float64(time.Second)))
		return number + " " + unit
	}
	return strings.TrimSpace(digits(v) + " " + c.Unit)
}

// points returns the points of a sparkline in a box that is 1 unit wide for each
// value and 16 high, with the value most at its top.
func points(values []int64, most int64) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(i))
		b.WriteByte(',')
		b.WriteString(strconv.FormatInt(15-14*v/max(most, 1), 10))
	}
	return b.String()
}

// highest returns the highest count.
func highest(values []int64) (n int64) {
	for _, v := range values {
		n = max(n, v)
	}
	return n
}

// sum adds counts up.
func sum(values []int64) (n int64) {
	for _, v := range values {
		n += v
	}
	return n
}
