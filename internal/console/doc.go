// Package console is the pages for operators and developers: what the workers do, what is wrong, why, and how to fix it. It
// reads and acts only through schema jobs, so that a page and psql always agree.
//
// A [Panel] is a value: a title, one SQL text with named parameters, and a component that draws its rows. A [Page] is a value
// too: a path and the panels that it asks for a request. Three things work on these values: the page itself, the page that
// shows a panel's statement with its rows as a table, and the refresher, which keeps open pages current.
//
//	console.go, identity.go  the server, its routes, and who may enter
//	panel.go, ask.go         panels, and how they are asked
//	page.go, statement.go    pages, and the statement behind a panel
//	refresher.go, stream.go  live pages
//	act.go                   acts: rights, passwords, undo
package console
