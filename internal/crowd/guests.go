package crowd

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/views/asset"
)

// guests are the readers and the operator of a load test, and what they know of the site.
type guests struct {
	pool     *pgxpool.Pool
	size     demo.Size
	secret   string // of the site
	operator string // the operator's session
	members  []rater
	spares   [][]rater // by visit: a reader for each time
	taken    int       // readers who were spares, counted from the last one
	counter  atomic.Int64
	acts     atomic.Int64
	queues   int // idle and paused ones that were made

	books       []int64 // the more readers a book has, the more often
	texts       []string
	subjects    []string
	assets      []string
	jobs        []int64
	fingerprint string // of an error
}

// another returns a number that was not returned before.
func (g *guests) another() int64 { return g.counter.Add(1) }

// act returns the number of an act of the operator, counted from 0.
func (g *guests) act() int { return int(g.acts.Add(1) - 1) }

func (g *guests) book(n int) string { return fmt.Sprintf("/books/%d", g.books[n%len(g.books)]) }

// of returns the reader of an arrival.
func (g *guests) of(mix Mix, a bench.Arrival, number int) rater {
	if mix[a.Visit].spare {
		return g.spares[a.Visit][a.N]
	}
	return g.members[number%len(g.members)]
}

// The queues of an operator's acts, which no worker takes from.
func idleQueue(n int) string   { return fmt.Sprintf("idle-%d", n) }
func pausedQueue(n int) string { return fmt.Sprintf("rest-%d", n) }

