package lab

import (
	"strings"
	"testing"
)

// TestFailsTwice: two attempts fail with the same error, which is one line of the inbox; the third sends the letter, once.
func TestFailsTwice(t *testing.T) {
	t.Parallel()
	l := open(t)
	l.startWorker()
	s := l.run("fails-twice")
	if s.Problem != "" || len(s.Result.Sentences) != 2 || len(s.Result.Groups) != 1 {
		t.Fatalf("%+v", s)
	}
	var looks []string
	for _, bar := range s.Result.Groups[0].Lanes[0].Bars {
		if bar.From > bar.To {
			t.Errorf("a bar ends before it begins: %+v", bar)
		}
		looks = append(looks, string(bar.Look))
	}
	if got, want := strings.Join(looks, " "), "wait failed backoff wait failed backoff wait attempt"; got != want {
		t.Errorf("the job's lane has %s, want %s", got, want)
	}
	if inbox := s.Result.Tables[0].Rows; len(inbox) != 1 || inbox[0][2] != "2" || inbox[0][1] != "lab_retry" {
		t.Errorf("the inbox %v", inbox)
	}
	if n := l.count("select count(*) from message where state = 'sent'"); n != 1 {
		t.Errorf("%d letters were sent", n)
	}
}
