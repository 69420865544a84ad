package work_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

// textArgs are args whose JSON is written by hand.
type textArgs struct{ text string }

func (textArgs) Kind() string { return "test_text" }

func (a textArgs) MarshalJSON() ([]byte, error) { return []byte(a.text), nil }

// bothWays enqueues a job with InsertTx, and the same job with jobs.enqueue. Each result is "accepted", "duplicate", a SQLSTATE,
// or "refused" if InsertTx did not ask the server. A refusal ends only the savepoint's transaction.
func bothWays(t *testing.T, tx pgx.Tx, client *work.Client, args textArgs, opts river.InsertOpts, named string, value any) (inGo, inSQL string) {
	t.Helper()
	outcome := func(insert func(ctx context.Context, tx pgx.Tx) (duplicate bool, err error)) string {
		var duplicate bool
		err := pgx.BeginFunc(t.Context(), tx, func(tx pgx.Tx) (err error) {
			duplicate, err = insert(t.Context(), tx)
			return err
		})
		pgErr, isPg := errors.AsType[*pgconn.PgError](err)
		switch {
		case isPg:
			return pgErr.Code
		case err != nil:
			return "refused"
		case duplicate:
			return "duplicate"
		}
		return "accepted"
	}
	inGo = outcome(func(ctx context.Context, tx pgx.Tx) (bool, error) {
		res, err := client.InsertTx(ctx, tx, args, &opts)
		return err == nil && res.UniqueSkippedAsDuplicate, err
	})
	inSQL = outcome(func(ctx context.Context, tx pgx.Tx) (duplicate bool, err error) {
		err = tx.QueryRow(ctx, "select duplicate from jobs.enqueue('test_text', $1, unique_by_args => $2, "+named+" => $3)",
			args.text, opts.UniqueOpts.ByArgs, value).Scan(&duplicate)
		return duplicate, err
	})
	return inGo, inSQL
}

