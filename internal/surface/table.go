package surface

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Table is the result of a query.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Ask runs a query on schema jobs.
func Ask(ctx context.Context, db DB, sql string, args ...any) (Table, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return Table{}, refused(err, len(args) > 0)
	}
	t, err := Collect(rows)
	return t, refused(err, len(args) > 0)
}

// Collect reads all rows of a query and closes them.
func Collect(rows pgx.Rows) (t Table, err error) {
	defer rows.Close()
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
	return t, rows.Err()
}

// MarshalJSON writes an array of objects with keys in the order of the columns, durations in seconds, and times in UTC as in
// RFC 3339. It escapes characters that could control a terminal.
func (t Table) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('[')
	for n, row := range t.Rows {
		if n > 0 {
			out.WriteByte(',')
		}
		for i, v := range row {
			name, _ := json.Marshal(t.Columns[i])
			value, err := json.Marshal(jsonValue(v))
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
	return escapeControls(out.Bytes()), nil
}
