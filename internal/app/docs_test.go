package app

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	fenced     = regexp.MustCompile("(?ms)^```.*?^```")
	docsLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	docsPath   = regexp.MustCompile("`((?:cmd|internal|db|views|docs|\\.ci)/[^`\\s]*)`")
	docsBraces = regexp.MustCompile(`^(.*)\{(.+)\}(.*)$`)
	heading    = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestDocsLinks: the files, headings and paths that the docs link to or name exist.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "db/reports/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	if len(pages) < 7 {
		t.Fatalf("only %d pages were found: %q", len(pages), pages)
	}
	for _, page := range pages {
		text := fenced.ReplaceAllString(read(t, page), "")
		for _, link := range docsLink.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", page, link[1], err)
			} else if anchor != "" && !slices.Contains(slugs(read(t, file)), anchor) {
				t.Errorf("%s links to %s, which has no such heading", page, link[1])
			}
		}
		for _, name := range docsPath.FindAllStringSubmatch(text, -1) {
			for _, path := range alternatives(name[1]) {
				if found, _ := filepath.Glob(filepath.Join(root, path)); len(found) == 0 && !strings.Contains(path, "NAME") {
					t.Errorf("%s names %s, which does not exist", page, path)
				}
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// alternatives expands a path with {a,b} in it.
func alternatives(path string) (paths []string) {
	m := docsBraces.FindStringSubmatch(path)
	if m == nil {
		return []string{path}
	}
	for middle := range strings.SplitSeq(m[2], ",") {
		paths = append(paths, m[1]+middle+m[3])
	}
	return paths
}

// slugs returns the anchors that GitHub gives to a page's headings.
func slugs(text string) (list []string) {
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		list = append(list, strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return list
}
