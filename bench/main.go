package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// commands are what bench does; those called child-… are started by it.
var commands = map[string]func(ctx context.Context, args []string) error{
	"peers":       peers,
	"limit":       limit,
	"scale":       scale,
	"child-serve": childServe,
	"child-day":   childDay,
	"child-load":  childLoad,
	"child-audit": childAudit,
	"child-grow":  childGrow,
	"child-open":  childOpen,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := errors.New("usage: bench peers|limit|scale [-h]")
	if len(os.Args) > 1 {
		if run, ok := commands[os.Args[1]]; ok {
			err = run(ctx, os.Args[2:])
		}
	}
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// session is one run of a command: its report, and a folder for its data.
type session struct {
	report
	command  string
	root     string
	json     string
	markdown string
	folder   string
}

// parse reads the flags, among them those that every command has.
func (s *session) parse(command string, flags *flag.FlagSet, args []string) error {
	flags.StringVar(&s.json, "json", "", "write everything measured to this `file`")
	flags.StringVar(&s.markdown, "markdown", "", "put the tables into this document, between its lines <!-- bench "+command+" --> and <!-- end "+command+" -->")
	flags.StringVar(&s.folder, "dir", "", "`folder` for the data, on the disk to be measured (default: the system's for temporary files)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s takes no argument: found %q", command, flags.Arg(0))
	}
	s.command = command
	s.Command = "bench " + command
	flags.Visit(func(f *flag.Flag) {
		if f.Name != "json" && f.Name != "markdown" && f.Name != "dir" && f.Name != "bundle" {
			s.Command += " -" + f.Name + "=" + f.Value.String()
		}
	})
	s.Machine = thisMachine()
	var err error
	s.root, err = os.MkdirTemp(s.folder, "yunjian-bench-")
	return err
}

// scratch makes a folder below the session's own.
func (s *session) scratch(name string) (string, error) {
	return os.MkdirTemp(s.root, strings.ReplaceAll(name, " ", "-")+"-")
}

// finish removes the data, sums up and writes the report.
func (s *session) finish(err error) error {
	if gone := os.RemoveAll(s.root); err == nil {
		err = gone
	}
	if err != nil {
		return err
	}
	missed, of := s.missed()
	fmt.Printf("\n%s\n%d of %d bars met\n", s.Machine, of-missed, of)
	if s.json != "" {
		if err := s.writeJSON(s.json); err != nil {
			return err
		}
	}
	if s.markdown != "" {
		return s.writeMarkdown(filepath.Clean(s.markdown), s.command)
	}
	return nil
}
