package app

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progressBar shows how much of a step is done. On a terminal it is redrawn; elsewhere each step is one line at its end.
type progressBar struct {
	w        io.Writer
	terminal bool
	step     string
	began    time.Time
}

func newProgressBar(w io.Writer) *progressBar {
	file, ok := forChild(w).(*os.File)
	if ok {
		info, err := file.Stat()
		ok = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return &progressBar{w: w, terminal: ok}
}

// barWidth is the width of the bar in characters.
const barWidth = 30

// show shows that done of the step's parts are done.
func (b *progressBar) show(step string, done, of int) {
	if step != b.step {
		b.step, b.began = step, time.Now()
	}
	if b.terminal {
		filled := barWidth * done / max(of, 1)
		fmt.Fprintf(b.w, "\r%-14s [%s%s] %d of %d ", step, strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled), done, of)
	}
	if done < of {
		return
	}
	if b.terminal {
		fmt.Fprintln(b.w)
	} else {
		fmt.Fprintf(b.w, "%s %s: %d of %d in %s\n", time.Now().Format(time.TimeOnly), step, done, of, time.Since(b.began).Round(time.Second))
	}
	b.step = ""
}

// end leaves the line of a step that did not end.
func (b *progressBar) end() {
	if b.terminal && b.step != "" {
		fmt.Fprintln(b.w)
	}
}
