package formation

import "syscall"

// attributes give a child a process group of its own, because a Ctrl-C at the terminal must reach only this process, which
// stops its children in order. A paused child continues at the end of this process, even if this process is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGCONT}
}
