package recommend

import (
	"context"
	"slices"
	"testing"

	"github.com/backlist/backlist/internal/shelf"
	"github.com/backlist/backlist/internal/testdb"
)

func TestRunScoresByNeighboursAndSaysWhy(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, liked, near := s.taste()
	disliked := s.book("Disliked")
	s.rate(me, disliked, 2)
	s.near(near[6], liked[1], 0.9) // 0.3 + 0.9 makes it the best
	s.near(near[6], liked[2], 0.5)
	s.near(near[6], disliked, 0.9) // counts little, and is not a reason
	onlyDisliked := s.book("Near a disliked book alone")
	s.near(onlyDisliked, disliked, 1)
	s.run(me)

	items := s.list(me)
	s.wantList(me, near[6], near[0], near[1], near[2], near[3], near[4], near[5])
	var why []int64
	for _, r := range items[0].Reasons {
		why = append(why, r.BookID)
	}
	if !slices.Equal(why, []int64{liked[1], liked[2], liked[0]}) {
		t.Errorf("reasons %v, want %v: the strongest first, only liked books", why, []int64{liked[1], liked[2], liked[0]})
	}
	if r := items[1].Reasons; len(r) != 1 || r[0] != (Reason{liked[0], "Book 0"}) {
		t.Errorf("reasons of the second: %v", r)
	}
	if items[0].Rank != 1 || items[6].Rank != 7 || len(items[0].Authors) != 1 {
		t.Errorf("items %+v", items)
	}
	if st := s.state(me); st.Phase != Ready || st.Basis != Neighbours || st.RunVersion != 4 || st.Version != 4 || st.MadeAt == nil {
		t.Errorf("state %+v", st)
	}
}

func TestRunLeavesOutWhatIsKnown(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me, _, near := s.taste()
	ctx := t.Context()
	s.rate(me, near[0], 8)
	if err := shelf.Put(ctx, tx, me, near[1], shelf.ToRead); err != nil {
		t.Fatal(err)
	}
	if err := Dismiss(ctx, tx, me, near[2]); err != nil {
		t.Fatal(err)
	}
	s.run(me)
	got := ids(s.list(me))
	for _, known := range near[:3] {
		if slices.Contains(got, known) {
			t.Errorf("%v has book %d, which is rated, shelved or dismissed", got, known)
		}
	}
	if got[0] != near[3] {
		t.Errorf("%v does not begin with %d", got, near[3])
	}

	if err := Undismiss(ctx, tx, me, near[2]); err != nil {
		t.Fatal(err)
	}
	s.run(me)
	if got := ids(s.list(me)); got[0] != near[2] {
		t.Errorf("%v does not begin with %d, whose dismissal was taken back", got, near[2])
	}
}

func TestRunShowsTwoBooksOfAnAuthor(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, liked, near := s.taste()
	prolific := s.author()
	var theirs []int64
	for range 5 {
		b := s.volume("By the prolific", "", "", prolific)
		s.near(b, liked[1], 0.95-float32(len(theirs))/100)
		theirs = append(theirs, b)
	}
	s.run(me)
	s.wantList(me, append(theirs[:2:2], near...)...)
}

func TestRunShowsTheNextVolumeOnly(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me, liked, near := s.taste()
	volumes := map[string]int64{}
	for _, v := range []string{"0.5", "1", "2", "2.5", "3", "4"} {
		volumes[v] = s.volume("Saga "+v, "Saga", v, s.author())
		s.near(volumes[v], liked[1], 0.95)
	}
	s.run(me)
	s.wantList(me, append([]int64{volumes["1"]}, near...)...)

	if err := shelf.Put(t.Context(), tx, me, volumes["2"], shelf.Read); err != nil {
		t.Fatal(err)
	}
	s.run(me)
	s.wantList(me, append([]int64{volumes["2.5"], volumes["3"]}, near...)...)

	// A reader who dismisses the next volume gets none of those after it.
	for _, v := range []string{"2.5", "3"} {
		if err := Dismiss(t.Context(), tx, me, volumes[v]); err != nil {
			t.Fatal(err)
		}
	}
	s.run(me)
	s.wantList(me, near...)
}

