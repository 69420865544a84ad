package seed

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// Readers adds invented readers with their ratings and shelves, enqueues the jobs that compute their lists and the
// neighbours of books, and returns the number of new readers. Readers who already have an account keep their ratings
// and shelves. All have the same password, and none gets mail.
func Readers(ctx context.Context, tx pgx.Tx, jobs *work.Client, readers []demo.Reader, passwordHash string) (added int, err error) {
	ids, err := load(ctx, tx, readers, passwordHash)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	params := []river.InsertManyParams{{Args: recommend.NeighboursArgs{}}}
	for _, id := range ids {
		params = append(params, river.InsertManyParams{Args: recommend.ReaderArgs{ReaderID: id}})
	}
	if _, err := jobs.InsertManyTx(ctx, tx, params); err != nil {
		return 0, fmt.Errorf("enqueue recommendations of invented readers: %w", err)
	}
	return len(ids), nil
}

// load writes the readers with their ratings and shelves, and returns the ids of the new ones in the order of readers.
func load(ctx context.Context, tx pgx.Tx, readers []demo.Reader, passwordHash string) (added []int64, err error) {
	p := store.ReadersLoadParams{PasswordHash: passwordHash}
	for _, r := range readers {
		// Invented addresses are ASCII, so folding only lowers their case.
		p.Emails, p.EmailKeys = append(p.Emails, r.Email), append(p.EmailKeys, strings.ToLower(r.Email))
		p.Names, p.TimeZones = append(p.Names, r.Name), append(p.TimeZones, r.TimeZone)
		p.DaysAgo = append(p.DaysAgo, int32(joined(r)))
	}
	q := store.New()
	rows, err := q.ReadersLoad(ctx, tx, p)
	if err != nil {
		return nil, fmt.Errorf("load invented readers: %w", err)
	}
	ids := make(map[string]int64, len(rows))
	for _, r := range rows {
		ids[r.EmailKey] = r.ID
	}
	var ratings store.RatingsLoadParams
	var shelves store.ShelvingsLoadParams
	for i, r := range readers {
		id, fresh := ids[p.EmailKeys[i]]
		if !fresh {
			continue
		}
		added = append(added, id)
		for _, said := range r.Ratings {
			ratings.ReaderIds, ratings.Books = append(ratings.ReaderIds, id), append(ratings.Books, said.Book)
			ratings.Stars, ratings.DaysAgo = append(ratings.Stars, int16(said.Stars)), append(ratings.DaysAgo, int32(said.DaysAgo))
		}
		for _, put := range r.Shelves {
			shelves.ReaderIds, shelves.Books = append(shelves.ReaderIds, id), append(shelves.Books, put.Book)
			shelves.Statuses, shelves.DaysAgo = append(shelves.Statuses, put.Status), append(shelves.DaysAgo, int32(put.DaysAgo))
		}
	}
	if len(added) == 0 {
		return nil, nil
	}
	if err := q.RatingsLoad(ctx, tx, ratings); err != nil {
		return nil, fmt.Errorf("load invented ratings: %w", err)
	}
	if err := q.ShelvingsLoad(ctx, tx, shelves); err != nil {
		return nil, fmt.Errorf("load invented shelves: %w", err)
	}
	if _, err := tx.Exec(ctx, "analyze reader, rating, shelving"); err != nil {
		return nil, fmt.Errorf("gather statistics: %w", err)
	}
	return added, nil
}

// joined returns how many days ago the reader's first rating or shelf was.
func joined(r demo.Reader) int {
	days := []int{0}
	for _, said := range r.Ratings {
		days = append(days, said.DaysAgo)
	}
	for _, put := range r.Shelves {
		days = append(days, put.DaysAgo)
	}
	return slices.Max(days)
}
