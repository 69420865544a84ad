// Package busy is a demo load for the back office: the jobs of an invented bookshop, in every state that a job can be in. It works
// them in real worker processes, kills one now and then, and deploys a release that breaks a kind. backlist dev --busy runs it;
// other commands do not know its kinds.
//
//	busy.go, load.go          the load as a whole: starting, the steady load, and stopping
//	process.go, serve.go      its worker processes
//	scene.go                  what is set up once: a paused queue, schedules, jobs that wait
//	past.go, clear.go         the invented past, and removing all that the load wrote; sql.go: running files of statements
//	release.go                the situation "a release broke a kind", for tests
//	shop.go, kinds.go         what the workers share, and the list of kinds
//	order.go, billing.go, …   the kinds, a file for each family
package busy
