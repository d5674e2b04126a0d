package house

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// root is the repository's, seen from this package.
const root = "../.."

var checks = map[string]func(*tree) []string{
	"layers":           checkLayers,
	"purity":           checkPurity,
	"package comments": checkPackageComments,
	"length":           func(tr *tree) []string { return checkLength(tr, longFiles) },
	"leftovers":        checkLeftovers,
	"links":            checkLinks,
	"commands":         checkCommands,
}

// TestHouse holds the repository to its own rules.
func TestHouse(t *testing.T) {
	tr := load(t, os.DirFS(root))
	if len(tr.code) == 0 || tr.text["go.mod"] == nil {
		t.Fatal("no repository here")
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for _, w := range check(tr) {
				t.Error(w)
			}
		})
	}
}

// TestLayersAgree wants every import allowed sideways to stay within a layer.
func TestLayersAgree(t *testing.T) {
	for pkg, allowed := range sideways {
		for _, to := range allowed {
			if rank(pkg) < 0 || rank(pkg) != rank(to) {
				t.Errorf("%s and %s do not share a layer", pkg, to)
			}
		}
	}
	if rank("ledger") != pure-1 || rank("collector") != pure {
		t.Errorf("pure is %d: ledger is the last layer that judges, collector begins the machinery", pure)
	}
}

