// Package views holds what people see, in templ: layout, pieces, pages and letters. It imports nothing of ours.
package views

//go:generate go tool -modfile=../tools.mod templ generate -log-level warn -path .
