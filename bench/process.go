package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// server is a peer running as a child process on a loopback port.
type server struct {
	address string // http://127.0.0.1:PORT
	command *exec.Cmd
	log     bytes.Buffer
	exited  chan error
	ended   sync.WaitGroup
}

// serve starts a program and waits until path answers 200. %s in args is the
// address to listen at.
func serve(ctx context.Context, path, program string, args ...string) (*server, error) {
	if _, err := exec.LookPath(program); err != nil {
		return nil, fmt.Errorf("%s is not installed: %w", program, errAbsent)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	listener.Close()
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "%s", address)
	}
	s := &server{address: "http://" + address, command: exec.CommandContext(ctx, program, args...), exited: make(chan error, 1)}
	s.command.Stdout, s.command.Stderr = &s.log, &s.log
	// A peer must not outlive the benchmark, even one that is killed.
	s.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	s.ended.Go(func() { s.exited <- s.command.Wait() })
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		select {
		case err := <-s.exited:
			return nil, fmt.Errorf("%s ended while starting: %w\n%s", program, err, s.log.Bytes())
		case <-time.After(20 * time.Millisecond):
		}
		r, err := http.Get(s.address + path)
		if err != nil {
			continue
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK {
			return s, nil
		}
	}
	s.kill()
	return nil, fmt.Errorf("%s does not answer at %s%s\n%s", program, s.address, path, s.log.Bytes())
}

// stop ends the process as an operator would, so that it writes what it holds.
func (s *server) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.exited:
		return err
	case <-time.After(2 * time.Minute):
		s.kill()
		return fmt.Errorf("%s did not end within two minutes", s.command.Path)
	}
}

// size is the length of all files below the folders.
func size(folders ...string) (int64, error) {
	var n int64
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) { // merged away meanwhile
				return nil
			}
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			n += info.Size()
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// kill ends a process that has nothing left to write.
func (s *server) kill() {
	_ = s.command.Process.Kill() // it may have ended by itself
	s.ended.Wait()
}
