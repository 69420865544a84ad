package app

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/backlist/backlist/db"
)

const module = "github.com/backlist/backlist/"

// The groups of packages, which decide what a package may import. The back office knows only jobs; the storefront knows books
// and the job system; the edge knows both; the ground knows neither. Views know only views.
var (
	ground = []string{
		"answer", "catalogue", "config", "demo", "fold", "form", "live", "notice", "pglocal", "pipeline", "relay", "serve", "store", "testdb",
	}
	storefront = []string{"reader", "book", "shelf", "recommend", "importer", "mail", "lab", "seed", "site"}
	backOffice = []string{"work", "trace", "postgres", "formation", "surface", "bulk", "finding", "console", "scale", "drill", "bench", "busy", "doctor"}
	edge       = []string{"web", "crowd", "app"}
	// anyPage are the views that every set of pages may use.
	anyPage = []string{"views/asset", "views/layout", "views/ui"}
)

// allowed are the exceptions, each with its reason.
var allowed = map[string][]string{
	"internal/drill":   {"internal/serve", "internal/relay"},                                 // its web processes stop as the site's do; tests of faults share its relay
	"internal/mail":    {"views/mail"},                                                       // a letter is rendered where it is sent
	"internal/testdb":  {"db", "internal/config", "internal/pglocal"},                        // tests want the whole schema, and TEST_DATABASE_URL is read as DATABASE_URL is
	"internal/notice":  {"internal/store"},                                                   // DBTX
	"internal/demo":    {"internal/catalogue"},                                               // invented readers rate real books
	"internal/answer":  {"internal/trace"},                                                   // rendering is a step of the request
	"internal/console": {"internal/answer", "internal/live", "views/console", "views/asset"}, // a set of pages
	"internal/lab":     {"internal/formation"},                                               // experiments start and kill worker processes
	"views/page":       {"views/bookui"},                                                     // the storefront's pieces
}

// layers are the packages of the job system from the ground up: each imports only those before it.
var layers = []string{
	"internal/work/bound", "internal/work/mask", "internal/work/metadata", "internal/work/insert", "internal/work/args",
	"internal/work/pilot", "internal/work/record", "internal/work/brief", "internal/work/schedule", "internal/work", "internal/work/worktest",
}

func TestImportDirections(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	packages := 0
	for decoder.More() {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages++
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module)
			if ours && !mayImport(from, to) {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
	if packages < 20 {
		t.Errorf("only %d packages were listed", packages)
	}
}

func mayImport(from, to string) bool {
	if slices.Contains(allowed[from], to) || strings.HasPrefix(to, from+"/") && !slices.Contains(layers, from) {
		return true
	}
	if layer, below := slices.Index(layers, from), slices.Index(layers, to); below >= 0 && layer >= 0 {
		return below < layer
	}
	switch group(from) {
	case "cmd":
		return to == "internal/app"
	case "edge":
		return true
	case "views":
		return slices.Contains(anyPage, to)
	case "db":
		return false
	case "ground":
		return false
	case "storefront":
		return slices.Contains([]string{"ground", "storefront"}, group(to)) || noun(to) == "work" || noun(to) == "trace"
	case "back office":
		return group(to) == "back office" || to == "db"
	}
	return false // a package that this test does not know must be added to a group
}

// TestImportRules tests the rules themselves, also with packages that do not exist yet.
func TestImportRules(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		from, to string
		may      bool
	}{
		{"internal/console", "internal/surface", true},
		{"internal/console", "internal/answer", true},
		{"internal/console", "internal/live", true},
		{"internal/console", "views/console", true},
		{"internal/console", "views/bookui", false},
		{"internal/console", "internal/web", false},
		{"internal/console", "internal/reader", false},
		{"internal/scale", "internal/work", true},
		{"internal/surface", "internal/store", false},
		{"internal/seed", "internal/recommend", true},
		{"internal/seed", "internal/demo", true},
		{"internal/lab", "internal/live", true},
		{"internal/lab", "internal/surface", false},
		{"internal/site", "internal/store", true},
		{"internal/answer", "internal/reader", false},
		{"internal/answer", "views/page", false},
		{"internal/live", "internal/notice", false},
		{"views/console", "views/ui", true},
		{"views/console", "views/bookui", false},
		{"views/layout", "views/bookui", false},
		{"views/ui", "internal/form", false},
		{"internal/unknown", "internal/store", false},
	} {
		if mayImport(tc.from, tc.to) != tc.may {
			t.Errorf("%s may import %s: %t", tc.from, tc.to, !tc.may)
		}
	}
}

func group(p string) string {
	switch {
	case strings.HasPrefix(p, "cmd/"):
		return "cmd"
	case strings.HasPrefix(p, "views/"):
		return "views"
	case p == "db":
		return "db"
	case slices.Contains(ground, noun(p)):
		return "ground"
	case slices.Contains(storefront, noun(p)):
		return "storefront"
	case slices.Contains(backOffice, noun(p)):
		return "back office"
	case slices.Contains(edge, noun(p)):
		return "edge"
	}
	return ""
}

// noun returns the package directly below internal that p is or belongs to.
func noun(p string) string {
	rest, ok := strings.CutPrefix(p, "internal/")
	if !ok {
		return path.Base(p)
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// TestOneAssembly: all programs run workers by work.Run, so that bench and drill test the process that production runs.
func TestOneAssembly(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("../..", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "internal/work/") {
			return err
		}
		text, err := os.ReadFile(file)
		if strings.Contains(string(text), "work.NewWorker"+"(") {
			t.Errorf("%s assembles a worker process itself: use work.Run", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBackOfficeNamesNoTableOfTheStorefront: the back office's SQL must work against any River database.
func TestBackOfficeNamesNoTableOfTheStorefront(t *testing.T) {
	t.Parallel()
	tables := regexp.MustCompile(`(?i)(?:\b(?:from|join|into|update|table)\s+|\bpublic\.)(reader|book|author|rating|shelving|recommendation|neighbour|message|session)\b`)
	files, err := filepath.Glob("../../db/jobs/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	files = append(files, statementFiles(t)...)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if name := tables.Find(text); name != nil {
			t.Errorf("%s names %q, a table of the storefront", file, name)
		}
	}
}

// TestStatementsAreWhole: each SQL file of the back office begins with a comment on its purpose, and its package embeds it. The
// files of work depend on nothing in schema jobs, which another release may replace while a process runs.
func TestStatementsAreWhole(t *testing.T) {
	t.Parallel()
	comments := regexp.MustCompile("(?m)--.*$")
	for _, file := range statementFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "-- ") {
			t.Errorf("%s does not begin with a comment", file)
		}
		if strings.Contains(string(text), "attempted_by[array_upper") {
			t.Errorf("%s spells jobs.runner out", file)
		}
		if sql := comments.ReplaceAllString(db.Statement(string(text), db.RiverSchema), ""); strings.Contains(sql, "jobs.") && strings.HasPrefix(file, "../work/") {
			t.Errorf("%s depends on schema jobs", file)
		}
		embed := "//go:embed sql/" + filepath.Base(file) + "\n"
		sources, err := filepath.Glob(filepath.Dir(filepath.Dir(file)) + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(sources, func(source string) bool {
			text, err := os.ReadFile(source)
			return err == nil && strings.Contains(string(text), embed)
		}) {
			t.Errorf("%s is not embedded", file)
		}
	}
}

// statementFiles returns the SQL files beside the Go files of the back office.
func statementFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(file string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(file) == ".sql" && group("internal/"+filepath.ToSlash(strings.TrimPrefix(file, "../"))) == "back office" {
			files = append(files, file)
		}
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	return files
}
