package console_test

import (
	"net/http"
	"testing"
)

// TestManyNames: with a great many queues, kinds, errors and workers, each page stays short, and says how many it leaves out.
func TestManyNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(`
		insert into work.queue_target (queue, within, share, set_by) select 'queue_' || i, '5 s', 0.99, 'anna' from generate_series(1, 300) i;
		insert into work.kind (kind) select 'kind_' || i from generate_series(1, 300) i;
		insert into river.river_queue (name, updated_at) select 'queue_' || i, now() from generate_series(1, 300) i;
		insert into work.worker (id, dyno, index, process_type, release, slots, lock_key, queues, kinds)
			select 'w' || i, 'worker.' || i, i, 'worker', 'v1', 10, i, (select array_agg(name) from river.river_queue), '{}'
			from generate_series(1, 60) i;
		insert into river.river_job (id, kind, queue, state, attempt, max_attempts, args, attempted_at, attempted_by, finalized_at, errors)
			select i, 'kind_' || i, 'queue_' || i, s, 1, 25, '{}', now(), '{w1}', case when s = 'discarded' then now() end,
				array[jsonb_build_object('at', now(), 'attempt', 1, 'error', repeat('long ', 100))]
			from (select i, (array['discarded', 'discarded', 'available', 'running'])[1 + i % 4]::river.river_job_state as s from generate_series(1, 300) i) j;
		insert into work.error select 'f' || i, repeat('long ', 100), now(), now(), 'v1', 'v1' from generate_series(1, 300) i;
		insert into work.error_hour select 'f1', date_trunc('hour', now()), 'kind_' || i, 'v1', 3 from generate_series(1, 300) i;
		insert into work.minute_release (minute, queue, kind, release, completed, failed, judged, late, wait, run, wait_s, run_s)
			select date_trunc('minute', now()), 'queue_' || i, 'kind_' || i, 'v1', 60, 70, 71, 9, array_fill(9, array[26]), array_fill(9, array[26]), 1, 2
			from generate_series(1, 300) i`)
	for path, want := range map[string]string{
		"/console":                      "And 10 more",
		"/console/queues":               "The 50 that need attention most, of 300.",
		"/console/queues?q=_99":         "queue_99",
		"/console/jobs":                 "kind_",
		"/console/errors":               "And 100 more kinds.",
		"/console/errors/f1":            "kind_",
		"/console/workers":              "And 10 more",
		"/console/find?q=kind":          "kind_1",
		"/console/jobs/suggest?q=kind:": "kind_1",
		"/console/queues?q=queue":       "And 280 more targets",
	} {
		status, body := s.get(path)
		if status != http.StatusOK || len(body) > 200_000 {
			t.Errorf("%s: %d, %d bytes", path, status, len(body))
		}
		s.has(path, http.StatusOK, want)
	}
}
