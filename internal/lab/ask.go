package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// ask runs a statement of an experiment and returns its rows. It keeps the statement, with its parameters filled in, and the
// rows for the run's page; a later call with the same title replaces them. The statement begins with a comment line.
func ask[T any](ctx context.Context, r *Run, title, sql string, args pgx.NamedArgs) ([]T, error) {
	return askOn[T](ctx, r, r.DB, title, sql, args)
}

// askOn is ask in another database.
func askOn[T any](ctx context.Context, r *Run, db store.DBTX, title, sql string, args pgx.NamedArgs) ([]T, error) {
	rows, err := db.Query(ctx, sql, args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	s := Statement{Title: title, SQL: filled(sql, args), Rows: [][]string{}}
	for _, field := range rows.FieldDescriptions() {
		s.Head = append(s.Head, field.Name)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t T, err error) {
		values, err := row.Values()
		if err != nil {
			return t, err
		}
		cells := make([]string, len(values))
		for i, v := range values {
			cells[i] = cell(v)
		}
		s.Rows = append(s.Rows, cells)
		return pgx.RowToStructByName[T](row)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	if i := slices.IndexFunc(r.Statements, func(old Statement) bool { return old.Title == title }); i >= 0 {
		r.Statements[i] = s
	} else {
		r.Statements = append(r.Statements, s)
	}
	return list, nil
}

// cell returns a value as the table below the statement shows it.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return v.UTC().Format("15:04:05.000000")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any, []any:
		text, _ := json.Marshal(v) // it was JSON
		return string(text)
	}
	return fmt.Sprint(v)
}

// parameter is a parameter of a statement.
var parameter = regexp.MustCompile(`@([a-z_]+)`)

// filled returns the statement with its parameters filled in, as it can be pasted into psql.
func filled(sql string, args pgx.NamedArgs) string {
	return parameter.ReplaceAllStringFunc(strings.TrimSpace(sql), func(name string) string {
		switch v := args[name[1:]].(type) {
		case string:
			return "'" + strings.ReplaceAll(v, "'", "''") + "'"
		case []int64:
			return "'{" + strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]") + "}'"
		case []string:
			return "'{" + strings.Join(v, ",") + "}'"
		default:
			return fmt.Sprint(v)
		}
	})
}
