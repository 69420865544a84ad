// Package scale runs the loop that keeps as many worker processes as the load needs. It runs in web processes, so that it can start
// workers when none runs. One process at a time has the lease of a process type: every few seconds it measures, asks package plan for
// a decision, drains workers, and tells the platform, which is a Formation. Everything that it remembers is in rows, so another
// process goes on where a killed one stopped.
package scale
