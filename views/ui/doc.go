// Package ui contains the general components of pages: fields, filters, tabs,
// pagers, badges and notices. It knows neither books nor jobs; its structs have
// data as it is shown.
package ui

// Link is a text with its address.
type Link struct{ Text, URL string }

// Input is a field's value as typed, with a sentence about its error, if any.
type Input struct{ Value, Error string }

// Option is a choice of a Select.
type Option struct{ Value, Text string }

// Tab is a view of a list, with its number of entries.
type Tab struct {
	Text, URL string
	Count     int
	Current   bool
}

// Chip is a filter that is on or off. Its link switches it.
type Chip struct {
	Text, URL string
	Current   bool
}
