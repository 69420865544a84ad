package db_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// loose are arguments with hand-written JSON.
type loose struct{ kind, text string }

func (l loose) Kind() string { return l.kind }

func (l loose) MarshalJSON() ([]byte, error) { return []byte(l.text), nil }

// tagged are arguments of which River uses only some in its unique keys.
type tagged struct {
	Zone  string `json:"zone" river:"unique"`
	Other int    `json:"other"`
	Empty string `json:"empty,omitempty" river:"unique"`
	Place struct {
		City   string `json:"city" river:"unique"`
		Street string `json:"street"`
		No     int    `json:"no" river:"unique"`
	} `json:"place"`
	Account int64 `json:"account_id" river:"unique"`
}

func (tagged) Kind() string { return "tagged" }

// insertion is one Insert, by Go or by SQL. sqlText is the arguments in SQL, if they are written differently from Go.
type insertion struct {
	args    river.JobArgs
	opts    river.InsertOpts
	sqlText string
	keys    []string // unique_by_keys, for tagged arguments
}

// inserts is the scenario of Insert: every option, every form of unique options, each twice, and against jobs in every
// state. It omits arguments with a repeated key: River stores the last value under the key of the first, and we refuse
// them (TestArgsAreAcceptedAlike of package work).
func inserts() scenario {
	at := time.Date(2031, 5, 6, 7, 8, 9, 123456000, time.FixedZone("", 5*3600+1800))
	odd := `{"b":1,"a":"<é&\"\\\u2028\n>","c":{"z":[1, 2.50,true,null],"y":"ü"},"a b":{},"Ä":"k","<k>":1e3,"":0}`
	list := []insertion{
		{args: loose{"plain", `{}`}},
		{args: loose{"plain", odd}, sqlText: strings.ReplaceAll(odd, `,"`, " ,\n\"")},
		{args: loose{"ns.kind-[x]<y>/z·:+", `{"id":12345678901234567890,"f":1.10}`}},
		{args: loose{"plain", `{}`}, opts: river.InsertOpts{Queue: "mail_out-2", Priority: 4, MaxAttempts: 7, Tags: []string{"one", "two-2", "a_c"}, Metadata: []byte(`{"m": {"x": 1}}`)}},
		{args: loose{"plain", `{}`}, opts: river.InsertOpts{ScheduledAt: at}},
		{args: loose{"plain", `{}`}, opts: river.InsertOpts{ScheduledAt: at.AddDate(-30, 0, 0)}},
		{args: loose{"plain", `{}`}, opts: river.InsertOpts{Pending: true}},
		{args: loose{"plain", `{}`}, opts: river.InsertOpts{Pending: true, ScheduledAt: at}},
		{args: tagged{Zone: "a<b", Other: 1, Account: 9}, opts: river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}, keys: []string{"place.no", "zone", "account_id", "place.city", "empty"}},
		{args: tagged{Zone: "a<b", Other: 2, Empty: "x", Account: 9}, opts: river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}, keys: []string{"zone", "empty", "place.city", "place.no", "account_id"}},
	}
	// Every unique option, alone and combined; with different kinds, queues and arguments.
	unique := []river.UniqueOpts{
		{ByArgs: true},
		{ByQueue: true},
		{ByPeriod: 90 * 365 * 24 * time.Hour},
		{ByState: rivertype.UniqueOptsByStateDefault()},
		{ByArgs: true, ByQueue: true, ByPeriod: 15 * time.Minute, ExcludeKind: true},
		{ByArgs: true, ExcludeKind: true},
		{ByQueue: true, ExcludeKind: true},
		{ByPeriod: 7 * time.Minute, ByState: []rivertype.JobState{"available", "pending", "running", "scheduled"}},
		{ByPeriod: 7 * 24 * time.Hour, ByState: []rivertype.JobState{"available", "pending", "running", "scheduled", "cancelled"}},
		{ByPeriod: 36 * time.Hour, ByState: []rivertype.JobState{"available", "pending", "running", "scheduled", "discarded"}},
		{ByPeriod: time.Second, ByState: []rivertype.JobState{"available", "pending", "running", "scheduled", "completed", "retryable"}},
	}
	for i, u := range unique {
		for _, args := range []loose{{fmt.Sprintf("unique%d", i), odd}, {fmt.Sprintf("unique%d", i), `{}`}, {fmt.Sprintf("other%d", i), odd}} {
			for _, queue := range []string{"", "second"} {
				list = append(list, insertion{args: args, opts: river.InsertOpts{UniqueOpts: u, Queue: queue, ScheduledAt: at}, sqlText: strings.ReplaceAll(args.text, `:`, ": ")})
			}
		}
		list = append(list, insertion{args: loose{fmt.Sprintf("unique%d", i), odd}, opts: river.InsertOpts{UniqueOpts: u, ScheduledAt: at.Add(100 * time.Hour)}})
		if u.ByPeriod == 0 || u.ByPeriod > 1e5*time.Hour { // otherwise Go and SQL could run on different sides of a period's end
			list = append(list, insertion{args: loose{fmt.Sprintf("unique%d", i), odd}, opts: river.InsertOpts{UniqueOpts: u}})
		}
	}
	// Against a job in each state, which is seeded below with the key of these.
	for _, s := range allStates {
		for _, u := range []river.UniqueOpts{{ByQueue: true}, {ByQueue: true, ByState: []rivertype.JobState{"available", "pending", "running", "scheduled", rivertype.JobState(s)}}} {
			list = append(list, insertion{args: loose{"met", `{}`}, opts: river.InsertOpts{Queue: fmt.Sprintf("%s%d", s, len(u.ByState)), UniqueOpts: u}})
		}
	}
	// Arguments that both refuse.
	all := []rivertype.JobState{"available", "pending", "running", "scheduled"}
	for i := range all {
		list = append(list, insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{UniqueOpts: river.UniqueOpts{ByState: append(append([]rivertype.JobState{"completed"}, all[:i]...), all[i+1:]...)}}})
	}
	list = append(list,
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: 999 * time.Millisecond}}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{UniqueOpts: river.UniqueOpts{ExcludeKind: true}}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: append(all, "gone")}}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Priority: 5}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Priority: -1}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Queue: "Upper"}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Queue: "a__b"}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Queue: strings.Repeat("a", 65)}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Queue: "a|" + strings.Repeat("b", 62)}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Tags: []string{"a,b"}}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Tags: []string{"ab"}}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Tags: []string{"-ab"}}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Tags: []string{"äbc"}}},
		insertion{args: loose{"plain", `{}`}, opts: river.InsertOpts{Tags: []string{strings.Repeat("a", 256)}}},
	)
	var steps []step
	for i, in := range list {
		sql, args := in.sql()
		for range 2 {
			opts := in.opts
			steps = append(steps, step{
				name: fmt.Sprintf("%d", i), sql: sql, args: args,
				inGo: func(ctx context.Context, c *river.Client[pgx.Tx]) error {
					_, err := c.Insert(ctx, in.args, &opts)
					return err
				},
			})
		}
	}
	return scenario{name: "insert", steps: steps, seed: metStates}
}

