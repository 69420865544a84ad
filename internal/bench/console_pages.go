package bench

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// patternName is the name of a part of a pattern.
var patternName = regexp.MustCompile(`\{[^}]*\}`)

// ConsoleAddresses returns what to ask of the pages with these patterns, in a database that FillSurface has filled. Pages that
// are asked in several ways are there several times.
func ConsoleAddresses(root string, patterns []string, size SurfaceSize) ([]string, error) {
	step := keptOfEach(size.Finished, attemptsKept)
	middle := strconv.Itoa(size.Finished/2/step*step + 1) // a job with a stored attempt
	ways := map[string][]string{
		"/": {"", "?past=24h", "?past=30d"},
		"/jobs": {
			"/jobs", "/jobs?q=state:discarded", "/jobs?q=kind:kind_7", "/jobs?q=queue:mail+since:1h", "/jobs?q=args.reader_id:77", "/jobs?q=error:f3",
		},
		"/jobs/{}":      {"/jobs/" + middle},
		"/jobs/{}/copy": {"/jobs/" + middle + "/copy"},
		"/errors/{}":    {"/errors/f3"},
	}
	var addresses []string
	for _, pattern := range patterns {
		asked, known := ways[patternName.ReplaceAllString(pattern, "{}")]
		if !known {
			if strings.Contains(pattern, "{") {
				return nil, fmt.Errorf("bench console does not know an address for the page %s", pattern)
			}
			asked = []string{pattern}
		}
		for _, way := range asked {
			addresses = append(addresses, root+way)
		}
	}
	return addresses, nil
}
