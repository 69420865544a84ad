package console

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"

	view "github.com/backlist/backlist/views/console"
)

// Panel is a part of a page: the rows of one SQL statement, and how they are drawn.
type Panel struct {
	// ID is the panel's name in addresses and in the markup, as in queues.list.
	ID, Title string
	// SQL is a SELECT over schema jobs with parameters written @name.
	SQL string

	// TooLong stands in for the rows while the statement takes longer than its limit; empty: a general sentence.
	TooLong string
	// Keep is how long the rows answer pages that are opened later, where they change slowly and take long to read.
	Keep time.Duration

	read func(pgx.Rows) (any, error)
	draw func(rows any, v view.Viewer) templ.Component
}

// NewPanel returns a panel whose rows are read into structs by the names of their columns, and drawn by draw. draw gets an
// empty slice if there are no rows, and says then what to do.
func NewPanel[Row any](id, title, sql string, draw func(rows []Row, v view.Viewer) templ.Component) *Panel {
	return &Panel{
		ID: id, Title: title, SQL: sql,
		read: func(rows pgx.Rows) (any, error) { return pgx.CollectRows(rows, pgx.RowToStructByName[Row]) },
		draw: func(rows any, v view.Viewer) templ.Component { return draw(rows.([]Row), v) },
	}
}

// Question is a panel with its parameters.
type Question struct {
	*Panel
	Args pgx.NamedArgs
	// Filtered means that the parameters come from what a person typed or chose from many, so that there can be any number of
	// distinct questions. The refresher asks these less often, and only some of them.
	Filtered bool
	// Replan means that the parameters decide how the statement is best executed, so that it is planned each time.
	Replan bool
	// Later means that a page that is opened does not wait for the answer: the refresher brings it. The panel's TooLong stands there.
	Later bool
	// Required means that the page does not exist if there are no rows.
	Required bool
}

// Keeping returns the panel with a time to keep its rows.
func (p *Panel) Keeping(d time.Duration) *Panel {
	p.Keep = d
	return p
}

// Ask returns the question of a panel with parameters.
func (p *Panel) Ask(args pgx.NamedArgs) Question { return Question{Panel: p, Args: args} }

// key identifies equal questions: the statement, because a search has one of its own, and the parameters. JSON writes these in the
// order of their names.
func (q Question) key() string {
	args, err := json.Marshal(q.Args)
	if err != nil {
		panic("console: a parameter of " + q.ID + " cannot be written as JSON: " + err.Error()) // a mistake in a page
	}
	return q.ID + "\n" + q.SQL + "\n" + string(args)
}

// Reading is the result of asking a question.
type Reading struct {
	Rows any       // a slice of the panel's row type; nil if it was never read
	At   time.Time // when it was read; zero if never
	Took time.Duration
	Err  error // why the latest try failed; Rows and At are then of an earlier one
}

// version identifies what a panel looks like: its rows, and whether they are current.
func (r Reading) version() string {
	h := fnv.New64a()
	if err := json.NewEncoder(h).Encode(r.Rows); err != nil { // NaN and infinities: such a panel is sent each time
		fmt.Fprint(h, r.At)
	}
	fmt.Fprint(h, r.Err != nil)
	return strconv.FormatUint(h.Sum64(), 36)
}
