package console

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// mostPrepared is how many statements a connection keeps, because each takes memory in the server. Searches have statements of
// their own, and planning one can take longer than running it.
const mostPrepared = 64

// prepared are the statements that the console has prepared on a connection. Those that pgx keeps cannot be used in a pipeline.
type prepared struct {
	byText map[string]*pgconn.StatementDescription
	used   []string // the texts, the least recently used first
	stale  []string // names of statements to close
	made   int      // how many there ever were: they are named by number
}

// preparedOn returns the statements of a connection.
func preparedOn(conn *pgconn.PgConn) *prepared {
	const key = "backlist.console.prepared"
	p, ok := conn.CustomData()[key].(*prepared)
	if !ok {
		p = &prepared{byText: map[string]*pgconn.StatementDescription{}}
		conn.CustomData()[key] = p
	}
	return p
}

// add prepares the statements that are missing, in one round trip, and returns the errors of those that cannot be, by text. limit, in
// milliseconds, is that of each: preparing locks the views, so it waits for a migration that replaces them.
func (p *prepared) add(ctx context.Context, conn *pgconn.PgConn, texts []string, limit string) (failed map[string]error) {
	var missing []string
	for _, text := range texts {
		p.used = append(slices.DeleteFunc(p.used, func(t string) bool { return t == text }), text)
		if p.byText[text] == nil && !slices.Contains(missing, text) {
			missing = append(missing, text)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	for len(p.used) > max(mostPrepared, len(texts)) {
		p.drop(p.used[0])
	}
	line := conn.StartPipeline(ctx)
	for _, name := range p.stale {
		line.SendDeallocate(name)
	}
	p.stale = nil
	line.SendPipelineSync()
	names := make([]string, len(missing))
	for i, text := range missing {
		p.made++
		names[i] = fmt.Sprintf("console_%d", p.made)
		line.SendQueryParams(beginSQL, [][]byte{[]byte(limit), []byte("auto")}, nil, nil, nil)
		line.SendPrepare(names[i], text, nil)
		line.SendPipelineSync()
	}
	_ = line.Flush() // its error is that of each result
	_ = results(line, func(any) error { return nil })
	failed = map[string]error{}
	for i, text := range missing {
		err := results(line, func(result any) error {
			description, ok := result.(*pgconn.StatementDescription)
			if !ok { // of beginSQL
				_, err := result.(*pgconn.ResultReader).Close()
				return err
			}
			description.Name = names[i]
			p.byText[text] = description
			return nil
		})
		if err != nil {
			p.drop(text)
			failed[text] = err
		}
	}
	_ = line.Close() // what it could report, failed has
	return failed
}

// drop forgets a statement. The next that is prepared closes it.
func (p *prepared) drop(text string) {
	if description := p.byText[text]; description != nil {
		p.stale = append(p.stale, description.Name)
	}
	delete(p.byText, text)
	p.used = slices.DeleteFunc(p.used, func(t string) bool { return t == text })
}
