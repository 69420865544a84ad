package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/drill"
)

// TestDrill runs the short drill as a person would: a few kills, a storm, poison and a restart of Postgres, and nothing
// is lost or doubled; without the fence the same kills double effects, which shows that the drill would have seen it.
func TestDrill(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"kill,storm,poison,restart": nil,
		"kill":                      {"--no-fence"},
	} {
		t.Run(strings.Join(append(args, name), " "), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, d := range []string{filepath.Dir(dir), dir} { // root's Postgres runs as another user, who has to pass
				if err := os.Chmod(d, 0o711); err != nil {
					t.Fatal(err)
				}
			}
			report := drilled(t, append([]string{"drill", "--short", "--json", "--data", dir}, args...)...)
			var played []string
			for _, r := range report.Results {
				played = append(played, r.Scenario)
				if r.Jobs == 0 || r.Jobs < r.Acknowledged || r.Lost > 0 || r.Unended > 0 || len(r.Failures) > 0 {
					t.Errorf("%s: %+v", r.Scenario, r)
				}
				if (r.Doubled > 0) != report.NoFence {
					t.Errorf("%s: %d doubled, without the fence: %t", r.Scenario, r.Doubled, report.NoFence)
				}
			}
			if got := strings.Join(played, ","); got != name {
				t.Errorf("it played %s", got)
			}
		})
	}
}

// drilled runs a drill to its end and returns its report.
func drilled(t *testing.T, args ...string) (report drill.Report) {
	t.Helper()
	p := launch(t, "", nil, args...)
	select {
	case <-p.done:
	case <-time.After(4 * time.Minute):
		t.Fatal("the drill has not ended within 4 minutes")
	}
	for range p.line { // until all of it has been read
	}
	if p.err != nil {
		t.Errorf("the drill ended with %v", p.err)
	}
	// Its lines are among those of its log.
	_, text, _ := strings.Cut("\n"+p.output(), "\n{\n")
	if err := json.NewDecoder(strings.NewReader("{\n" + text)).Decode(&report); err != nil {
		t.Fatalf("the report: %v", err)
	}
	return report
}
