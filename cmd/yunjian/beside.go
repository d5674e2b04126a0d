package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"yunjian/internal/auth"
	"yunjian/internal/config"
	"yunjian/internal/control"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/sheet"
)

// beside are the commands, each with those below it, that go beside the daemon:
// called while it holds the data folder, they are run by it, with the input, output
// and files of whoever called. What they do to a file they do through filesOf.
//
// backup, check, compact, journal and history stats have a way of their own: see
// keeper.
var beside = []string{"account", "token", "notice", "owner", "bill", "tally", "report", "explain", "audit", "policy diff", "send list", "send retry", "send drop"}

// goesBeside reports whether a command is one of beside.
func goesBeside(cmd *cobra.Command) bool {
	path := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	return slices.ContainsFunc(beside, func(of string) bool { return path == of || strings.HasPrefix(path, of+" ") })
}

// askDaemons has the commands below cmd that go beside the daemon look for one
// first. args is how the program was called.
func askDaemons(cmd *cobra.Command, args []string) {
	for _, c := range cmd.Commands() {
		askDaemons(c, args)
	}
	flag := cmd.Flags().Lookup("config")
	if flag == nil || !goesBeside(cmd) {
		return
	}
	here := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, positional []string) error {
		path := flag.Value.String()
		if path == "" { // it says so, or needs none
			return here(cmd, positional)
		}
		cfg, err := loadConfig(cmd, path)
		if err != nil {
			return err
		}
		daemon, asked := control.Dial(cmd.Context(), cfg.DataDir)
		if asked != nil {
			err = here(cmd, positional)
			if errors.Is(err, pipeline.ErrHeld) { // after waiting in vain: a daemon may have come up
				daemon, asked = control.Dial(cmd.Context(), cfg.DataDir)
			}
			if !errors.Is(err, pipeline.ErrHeld) && !errors.Is(err, fs.ErrPermission) {
				return err
			}
		}
		if asked != nil {
			return notAsked(cfg.DataDir, asked, err)
		}
		return runThere(cmd, daemon, args, path)
	}
}

// runThere has the daemon run the command that this process was called for.
func runThere(cmd *cobra.Command, daemon *control.Client, args []string, config string) error {
	full, err := filepath.Abs(config)
	if err != nil {
		return err
	}
	end, err := daemon.Run(cmd.Context(), control.Command{
		Args: args, Config: full, InputTerminal: isTerminal(cmd.InOrStdin()), ErrorsTerminal: isTerminal(cmd.ErrOrStderr()),
	}, control.Local{
		In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), Files: control.Disk{},
		Secret: func(ctx context.Context, label string) (string, error) {
			return readSecret(ctx, cmd.InOrStdin(), cmd.ErrOrStderr(), label)
		},
	})
	switch {
	case err != nil:
		return err
	case end.Code == exitDone:
		return nil
	case end.Code == exitUsage:
		return usage(errors.New(end.Message))
	}
	return errors.New(end.Message)
}

// isTerminal reports whether a stream is a terminal, of this process or of a client.
func isTerminal(stream any) bool {
	switch s := stream.(type) {
	case *os.File:
		return term.IsTerminal(int(s.Fd()))
	case *control.Stream:
		return s.Terminal()
	case *control.Console:
		return s.InputTerminal()
	}
	return false
}

// readSecret asks at a terminal for what must not be seen, and leaves the terminal
// as it was where ctx ends first.
func readSecret(ctx context.Context, in io.Reader, say io.Writer, label string) (string, error) {
	file, ok := in.(*os.File)
	if !ok {
		return "", fmt.Errorf("ask for %s: there is no terminal", label)
	}
	before, err := term.GetState(int(file.Fd()))
	if err != nil {
		return "", fmt.Errorf("ask for %s: %w", label, err)
	}
	fmt.Fprintf(say, "%s: ", label)
	type typed struct {
		text []byte
		err  error
	}
	got := make(chan typed, 1)
	go func() { // a read of a terminal cannot be ended
		text, err := term.ReadPassword(int(file.Fd()))
		got <- typed{text, err}
	}()
	defer fmt.Fprintln(say)
	select {
	case t := <-got:
		return string(t.text), t.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(int(file.Fd()), before))
	}
}

// aside is what a command that the daemon runs stands on in place of its own.
type aside struct {
	data   *pipeline.Data
	record auth.Recorder
	config string // absolute path of the client's --config
	files  control.Files
}

type asideKey struct{}

// asideOf is the daemon's part where the daemon runs the command, else nil.
func asideOf(ctx context.Context) *aside {
	a, _ := ctx.Value(asideKey{}).(*aside)
	return a
}

// filesOf are the files that were named on the command line: the caller's, whoever
// runs the command. What the configuration names is read by who runs it.
func filesOf(ctx context.Context) control.Files {
	if a := asideOf(ctx); a != nil {
		return a.files
	}
	return control.Disk{}
}

// tablesOf reads those of filesOf that are tables.
func tablesOf(ctx context.Context) sheet.Reader {
	return func(path string) ([]byte, error) {
		text, err := filesOf(ctx).ReadFile(path, sheet.MaxBytes)
		if err != nil {
			return nil, fmt.Errorf("open file: %w", err)
		}
		if len(text) > sheet.MaxBytes {
			return nil, fmt.Errorf("read file %s: larger than %d MiB", path, sheet.MaxBytes>>20)
		}
		return text, nil
	}
}

// operatorOf is what the operating system calls whoever called the command.
func operatorOf(ctx context.Context) string {
	return strings.TrimPrefix(journal.WhoOf(ctx).Actor, "cli:")
}

// load reads the configuration that the client named. Its data folder must be
// the daemon's: no other is open.
func (a *aside) load() (config.Config, error) {
	cfg, err := config.Load(a.config)
	if err != nil {
		return cfg, usage(fmt.Errorf("the daemon, which runs the command, reads the configuration: %w", err))
	}
	theirs, err := os.Stat(cfg.DataDir)
	if err != nil {
		return cfg, fmt.Errorf("open data folder: %w", err)
	}
	ours, err := os.Stat(a.data.Dir)
	if err != nil {
		return cfg, fmt.Errorf("open data folder: %w", err)
	}
	if !os.SameFile(theirs, ours) {
		return cfg, usage(fmt.Errorf("data_dir of %s is %s, and that of the daemon %s: want the same", a.config, cfg.DataDir, a.data.Dir))
	}
	return cfg, nil
}

// runCommand runs a command for a client over the daemon's open data folder.
func (d *daemon) runCommand(ctx context.Context, c control.Command, client *control.Console) control.End {
	root := newRoot()
	cmd, _, err := root.Find(c.Args)
	if err != nil || !goesBeside(cmd) {
		return control.End{Code: exitUsage, Message: "this command does not go beside the daemon: stop the daemon first"}
	}
	root.SetArgs(c.Args)
	root.SetIn(client)
	root.SetOut(client.Out())
	root.SetErr(client.Err())
	err = root.ExecuteContext(context.WithValue(ctx, asideKey{}, &aside{data: d.data, record: d.recordAuth, config: c.Config, files: client}))
	if cmd.Name() == "audit" {
		d.audited()
	}
	if err == nil {
		return control.End{}
	}
	return control.End{Code: exitCode(err), Message: err.Error()}
}

// audited shows on /metrics the audit that is stored as the latest.
func (d *daemon) audited() {
	a, ok, err := d.data.LatestAudit()
	if err != nil {
		d.log.Warn().Err(err).Msg("read the latest audit")
		return
	}
	if ok {
		d.metrics.Audited(a)
	}
}
