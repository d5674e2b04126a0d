package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/internal/pipeline"
)

// badMachineTable meets a full disk and a wrong clock and returns what people
// are told.
func badMachineTable(t *testing.T) string {
	var doc strings.Builder
	doc.WriteString("\n## 磁盘与时钟 | Disk and clock\n\n| 情形 case | 信息 message |\n| --- | --- |\n")
	row := func(what string, tell func(t *testing.T) string) {
		var message string
		t.Run(what, func(t *testing.T) { message = tell(t) })
		fmt.Fprintf(&doc, "| %s | %s |\n", cell(what), strings.ReplaceAll(cell(message), "\n", "<br>"))
	}
	row("磁盘写满 disk full", diskFull)
	row("归并时磁盘写满 disk full while folding", foldFull)
	row("时钟快一年 clock a year ahead", func(t *testing.T) string { return auditAt(t, "2027-11-23T00:00:00+08:00") })
	row("时钟慢一年 clock a year behind", func(t *testing.T) string { return auditAt(t, "2025-11-23T00:00:00+08:00") })
	return doc.String()
}

// diskFull imports where no file may grow beyond a few hundred KiB, then again
// with room: nothing is lost.
func diskFull(t *testing.T) string {
	dir := exampleFolder(t)
	config := filepath.Join(dir, "yunjian.yaml")
	message := importWithin(t, dir, 512<<10)
	mustRun(t, "check", "--config", config)
	mustRun(t, "import", "--config", config, "--bundle", filepath.Join(dir, "bundle"))
	mustRun(t, "check", "--config", config)
	return message
}

// foldFull imports where the samples have room and what they are folded into has
// none.
func foldFull(t *testing.T) string {
	dir := exampleFolder(t)
	config := filepath.Join(dir, "yunjian.yaml")
	ctx, interrupt := context.WithCancel(t.Context())
	root := newRoot()
	root.SetArgs([]string{"import", "--config", config, "--bundle", filepath.Join(dir, "bundle")})
	root.SetOut(writing(interrupt)) // before it folds
	if err := root.ExecuteContext(ctx); err == nil {
		t.Fatal("the import was not interrupted")
	}
	info, err := os.Stat(filepath.Join(dir, "data", pipeline.HistoryFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	message := importWithin(t, dir, info.Size()+4096)
	mustRun(t, "check", "--config", config)
	mustRun(t, "compact", "--config", config)
	mustRun(t, "check", "--config", config)
	return message
}

// importWithin imports where no file may grow beyond so many bytes, which fails,
// and returns what is told.
func importWithin(t *testing.T, dir string, room int64) string {
	t.Helper()
	importing := program(t, "import", "--config", filepath.Join(dir, "yunjian.yaml"), "--bundle", filepath.Join(dir, "bundle"))
	limit := fmt.Sprintf(`trap "" XFSZ; ulimit -f %d; exec "$@"`, room/512)
	limited := exec.CommandContext(t.Context(), "sh", append([]string{"-c", limit, "sh"}, importing.Args...)...)
	limited.Env = importing.Env
	var stderr bytes.Buffer
	limited.Stderr = &stderr
	var exit *exec.ExitError
	if err := limited.Run(); !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Fatalf("import without room ended with %v, want exit code %d\n%s", err, exitFailed, &stderr)
	}
	message := strings.TrimSpace(strings.ReplaceAll(stderr.String(), dir, "…"))
	return regexp.MustCompile(`\d{4,}`).ReplaceAllString(message, "N")
}

// auditAt says how an audit judges when the clock is wrong: it must not find
// idleness where it has no samples.
func auditAt(t *testing.T, now string) string {
	dir := importedFolder(t, tenMachines)
	config := filepath.Join(dir, "yunjian.yaml")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"audit", "--config", config, "--now", now, "--format", "json"}, &stdout, &stderr); code != exitDone {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var a audit.Audit
	if err := json.Unmarshal(stdout.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	codes := map[string]int{}
	for _, f := range a.Findings {
		if f.Kind != "instance" {
			continue
		}
		if f.Reasons[0].Code == "powered_off_days" {
			continue // a fact of the inventory, whatever was measured
		}
		if f.Verdict != analyzer.InsufficientData {
			t.Errorf("%s is judged %s without a sample in the window: %+v", f.ResourceID, f.Verdict, f.Reasons)
		}
		codes[f.Reasons[0].Code]++
	}
	return fmt.Sprintf("运行中的云主机全部判为数据不足，不出建议 | every running instance: insufficient_data, no recommendation (%v)", codes)
}
