package lab

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNoWorker: jobs wait with the code that says why until a worker process comes, and each has its effect once.
func TestNoWorker(t *testing.T) {
	t.Parallel()
	l := openWithWorkers(t)
	s := l.run("no-worker")
	if s.Problem != "" || len(s.Result.Sentences) != 2 || len(s.Result.Figures) != 3 || len(s.Result.Groups) != 1 {
		t.Fatalf("%+v", s)
	}
	if why := s.Result.Tables[0]; len(why.Rows) != 1 || why.Rows[0][0] != "no_worker" || why.Rows[0][2] != fmt.Sprint(waitingJobs) {
		t.Errorf("why they waited: %+v", why)
	}
	lanes := s.Result.Groups[0].Lanes
	if len(lanes) != 1+waitingJobs {
		t.Fatalf("%d lanes: %+v", len(lanes), lanes)
	}
	for _, lane := range lanes[1:] {
		if len(lane.Bars) != 2 || lane.Bars[1].From < s.Result.Groups[0].Marks[0].At {
			t.Errorf("%s ran before the worker was started: %+v", lane.Name, lane)
		}
	}
	l.effects(s, waitingJobs)
}

// effects checks that each job of a run had its effect once, and that the run has left nothing.
func (l *testLab) effects(s State, jobs int) {
	l.t.Helper()
	if n := l.count("select count(*) from lab_effect where run_id = $1 and what = 'done'", s.ID); n != jobs {
		l.t.Errorf("%d effects of %d jobs", n, jobs)
	}
	if n := l.count("select count(distinct job_id) from lab_effect where run_id = $1 and what = 'done'", s.ID); n != jobs {
		l.t.Errorf("effects of %d of %d jobs", n, jobs)
	}
	if n := l.count("select count(*) from river.river_job"); n != 0 {
		l.t.Errorf("%d jobs are left", n)
	}
	if left := l.Workers.List(); len(left) != 0 {
		l.t.Errorf("processes are left: %+v", left)
	}
	if n := l.count("select count(*) from work.worker where dyno like 'lab.%' and stopped_at is null and dead_at is null"); n != 0 {
		l.t.Errorf("%d workers were not stopped in order", n)
	}
}

// TestWorkerProcessThatCannotStart: the run says in a sentence why there is no worker, and leaves nothing.
func TestWorkerProcessThatCannotStart(t *testing.T) {
	t.Parallel()
	for want, program := range map[string][]string{
		"A worker process is missing: lab.1 cannot start: the program was removed": {filepath.Join(t.TempDir(), "gone")},
		"The worker process lab.1 ended: exit status 1: PORT must be a number":     {"/bin/sh", "-c", "echo PORT must be a number; exit 1"},
	} {
		l := openWithWorkers(t, program...)
		if s := l.run("no-worker"); !strings.HasPrefix(s.Problem, want) {
			t.Errorf("%q, want %q", s.Problem, want)
		}
		l.effects(State{}, 0)
	}
}

// TestKillAWorker: the effects of a killed and of a suspended worker's job are there once, and the late attempt is refused.
func TestKillAWorker(t *testing.T) {
	t.Parallel()
	l := openWithWorkers(t)
	s := l.run("kill-a-worker")
	if s.Problem != "" || len(s.Result.Sentences) != 2 || len(s.Result.Groups) != 2 {
		t.Fatalf("%+v", s)
	}
	l.effects(s, 2)
	if n := l.count("select count(*) from lab_effect where run_id = $1 and part = 'paused' and what = 'refused' and attempt = 1", s.ID); n != 1 {
		t.Errorf("%d late attempts were refused", n)
	}
	want := map[string]string{"Killed with SIGKILL": "SIGKILL, declared dead, the effect", "Suspended with SIGSTOP": "SIGSTOP, declared dead, the effect, SIGCONT, late attempt refused"}
	for _, g := range s.Result.Groups {
		slices.SortFunc(g.Marks, func(a, b Mark) int { return int(a.At*1000) - int(b.At*1000) })
		var order []string
		for _, m := range g.Marks {
			order = append(order, m.Text)
		}
		if got := strings.Join(order, ", "); got != want[g.Title] {
			t.Errorf("%s: %s", g.Title, got)
		}
	}
}
