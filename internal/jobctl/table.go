package jobctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
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
		return Table{}, explained(err, len(args) > 0)
	}
	defer rows.Close()
	var t Table
	for _, field := range rows.FieldDescriptions() {
		t.Columns = append(t.Columns, field.Name)
	}
	for rows.Next() {
		row := make([]any, len(t.Columns))
		for i, field := range rows.FieldDescriptions() {
			row[i] = value(rows.Conn().TypeMap(), field, rows.RawValues()[i])
		}
		t.Rows = append(t.Rows, row)
	}
	if rows.Err() != nil {
		return t, explained(rows.Err(), len(args) > 0)
	}
	return t, nil
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
	return inert(out.Bytes()), nil
}
