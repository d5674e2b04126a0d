package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// sequential are the packages that the Makefile tests without the race detector.
var sequential = regexp.MustCompile(`(?m)^SEQUENTIAL := (.+)$`)

// What is tested without the race detector starts nothing that runs beside it.
func TestSequentialPackagesAreSo(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	m := sequential.FindSubmatch(text)
	if m == nil {
		t.Fatal("the Makefile names no sequential packages")
	}
	for _, pkg := range strings.Fields(string(m[1])) {
		files, err := filepath.Glob(filepath.Join(root, pkg, "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", pkg, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range f.Imports {
				if path, _ := strconv.Unquote(i.Path.Value); path == "sync" || strings.HasPrefix(path, "sync/") || strings.HasSuffix(path, "/errgroup") {
					t.Errorf("%s imports %s: take the package out of SEQUENTIAL in the Makefile", file, path)
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if g, ok := n.(*ast.GoStmt); ok {
					t.Errorf("%s starts a goroutine: take the package out of SEQUENTIAL in the Makefile", set.Position(g.Pos()))
				}
				return true
			})
		}
	}
}
