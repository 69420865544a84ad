package surface

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The most rows of an export, and how many each of its statements reads.
const (
	MostExported = 100_000
	exportBatch  = 2000
)

// CSV writes the jobs that match as comma-separated values with a line of titles, newest first: these columns, at most
// MostExported rows, in UTC. It reads them in batches, each a statement of its own. It returns the number of rows, and whether
// there are more or the search has looked at only part of the jobs.
func (f Filter) CSV(ctx context.Context, db DB, w io.Writer, columns []string) (n int, more bool, err error) {
	for _, c := range columns {
		if !slices.Contains(Columns(), c) {
			return 0, false, fmt.Errorf("%q is not a column", c)
		}
	}
	if len(columns) == 0 {
		return 0, false, errors.New("no columns")
	}
	f = f.At(time.Now().UTC())
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return 0, false, err
	}
	for after := ""; ; {
		p, err := f.Page(ctx, db, strings.Join(columns, ", "), after, min(exportBatch, MostExported-n))
		if err != nil {
			return n, false, err
		}
		if err := writeCSV(out, p.Rows); err != nil {
			return n, false, err
		}
		n += len(p.Rows)
		if after = p.Next; after == "" || n >= MostExported || len(p.Reached) > 0 {
			return n, after != "", nil
		}
	}
}

// writeCSV writes rows and flushes them.
func writeCSV(out *csv.Writer, rows [][]any) error {
	record := []string{}
	for _, row := range rows {
		record = record[:0]
		for _, v := range row {
			record = append(record, cell(v))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cell returns a value for a spreadsheet: seconds for a duration, RFC 3339 in UTC for a time, and an apostrophe before text that
// a spreadsheet would run as a formula.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Duration:
		return trimZeros(fmt.Sprintf("%.6f", v.Seconds()))
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case int, int16, int32, int64, float32, float64:
		return fmt.Sprint(v)
	}
	text := Text(v)
	if s, ok := v.(string); ok {
		text = s
	}
	if text == Nothing {
		return ""
	}
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		text = "'" + text
	}
	return text
}
