package listing

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected rows of the fixtures")

// TestFixtures compares what is read of each invented file in testdata with the .want file beside it.
func TestFixtures(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.[ct]sv")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d fixtures: %v", len(files), err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, wanted := described(content), name+".want"
			if *update {
				if err := os.WriteFile(wanted, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(wanted)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// described writes what a file contains, one fact a line.
func described(content []byte) string {
	var b strings.Builder
	f, err := Open(bytes.NewReader(content))
	if err != nil {
		fmt.Fprintf(&b, "refused: %v\n", err)
		return b.String()
	}
	fmt.Fprintf(&b, "format: %s\n", f.Format.Name)
	for _, note := range f.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	for {
		row, err := f.Next()
		if wrong, ok := errors.AsType[*RowError](err); ok {
			fmt.Fprintf(&b, "%d: failed: %s (%s)\n", wrong.Line, wrong.Reason, shorten(wrong.Title, 30))
			continue
		}
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			fmt.Fprintf(&b, "refused: %v\n", err)
			return b.String()
		}
		fmt.Fprintf(&b, "%d: %q [%s %s] by %s", row.Line, row.Title, row.Series, row.Volume, strings.Join(row.Authors, "|"))
		fmt.Fprintf(&b, "; isbn %s goodreads %s year %d", row.ISBN, row.Goodreads, row.Year)
		fmt.Fprintf(&b, "; stars %d shelf %s", row.Stars, row.Shelf)
		if !row.RatedAt.IsZero() || !row.ShelvedAt.IsZero() {
			fmt.Fprintf(&b, " at %s, %s", row.RatedAt.Format("2006-01-02T15:04:05.999999"), row.ShelvedAt.Format("2006-01-02"))
		}
		b.WriteByte('\n')
		for _, note := range row.Notes {
			fmt.Fprintf(&b, "    %s\n", note)
		}
	}
}
