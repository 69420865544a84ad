package surface

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// SavedView is a search of jobs under a name.
type SavedView struct {
	ID                   int64
	Name, Owner, Search  string
	Columns              []string // of jobs.job; empty means the usual ones
	Shared               bool     // everybody sees it
	CreatedAt, UpdatedAt time.Time
}

// SavedViews returns the saved views that who sees: the own ones, then those that others share.
func SavedViews(ctx context.Context, db DB, who string) ([]SavedView, error) {
	rows, err := db.Query(ctx, "select id, name, owner, search, columns, shared, created_at, updated_at from jobs.saved_views($1)", who)
	if err != nil {
		return nil, refused(err, true)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[SavedView])
	return list, refused(err, true)
}

// Save saves the view's Name, Search, Columns and Shared for by.Who, and returns its id. It replaces a view of the same name.
// The search is stored in its canonical form; one that cannot be read is a *SearchError.
func (v SavedView) Save(ctx context.Context, db DB, by By) (id int64, err error) {
	f, err := ParseSearch(v.Search)
	if err != nil {
		return 0, err
	}
	if strings.ContainsFunc(v.Name, controls) {
		return 0, &Refusal{Sentence: "The name of a saved view contains a control character.", BadValue: true}
	}
	for _, c := range v.Columns {
		if c != "when" && c != "why" && !slices.Contains(Columns(), c) { // these two are made of several, for people
			return 0, &Refusal{Sentence: fmt.Sprintf("%q is not a column; columns are %s.", c, strings.Join(Columns(), ", ")), BadValue: true}
		}
	}
	if err := f.Storable(ctx, db); err != nil {
		return 0, err
	}
	err = by.Transaction(ctx, db, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select jobs.save_view($1, $2, $3::text[], $4, $5)", v.Name, f.String(), append([]string{}, v.Columns...), v.Shared, by.Reason).Scan(&id)
	})
	return id, err
}

// DeleteView deletes a saved view of by.Who.
func DeleteView(ctx context.Context, db DB, id int64, by By) error {
	return by.Transaction(ctx, db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select jobs.delete_view($1, $2)", id, by.Reason)
		return err
	})
}

// Columns returns the columns of jobs.job that a list can show.
func Columns() []string {
	return []string{
		"id", "kind", "queue", "state", "priority", "attempt", "max_attempts", "enqueued_at", "scheduled_at", "started_at", "finished_at",
		"wait", "run", "worker", "request_id", "parent_id", "release", "tags", "args", "last_error", "last_error_code", "deaths",
		"progress", "progress_note", "waiting", "why_waiting", "home_queue", "is_unique",
	}
}
