package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// compared lists the literals that look like sentences and may be compared, each with its reason.
var compared = map[string]string{
	"idle in transaction%": "names of Postgres's own states, which have spaces",
	"idle in transaction":  "the same",
	"database user":        "the same, of the sources of settings",
	"client backend":       "the same",
	"keeper/":              "how a maintenance process names itself (work.Maintainer): River keeps nothing of a leader but its name",
	"known:%":              "the prefix of a key",
	"%.example":            "the top-level domain that is reserved for examples, not words",
	"%@bench.example":      "the addresses of invented readers",
	"%-own-%":              "a part of an application name",
	"%pg_sleep%":           "a statement that the drill itself runs",
	"netns add":            "a command line of the drill's own",
	`(?m)^(?:Planning|Execution) Time: ([\d.]+) ms`:                                   "how EXPLAIN names a figure",
	`Parallel Seq Scan on (\S+)`:                                                      "how EXPLAIN names a step",
	"cannot be read: %":                                                               "migration 013: a row of a release that had no column for it",
	"the worker % died while it ran this job":                                         "migration 017: the same",
	"the worker % was given this job and never got it":                                "migration 017: the same",
	"handed back by the worker % at its stop":                                         "migration 017: the same",
	"no worker that is known has this job":                                            "migration 017: the same",
	"the worker % died while it ran this job alone: it is discarded as a poison pill": "migration 017: the same",
	"handed back": "the stored name of an outcome, which has a space",
}

var (
	// matched and equated match the SQL before a literal that is a pattern, or that is compared as a whole.
	matched = regexp.MustCompile(`(?i)(?:\b(?:i?like|similar to)|~{1,2}\*?|\b(?:starts_with|strpos|position)\s*\([^()]*)$`)
	equated = regexp.MustCompile(`(?i)(?:[^:]=|<>|!=|\bwhen|\bdistinct from)$`)
	listed  = regexp.MustCompile(`(?i)\bin\s*\($`)
	// raised is not a comparison: it sets the sentence of an exception.
	raised = regexp.MustCompile(`(?i)\b(?:hint|detail|message)\s*=$`)
	// aWord and twoWords match text after notText, the syntax of patterns, has been removed from it.
	aWord    = regexp.MustCompile(`\pL{2,}`)
	twoWords = regexp.MustCompile(`[\pL)]{2,},? \pL{2,}`)
	notText  = regexp.MustCompile(`\\.|\[(?:\\.|[^\]\\])*\]`)
	// sqlToken is a comment or a literal.
	sqlToken = regexp.MustCompile(`--[^\n]*|'(?:[^']|'')*'`)
)

// TestNoComparisonWithSentences: programs compare codes, so that a better sentence breaks nothing.
func TestNoComparisonWithSentences(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	report := func(where, text string) {
		if _, ok := compared[text]; ok {
			found[text] = true
			return
		}
		t.Errorf("%s compares with %q: compare a code, or add it here with the reason", where, text)
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root, entry.IsDir() && entry.Name() == "testdata":
			return fs.SkipDir
		case strings.HasSuffix(path, ".sql"):
			text, err := os.ReadFile(path)
			for _, literal := range inSQL(string(text)) {
				report(path, literal)
			}
			return err
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, "_templ.go"):
			literals, err := inGo(path)
			for _, literal := range literals {
				report(path, literal)
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for text := range compared {
		if !found[text] {
			t.Errorf("%q is not compared anywhere: remove it from the list", text)
		}
	}
}

// TestSentenceFinder tests what TestNoComparisonWithSentences finds and ignores.
func TestSentenceFinder(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		"where why like 'no %'":                              {"no %"},
		"where id not like 'keeper/%'":                       {"keeper/%"},
		"where e ->> 'error' ~ '^the worker'":                {"^the worker"},
		"where note = 'There is no job'":                     {"There is no job"},
		"case why when 'it is paused' then 'yes' end":        {"it is paused"},
		"state in ('running', 'idle in transaction', 'x')":   {"idle in transaction"},
		"starts_with(error, 'the worker')":                   {"the worker"},
		"where kind ~ '^[a-z0-9]+$' and n ~ '^\\d{1,9}$'":    nil,
		"where state = 'held' and e ->> 'a b' is null":       nil,
		"case waiting when 'queued' then 'waiting its turn'": nil,
		"comment on column a.b is 'one of two words'":        nil,
	} {
		if got := inSQL(sql); !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", sql, got, want)
		}
	}
}

// inSQL returns the literals of SQL that are compared and look like text for people.
func inSQL(sql string) (literals []string) {
	before, inList := "", false
	end := 0
	for _, at := range sqlToken.FindAllStringIndex(sql, -1) {
		before += sql[end:at[0]]
		end = at[1]
		if sql[at[0]] == '-' {
			continue
		}
		code := strings.TrimSpace(before)
		before = ""
		text := notText.ReplaceAllString(sql[at[0]+1:at[1]-1], "")
		inList = listed.MatchString(code) || inList && code == ","
		switch {
		case matched.MatchString(code) && aWord.MatchString(text):
		case (inList || equated.MatchString(code) && !raised.MatchString(code)) && twoWords.MatchString(text):
		default:
			continue
		}
		literals = append(literals, sql[at[0]+1:at[1]-1])
	}
	return literals
}

// inGo returns the literals that a file's SQL compares and that its Go code searches for in error texts or compares as
// sentences.
func inGo(path string) (literals []string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	sentence := func(e ast.Expr) {
		if text, ok := literal(e); ok && twoWords.MatchString(text) {
			literals = append(literals, text)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, ok := literal(n); ok {
				literals = append(literals, inSQL(text)...)
			}
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				for _, side := range []ast.Expr{n.X, n.Y} {
					sentence(side)
					if ofError(side) {
						literals = append(literals, "the text of an error")
					}
				}
			}
		case *ast.CaseClause:
			for _, e := range n.List {
				sentence(e)
			}
		case *ast.CallExpr:
			if !looksFor(n) {
				break
			}
			for _, arg := range n.Args {
				sentence(arg)
				if ofError(arg) {
					literals = append(literals, "the text of an error")
				}
			}
		}
		return true
	})
	return literals, nil
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// looksFor reports whether a call searches for a text in another.
func looksFor(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	if strings.HasPrefix(f.Sel.Name, "Match") || f.Sel.Name == "MustCompile" || strings.HasPrefix(f.Sel.Name, "FindString") {
		return true
	}
	from, ok := f.X.(*ast.Ident)
	return ok && (from.Name == "strings" || from.Name == "bytes") && slices.Contains([]string{
		"Contains", "Count", "Cut", "CutPrefix", "CutSuffix", "EqualFold", "HasPrefix", "HasSuffix", "Index", "LastIndex",
	}, f.Sel.Name)
}

// ofError reports whether an expression is an error's text: err.Error() or a sentence of a PgError.
func ofError(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.SelectorExpr)
		return ok && f.Sel.Name == "Error" && len(e.Args) == 0
	case *ast.SelectorExpr:
		from, ok := e.X.(*ast.Ident)
		return ok && from.Name == "pgErr" && (e.Sel.Name == "Message" || e.Sel.Name == "Hint")
	}
	return false
}
