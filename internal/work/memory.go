package work

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// rss returns this process's resident memory in bytes. On systems other than Linux it is the memory that Go has from the system.
func rss() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if fields := strings.Fields(string(statm)); err == nil && len(fields) > 1 {
		if pages, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
			return pages * int64(os.Getpagesize())
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