// newGuests makes an operator and learns what is in the site.
func newGuests(ctx context.Context, pool *pgxpool.Pool, size demo.Size, secret string) (*guests, error) {
	g := &guests{pool: pool, size: size, secret: secret}
	for _, name := range []string{"app.css", "app.js", "console.css", "console.js"} {
		g.assets = append(g.assets, asset.Path(name))
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		const email = "operator@load.example"
		var id int64
		err = tx.QueryRow(ctx, "insert into reader (name, email, email_key, password_hash) values ('Operator', $1, $1, '') returning id", email).Scan(&id)
		if err != nil {
			return err
		}
		if _, err := reader.AddOperator(ctx, tx, email, reader.RoleOperator, "bench load"); err != nil {
			return err
		}
		g.operator, err = reader.StartSession(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make an operator: %w", err)
	}
	for sql, into := range map[string]any{
		"select book_id from rating order by hashint8(book_id * 7 + reader_id) limit 5000":                          &g.books,
		"select subject from book_subject group by subject order by subject":                                        &g.subjects,
		"select id from jobs.job where state = 'completed' and kind = 'recommend_reader' order by id desc limit 20": &g.jobs,
	} {
		if err := pool.QueryRow(ctx, "select array("+sql+")").Scan(into); err != nil {
			return nil, fmt.Errorf("learn the site: %w", err)
		}
	}
	return g, g.learnTexts(ctx)
}

// learnTexts makes the texts that readers search for: words of titles, authors and whole titles, some unfinished or mistyped.
func (g *guests) learnTexts(ctx context.Context) error {
	rows, err := g.pool.Query(ctx, `
		select b.title, a.name from unnest($1::bigint[]) as id
		join book b on b.id = id.id join book_author ba on ba.book_id = b.id join author a on a.id = ba.author_id`, g.books[:min(len(g.books), 1000)])
	if err != nil {
		return fmt.Errorf("learn what to search for: %w", err)
	}
	var title, author string
	_, err = pgx.ForEachRow(rows, []any{&title, &author}, func() error {
		words, names := strings.Fields(title), strings.Fields(author)
		last, surname := words[len(words)-1], names[len(names)-1]
		text := title
		switch len(g.texts) % 8 {
		case 0, 1:
			text = last
		case 2:
			text = author
		case 3:
			text = last + " " + surname
		case 4: // a letter is missing
			text = surname[:1] + surname[min(2, len(surname)):]
		case 5: // not finished
			text = words[0] + " " + surname[:min(3, len(surname))]
		case 6:
			text = last[:min(4, len(last))]
		}
		g.texts = append(g.texts, strings.ToValidUTF8(text, ""))
		return nil
	})
	if err != nil {
		return fmt.Errorf("learn what to search for: %w", err)
	}
	return nil
}

// prepare makes the readers and the things that a plan needs. members is the number of readers who are signed in.
func (g *guests) prepare(ctx context.Context, mix Mix, plan []bench.Arrival, members int) error {
	counts := make([]int, len(mix))
	for _, a := range plan {
		counts[a.Visit]++
	}
	return pgx.BeginFunc(ctx, g.pool, func(tx pgx.Tx) error {
		for n := len(g.members); n < min(members, g.size.Readers/2); n++ {
			v, err := g.signIn(ctx, tx, int64(n+1))
			if err != nil {
				return err
			}
			g.members = append(g.members, v)
		}
		g.spares = make([][]rater, len(mix))
		for i, v := range mix {
			for n := 0; v.spare && n < counts[i]; n++ {
				one, err := g.spare(ctx, tx)
				if err != nil {
					return err
				}
				g.spares[i] = append(g.spares[i], one)
			}
		}
		return g.makeQueues(ctx, tx, len(plan)/100+10)
	})
}

// signIn returns a reader with a session, a letter and an import that has ended, of which a row is unclear.
func (g *guests) signIn(ctx context.Context, tx pgx.Tx, id int64) (v rater, err error) {
	v.id = id
	if v.token, err = reader.StartSession(ctx, tx, id); err != nil {
		return v, err
	}
	err = tx.QueryRow(ctx, "select r.email, m.id from reader r join message m on m.reader_id = r.id where r.id = $1 order by m.id limit 1", id).Scan(&v.email, &v.message)
	if err != nil {
		return v, fmt.Errorf("sign reader %d in: %w", id, err)
	}
	err = tx.QueryRow(ctx, `with i as (
			insert into import (reader_id, file_name, format, rows, ended_at, counts) values ($1, 'books.csv', 'CSV', 1, now(), '{"unclear": 1}') returning id)
		insert into import_row (import_id, n, line, title, stars, outcome, candidates) select id, 1, 2, 'A book', 8, 'unclear', array[$2::bigint] from i
		returning import_id`, id, g.books[0]).Scan(&v.imported)
	if err != nil {
		return v, fmt.Errorf("make an import of reader %d: %w", id, err)
	}
	return v, nil
}

// errNoReaders means that all accounts are used up.
var errNoReaders = errors.New("the site has too few readers for this rate and duration: choose more --readers")

// spare returns a reader who was not used before, with a reset link and a job that waits.
func (g *guests) spare(ctx context.Context, tx pgx.Tx) (v rater, err error) {
	id := int64(g.size.Readers - g.taken)
	if g.taken++; id <= int64(g.size.Readers/2) {
		return v, errNoReaders
	}
	if v, err = g.signIn(ctx, tx, id); err != nil {
		return v, err
	}
	link, err := reader.MintReset(ctx, tx, v.email, "")
	if err != nil {
		return v, err
	}
	v.reset = path.Base(link)
	err = tx.QueryRow(ctx, `insert into river.river_job (kind, args, max_attempts, state, scheduled_at)
		values ('recommend_reader', jsonb_build_object('reader_id', $1::bigint), 25, 'scheduled', now() + interval '1 day') returning id`, id).Scan(&v.job)
	if err != nil {
		return v, fmt.Errorf("enqueue a job: %w", err)
	}
	return v, nil
}

// makeQueues makes the queues of the operator's next acts.
func (g *guests) makeQueues(ctx context.Context, tx pgx.Tx, more int) error {
	first := g.act() + 1
	last := max(g.queues, first+more)
	_, err := tx.Exec(ctx, `insert into river.river_queue (name, created_at, updated_at, paused_at)
		select prefix || n, now(), now(), case prefix when 'rest-' then now() end
		from generate_series($1::int, $2::int) n, unnest(array['idle-', 'rest-']) prefix on conflict do nothing`, first, last)
	if err != nil {
		return fmt.Errorf("make queues: %w", err)
	}
	g.queues = last
	return nil
}
