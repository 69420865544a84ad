package surface

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 s", 300 * time.Microsecond: "0.3 ms", 42 * time.Millisecond: "42 ms", 999600 * time.Microsecond: "1.0 s",
		1340 * time.Millisecond: "1.3 s", 9960 * time.Millisecond: "10 s", 59600 * time.Millisecond: "1 min", 125 * time.Second: "2 min 5 s",
		20*time.Minute + 20*time.Second: "20 min", 59*time.Minute + 40*time.Second: "1 h", 185 * time.Minute: "3 h 5 min",
		24*time.Hour - time.Second: "1 d", 52 * time.Hour: "2 d 4 h", -90 * time.Second: "-1 min 30 s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "-"},
		{"", "-"},
		{"two\nlines\t\x1b[31m\u202e", "two lines [31m"},
		{[]any{}, "-"},
		{true, "yes"},
		{0.25, "0.25"},
		{[]any{"a", int64(2)}, "a, 2"},
		{json.RawMessage(`{"n": 12345678901234567890}`), `{"n": 12345678901234567890}`},
	} {
		if got := Text(c.value); got != c.want {
			t.Errorf("%v is %q, want %q", c.value, got, c.want)
		}
	}
}
