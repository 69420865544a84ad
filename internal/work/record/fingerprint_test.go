package record

import (
	"strings"
	"testing"
)

func TestGist(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"boom":                                                       "boom",
		"load message 412: no rows":                                  "load message #: no rows",
		"took 1.5s, limit 250ms, then 2m30s":                         "took (time), limit (time), then (time)",
		`parse "a \"quoted\" name": bad`:                             `parse "…": bad`,
		"unknown kind 'a b' (x)":                                     `unknown kind "…" (x)`,
		"the worker's job wasn't his":                                "the worker's job wasn't his",
		"451 <(address)>: try later":                                 "# <(address)>: try later",
		"to odo@example.org: refused":                                "to (address): refused",
		"dial tcp 10.1.2.3:5432: connect: connection refused":        "dial tcp (host): connect: connection refused",
		"dial tcp [::1]:587: refused":                                "dial tcp (host): refused",
		"dial tcp mail.example.org:587: i/o timeout":                 "dial tcp mail.example.org:(port): i/o timeout",
		"no book 0F8FAD5B-D9CB-469F-A165-70867728950E":               "no book (id)",
		"object 7c9e6679f00d is gone":                                "object (id) is gone",
		"at 0xc000123450":                                            "at (id)",
		"since 2026-11-25T21:44:48.123Z":                             "since (time)",
		"duplicate key (id)=(17) in book_2":                          "duplicate key (id)=(#) in book_#",
		"a  b\n\tc":                                                  "a b c",
		"ERROR: deadlock detected (SQLSTATE 40P01)":                  "ERROR: deadlock detected (SQLSTATE #P#)",
		"the worker worker.2-ABCDEFG234 died while it ran":           "the worker (worker) died while it ran",
		"panic: runtime error: index out of range [5] with length 3": "panic: runtime error: index out of range [#] with length #",
		"disk is 93.5% full":                                         "disk is #% full",
		"dead feed decade face facade":                               "dead feed decade face facade", // words that look like hexadecimal
	} {
		if got := gist(text); got != want {
			t.Errorf("%q\n gives %q\n want  %q", text, got, want)
		}
		if gist(gist(text)) != gist(text) {
			t.Errorf("the gist of %q has another gist: %q", text, gist(gist(text)))
		}
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	one, same, other := fingerprint("load message 412: no rows"), fingerprint("load message 9: no rows"), fingerprint("load book 9: no rows")
	if one != same || one == other || len(one) != 12 || strings.Trim(one, "0123456789abcdef") != "" {
		t.Error(one, same, other)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	for b.Loop() {
		fingerprint("deliver message 412 to (address): dial tcp 10.1.2.3:587: connect: connection refused after 1.5s")
	}
}
