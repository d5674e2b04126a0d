package house

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// libraries are the modules that judging packages stand on. The standard
// library is open to them except for impure.
var libraries = []string{
	"github.com/prometheus/common/model",
	"github.com/shopspring/decimal",
	"go.yaml.in/yaml/v3",
}

// impure are the standard packages by which the world gets in, with all below
// them.
var impure = []string{"os", "net", "net/http", "log", "syscall", "io/ioutil", "plugin", "crypto/rand", "database/sql", "testing", "runtime/debug"}

// impureNames are the names by which the world gets in through packages that
// are else pure. Of math/rand only generators with a given seed are pure.
var impureNames = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local", "LoadLocation"},
	"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
}

var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewSource", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}

func checkPurity(tr *tree) (wrong []string) {
	for _, f := range tr.code {
		if r := rank(f.pkg); f.test || r < 0 || r >= pure {
			continue
		}
		names := map[string]string{} // local name → import path
		tr.imports(f, func(imported, at string) {
			names[localName(f.ast, imported)] = imported
			_, inside := own(imported)
			switch {
			case inside: // as pure as its layer
			case strings.Contains(strings.Split(imported, "/")[0], "."):
				if !slices.Contains(libraries, imported) {
					wrong = append(wrong, fmt.Sprintf("%s: %s judges and imports %s, which is not in the list of internal/house/purity_test.go", at, f.pkg, imported))
				}
			case slices.ContainsFunc(impure, func(p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") }):
				wrong = append(wrong, fmt.Sprintf("%s: %s judges and imports %s", at, f.pkg, imported))
			}
		})
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			imported := names[x.Name]
			random := (imported == "math/rand" || imported == "math/rand/v2") && !slices.Contains(seeded, sel.Sel.Name)
			if random || slices.Contains(impureNames[imported], sel.Sel.Name) {
				wrong = append(wrong, fmt.Sprintf("%s: %s judges and uses %s.%s", tr.at(sel), f.pkg, imported, sel.Sel.Name))
			}
			return true
		})
	}
	return wrong
}

// localName is the name by which a file knows an import: its own, or the last
// part of the path that is not a version.
func localName(f *ast.File, imported string) string {
	for _, s := range f.Imports {
		if s.Name != nil && strings.Trim(s.Path.Value, `"`) == imported {
			return s.Name.Name
		}
	}
	parts := strings.Split(imported, "/")
	last := parts[len(parts)-1]
	if len(parts) > 1 && len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
		return parts[len(parts)-2]
	}
	return last
}
