package recommend

import (
	"testing"
	"time"
)

func TestReadyMailOncePerLocalDay(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	me, _, _ := s.taste()
	s.exec("update reader set mail_ready = true, time_zone = 'Pacific/Auckland' where id = $1", me)
	now := time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC) // 23:30 in Auckland
	w := &ReaderWorker{DB: s.db, Jobs: s.jobs, Log: quiet(t), Now: func() time.Time { return now }}
	for step, c := range []struct {
		pass time.Duration
		want int
	}{{0, 1}, {20 * time.Minute, 1}, {10 * time.Minute, 2}, {23 * time.Hour, 2}, {time.Hour, 3}} {
		now = now.Add(c.pass)
		if err := s.runWith(w, me); err != nil {
			t.Fatal(err)
		}
		if n := one[int](s, "select count(*) from message where reader_id = $1 and kind = 'ready'", me); n != c.want {
			t.Fatalf("step %d, %v: %d mails, want %d", step, now, n, c.want)
		}
	}
	deliveries := one[int](s, `select count(*) from river.river_job j join message m on m.id = (j.args->>'message_id')::bigint
		where j.kind = 'deliver_mail' and m.reader_id = $1`, me)
	if deliveries != 3 {
		t.Errorf("%d deliveries for 3 mails", deliveries)
	}
}

func TestNoMailWithoutReason(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	unwilling, liked, _ := s.taste()
	newcomer := s.reader()
	s.rate(newcomer, liked[0], 10)
	s.exec("update reader set mail_ready = true where id = $1", newcomer)
	for _, r := range []int64{unwilling, newcomer} {
		s.run(r)
		if n := one[int](s, "select count(*) from message where reader_id = $1", r); n != 0 {
			t.Errorf("reader %d has %d mails", r, n)
		}
	}
}

func TestLocalDay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{
		"UTC": "2026-11-23", "": "2026-11-23", "Asia/Tokyo": "2026-11-24", "Nowhere/Land": "2026-11-23",
	} {
		if got := localDay(now, zone); got != want {
			t.Errorf("localDay in %q = %s, want %s", zone, got, want)
		}
	}
}
