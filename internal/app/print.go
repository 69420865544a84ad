package app

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/backlist/backlist/internal/surface"
)

// longestCell is the number of characters of a value that a table shows.
const longestCell = 72

// printTable writes one line for each row, and cuts long values.
func printTable(w io.Writer, t surface.Table) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.ReplaceAll(strings.Join(t.Columns, "\t"), "_", " "))
	for _, row := range t.Rows {
		for i, v := range row {
			if i > 0 {
				fmt.Fprint(table, "\t")
			}
			fmt.Fprint(table, short(surface.Text(v)))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func short(text string) string {
	if runes := []rune(text); len(runes) > longestCell {
		return string(runes[:longestCell-1]) + "…"
	}
	return text
}

// printRecords writes each row as a block of lines, one for each column that is not empty. It cuts nothing.
func printRecords(w io.Writer, t surface.Table) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for n, row := range t.Rows {
		if n > 0 {
			fmt.Fprintln(table)
		}
		for i, v := range row {
			if text := surface.Text(v); text != surface.Nothing {
				fmt.Fprintf(table, "%s\t%s\n", strings.ReplaceAll(t.Columns[i], "_", " "), text)
			}
		}
	}
	return table.Flush()
}