// optioned are arguments whose type has insert options.
type optioned struct {
	Day  string `json:"day" river:"unique"`
	Note string `json:"note"`
}

func (optioned) Kind() string { return "optioned" }

func (optioned) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "own", Priority: 3, MaxAttempts: 4, Tags: []string{"own_tag", "other"}, UniqueOpts: river.UniqueOpts{
		ByArgs: true, ByQueue: true, ByPeriod: 90 * 365 * 24 * time.Hour, ExcludeKind: true,
		ByState: []rivertype.JobState{"available", "pending", "running", "scheduled", "retryable"},
	}}
}

// wholly are the same without a tag.
type wholly struct {
	Day string `json:"day"`
}

func (wholly) Kind() string { return "wholly" }

func (wholly) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// ownOptions is Insert of kinds that have their own options, which SQL reads from work.kind.
func ownOptions() scenario {
	s := scenario{name: "options", seed: func(*bench) string {
		return `insert into work.kind (kind, opts) values ('wholly', '{"unique": {"args": true}}'), ('optioned', '{"queue": "own", "priority": 3, "max_attempts": 4,
			"tags": ["own_tag", "other"], "unique": {"keys": ["day"], "queue": true, "period": 2838240000, "exclude_kind": true,
			"states": ["available", "pending", "running", "scheduled", "retryable"]}}');`
	}}
	for i, in := range []insertion{
		{args: optioned{"mon", "a"}},
		{args: optioned{"mon", "b"}},
		{args: optioned{"tue", "a"}},
		{args: optioned{"mon", "a"}, opts: river.InsertOpts{Queue: "said", Priority: 1, MaxAttempts: 9, Tags: []string{"said"}}},
		{args: optioned{"mon", "a"}, opts: river.InsertOpts{UniqueOpts: river.UniqueOpts{ByQueue: true}}},
		{args: wholly{"mon"}},
		{args: wholly{"mon"}},
		{args: wholly{"tue"}},
	} {
		sql, args := in.sql()
		s.steps = append(s.steps, step{
			name: fmt.Sprint(i), sql: sql, args: args,
			inGo: func(ctx context.Context, c *river.Client[pgx.Tx]) error {
				_, err := c.Insert(ctx, in.args, &in.opts)
				return err
			},
		})
	}
	return s
}

