package lab

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestDocsShowTheCode: the functions that docs/jobs.md shows are those of this program.
func TestDocsShowTheCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/jobs.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)<!-- (\\S+) (\\S+) -->\n```go\n(.*?)\n```").FindAllStringSubmatch(string(text), -1)
	if len(shown) != 3 {
		t.Fatalf("it shows %d functions", len(shown))
	}
	for _, s := range shown {
		c := Code{File: path.Base(s[1]), Func: s[2]}
		if c.Path() != s[1] || c.Text() != strings.TrimSpace(s[3]) {
			t.Errorf("%s of %s is\n%s\nand docs/jobs.md shows\n%s", s[2], s[1], c.Text(), s[3])
		}
	}
}
