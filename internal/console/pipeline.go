package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// beginSQL makes its transaction read-only, limits the statement after it, and says whether to plan it for its parameters.
const beginSQL = "select set_config('transaction_read_only', 'on', true), set_config('statement_timeout', $1, true), set_config('plan_cache_mode', $2, true)"

// pipeline asks the questions in one round trip: it sends all before it reads the first answer. Each has a transaction of its own,
// which ends at its Sync, so that one that fails leaves the others alone.
func (a *asker) pipeline(ctx context.Context, conn *pgx.Conn, questions []Question) []Reading {
	if tracer, ok := conn.Config().Tracer.(pgx.BatchTracer); ok { // pgx calls it for its own batches, which have one transaction
		ctx = tracer.TraceBatchStart(ctx, conn, pgx.TraceBatchStartData{})
		for _, q := range questions {
			tracer.TraceBatchQuery(ctx, conn, pgx.TraceBatchQueryData{SQL: q.SQL})
		}
		defer tracer.TraceBatchEnd(ctx, conn, pgx.TraceBatchEndData{})
	}
	readings := make([]Reading, len(questions))
	texts, args := []string{beginSQL}, make([][]any, len(questions))
	for i, q := range questions {
		var text string
		text, args[i], readings[i].Err = q.Args.RewriteQuery(ctx, conn, q.SQL, nil)
		texts = append(texts, text)
	}
	prepared := preparedOn(conn.PgConn())
	failed := prepared.add(ctx, conn.PgConn(), texts, fmt.Sprint(a.limit.Milliseconds()))
	last := time.Now()
	line := conn.PgConn().StartPipeline(ctx)
	for i, q := range questions {
		r := &readings[i]
		r.Err = cmp.Or(r.Err, failed[beginSQL], failed[texts[i+1]])
		if r.Err == nil {
			r.Err = send(line, conn.TypeMap(), [2]*pgconn.StatementDescription{prepared.byText[beginSQL], prepared.byText[texts[i+1]]},
				[2][]any{{fmt.Sprint(a.limit.Milliseconds()), q.planMode()}, args[i]})
		}
	}
	_ = line.Flush() // its error is that of each answer
	for i, q := range questions {
		r := &readings[i]
		if r.At = last; r.Err != nil {
			continue
		}
		n := 0
		r.Err = results(line, func(result any) (err error) {
			rows := pgx.RowsFromResultReader(conn.TypeMap(), result.(*pgconn.ResultReader))
			if n++; n == 1 {
				rows.Close()
				return rows.Err()
			}
			r.Rows, err = q.read(rows)
			return err
		})
		if r.Err != nil {
			r.Rows = nil
			if !late(r.Err) { // the views may have been replaced, with columns of other types
				prepared.drop(texts[i+1])
			}
		}
		now := time.Now()
		r.Took, last = now.Sub(last), now
	}
	_ = line.Close() // what it could report, the answers have
	return readings
}

// planMode is the setting with which a question is asked. Postgres would plan many a statement each time, which takes longer than
// executing it: it compares only its estimates.
func (q Question) planMode() string {
	if q.Replan {
		return "auto"
	}
	return "force_generic_plan"
}

// send sends two statements and a Sync. Nothing is sent if an argument does not fit.
func send(line *pgconn.Pipeline, types *pgtype.Map, statements [2]*pgconn.StatementDescription, args [2][]any) error {
	var queries [2]pgx.ExtendedQueryBuilder
	for i := range queries {
		if err := queries[i].Build(types, statements[i], args[i]); err != nil {
			return err
		}
	}
	for i, q := range queries {
		line.SendQueryStatement(statements[i], q.ParamValues, q.ParamFormats, q.ResultFormats)
	}
	line.SendPipelineSync()
	return nil
}

// results calls read with each result up to the next Sync, and returns the first error.
func results(line *pgconn.Pipeline, read func(result any) error) (err error) {
	for {
		result, failure := line.GetResults()
		if _, ok := result.(*pgconn.PipelineSync); ok {
			return err
		}
		if result != nil {
			failure = read(result)
		} else if _, ok := errors.AsType[*pgconn.PgError](failure); !ok {
			return cmp.Or(err, failure, errors.New("the server did not answer")) // the connection is lost
		}
		err = cmp.Or(err, failure)
	}
}
