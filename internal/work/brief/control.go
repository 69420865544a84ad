package brief

import (
	"regexp"
	"slices"
	"strings"
)

// controllers are the first words of statements that control a transaction.
var controllers = []string{"abort", "begin", "commit", "end", "prepare", "release", "rollback", "savepoint", "start"}

// controls reports whether one of the statements in a text controls the transaction. PREPARE is among them because of PREPARE
// TRANSACTION; an effect has no use for the other PREPARE.
func controls(sql string) bool {
	for first := true; ; first = false {
		word, rest, more := nextStatement(sql, first)
		if slices.Contains(controllers, word) {
			return true
		}
		if !more {
			return false
		}
		sql = rest
	}
}

var (
	blank = regexp.MustCompile(`^(?:[\s;(]+|--[^\n]*)+`)
	// quoted matches what may contain a semicolon that ends no statement. Backslashes escape only in strings that begin with E.
	quoted = regexp.MustCompile(`(?s)^(?:[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*)`)
	dollar = regexp.MustCompile(`^\$(?:[A-Za-z_]\w*)?\$`)
)

// nextStatement returns the first word of the statement that a text begins with, in lower case, and what follows the statement.
// Unless it is the first, it looks for its end only if there is a semicolon.
func nextStatement(sql string, first bool) (firstWord, rest string, more bool) {
	for letters(sql) == 0 {
		trimmed := sql[len(blank.FindString(sql)):]
		trimmed = trimmed[comment(trimmed):]
		if len(trimmed) == len(sql) {
			break
		}
		sql = trimmed
	}
	firstWord = strings.ToLower(sql[:letters(sql)])
	if first && strings.IndexByte(sql, ';') < 0 {
		return firstWord, "", false // the usual case, quickly
	}
	for i := 0; i < len(sql); {
		switch {
		case sql[i] == ';':
			return firstWord, sql[i+1:], true
		case comment(sql[i:]) > 0:
			i += comment(sql[i:])
		case dollar.MatchString(sql[i:]) && (i == 0 || !isName(sql[i-1])):
			tag := dollar.FindString(sql[i:])
			end := strings.Index(sql[i+len(tag):], tag)
			if end < 0 {
				return firstWord, "", false // the server refuses it
			}
			i += len(tag) + end + len(tag)
		case quoted.MatchString(sql[i:]) && !(strings.IndexByte("eE", sql[i]) >= 0 && i > 0 && isName(sql[i-1])):
			i += len(quoted.FindString(sql[i:]))
		default:
			i++
		}
	}
	return firstWord, "", false
}

// letters returns how many letters a text begins with.
func letters(sql string) (n int) {
	for n < len(sql) && (sql[n]|0x20 >= 'a' && sql[n]|0x20 <= 'z') {
		n++
	}
	return n
}

// comment returns the length of the comment in /* and */ that a text begins with, which may contain others; 0 if there is none.
func comment(sql string) int {
	if !strings.HasPrefix(sql, "/*") {
		return 0
	}
	depth := 0
	for i := 0; i+1 < len(sql); {
		switch sql[i : i+2] {
		case "/*":
			depth++
			i += 2
		case "*/":
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(sql)
}

func isName(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
