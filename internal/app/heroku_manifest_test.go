package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the path of the checkout from this package.
const root = "../.."

// manifest is app.json, with every key that Heroku knows. Other keys are an error.
type manifest struct {
	Name         string            `json:"name"`
	Description  string            `json:"description"`
	Keywords     []string          `json:"keywords"`
	Website      string            `json:"website"`
	Repository   string            `json:"repository"`
	Logo         string            `json:"logo"`
	SuccessURL   string            `json:"success_url"`
	Scripts      map[string]string `json:"scripts"`
	Env          map[string]setting
	Formation    map[string]quantity `json:"formation"`
	Addons       []addon             `json:"addons"`
	Buildpacks   []buildpack         `json:"buildpacks"`
	Environments map[string]struct {
		Addons []json.RawMessage `json:"addons"`
		Env    map[string]string `json:"env"`
	} `json:"environments"`
}

// setting is a config var. Its value is a string, because Heroku accepts no numbers.
type setting struct {
	Description string  `json:"description"`
	Value       *string `json:"value"`
	Required    *bool   `json:"required"` // nil: true
	Generator   string  `json:"generator"`
}

type quantity struct {
	Quantity int    `json:"quantity"`
	Size     string `json:"size"`
}

type addon struct {
	Plan    string            `json:"plan"`
	As      string            `json:"as"`
	Options map[string]string `json:"options"`
}

type buildpack struct {
	URL string `json:"url"`
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "app.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("app.json: %v", err)
	}
	return m
}

// readProcfile returns the command of each process type.
func readProcfile(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Procfile"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^([A-Za-z0-9_-]+):\s+(\S.*)$`)
	types := map[string]string{}
	for l := range strings.Lines(string(text)) {
		match := line.FindStringSubmatch(strings.TrimSpace(l))
		if match == nil {
			t.Fatalf("Procfile: %q is not a process type", l)
		}
		types[match[1]] = match[2]
	}
	return types
}

// TestManifests: app.json, go.mod and Procfile are valid for Heroku and describe the deployment that we want.
func TestManifests(t *testing.T) {
	t.Parallel()
	m, types := readManifest(t), readProcfile(t)
	for name, line := range types {
		// A bare name: Cedar puts the binary into $HOME/bin, Fir elsewhere on the PATH.
		if words := strings.Fields(line); words[0] != "backlist" || len(words) != 2 {
			t.Errorf("Procfile: %s runs %q", name, line)
		}
	}
	for _, name := range []string{"web", "worker", "release"} {
		if types[name] == "" {
			t.Errorf("Procfile has no %s", name)
		}
	}
	if s := m.Scripts["postdeploy"]; s != "backlist seed" {
		t.Errorf("postdeploy is %q; it should load the catalogue and invent no readers", s)
	}
	for name, s := range m.Env {
		required := s.Required == nil || *s.Required
		if required && s.Generator != "secret" {
			t.Errorf("app.json: the deploy button would ask the user for %s", name)
		}
		if s.Description == "" || (s.Generator != "" && s.Generator != "secret") {
			t.Errorf("app.json: %s has no description, or the generator %q", name, s.Generator)
		}
	}
	if len(m.Addons) != 1 || m.Addons[0].As != "DATABASE" || !strings.HasPrefix(m.Addons[0].Plan, "heroku-postgresql:") {
		t.Errorf("app.json: add-ons %v, want Postgres alone", m.Addons)
	}
	sizes := map[bool]int{} // is basic or eco
	for name, f := range m.Formation {
		if types[name] == "" || f.Quantity < 1 {
			t.Errorf("app.json: %d of process type %s", f.Quantity, name)
		}
		small := slices.Contains([]string{"eco", "basic"}, f.Size)
		if small && f.Quantity > 1 {
			t.Errorf("app.json: only one %s dyno of a type can run", f.Size)
		}
		sizes[small]++
	}
	if m.Formation["web"].Quantity != 1 || m.Formation["worker"].Quantity != 1 || len(sizes) != 1 {
		t.Errorf("app.json: formation %v, want one web and one worker of sizes that mix", m.Formation)
	}
	if m.SuccessURL == "" || m.Name == "" || m.Description == "" {
		t.Error("app.json: name, description or success_url is missing")
	}
	if len(m.Buildpacks) != 1 || m.Buildpacks[0].URL != "heroku/go" {
		t.Errorf("app.json: buildpacks %v", m.Buildpacks)
	}
	for name, env := range m.Environments {
		if !slices.Contains([]string{"test", "review", "production"}, name) || (name == "test" && len(env.Addons) == 0) {
			t.Errorf("app.json: environment %q with add-ons %s", name, env.Addons)
		}
	}

	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// Without the first line, the go line would pin the first release of that version; the second says what to install.
	for _, want := range []string{`(?m)^// \+heroku goVersion go1\.\d+$`, `(?m)^// \+heroku install \./cmd/backlist$`, `(?m)^go 1\.\d+\.0$`} {
		if !regexp.MustCompile(want).Match(mod) {
			t.Errorf("go.mod has no line %s", want)
		}
	}
	if regexp.MustCompile(`(?m)^toolchain`).Match(mod) {
		t.Error("go.mod has a toolchain line: the build would download it")
	}
	for _, name := range []string{".golangci.yml", ".golangci.toml", ".golangci.json"} { // Heroku CI would install an ancient linter
		if _, err := os.Stat(filepath.Join(root, name)); err == nil {
			t.Errorf("%s must be called .golangci.yaml", name)
		}
	}
}