func TestRunIsPopularWithoutTaste(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, liked, near := s.taste()
	hit, second := s.book("Hit"), s.book("Second")
	s.popular(hit, 900, 30)
	s.popular(second, 500, 29)
	for name, prepare := range map[string]func() int64{
		"no ratings": s.reader,
		"two ratings": func() int64 {
			r := s.reader()
			s.rate(r, liked[0], 10)
			s.rate(r, liked[1], 10)
			return r
		},
		"nothing liked": func() int64 {
			r := s.reader()
			for _, b := range liked {
				s.rate(r, b, 4)
			}
			return r
		},
		"no neighbours": func() int64 {
			r := s.reader()
			for _, b := range near[:3] {
				s.rate(r, b, 10)
			}
			return r
		},
	} {
		r := prepare()
		s.run(r)
		items := s.list(r)
		if len(items) < 2 || items[0].BookID != hit || items[1].BookID != second || len(items[0].Reasons) > 0 {
			t.Errorf("%s: %+v, want the popular books without reasons", name, items)
		}
		if st := s.state(r); st.Basis != Popular || st.Phase == Working {
			t.Errorf("%s: %+v", name, st)
		}
	}
	now, err := PopularNow(t.Context(), s.db, me, 2)
	if err != nil || len(now) != 2 || now[0].BookID != hit || now[1].BookID != second || now[1].Rank != 2 {
		t.Errorf("popular now: %+v, %v", now, err)
	}
}

func TestPopularBooksByLikedAuthorsComeFirst(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, author := s.reader(), s.author()
	liked, other := s.volume("Liked", "", "", author), s.volume("Same author", "", "", author)
	hit, onSubject := s.book("Hit"), s.book("Same subject")
	s.popular(hit, 900, 30)
	s.popular(onSubject, 900, 29.9)
	s.popular(other, 300, 25)
	s.exec("insert into subject (key, name) values ('sea-' || $1::bigint, 'Sea')", me)
	s.exec("insert into book_subject (book_id, subject) select unnest($2::bigint[]), 'sea-' || $1::bigint", me, []int64{liked, onSubject})
	s.rate(me, liked, 9)
	s.run(me)
	if got := ids(s.list(me)); len(got) < 3 || !slices.Equal(got[:3], []int64{other, onSubject, hit}) {
		t.Errorf("%v, want %v: the liked author's, the liked subject's, then any", got, []int64{other, onSubject, hit})
	}
}

func TestShortListIsFilledUpWithoutReasons(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, liked := s.reader(), s.books(3)
	for _, b := range liked {
		s.rate(me, b, 10)
	}
	own, hits := s.book("Own"), s.books(20)
	s.near(own, liked[0], 0.01)
	s.popular(own, 999, 50)
	for i, b := range hits {
		s.popular(b, 100, 40-float32(i))
	}
	s.run(me)
	items := s.list(me)
	if got := ids(items); !slices.Equal(got, append([]int64{own}, hits[:filledUpTo-1]...)) {
		t.Fatalf("%v, want the reader's own book and then popular ones", got)
	}
	if len(items[0].Reasons) != 1 || len(items[1].Reasons) != 0 {
		t.Errorf("reasons %v and %v", items[0].Reasons, items[1].Reasons)
	}
	if st := s.state(me); st.Basis != Neighbours {
		t.Errorf("basis %q", st.Basis)
	}
}

func TestRunAsksForARebuildWhenManyRatingsChanged(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t) // the change count is a sequence, which no other test may change
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	s := siteOn(t, nil, tx)
	w := &ReaderWorker{DB: s.db, Jobs: s.jobs, Log: quiet(t)}
	rebuilds := func() int {
		return one[int](s, "select count(*) from river.river_job where kind = 'rebuild_neighbours' and state = 'available'")
	}
	me := s.reader()
	books := s.books(2)
	for i := range 49 {
		s.rate(me, books[0], 1+i%10)
	}
	if err := s.runWith(w, me); err != nil {
		t.Fatal(err)
	}
	if n := rebuilds(); n != 0 {
		t.Fatalf("%d rebuilds after 49 changes", n)
	}
	s.rate(me, books[1], 1)
	for range 2 {
		if err := s.runWith(w, me); err != nil {
			t.Fatal(err)
		}
		if n := rebuilds(); n != 1 {
			t.Fatalf("%d rebuilds after 50 changes", n)
		}
	}
	s.exec("update river.river_job set state = 'completed', finalized_at = now() where kind = 'rebuild_neighbours'")
	s.exec("insert into neighbour_build (readers, ratings, pairs, rating_change, took) values (1, 2, 0, 50, '1 second')")
	if err := s.runWith(w, me); err != nil {
		t.Fatal(err)
	}
	if n := rebuilds(); n != 0 {
		t.Fatalf("%d rebuilds right after a build", n)
	}
	for i := range 50 {
		s.rate(me, books[1], 2+i%2)
	}
	if err := s.runWith(w, me); err != nil {
		t.Fatal(err)
	}
	if n := rebuilds(); n != 1 {
		t.Fatalf("%d rebuilds after 50 more changes", n)
	}
	if got := []int64{changesWorthABuild(0), changesWorthABuild(1000), changesWorthABuild(100_000)}; !slices.Equal(got, []int64{50, 50, 5000}) {
		t.Errorf("changesWorthABuild: %v", got)
	}
}
