package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/backlist/backlist/internal/drill"
)

// clockSource overrides the C library's wall clock and adds CLOCK_SHIFT seconds to it. Go programs do not use the C
// library's clock, so workers keep the right time.
const clockSource = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift(void) {
	const char *s = getenv("CLOCK_SHIFT");
	return s ? atol(s) : 0;
}

int gettimeofday(struct timeval *tv, void *tz) {
	static int (*real)(struct timeval *, void *);
	if (!real) real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
	int r = real(tv, tz);
	if (r == 0 && tv) tv->tv_sec += shift();
	return r;
}

int clock_gettime(clockid_t id, struct timespec *ts) {
	static int (*real)(clockid_t, struct timespec *);
	if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int r = real(id, ts);
	if (r == 0 && id == CLOCK_REALTIME) ts->tv_sec += shift();
	return r;
}

time_t time(time_t *t) {
	struct timeval tv;
	gettimeofday(&tv, 0);
	if (t) *t = tv.tv_sec;
	return tv.tv_sec;
}
`

// compileClock compiles clockSource to a shared object that all users may read, because Postgres may run as another user.
func compileClock(ctx context.Context, to string) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("%w: a dynamic linker that preloads (Linux)", drill.ErrLacking)
	}
	compiler, err := exec.LookPath("cc")
	if err != nil {
		return fmt.Errorf("%w: a C compiler (cc), to shift the server's clock", drill.ErrLacking)
	}
	cmd := exec.CommandContext(ctx, compiler, "-shared", "-fPIC", "-O1", "-x", "c", "-o", to, "-", "-ldl")
	cmd.Stdin = strings.NewReader(clockSource)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the clock: %w: %s", err, out)
	}
	return os.Chmod(to, 0o755)
}
