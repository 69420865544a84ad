// Package console contains the components of the console's pages: the frame,
// panels, figures, states and lists. Row structs have the columns of a panel's
// statement; components format them.
package console
