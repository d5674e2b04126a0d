package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "yunjian"

// tree is a repository: its text files, and its Go files parsed.
type tree struct {
	text  map[string][]byte // by path from the root; binary files left out
	known map[string]bool   // every file and folder
	fset  *token.FileSet
	code  []goFile // by path
}

type goFile struct {
	path, pkg string // pkg is the folder
	test      bool
	ast       *ast.File
}

// skipped are folders that are not the repository's own text.
var skipped = []string{".git", "bin", "dist", "data", "node_modules", "vendor"}

func load(t *testing.T, fsys fs.FS) *tree {
	t.Helper()
	tr := &tree{text: map[string][]byte{}, known: map[string]bool{}, fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(skipped, p) {
			return fs.SkipDir
		}
		tr.known[p] = true
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		if bytes.IndexByte(text, 0) >= 0 {
			return nil
		}
		tr.text[p] = text
		if strings.HasSuffix(p, ".go") && !slices.Contains(strings.Split(p, "/"), "testdata") {
			file, err := parser.ParseFile(tr.fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			tr.code = append(tr.code, goFile{path: p, pkg: path.Dir(p), test: strings.HasSuffix(p, "_test.go"), ast: file})
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read the tree: %v", err)
	}
	return tr
}

// paths are the text files whose name ends in one of the suffixes, sorted.
func (tr *tree) paths(suffixes ...string) []string {
	var out []string
	for p := range tr.text {
		if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(p, s) }) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// exists reports whether a file or folder stands at a path from the root.
func (tr *tree) exists(p string) bool { return tr.known[path.Clean(p)] }

// imports calls visit for each import of a file.
func (tr *tree) imports(f goFile, visit func(imported, at string)) {
	for _, s := range f.ast.Imports {
		visit(strings.Trim(s.Path.Value, `"`), tr.at(s))
	}
}

func (tr *tree) at(n ast.Node) string {
	p := tr.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// own returns the folder of a package of this module.
func own(imported string) (string, bool) { return strings.CutPrefix(imported, module+"/") }