// metStates seeds a job in every state for each of the unique options above, with the key that River makes: SHA-256 of
// "&kind=met&queue=…".
func metStates(b *bench) string {
	var sql strings.Builder
	for _, s := range allStates {
		for n, states := range map[int]string{0: "11110101", 5: ""} {
			if states == "" {
				bits := []byte("11010001")
				bits[bit[s]] = '1'
				states = string(bits)
			}
			final := "null"
			if s == "cancelled" || s == "completed" || s == "discarded" {
				final = "'2021-01-01'"
			}
			queue := fmt.Sprintf("%s%d", s, n)
			fmt.Fprintf(&sql, `insert into %s (id, kind, queue, state, args, max_attempts, created_at, scheduled_at, finalized_at, unique_key, unique_states)
				values (%d, 'met', '%s', '%s', '{}', 25, '2021-01-01', '2021-01-01', %s, sha256('&kind=met&queue=%s'), B'%s');`,
				b.table("river_job"), 1000+bit[s]*10+n, queue, s, final, queue, states)
		}
	}
	return sql.String()
}

// sql returns the equivalent call of jobs.enqueue.
func (in insertion) sql() (string, []any) {
	text := in.sqlText
	if text == "" {
		encoded, _ := json.Marshal(in.args)
		text = string(encoded)
	}
	call, args := "select * from jobs.enqueue($1, $2", []any{in.args.Kind(), text}
	add := func(name string, v any) {
		args = append(args, v)
		call += fmt.Sprintf(", %s => $%d", name, len(args))
	}
	o, u := in.opts, in.opts.UniqueOpts
	if o.Queue != "" {
		add("queue", o.Queue)
	}
	if o.Priority != 0 {
		add("priority", o.Priority)
	}
	if o.MaxAttempts != 0 {
		add("max_attempts", o.MaxAttempts)
	}
	if o.Tags != nil {
		add("tags", o.Tags)
	}
	if o.Metadata != nil {
		add("metadata", string(o.Metadata))
	}
	if !o.ScheduledAt.IsZero() {
		add("scheduled_at", o.ScheduledAt)
	}
	if o.Pending {
		add("pending", true)
	}
	if in.keys != nil {
		add("unique_by_keys", in.keys)
	} else if u.ByArgs {
		add("unique_by_args", true)
	}
	if u.ByPeriod != 0 {
		add("unique_by_period", u.ByPeriod)
	}
	if u.ByQueue {
		add("unique_by_queue", true)
	}
	if u.ByState != nil {
		states := make([]string, len(u.ByState))
		for i, s := range u.ByState {
			states[i] = string(s)
		}
		add("unique_by_state", states)
	}
	if u.ExcludeKind {
		add("unique_exclude_kind", true)
	}
	return call + ")", args
}
