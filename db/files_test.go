package db

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// TestEveryFileIsInstalled: a file of schema jobs that surface() does not list would silently not be installed.
func TestEveryFileIsInstalled(t *testing.T) {
	t.Parallel()
	paths, err := fs.Glob(files, "jobs/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(path, "jobs/"), ".sql"))
	}
	want := append(surface(), "roles")
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("the folder has %q, surface() and roles are %q", names, want)
	}
}

// TestForSchema: tables are quoted, channels are not.
func TestForSchema(t *testing.T) {
	t.Parallel()
	sql := `update river.river_job set state = 'x'::river.river_job_state; select pg_notify('river.river_insert', '') from "river_x"`
	want := `update "My_Jobs".river_job set state = 'x'::"My_Jobs".river_job_state; select pg_notify('My_Jobs.river_insert', '') from "river_x"`
	if got := ForSchema(sql, "My_Jobs"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := ForSchema(sql, RiverSchema); got != sql {
		t.Errorf("for our own schema: %s", got)
	}
}
