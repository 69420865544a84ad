package app

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// devLog creates the data folder and opens dev's log in it. Each run begins a new log, so that it does not grow without
// bound, and keeps the previous one.
func devLog(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, "dev.log")
	if err := os.Rename(path, path+".1"); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("keep the log of the last run: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return file, nil
}

// steps prints a line for each part that dev starts: its name at once, then its result.
type steps struct {
	w       io.Writer
	apart   bool // log lines may come in between, so the result gets a line of its own
	open    bool
	started time.Time
}

func (s *steps) begin(what string) {
	s.started, s.open = time.Now(), true
	if fmt.Fprintf(s.w, "%-26s", what+" …"); s.apart {
		s.end()
	}
}

// done prints a step's result and its duration.
func (s *steps) done(format string, args ...any) {
	if s.apart {
		fmt.Fprintf(s.w, "%-26s", "")
	}
	fmt.Fprintf(s.w, format+" (%.1f s)", append(args, time.Since(s.started).Seconds())...)
	s.open = true
	s.end()
}

// end ends an unfinished line, so that an error gets a line of its own.
func (s *steps) end() {
	if s.open {
		fmt.Fprintln(s.w)
	}
	s.open = false
}
