// Package views contains the templ templates: layout, pieces, pages and letters. They import no package of internal.
package views

//go:generate go tool -modfile=../tools.mod templ generate -log-level warn -path .
