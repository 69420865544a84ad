//go:build !linux

package formation

import "syscall"

// attributes give a child a process group of its own, because a Ctrl-C at the terminal must reach only this process, which
// stops its children in order. The system continues a paused child when its group is orphaned.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