// TestArgsAreAcceptedAlike: Go and SQL accept and refuse the same args, and give them the same unique key.
func TestArgsAreAcceptedAlike(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	client, err := work.NewInserter(nil, work.Options{Schema: "river"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, inGo, inSQL string }{
		{`{}`, "accepted", "duplicate"},
		{`{"n":9223372036854775807,"m":-9223372036854775808}`, "accepted", "duplicate"},
		{`{"n":9223372036854775808}`, "accepted", "duplicate"},
		{`{"n":123456789012345678901234567890.10}`, "accepted", "duplicate"},
		{`{"n":1e999}`, "accepted", "duplicate"},
		{`{"n":1e999999}`, "22003", "22023"},
		{`{"n":1e-999999}`, "22003", "22023"},
		{`{"s":""}`, "accepted", "duplicate"},
		{`{"s":"` + strings.Repeat("long ", 200_000) + `"}`, "accepted", "duplicate"},
		{`{"s":"tab\t, esc\u001b[31m, \u2028, \\u0000 \\ud83d"}`, "accepted", "duplicate"},
		{`{"s":"\ud83d\ude00"}`, "accepted", "accepted"}, // encoding/json writes the character itself, and so does the key in SQL
		{"{\"s\":\"\u2028 \u202e \u009b \U0001f600\"}", "accepted", "duplicate"},
		{`{"s":"a\u0000b"}`, "refused", "22023"},
		{`{"a\u0000b":1}`, "refused", "22023"},
		{`{"s":"\ud83d"}`, "refused", "22023"},
		{`{"s":"\ud83d\ud83d\ude00"}`, "refused", "22023"},
		{`{"s":"\ud83d\\ude00"}`, "refused", "22023"},
		{`{"s":"\ude00"}`, "refused", "22023"},
		{"{\"s\":\"\xff\"}", "refused", "22021"},
		{`{"k":1,"k":2}`, "refused", "22023"},
		{`{"k":1,"k":1}`, "refused", "22023"},
		{`{"k":1,"\u006b":2}`, "refused", "22023"},
		{`{"k":1,"k":"\u003a"}`, "refused", "22023"},
		{`{"a":{"b":[1,{"c":1,"d":{},"c":2}]}}`, "refused", "22023"},
		{`{"":1,"":2}`, "refused", "22023"},
		{`{"k":{"k":[{"k":1},{"k":2}]},"K":"k:k",":":":"}`, "accepted", "duplicate"},
		{`[1,2]`, "refused", "22023"},
		{`null`, "refused", "22023"},
		{`1`, "refused", "22023"},
		{`"{}"`, "refused", "22023"},
	} {
		opts := river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
		inGo, inSQL := bothWays(t, tx, client, textArgs{c.args}, opts, "reason", nil)
		if inGo != c.inGo || inSQL != c.inSQL {
			t.Errorf("%.60s: Go %s, SQL %s; want %s, %s", c.args, inGo, inSQL, c.inGo, c.inSQL)
		}
	}
}

// TestOptionsAreAcceptedAlike is the same for times and small numbers.
func TestOptionsAreAcceptedAlike(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	client, err := work.NewInserter(nil, work.Options{Schema: "river"})
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) (o river.InsertOpts) {
		if o.ScheduledAt, err = time.Parse(time.RFC3339Nano, text); err != nil {
			t.Fatal(err)
		}
		return o
	}
	year := func(n int) river.InsertOpts {
		return river.InsertOpts{ScheduledAt: time.Date(n, 5, 6, 7, 8, 9, 0, time.UTC)}
	}
	for _, c := range []struct {
		opts        river.InsertOpts
		named       string
		value       any
		inGo, inSQL string
	}{
		{river.InsertOpts{}, "scheduled_at", "0001-01-01T00:00:00Z", "accepted", "accepted"}, // Go's zero time is none
		{at("0001-01-01T00:00:01Z"), "scheduled_at", "0001-01-01T00:00:01Z", "accepted", "accepted"},
		{at("0001-01-01T00:00:00+01:00"), "scheduled_at", "0001-01-01T00:00:00+01:00", "refused", "22023"},
		{at("9999-12-31T23:59:59.999999Z"), "scheduled_at", "9999-12-31T23:59:59.999999Z", "accepted", "accepted"},
		{at("9999-12-31T23:59:59-01:00"), "scheduled_at", "9999-12-31T23:59:59-01:00", "refused", "22023"},
		{at("2016-12-31T23:59:59+05:45"), "scheduled_at", "2016-12-31T23:59:60+05:45", "accepted", "accepted"}, // Go has no leap second
		{year(10_000), "scheduled_at", "10000-05-06T07:08:09Z", "refused", "22023"},
		{year(294_276), "scheduled_at", "294276-05-06T07:08:09Z", "refused", "22023"},
		{year(294_277), "scheduled_at", "294277-05-06T07:08:09Z", "refused", "22008"},
		{year(-4713), "scheduled_at", "4714-05-06T07:08:09Z BC", "refused", "22008"},
		{year(-4712), "scheduled_at", "4713-05-06T07:08:09Z BC", "refused", "22023"},
		{river.InsertOpts{ScheduledAt: time.Unix(math.MaxInt64, 0)}, "scheduled_at", "infinity", "refused", "22023"},
		{river.InsertOpts{ScheduledAt: time.Unix(math.MinInt64, 0)}, "scheduled_at", "-infinity", "refused", "22023"},
		{river.InsertOpts{MaxAttempts: 32767}, "max_attempts", 32767, "accepted", "accepted"},
		{river.InsertOpts{MaxAttempts: 32768}, "max_attempts", 32768, "refused", "22023"},
		{river.InsertOpts{MaxAttempts: math.MaxInt32 + 1}, "max_attempts", "2147483648", "refused", "22003"},
		{river.InsertOpts{MaxAttempts: -1}, "max_attempts", -1, "refused", "22023"},
		{river.InsertOpts{Priority: 5}, "priority", 5, "refused", "22023"},
		{river.InsertOpts{Priority: 32768}, "priority", 32768, "refused", "22023"},
		{river.InsertOpts{Priority: -1}, "priority", -1, "refused", "22023"},
		{river.InsertOpts{Queue: strings.Repeat("a", 64)}, "queue", strings.Repeat("a", 64), "accepted", "accepted"},
		{river.InsertOpts{Queue: strings.Repeat("a", 65)}, "queue", strings.Repeat("a", 65), "refused", "22023"},
		{river.InsertOpts{Queue: "a\x00"}, "queue", "a\x00", "refused", "22021"},
		{river.InsertOpts{Queue: "a\x1b[31m"}, "queue", "a\x1b[31m", "refused", "22023"},
		{river.InsertOpts{Tags: []string{strings.Repeat("a", 255)}}, "tags", []string{strings.Repeat("a", 255)}, "accepted", "accepted"},
		{river.InsertOpts{Tags: []string{strings.Repeat("a", 256)}}, "tags", []string{strings.Repeat("a", 256)}, "refused", "22023"},
		{river.InsertOpts{Tags: []string{""}}, "tags", []string{""}, "refused", "22023"},
		{river.InsertOpts{Tags: []string{"\u202eabc"}}, "tags", []string{"\u202eabc"}, "refused", "22023"},
	} {
		inGo, inSQL := bothWays(t, tx, client, textArgs{"{}"}, c.opts, c.named, c.value)
		if inGo != c.inGo || inSQL != c.inSQL {
			t.Errorf("%s %.40v: Go %s, SQL %s; want %s, %s", c.named, c.value, inGo, inSQL, c.inGo, c.inSQL)
		}
	}
}
