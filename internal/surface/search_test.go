package surface

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestParseSearch: each search has a canonical form, which is the same filter.
func TestParseSearch(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":     "",
		" \t ": "",
		"state:discarded kind:deliver_mail queue:mail worker:worker.2": "state:discarded kind:deliver_mail queue:mail worker:worker.2",
		"tag:x state:discarded,retryable state:discarded":              "state:discarded,retryable tag:x",
		"4711":                                 "id:4711",
		`"4711"`:                               `"4711"`,
		"id:1,2 3":                             "id:1,2,3",
		"send_mail 12x":                        "send_mail 12x",
		`error:"connection refused",3f9a`:      `error:"connection refused",3f9a`,
		`error:"a \"b\" \\ c"`:                 `error:"a \"b\" \\ c"`,
		`error:timeout:10`:                     `error:timeout:10`,
		`"http://x"`:                           `"http://x"`,
		"args.reader_id:42,43":                 "args.reader_id:42,43",
		`args.no:"42"`:                         `args.no:"42"`,
		`args.name:"Anna B",anna`:              `args.name:"Anna B",anna`,
		"args.a.b:null args.a.c:true":          "args.a.b:null args.a.c:true",
		`args:{"a": {"b": [1, "x y"]}} kind:k`: `kind:k args:{"a":{"b":[1,"x y"]}}`,
		`args:{"a":1},{"a":2}`:                 `args:{"a":1},{"a":2}`,
		"since:2h until:10:00":                 "since:2h until:10:00",
		`since:"2026-11-20 10:00"`:             `since:"2026-11-20 10:00"`,
		"since:2026-11-20T10:00:00+01:00":      "since:2026-11-20T10:00:00+01:00",
		"waiting:paused,no_worker is:unique has:error,deaths parent:7 release:v41 request:r-1": "waiting:paused,no_worker request:r-1 parent:7 release:v41 is:unique has:error,deaths",
		"kind:'; drop table river.river_job; --":                                               "kind:'; drop table river.river_job; --",
		"kind:ärger tag:日本":                                                                    "kind:ärger tag:日本",
	} {
		f, err := ParseSearch(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := f.String(); got != want {
			t.Errorf("%s\nis  %s\nnot %s", line, got, want)
		}
		again, err := ParseSearch(f.String())
		if err != nil || !reflect.DeepEqual(f, again) {
			t.Errorf("%s: its canonical form %s is another filter: %+v, %v", line, f, again, err)
		}
	}
}

// TestSearchErrors: each error names its place and what to write instead.
func TestSearchErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, code, part, says string }{
		{"knd:x", unknownKey, "knd", `There is no key "knd". Write kind: instead.`},
		{"queue:a status:x", unknownKey, "status", "Write state: instead."},
		{"State:available", unknownKey, "State", "Write state: instead."},
		{"zzzzzz:1", unknownKey, "zzzzzz", "text with a colon goes in quotes"},
		{":x", unknownKey, ":", "without a key"},
		{"state:disarded", badValue, "disarded", `"disarded" is not a state; states are available, `},
		{"state:disarded", badValue, "disarded", "Write state:discarded."},
		{"kind:", badValue, "", `The value of "kind" is empty.`},
		{"kind:a,,b", badValue, "", "is empty"},
		{"id:x", badValue, "x", `"x" is not a job id.`},
		{"id:99999999999999999999", badValue, "99999999999999999999", "is not a job id"},
		{"waiting:quued", badValue, "quued", "Write waiting:queued."},
		{"is:red", badValue, "red", "There is no is:red"},
		{`error:"connection refused`, unbalanced, `"connection refused`, "A quote is not closed."},
		{`error:connection"refused`, unbalanced, `"`, "middle of a word"},
		{`"a"b`, unbalanced, "b", "middle of a word"},
		{"args:3", badValue, "3", "args is a JSON object."},
		{`args:{"a":`, badValue, `{"a":`, "args is a JSON object."},
		{`args:{}`, badValue, `{}`, "args is a JSON object."},
		{`args:{"a":1,"a":2}`, badValue, `{"a":1,"a":2}`, `the key "a" occurs twice`},
		{`args:{"a":"\u0000"}`, badValue, `{"a":"\u0000"}`, `\u0000 cannot be stored`},
		{`args.a:1e999999`, badValue, `1e999999`, `is too long`},
		{"args.:1", badValue, "1", "names with dots"},
		{"since:yesterday", badValue, "yesterday", "Write since:2h, "},
		{"since:25:00", badValue, "25:00", "is not a time"},
		{"since:2h since:3h", badValue, "3h", "A search has one since."},
		{"kind:a\x00b", control, "\x00", "control character"},
		{"kind:\x1b[31m", control, "\x1b", "control character"},
		{"kind:\xff", notText, "\xff", "not valid UTF-8"},
		{strings.Repeat("kind:x ", 1500), tooLong, "", "longer than 2 kB"},
	} {
		f, err := ParseSearch(c.line)
		e, ok := err.(*SearchError)
		if !ok {
			t.Errorf("%.50q gives %+v, %v", c.line, f, err)
			continue
		}
		if part := c.line[e.At:e.End]; e.Code != c.code || part != c.part && c.code != tooLong || !strings.Contains(e.Error(), c.says) {
			t.Errorf("%.50q gives %s at %q: %s", c.line, e.Code, part, e)
		}
	}
}

// TestMoments: times without a zone are read in the zone of now, and a clock time is the latest one that has passed.
func TestMoments(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 11, 27, 9, 30, 0, 0, zone)
	for line, want := range map[string]string{
		"since:2h":                     "since:2026-11-27T06:30:00Z",
		"since:1d12h":                  "since:2026-11-25T20:30:00Z",
		"since:9:00 until:10:00":       "since:2026-11-27T08:00:00Z until:2026-11-27T09:00:00Z",
		"since:10:00":                  "since:2026-11-26T09:00:00Z",
		"since:2026-11-20":             "since:2026-11-19T23:00:00Z",
		"until:2026-11-20":             "until:2026-11-20T23:00:00Z",
		"until:2026-11-20T10:00":       "until:2026-11-20T09:00:00Z",
		"since:2026-11-20T10:00:00.5Z": "since:2026-11-20T10:00:00.5Z",
	} {
		f, err := ParseSearch(line)
		if got := f.At(now).String(); err != nil || got != want {
			t.Errorf("%s is %s, not %s (%v)", line, got, want, err)
		}
		if again := f.At(now); again.At(now.AddDate(0, 0, 1)).String() != want {
			t.Errorf("%s depends on now after At", line)
		}
	}
}
