package seed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// books fills the tables of books, except the index.
func (f *filler) books(ctx context.Context) error {
	var lastAuthor int64
	if err := f.tx.QueryRow(ctx, "select coalesce(max(id), 0) from author").Scan(&lastAuthor); err != nil {
		return fmt.Errorf("count authors: %w", err)
	}
	authorID := func(i int) int64 { return lastAuthor + int64(i) + 1 }
	authors, first, end := f.site.Authors(), f.known, f.site.Books
	err := f.copy(ctx, "author", authors, "id key name sort_name born", each(0, authors, func(i int) []any {
		a := f.site.Author(i)
		return []any{authorID(i), a.Slug, a.Name, a.SortName, int16(a.Born)}
	}))
	if err != nil {
		return err
	}
	err = f.copy(ctx, "book", end-first, "id title year series volume about", each(first, end, func(i int) []any {
		b := f.site.Book(i)
		return []any{f.bookID(i), b.Title, int16(b.Year), b.Series, b.Volume, b.About}
	}))
	if err != nil {
		return err
	}
	err = f.copy(ctx, "book_key", end-first, "kind value book_id", each(first, end, func(i int) []any {
		return []any{"catalogue", f.site.Book(i).Slug, f.bookID(i)}
	}))
	if err != nil {
		return err
	}
	err = f.copy(ctx, "book_author", end-first, "book_id author_id", each(first, end, func(i int) []any {
		return []any{f.bookID(i), authorID(f.site.AuthorOf(i))}
	}))
	if err != nil {
		return err
	}
	err = f.copy(ctx, "book_subject", 2*(end-first), "book_id subject", many(first, end, func(i int) (list [][]any) {
		for _, subject := range f.site.Book(i).Subjects {
			list = append(list, []any{f.bookID(i), subject})
		}
		return list
	}))
	if err != nil {
		return err
	}
	return f.continueIDs(ctx, "author", "book")
}

// said is an opinion, small enough to hold those of a whole site.
type said struct {
	reader, book, daysAgo int32
	stars                 int8
	status                int8 // a place in statuses
}

var statuses = [...]string{"", "to-read", "reading", "read"}

// readers fills the tables of readers. Ratings and shelves come in the order of their times, as on a real site: those of a reader
// lie far apart.
func (f *filler) readers(ctx context.Context, passwordHash string) error {
	now, count := time.Now(), f.site.Readers
	ago := func(days int32) time.Time { return now.AddDate(0, 0, -int(days)) }
	var all []said
	err := f.copy(ctx, "reader", count, "id email email_key name password_hash time_zone ratings_version ratings_changed_at created_at",
		each(0, count, func(i int) []any {
			m := f.site.Member(i)
			for _, o := range m.Opinions {
				status := int8(slices.Index(statuses[:], o.Status))
				all = append(all, said{int32(i + 1), int32(o.Book), int32(o.DaysAgo), int8(o.Stars), status})
			}
			return []any{int64(i + 1), m.Email, m.Email, m.Name, passwordHash, m.TimeZone, int64(len(m.Opinions)), ago(1), ago(int32(m.DaysAgo))}
		}))
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b said) int { return cmp.Compare(b.daysAgo, a.daysAgo) })
	err = f.copy(ctx, "rating", f.site.Ratings, "reader_id book_id stars rated_at", many(0, len(all), func(i int) [][]any {
		o := all[i]
		if o.stars == 0 {
			return nil
		}
		return [][]any{{int64(o.reader), f.bookID(int(o.book)), int16(o.stars), ago(o.daysAgo)}}
	}))
	if err != nil {
		return err
	}
	err = f.copy(ctx, "shelving", len(all)/2, "reader_id book_id status shelved_at", many(0, len(all), func(i int) [][]any {
		o := all[i]
		if o.status == 0 {
			return nil
		}
		return [][]any{{int64(o.reader), f.bookID(int(o.book)), statuses[o.status], ago(o.daysAgo)}}
	}))
	if err != nil {
		return err
	}
	err = f.copy(ctx, "message", count, "reader_id kind key message_id to_address state transport subject body_text sent_at",
		each(0, count, func(i int) []any {
			key := fmt.Sprintf("welcome:%d", i+1)
			return []any{
				int64(i + 1), "welcome", key, "<" + key + "@load.example>", f.site.Member(i).Email, "sent", "smtp", "Welcome to Backlist",
				strings.Repeat("An invented letter of about the usual length, of which each reader has one.\n\n", 8), now,
			}
		}))
	if err != nil {
		return err
	}
	if _, err := f.tx.Exec(ctx, "select setval('rating_change', greatest($1::bigint, 1))", len(all)); err != nil {
		return fmt.Errorf("count changes: %w", err)
	}
	return f.continueIDs(ctx, "reader")
}

// continueIDs makes new rows of the tables continue after the highest id.
func (f *filler) continueIDs(ctx context.Context, tables ...string) error {
	for _, table := range tables {
		_, err := f.tx.Exec(ctx, fmt.Sprintf("select setval(pg_get_serial_sequence('%s', 'id'), greatest((select max(id) from %[1]s), 1))", table))
		if err != nil {
			return fmt.Errorf("continue the ids of %s: %w", table, err)
		}
	}
	return nil
}

// subjectNames returns the names of subjects by their keys.
func (f *filler) subjectNames() map[string]string {
	names := map[string]string{}
	for _, s := range f.site.Subjects() {
		names[s.Slug] = s.Name
	}
	return names
}
