package work

import (
	"os"
	"runtime/debug"
)

const (
	// collectAt is how far a worker's heap may grow beyond what is in use, in percent, before it is collected: a third more
	// jobs a second than with Go's own 100 (`backlist bench work`), for a heap that is small anyway.
	collectAt = 400
	// memoryLimit is what the collector tries to keep a worker under all the same, in bytes: half of the smallest dyno.
	memoryLimit = 256 << 20
)

// Tune sets the garbage collector of this process as workers have it, and returns what restores it. Where GOGC or
// GOMEMLIMIT is set, that decides.
func Tune() (restore func()) {
	percent, limit := debug.SetGCPercent(collectAt), debug.SetMemoryLimit(memoryLimit)
	if os.Getenv("GOGC") != "" {
		debug.SetGCPercent(percent)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		debug.SetMemoryLimit(limit)
	}
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}
