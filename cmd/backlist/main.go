// Command backlist is the reading site and its back office; run it without arguments for the list of commands.
package main

import (
	"os"
	_ "time/tzdata" // readers' time zones, on machines that have none of their own

	"github.com/backlist/backlist/internal/app"
)

func main() { os.Exit(app.Main()) }
