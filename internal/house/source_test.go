package house

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// checkPackageComments wants one package comment a package, in doc.go, that
// opens with the package's charter.
func checkPackageComments(tr *tree) (wrong []string) {
	var pkgs []string
	documented := map[string]bool{}
	for _, f := range tr.code {
		if !slices.Contains(pkgs, f.pkg) {
			pkgs = append(pkgs, f.pkg)
		}
		if f.ast.Doc == nil {
			continue
		}
		if path.Base(f.path) != "doc.go" {
			wrong = append(wrong, fmt.Sprintf("%s: a package comment outside doc.go; move it there, or put a blank line after it", tr.at(f.ast.Doc)))
			continue
		}
		documented[f.pkg] = true
		opening := "Package " + f.ast.Name.Name + " "
		if f.ast.Name.Name == "main" {
			opening = "Command " + path.Base(f.pkg) + " "
		}
		if text := f.ast.Doc.Text(); !strings.HasPrefix(text, opening) || !strings.Contains(text, ".") {
			wrong = append(wrong, fmt.Sprintf("%s: the package comment does not open with its charter, %q …", tr.at(f.ast.Doc), opening))
		}
	}
	for _, pkg := range pkgs {
		if !documented[pkg] {
			wrong = append(wrong, fmt.Sprintf("%s: package without a comment in doc.go", pkg))
		}
	}
	return wrong
}

// maxLines is the length beyond which a file holds more than one idea.
const maxLines = 600

// longFiles are the files that are longer, with the length they may have. The
// list only ever gets shorter.
var longFiles = map[string]int{}

func checkLength(tr *tree, allowed map[string]int) (wrong []string) {
	for _, p := range tr.paths(".go") {
		lines := bytes.Count(tr.text[p], []byte("\n"))
		may, listed := allowed[p]
		switch {
		case listed && lines <= maxLines:
			wrong = append(wrong, fmt.Sprintf("%s: %d lines: strike it from longFiles in internal/house/source_test.go", p, lines))
		case listed && lines < may:
			wrong = append(wrong, fmt.Sprintf("%s: %d lines: lower its figure in longFiles in internal/house/source_test.go from %d", p, lines, may))
		case listed && lines > may:
			wrong = append(wrong, fmt.Sprintf("%s: %d lines, more than the %d that longFiles grants", p, lines, may))
		case !listed && lines > maxLines:
			wrong = append(wrong, fmt.Sprintf("%s: %d lines, at most %d; is it still one idea?", p, lines, maxLines))
		}
	}
	for p := range allowed {
		if tr.text[p] == nil {
			wrong = append(wrong, fmt.Sprintf("%s: in longFiles and not there", p))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// search is a pattern and the plain words without one of which it cannot match;
// looking for those first makes a large golden file cheap.
type search struct {
	words []string
	re    *regexp.Regexp
	what  string
}

var (
	// The words are put together here so that this file is clean of them.
	leftoverWords = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "not imple" + "mented", "unimple" + "mented", "st" + "ub"}
	leftovers     = search{leftoverWords, regexp.MustCompile(strings.Join(leftoverWords, "|")), "left over"}
	// A folder of one machine, at the start of a path: not within an address.
	machinePaths = search{
		[]string{"/wo" + "rk/", "/ro" + "ot/", "/fa" + "rm/", "/tm" + "p/", "/ho" + "me/"},
		regexp.MustCompile("(?:^|[\\s\"'`(=:,])/(?:work|root|farm|tmp|home)/[^\\s\"'`)]*"), "a path of one machine",
	}
	// The hosts that packages come from are the user's to configure.
	registries = search{
		[]string{"golang.org", "goproxy.", "npmjs.org", "npmmirror.com", "docker.io", "ghcr.io", "quay.io", "gcr.io", "debian.org", "mirrors."},
		regexp.MustCompile(`\b(?:proxy\.golang\.org|goproxy\.(?:cn|io)|sum\.golang\.org|registry\.npmjs\.org|registry\.npmmirror\.com|docker\.io|ghcr\.io|quay\.io|gcr\.io|deb\.debian\.org|mirrors\.[a-z]+\.(?:com|cn|edu\.cn))\b`), "a package host",
	}
)

// checkLeftovers finds notes to oneself, folders of one machine and package
// hosts in whatever is text.
func checkLeftovers(tr *tree) (wrong []string) {
	find := func(p string, s search) {
		if !slices.ContainsFunc(s.words, func(w string) bool { return bytes.Contains(tr.text[p], []byte(w)) }) {
			return
		}
		for i, line := range strings.Split(string(tr.text[p]), "\n") {
			if m := s.re.FindString(line); m != "" {
				wrong = append(wrong, fmt.Sprintf("%s:%d: %s: %s", p, i+1, s.what, strings.Trim(m, " \t\"'`(=:,")))
			}
		}
	}
	for _, p := range tr.paths(".go", ".md", ".sh", ".html", ".tmpl") {
		find(p, leftovers)
	}
	for _, p := range tr.paths("") {
		if p == "go.sum" || p == "LICENSE" {
			continue
		}
		find(p, machinePaths)
		if p != "internal/house/source_test.go" {
			find(p, registries)
		}
	}
	return wrong
}
