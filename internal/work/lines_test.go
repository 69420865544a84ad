package work

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/backlist/backlist/internal/work/record"
)

// TestJobsDoneAreLoggedWithinBounds: a busy worker's log stays short, counts the lines that it leaves out, and shows every failure.
func TestJobsDoneAreLoggedWithinBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		lines := attemptLines{out: slog.New(slog.NewTextHandler(&out, nil))}
		run := func(err error) { lines.log(t.Context(), &record.Attempt{Kind: "k"}, err) }
		for range linesASecond + 7 {
			run(nil)
		}
		run(errors.New("boom"))
		if n := strings.Count(out.String(), "job done"); n != linesASecond {
			t.Errorf("%d lines of jobs that were done, not %d", n, linesASecond)
		}
		if !strings.Contains(out.String(), "err=boom") || strings.Contains(out.String(), "done_without_line") {
			t.Error(out.String())
		}
		time.Sleep(time.Second) // of the bubble's clock
		out.Reset()
		run(nil)
		run(nil)
		if strings.Count(out.String(), "done_without_line=7") != 1 || strings.Count(out.String(), "job done") != 2 {
			t.Error(out.String())
		}
	})
}
