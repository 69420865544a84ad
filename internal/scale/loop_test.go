package scale_test

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/scale"
	"github.com/backlist/backlist/internal/scale/plan"
	"github.com/backlist/backlist/internal/testdb"
)

// platform is a formation whose workers are rows: they start at once, and one that is removed while it runs a job is an error.
type platform struct {
	t     *testing.T
	db    *pgxpool.Pool
	n     int
	fails error // of Set
	lost  bool  // Set works but returns fails
	sets  []int
}

func (p *platform) Read(context.Context, bool) (plan.Formation, error) {
	return plan.Formation{Quantity: p.n}, nil
}

func (p *platform) Set(_ context.Context, quantity int) error {
	p.sets = append(p.sets, quantity)
	if p.fails == nil || p.lost {
		p.become(quantity)
	}
	return p.fails
}

// become makes workers 1 to n run.
func (p *platform) become(n int) {
	p.t.Helper()
	if running := p.ask(`select count(*) from river.river_job where state = 'running' and substring(attempted_by[1] from 2)::int > $1`, n); running != "0" {
		p.t.Errorf("%s running jobs were killed", running)
	}
	p.do(`update work.worker set stopped_at = now() where index > $1`, n)
	p.do(`insert into work.worker (id, dyno, index, release, slots, lock_key, queues) select 'w' || i, 'worker.' || i, i, 'v1', 5, i, '{mail}' from generate_series(1, $1::int) i
		on conflict (id) do update set stopped_at = null, draining = false, drained_at = null, started_at = now(), seen_at = now()`, n)
	p.n = n
}

func (p *platform) do(sql string, args ...any) {
	p.t.Helper()
	if _, err := p.db.Exec(p.t.Context(), sql, args...); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
}

