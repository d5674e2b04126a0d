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
	s.close()
	return nil, fmt.Errorf("%s does not answer at %s%s\n%s", program, s.address, path, s.log.Bytes())
}

// close ends the process at once: what it holds has been measured and will be
// removed. Asked to end, VictoriaMetrics would now and then panic over a forced
// merge that it still counts.
func (s *server) close() {
	_ = s.command.Process.Kill() // it may have ended by itself
	s.ended.Wait()
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
