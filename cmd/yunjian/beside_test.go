package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// alone are the commands with --config that do not go beside the daemon, and why.
var alone = map[string]string{
	"serve":        "it is the daemon",
	"collect":      "the daemon does it on schedule",
	"import":       "it writes the history for long",
	"restore":      "it replaces what is open",
	"backtest":     "it takes as much memory as it finds",
	"calendar":     "it opens no data folder",
	"calendar due": "it opens no data folder",
	"send test":    "it opens no data folder",

	"backup": "keeper", "check": "keeper", "compact": "keeper", "history stats": "keeper", "journal verify": "keeper", "journal show": "keeper",
}

// Of each command that opens the data folder it is decided whether it goes beside the
// daemon.
func TestEveryCommandIsDecided(t *testing.T) {
	t.Parallel()
	left := maps.Clone(alone)
	each(newRoot(), func(cmd *cobra.Command) {
		path := strings.TrimPrefix(cmd.CommandPath(), "yunjian ")
		if cmd.Flags().Lookup("config") != nil {
			delete(left, path)
		}
		if _, kept := alone[path]; cmd.Flags().Lookup("config") != nil && goesBeside(cmd) == kept {
			t.Errorf("%s: want it in beside, or in alone with the reason", path)
		}
	})
	for path := range left {
		t.Errorf("%s: there is no such command with --config", path)
	}
}

func each(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, c := range cmd.Commands() {
		each(c, do)
	}
}

// A command that goes beside the daemon is run there: of the process it may not ask
// what is the caller's, such as files that are named to it, its input, user or
// environment.
func TestBesideAsksTheCaller(t *testing.T) {
	t.Parallel()
	// Of what does not go beside the daemon, of the daemon, and of either side of going
	// beside it.
	others := []string{"access.go", "backup.go", "beside.go", "calendar.go", "demo.go", "generate.go", "journal.go", "main.go", "policy.go", "serve.go", "simulate.go", "sources.go"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") || slices.Contains(others, name) })
	if len(files) < 20 {
		t.Fatalf("only %v are looked at", files)
	}
	allowed := []string{"os.PathSeparator"}
	configured := []string{"channels.go", "notice.go"} // ca_file, workflow_file: what the configuration names is the daemon's to read
	packages := []string{"os", "os/user", "os/signal", "golang.org/x/term"}
	for _, name := range files {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		var watched []string
		for _, imported := range file.Imports {
			if path, _ := strconv.Unquote(imported.Path.Value); slices.Contains(packages, path) {
				watched = append(watched, filepath.Base(path))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && slices.Contains(watched, x.Name) && !slices.Contains(allowed, x.Name+"."+n.Sel.Name) {
					t.Errorf("%s: %s.%s is the daemon's when the command goes beside it: see filesOf, operatorOf and isTerminal", fset.Position(n.Pos()), x.Name, n.Sel.Name)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "readInput" && !slices.Contains(configured, name) {
					t.Errorf("%s: readInput reads what the daemon sees: see filesOf", fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// The daemon makes the tree of commands for each one that it runs: nothing may keep
// it.
func TestCommandsAreForgotten(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 1)
	root := newRoot()
	runtime.AddCleanup(root, func(struct{}) { gone <- struct{}{} }, struct{}{})
	root.SetArgs([]string{"notice", "list", "--help"})
	root.SetOut(new(strings.Builder))
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	root = nil
	for range 20 {
		runtime.GC()
		select {
		case <-gone:
			return
		default:
			runtime.Gosched()
		}
	}
	t.Error("the tree of commands is kept after it was used")
}
