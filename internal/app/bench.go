package app

import (
	"context"
	"errors"
	"flag"
)

type benchFlags struct{}

func setBenchFlags(*flag.FlagSet, *program) {}

func runBenchWeb(context.Context, *program, []string) error { return errors.New("not yet") }
