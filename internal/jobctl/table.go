package jobctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Table is what a query answered.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Ask runs one query on the surface.
func Ask(ctx context.Context, db DB, sql string, args ...any) (Table, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return Table{}, explained(err)
	}
	defer rows.Close()
	var t Table
	for _, field := range rows.FieldDescriptions() {
		t.Columns = append(t.Columns, field.Name)
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return t, err
		}
		for i, field := range rows.FieldDescriptions() {
			values[i] = plain(values[i])
			if raw := rows.RawValues()[i]; raw != nil && (field.DataTypeOID == pgtype.JSONBOID || field.DataTypeOID == pgtype.JSONOID) {
				values[i] = json.RawMessage(bytes.Clone(raw)) // as it is: a number in it may be larger than a float64 holds
			}
		}
		t.Rows = append(t.Rows, values)
	}
	if rows.Err() != nil {
		return t, explained(rows.Err())
	}
	return t, nil
}

// plain is a value in Go's own types.
func plain(v any) any {
	switch v := v.(type) {
	case pgtype.Interval:
		const day = 24 * time.Hour
		return time.Duration(v.Months)*30*day + time.Duration(v.Days)*day + time.Duration(v.Microseconds)*time.Microsecond
	case pgtype.Numeric:
		if f, err := v.Float64Value(); err == nil && f.Valid {
			return f.Float64
		}
		return nil
	}
	return v
}

// Print writes the table for people: a line a row, long texts cut.
func (t Table) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.ReplaceAll(strings.Join(t.Columns, "\t"), "_", " "))
	for _, row := range t.Rows {
		for i, v := range row {
			if i > 0 {
				fmt.Fprint(table, "\t")
			}
			fmt.Fprint(table, short(Words(v)))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// PrintEach writes each row as lines of its own, a line a column, nothing cut; what is empty is left out.
func (t Table) PrintEach(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for n, row := range t.Rows {
		if n > 0 {
			fmt.Fprintln(table)
		}
		for i, v := range row {
			if words := Words(v); words != nothing {
				fmt.Fprintf(table, "%s\t%s\n", strings.ReplaceAll(t.Columns[i], "_", " "), words)
			}
		}
	}
	return table.Flush()
}

// JSON writes an array of objects: durations in seconds, times in UTC as RFC 3339 has them.
func (t Table) JSON(w io.Writer) error {
	text, err := t.MarshalJSON()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err = out.WriteTo(w)
	return err
}

// MarshalJSON keeps the order of the columns, which a map would lose.
func (t Table) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('[')
	for n, row := range t.Rows {
		if n > 0 {
			out.WriteByte(',')
		}
		for i, v := range row {
			name, _ := json.Marshal(t.Columns[i])
			value, err := json.Marshal(forPrograms(v))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.Columns[i], err)
			}
			out.WriteByte("{,"[min(i, 1)])
			out.Write(name)
			out.WriteByte(':')
			out.Write(value)
		}
		out.WriteByte('}')
	}
	out.WriteByte(']')
	return out.Bytes(), nil
}

func forPrograms(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return v.Seconds()
	case time.Time:
		return v.UTC()
	}
	return v
}