func (p *platform) ask(sql string, args ...any) (text string) {
	p.t.Helper()
	if err := p.db.QueryRow(p.t.Context(), "select coalesce((select concat_ws(' ', variadic array(select value from json_each_text(to_json(q)))) from ("+sql+") q), '')", args...).Scan(&text); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// later lets so much time pass that the planner remembers no load, and keeps workers alive.
func (p *platform) later() {
	p.t.Helper()
	p.do(`update work.worker set seen_at = now() where stopped_at is null`)
	p.forget()
}

// look makes a loop decide once.
func (p *platform) look(l *scale.Loop) {
	p.t.Helper()
	if _, err := l.Look(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// newPlatform returns a platform of one worker with a target for it, and two loops of which one can have the lease.
func newPlatform(t *testing.T, mode string) (p *platform, first, second *scale.Loop) {
	t.Helper()
	p = &platform{t: t, db: testdb.New(t)}
	p.become(1)
	p.do(`insert into river.river_queue (name, updated_at) values ('mail', now())`)
	p.do(`select jobs.set_scale('worker', '30 s', 1, 4)`)
	p.do(`select jobs.set_scale_mode('worker', $1)`, mode)
	loop := func() *scale.Loop {
		return scale.New(scale.Config{
			DB: p.db, Schema: "river", Process: "web.1", Formation: func(string) scale.Formation { return p }, Limits: plan.Limits{Workers: 9},
			Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
	}
	return p, loop(), loop()
}

// load makes n jobs wait.
func (p *platform) load(n int) {
	p.t.Helper()
	p.do(`insert into river.river_job (kind, queue, args, state, max_attempts, scheduled_at) select 'send', 'mail', '{}', 'available', 3, now() - interval '3 s' from generate_series(1, $1::int)`, n)
}

func (p *platform) expect(what, sql, want string) {
	p.t.Helper()
	if got := p.ask(sql); got != want {
		p.t.Errorf("%s: %q, not %q", what, got, want)
	}
}

const latest = `select code, present, quantity, answer from jobs.scale_decision order by id desc limit 1`

func TestLoop(t *testing.T) {
	t.Parallel()
	p, first, second := newPlatform(t, "advise")
	p.look(first)
	p.load(400)
	p.look(first)
	p.expect("advised", latest, "added_for_backlog 1 4 ")
	p.expect("in jobs.scale", `select mode, quantity, want, code, running from jobs.scale`, "advise 1 4 added_for_backlog true")
	p.do(`select jobs.set_scale_mode('worker', 'on', 'a test')`)
	p.look(second)
	if len(p.sets) > 0 {
		t.Fatalf("set to %v without the lease, or when only advising", p.sets)
	}
	p.look(first)
	if !reflect.DeepEqual(p.sets, []int{4}) {
		t.Fatalf("set to %v", p.sets)
	}

	// The load goes. Workers are drained, and stay for as long as one above runs a job.
	p.do(`delete from river.river_job`)
	p.do(`insert into river.river_job (kind, queue, args, state, attempt, max_attempts, attempted_at, attempted_by) values ('send', 'mail', '{}', 'running', 1, 3, now(), '{w4}')`)
	p.later()
	p.look(first)
	p.expect("drained", `select string_agg(id, ' ' order by id) from work.worker where draining`, "w3 w4")
	p.expect("audited", `select act, who, count(*) from jobs.audit where act = 'drain' group by 1, 2`, "drain scaler 2")
	p.do(`update work.worker set drained_at = now() where draining`)
	p.later()
	p.look(first)
	p.expect("while one runs", latest, "draining 4 4 ")

	// The process dies after the drain. The next one goes on.
	p.do(`update work.scale_state set lease_until = now() - interval '1 s'`)
	p.do(`update river.river_job set state = 'completed', finalized_at = now()`)
	p.later()
	p.look(second)
	p.expect("removed", latest, "removed 4 2 ")
	p.look(first)
	p.later()
	p.look(second)
	p.do(`update work.worker set drained_at = now() where draining`)
	p.later()
	p.look(second)
	if !reflect.DeepEqual(p.sets, []int{4, 2, 1}) {
		t.Errorf("set to %v", p.sets)
	}
	p.expect("no drain is left", `select count(*) from work.worker where draining and stopped_at is null`, "0")
}

// TestLoadReturns: a worker that is being drained takes jobs again at once, and one that an operator drains does not.
func TestLoadReturns(t *testing.T) {
	t.Parallel()
	p, l, _ := newPlatform(t, "on")
	p.become(4)
	p.do(`select jobs.drain('w2', 'looked at')`)
	p.look(l)
	p.later()
	p.look(l)
	p.expect("drained", `select string_agg(id, ' ' order by id) from work.worker where draining`, "w2 w3 w4")
	p.load(400)
	p.look(l)
	p.expect("undrained", `select string_agg(id, ' ' order by id) from work.worker where draining`, "w2")
	p.later()
	p.do(`delete from river.river_job`)
	p.look(l)
	p.do(`select jobs.set_scale_mode('worker', 'advise')`)
	p.expect("turned off", `select string_agg(id, ' ' order by id) from work.worker where draining`, "w2")
}

func TestByHand(t *testing.T) {
	t.Parallel()
	p, l, _ := newPlatform(t, "on")
	p.look(l)
	p.become(3)
	p.load(400)
	p.look(l)
	p.expect("respected", latest, "manual 3 3 ")
	p.become(0)
	p.look(l)
	p.expect("paused", latest, "paused 0 0 ")
}

// TestRefusal: what the platform answers is recorded, a limit is learned, and a change whose answer was lost counts as made.
func TestRefusal(t *testing.T) {
	t.Parallel()
	p, l, other := newPlatform(t, "on")
	p.load(400)
	p.fails = &scale.LimitError{Limit: 2}
	p.look(l)
	p.expect("refused", latest, "added_for_backlog 1 4 the platform allows 2 processes")
	p.look(l)
	if len(p.sets) != 1 {
		t.Errorf("asked again at once: %v", p.sets)
	}
	p.fails, p.lost = errors.New("timeout"), true
	p.do(`update work.scale_state set lease_until = now()`)
	p.look(other)
	p.expect("within the limit", latest, "added_for_backlog 1 2 timeout")
	p.look(other)
	p.expect("its answer was lost", `select code from jobs.scale_decision order by id desc limit 1`, "bounded")
}

// TestReplayed: the recorded inputs and state give each decision again.
func TestReplayed(t *testing.T) {
	t.Parallel()
	p, l, _ := newPlatform(t, "on")
	for _, n := range []int{0, 50, 300} {
		p.load(n)
		p.look(l)
		p.later()
	}
	rows, err := p.db.Query(t.Context(), `select code, quantity, sentence, inputs, state from work.scale_decision order by id`)
	if err != nil {
		t.Fatal(err)
	}
	type recorded struct {
		Code     plan.Code
		Quantity int
		Sentence string
		Inputs   plan.Inputs
		State    plan.State
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[recorded])
	if err != nil || len(all) < 2 {
		t.Fatal(len(all), err)
	}
	for _, r := range all {
		d := plan.Decide(r.Inputs, plan.Target{MaxWait: 30 * time.Second, Min: 1, Max: 4}, r.State)
		if d.Code != r.Code || d.Quantity != r.Quantity || d.Sentence != r.Sentence {
			t.Errorf("%+v, not %+v", d, r)
		}
	}
}

func TestSetScale(t *testing.T) {
	t.Parallel()
	p := &platform{t: t, db: testdb.New(t)}
	p.become(1)
	for call, want := range map[string]string{
		`jobs.set_scale('worker', '0 s')`:            "22023",
		`jobs.set_scale('worker', '-1 s')`:           "22023",
		`jobs.set_scale('worker', null)`:             "22023",
		`jobs.set_scale('worker', '9 s', 3, 2)`:      "22023",
		`jobs.set_scale('worker', '9 s', 1, 2, 500)`: "22023",
		`jobs.set_scale('web', '9 s')`:               "22023",
		`jobs.set_scale('mailer', '9 s')`:            "P0002",
		`jobs.set_scale_mode('worker', 'on')`:        "P0002",
		`jobs.set_scale_mode('worker', 'full')`:      "22023",
	} {
		_, err := p.db.Exec(t.Context(), "select "+call)
		if sqlState(err) != want {
			t.Errorf("%s: %v", call, err)
		}
	}
	p.expect("set", `select jobs.set_scale('worker', '30 s', 1, 4, 1500, '{mail}', 'a test') as first, jobs.set_scale('worker', '30 s', 1, 4, 1500, '{mail}') as again`, "true false")
	p.expect("audited", `select act, reason, after->>'max' as max from jobs.audit`, "set_scale a test 4")
}

func sqlState(err error) string {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answer.Code
	}
	return ""
}
