package recommend

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/shelf"
)

func TestPhases(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me, b := s.reader(), s.book("Any")
	want := func(step string, phase Phase, ratings int) {
		t.Helper()
		if st := s.state(me); st.Phase != phase || st.Ratings != ratings {
			t.Errorf("%s: %+v, want %s with %d ratings", step, st, phase, ratings)
		}
	}
	want("new reader", NeedRatings, 0)
	if st := s.state(me); st.RunVersion != -1 || st.Basis != "" || st.MadeAt != nil || st.ChangedAt != nil {
		t.Errorf("new reader: %+v", st)
	}
	s.rate(me, b, 8)
	want("rated", Working, 1)
	if s.state(me).ChangedAt == nil {
		t.Error("ChangedAt is not set")
	}
	s.run(me)
	want("run", Ready, 1)
	if err := book.Unrate(t.Context(), tx, me, b); err != nil {
		t.Fatal(err)
	}
	want("rating removed", Working, 0)
	s.run(me)
	want("last rating removed", NeedRatings, 0)
}

func TestListIsCurrent(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me, liked, near := s.taste()
	s.near(near[0], liked[1], 0.5)
	s.run(me)
	other, _, _ := s.taste()
	s.run(other)

	s.rate(me, near[1], 3)
	if err := shelf.Put(t.Context(), tx, me, near[2], shelf.Reading); err != nil {
		t.Fatal(err)
	}
	if err := Dismiss(t.Context(), tx, me, near[3]); err != nil {
		t.Fatal(err)
	}
	s.rate(me, liked[0], 2) // no longer a reason
	s.wantList(me, near[0], near[4], near[5], near[6])
	items := s.list(me)
	if r := items[0].Reasons; len(r) != 1 || r[0].BookID != liked[1] {
		t.Errorf("reasons %v, want the one that is still liked", r)
	}
	if items[0].Rank != 1 || items[1].Rank != 5 {
		t.Errorf("ranks %d and %d, want a gap for the book that left", items[0].Rank, items[1].Rank)
	}
	if few, err := List(t.Context(), tx, me, 2); err != nil || len(few) != 2 {
		t.Errorf("a limit of two: %v, %v", few, err)
	}
	if n := len(s.list(other)); n != 7 {
		t.Errorf("another reader's list has %d books, want all 7", n)
	}
}

func TestDismiss(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me, _, near := s.taste()
	s.run(me)
	ctx, before := t.Context(), s.state(me).Version
	for range 2 { // the second call changes nothing
		if err := Dismiss(ctx, tx, me, near[0]); err != nil {
			t.Fatal(err)
		}
		if v := s.state(me).Version; v != before+1 {
			t.Errorf("version %d, want %d", v, before+1)
		}
	}
	if n := one[int](s, "select count(*) from recommendation where reader_id = $1 and book_id = $2", me, near[0]); n != 0 {
		t.Error("the dismissed book is still stored as a recommendation")
	}
	if n := one[int](s, "select count(*) from dismissal where reader_id = $1", me); n != 1 {
		t.Errorf("%d dismissals", n)
	}
	for range 2 {
		if err := Undismiss(ctx, tx, me, near[0]); err != nil {
			t.Fatal(err)
		}
		if v := s.state(me).Version; v != before+2 {
			t.Errorf("version %d after Undismiss, want %d", v, before+2)
		}
	}
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return Dismiss(ctx, tx, me, 1<<50) })
	if !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("an unknown book: %v, want ErrNoRows", err)
	}
	if v := s.state(me).Version; v != before+2 {
		t.Errorf("an unknown book changed the version to %d", v)
	}
}

// TestChangeEnqueuesFirst: the job's row is locked before the reader's, and a change that fails leaves its error to the
// transaction.
func TestChangeEnqueuesFirst(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me := s.reader()
	refused := errors.New("refused")
	err := Change(t.Context(), tx, s.jobs, me, func(tx pgx.Tx) error {
		var n int
		err := tx.QueryRow(t.Context(), "select count(*) from river.river_job where state = 'available' and args ->> 'reader_id' = $1::bigint::text", me).Scan(&n)
		if err != nil || n != 1 {
			t.Errorf("%d jobs wait while the change is made, want 1; %v", n, err)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("%v, want the change's own error", err)
	}
}

func TestEnqueueIsDebounced(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me := s.reader()
	for range 10 {
		if err := Request(t.Context(), tx, s.jobs, me); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.waiting(me); n != 1 {
		t.Errorf("%d jobs for one reader", n)
	}
	s.exec("update river.river_job set state = 'discarded', finalized_at = now() where (args->>'reader_id')::bigint = $1", me)
	if err := Request(t.Context(), tx, s.jobs, me); err != nil {
		t.Fatal(err)
	}
	if n := s.waiting(me); n != 1 {
		t.Errorf("%d jobs wait: a finished one must not block another", n)
	}
}