// TestHouseNotices breaks each rule in a small tree and wants it said.
func TestHouseNotices(t *testing.T) {
	long := "package p\n" + strings.Repeat("\n", maxLines)
	alibaba := `import _ "` + sdk + `/sdk"`
	tests := map[string]struct {
		check func(*tree) []string
		files map[string]string
		want  []string
	}{
		"an import upwards": {checkLayers, map[string]string{
			"cloud/a.go":           `package cloud; import _ "yunjian/price"`,
			"collector/a.go":       `package collector; import _ "yunjian/internal/pipeline"`,
			"internal/web/a.go":    `package web; import _ "yunjian/cmd/yunjian"`,
			"analyzer/a.go":        `package analyzer; import _ "yunjian/recommender"`,
			"internal/store/ok.go": `package store; import _ "yunjian/audit"`,
		}, []string{
			"analyzer/a.go:1: analyzer imports recommender, which stands above it",
			"cloud/a.go:1: cloud imports price, which stands above it",
			"collector/a.go:1: collector imports internal/pipeline, which stands above it",
			"internal/web/a.go:1: internal/web imports cmd/yunjian, which stands above it",
		}},
		"an import sideways": {checkLayers, map[string]string{
			"price/a.go":               `package price; import _ "yunjian/policies"`,
			"internal/history/a.go":    `package history; import _ "yunjian/internal/store"`,
			"collector/bundle/ok.go":   `package bundle; import _ "yunjian/collector"`,
			"internal/store/a_test.go": `package store; import _ "yunjian/internal/estate"`,
		}, []string{
			"internal/history/a.go:1: internal/history imports internal/store, which stands beside it",
			"price/a.go:1: price imports policies, which stands beside it",
		}},
		"a test of judgement may read traces, and not run the daemon": {checkLayers, map[string]string{
			"analyzer/a_test.go": `package analyzer_test; import _ "yunjian/collector/bundle"`,
			"analyzer/b_test.go": `package analyzer_test; import _ "yunjian/internal/pipeline"`,
		}, []string{"analyzer/b_test.go:1: analyzer imports internal/pipeline, which stands above it"}},
		"a package without a layer": {checkLayers, map[string]string{
			"util/a.go": `package util; import _ "yunjian/cmd/yunjian"`,
			"util/b.go": `package util`,
		}, []string{"util/a.go: package util has no layer; place it in internal/house/layers_test.go"}},
		"the SDK elsewhere": {checkLayers, map[string]string{
			"collector/a.go":              "package collector; " + alibaba,
			"collector/aliyun/ok.go":      "package aliyun; " + alibaba,
			"internal/simcloud/a.go":      "package simcloud; " + alibaba,
			"internal/simcloud/a_test.go": "package simcloud; " + alibaba,
		}, []string{
			"collector/a.go:1: collector imports the Alibaba SDK; only collector/aliyun may",
			"internal/simcloud/a.go:1: internal/simcloud imports the Alibaba SDK; only collector/aliyun may",
		}},
		"the world in judgement": {checkPurity, map[string]string{
			"price/a.go": `package price
import (
	"embed"
	"net/http"
	"os/exec"
	clock "time"
	"math/rand/v2"
	"github.com/rs/zerolog"
	"github.com/shopspring/decimal"
)
var a = clock.Now()
var b = clock.UTC
var c = rand.IntN(6)
var d = rand.New(rand.NewPCG(1, 2))
`,
			"price/a_test.go":    `package price; import _ "os"`,
			"collector/ok.go":    `package collector; import _ "os"`,
			"analyzer/fmt.go":    "package analyzer; import \"fmt\"; func f() { fmt.Println(); _ = fmt.Sprint() }",
			"utilization/own.go": "package utilization; var time T; var x = time.Now()", // a variable, not the package
		}, []string{
			"analyzer/fmt.go:1: analyzer judges and uses fmt.Println",
			"price/a.go:4: price judges and imports net/http",
			"price/a.go:5: price judges and imports os/exec",
			"price/a.go:8: price judges and imports github.com/rs/zerolog, which is not in the list of internal/house/purity_test.go",
			"price/a.go:11: price judges and uses time.Now",
			"price/a.go:13: price judges and uses math/rand/v2.IntN",
		}},
		"package comments": {checkPackageComments, map[string]string{
			"a/a.go":           "package a",
			"b/doc.go":         "// Package b does it.\npackage b",
			"b/b.go":           "// And b does more.\npackage b",
			"c/doc.go":         "// This package is c.\npackage c",
			"cmd/d/doc.go":     "// Command d does it.\npackage main",
			"cmd/d/license.go": "// Copyright\n\npackage main",
		}, []string{
			"b/b.go:1: a package comment outside doc.go; move it there, or put a blank line after it",
			`c/doc.go:1: the package comment does not open with its charter, "Package c " …`,
			"a: package without a comment in doc.go",
		}},
		"long files": {func(tr *tree) []string {
			return checkLength(tr, map[string]int{"p/shorter.go": 700, "p/longer.go": 600, "p/fine.go": 601, "p/short.go": 650, "p/gone.go": 650})
		}, map[string]string{
			"p/new.go": long, "p/shorter.go": long, "p/longer.go": long, "p/fine.go": long, "p/short.go": "package p\n",
		}, []string{
			"p/gone.go: in longFiles and not there",
			"p/longer.go: 601 lines, more than the 600 that longFiles grants",
			"p/new.go: 601 lines, at most 600; is it still one idea?",
			"p/short.go: 1 lines: strike it from longFiles in internal/house/source_test.go",
			"p/shorter.go: 601 lines: lower its figure in longFiles in internal/house/source_test.go from 700",
		}},
		"leftovers": {checkLeftovers, map[string]string{
			"a.md":          "see https://example.com/home/page and\nTO" + "DO: later\n",
			"a.sh":          "cd " + "/ro" + "ot/x\n",
			"a.yaml":        "x: " + "/wo" + "rk/data\ny: /var/lib/yunjian\n",
			"Containerfile": "FROM docker" + ".io/library/debian\n",
		}, []string{
			"a.md:2: left over: TO" + "DO",
			"Containerfile:1: a package host: docker" + ".io",
			"a.sh:1: a path of one machine: /ro" + "ot/x",
			"a.yaml:1: a path of one machine: /wo" + "rk/data",
		}},
		"links": {checkLinks, map[string]string{
			"README.md": "[a](docs/a.md) [b](docs/b.md) [h](docs/a.md#云鉴-yunjian) [i](docs/a.md#no) [w](https://example.com) [self](#top)\n" +
				"`docs/a.md` `docs/gone.go` `docs/decisions/NNNN-title.md` `text/html` `[x](nowhere)`\n```\n[code](nowhere)\n```\n",
			"docs/a.md":  "# 云鉴 (Yunjian)\n[up](../README.md) [img](a.png \"title\") ![img](gone.png)\n",
			"docs/a.png": "\x00",
		}, []string{
			"README.md:1: link to docs/b.md, which is not there",
			"README.md:1: link to docs/a.md#no: docs/a.md has no such heading",
			"README.md:1: link to #top: README.md has no such heading",
			"README.md:2: names docs/gone.go, which is not there",
			"docs/a.md:2: link to gone.png, which is not there",
		}},
		"commands": {checkCommands, map[string]string{
			"Makefile":       "test: build\n\tgo test\n",
			commandReference: "# x\n\n## yunjian audit\n\n| `--config` | x |\n\n## yunjian policy list\n\n## yunjian backup\n\n| `--config` | x |\n\n## yunjian completion bash|zsh\n",
			"README.md": "`yunjian audit --config x` `yunjian audit --since 1d` `yunjian policy list|show` `yunjian policy lst` `yunjian explain vm`\n" +
				"`yunjian backup file --config x` `yunjian --help` `yunjian help audit` `yunjian completion bash` `make test` `make tset`\n" +
				"```console\n$ A=b sudo bin/yunjian audit --cfg x && make all\nyunjian printed\n$ cat yunjian --nothing # yunjian nothing\n```\n" +
				"```sh\nyunjian serve\n```\n",
		}, []string{
			"README.md:1: yunjian audit --since 1d: no flag --since",
			"README.md:1: yunjian policy lst: no such command",
			"README.md:1: yunjian explain vm: no such command",
			"README.md:2: make tset: the Makefile has no such target",
			"README.md:4: yunjian audit --cfg x: no flag --cfg",
			"README.md:4: make all: the Makefile has no such target",
			"README.md:9: yunjian serve: no such command",
		}},
		"commands without a reference": {checkCommands, map[string]string{
			"README.md": "`yunjian audit` `yunjian report`\n",
		}, []string{"docs/reference/commands.md: lists no command; write it with `go test ./cmd/yunjian -update`"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for path, text := range test.files {
				files[path] = &fstest.MapFile{Data: []byte(text)}
			}
			if d := cmp.Diff(test.want, test.check(load(t, files))); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestSteps(t *testing.T) {
	d := parseMarkdown("a.md", []byte("```yaml file=x.yaml\na: 1\n```\n  ```console run\n  $ one\n  out\n  $ two\n  ```\n```console\n$ not run\n```\n"))
	got, err := d.steps()
	if err != nil {
		t.Fatal(err)
	}
	want := []step{
		{number: 1, file: "x.yaml", content: "a: 1\n"},
		{number: 5, command: "one", output: "out\n"},
		{number: 7, command: "two"},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(step{})); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"```yaml file=../x\n```\n", "```console run\nout\n```\n"} {
		if _, err := parseMarkdown("a.md", []byte(bad)).steps(); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
