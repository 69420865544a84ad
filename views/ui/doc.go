// Package ui holds the pieces that any page is set from: fields, filters, tabs,
// pagers, badges and notices. It knows neither books nor jobs: every struct is
// shaped for display.
package ui

// Link is a text with the address that it leads to.
type Link struct{ Text, URL string }

// Input is a field's value as typed, with a sentence about what is wrong with
// it; Error is empty where nothing is.
type Input struct{ Value, Error string }

// Option is one choice of a Select.
type Option struct{ Value, Text string }

// Tab is one view of a list, with the number of things in it.
type Tab struct {
	Text, URL string
	Count     int
	Current   bool
}

// Chip is a filter that is on or off; following it switches it.
type Chip struct {
	Text, URL string
	Current   bool
}
