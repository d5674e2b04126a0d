package house

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// step is one thing that a document asks to do.
type step struct {
	number  int    // line in the document
	file    string // to write
	content string
	command string // to run
	output  string // expected of the command; empty: not looked at
}

// steps are the marked blocks of a document as things to do.
func (d document) steps() (out []step, err error) {
	for _, b := range d.blocks {
		words := strings.Fields(b.info)
		if len(words) != 2 {
			continue
		}
		if name, ok := strings.CutPrefix(words[1], "file="); ok {
			if !filepath.IsLocal(name) {
				return nil, fmt.Errorf("%s:%d: writes %s, outside the document's folder", d.path, b.number, name)
			}
			out = append(out, step{number: b.number, file: name, content: strings.Join(b.lines, "\n") + "\n"})
			continue
		}
		if words[0] != "console" || words[1] != "run" {
			continue
		}
		started := false
		for i, s := range b.lines {
			if command, ok := strings.CutPrefix(s, "$ "); ok {
				out = append(out, step{number: b.number + i + 1, command: command})
				started = true
			} else if started {
				out[len(out)-1].output += s + "\n"
			} else {
				return nil, fmt.Errorf("%s:%d: output before the first command", d.path, b.number+i+1)
			}
		}
	}
	return out, nil
}

// matches reports whether output is what a document shows, in which "…" stands
// for anything and on a line of its own for any lines.
func matches(shown, output string) bool {
	var b strings.Builder
	b.WriteString(`\A`)
	for s := range strings.Lines(strings.TrimRight(shown, "\n") + "\n") {
		s = strings.TrimRight(s, "\n")
		if strings.TrimSpace(s) == "…" {
			b.WriteString(`(?s:.*)`)
			continue
		}
		parts := strings.Split(s, "…")
		for i, p := range parts {
			parts[i] = regexp.QuoteMeta(p)
		}
		b.WriteString(strings.Join(parts, `[^\n]*`) + `\n`)
	}
	b.WriteString(`\s*\z`)
	return regexp.MustCompile(b.String()).MatchString(strings.TrimRight(output, "\n") + "\n")
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		shown, output string
		want          bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a\nb", true},
		{"a\n", "a\nb\n", false},
		{"a\nb\n", "a\n", false},
		{"took … s\n", "took 1.5 s\n", true},
		{"took … s\n", "took 1.5\n s\n", false},
		{"a\n…\nz\n", "a\nb\nc\nz\n", true},
		{"a\n…\nz\n", "a\nz\n", true},
		{"a\n…\n", "a\nb\nc\n", true},
		{"1.5\n", "1x5\n", false},
	} {
		if got := matches(c.shown, c.output); got != c.want {
			t.Errorf("%q shown, %q printed: %t", c.shown, c.output, got)
		}
	}
}

// TestDocumentsRun does what the marked blocks of the documents say.
func TestDocumentsRun(t *testing.T) {
	tr := load(t, os.DirFS(root))
	byDocument := map[string][]step{}
	for _, d := range tr.documents() {
		steps, err := d.steps()
		if err != nil {
			t.Error(err)
		}
		if len(steps) > 0 {
			byDocument[d.path] = steps
		}
	}
	if len(byDocument) == 0 {
		t.Skip("no document has a block marked `console run`")
	}
	bin := filepath.Join(t.TempDir(), "yunjian")
	// As the Makefile builds, so that the build is made once.
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", bin, "./cmd/yunjian")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	for path, steps := range byDocument {
		t.Run(path, func(t *testing.T) {
			runSteps(t, bin, path, steps)
		})
	}
}

func runSteps(t *testing.T, bin, path string, steps []step) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(bin, filepath.Join(dir, "bin", "yunjian")); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.file != "" {
			if err := os.WriteFile(filepath.Join(dir, s.file), []byte(s.content), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		cmd := exec.CommandContext(ctx, "sh", "-euc", s.command)
		var stdout, stderr bytes.Buffer
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
		cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
		err := cmd.Run()
		cancel()
		if err != nil {
			t.Fatalf("%s:%d: $ %s: %v\n%s%s", path, s.number, s.command, err, &stdout, &stderr)
		}
		if s.output != "" && !matches(s.output, stdout.String()) {
			t.Errorf("%s:%d: $ %s printed\n%s\nand the document shows\n%s", path, s.number, s.command, &stdout, s.output)
		}
	}
}
