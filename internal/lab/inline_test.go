package lab

import (
	"strings"
	"testing"
)

// TestInlineOrBackground: both ways have the same effects; the request of the second does not wait for its jobs' work.
func TestInlineOrBackground(t *testing.T) {
	t.Parallel()
	l := open(t)
	l.startWorker()
	s := l.run("inline-or-background")
	if s.Problem != "" || len(s.Result.Sentences) != 2 || len(s.Result.Groups) != 2 || len(s.Result.Figures) != 3 {
		t.Fatalf("%+v", s)
	}
	if n := l.count("select count(*) from message where state = 'sent' and key like 'lab:%'"); n != 2 {
		t.Errorf("%d letters were sent, want 2", n)
	}
	if n := l.count("select count(*) from recommendation_run"); n != 1 {
		t.Errorf("%d lists were made, want 1", n)
	}
	background := s.Result.Groups[1]
	var enqueued, worked float64
	for _, lane := range background.Lanes {
		switch lane.Name {
		case "enqueue":
			enqueued = lane.Bars[0].From
		case "job lab_recommend", "job lab_mail":
			worked++
			if lane.Bars[1].From < enqueued {
				t.Errorf("%s began before it was enqueued: %+v", lane.Name, lane)
			}
		}
	}
	if worked != 2 || enqueued == 0 {
		t.Errorf("lanes %+v", background.Lanes)
	}
	if inline := s.Result.Groups[0].Lanes; !strings.HasPrefix(inline[1].Name, "load") || inline[1].Depth != 1 {
		t.Errorf("lanes %+v", inline)
	}
	if n := l.count("select count(*) from river.river_job"); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	if statement := s.Result.Statements[0]; !strings.Contains(statement.SQL, "run_id = '"+s.ID+"'") || len(statement.Rows) != 2 {
		t.Errorf("statement %+v", statement)
	}
}
