package console

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

// statement answers with the SQL behind one of the page's panels, with its parameters filled in, and its rows as a table.
func (s *Server) statement(w http.ResponseWriter, r *http.Request, p *Page, asked Asked, id string) error {
	all := asked.all()
	i := slices.IndexFunc(all, func(q Question) bool { return q.ID == id })
	if i < 0 {
		return &answer.Error{Status: http.StatusNotFound}
	}
	q := all[i]
	table, err := s.table(r.Context(), q)
	d := view.Statement{Title: q.Title, SQL: q.Filled(), Back: s.viewer(r).With("sql", ""), Columns: table.Columns}
	switch {
	case late(err):
		d.Problem = fmt.Sprintf("The statement took longer than %s and was cancelled. Run it in psql.", surface.Duration(s.asker.limit))
	case err != nil:
		return err
	}
	for _, row := range table.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = surface.Text(v)
		}
		d.Rows = append(d.Rows, cells)
	}
	frame := s.frame(r, p, asked)
	frame.Title, frame.Purpose, frame.Live = q.Title, "The statement behind a panel. It runs in psql as it stands: backlist psql.", ""
	return s.render(w, r, http.StatusOK, frame, d.Body())
}

// table asks a question and returns its rows as a table.
func (s *Server) table(ctx context.Context, q Question) (t surface.Table, err error) {
	err = s.asker.read(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, q.SQL, q.Args)
		if err != nil {
			return err
		}
		t, err = surface.Collect(rows)
		return err
	})
	return t, err
}

// parameter is a parameter in a statement. Our statements have none of its characters in quotes, and no operator ends in @.
var parameter = regexp.MustCompile(`@([a-z_][a-z_0-9]*)`)

// Filled returns the statement with its parameters filled in, as it can be pasted into psql.
func (q Question) Filled() string {
	return parameter.ReplaceAllStringFunc(strings.TrimSpace(q.SQL), func(name string) string {
		value, ok := q.Args[name[1:]]
		if !ok {
			return name
		}
		return literal(value)
	})
}

// literal writes a value as SQL. Statements cast their parameters, so that a literal has its type there too.
func literal(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool, int, int64, float64:
		return fmt.Sprint(v)
	case time.Time:
		return view.SQLText(v.Format(time.RFC3339Nano))
	case time.Duration:
		return view.SQLText(v.String())
	case []int64:
		return view.SQLText("{" + strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]") + "}")
	case []string:
		quoted := make([]string, len(v))
		for i, text := range v {
			quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		}
		return view.SQLText("{" + strings.Join(quoted, ",") + "}")
	case string:
		return view.SQLText(v)
	}
	panic(fmt.Sprintf("console: a parameter of type %T", value)) // a mistake in a page
}
