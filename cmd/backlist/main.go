// Command backlist is the reading site and its back office; run it without arguments for the list of commands.
package main

import (
	"os"
	_ "time/tzdata" // for machines without a time zone database

	"github.com/backlist/backlist/internal/app"
)

func main() { os.Exit(app.Main()) }
