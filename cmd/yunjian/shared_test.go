package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

// shared holds what several tests read and none changes; main removes it.
var shared string

// sharing makes and removes the shared folder around the tests.
type sharing struct{ *testing.M }

func (s sharing) Run() int {
	var err error
	if shared, err = os.MkdirTemp("", "yunjian-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(shared)
	return s.M.Run()
}

// underRace reports whether the race detector is built into this binary.
func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// plain is the program without the race detector, which makes computing several
// times dearer, for what looks at output or kills the program anyhow. It is
// built as the Makefile builds, so that the build is made once.
var plain = sync.OnceValues(func() (string, error) {
	if !underRace() {
		return os.Executable()
	}
	bin := filepath.Join(shared, "yunjian")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", bin, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return bin, nil
})

// madeOnce is a folder with a bundle of so many instances and a month, and what
// an import makes of it.
func madeOnce(instances string, more ...string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		bin, err := plain()
		if err != nil {
			return "", err
		}
		dir := filepath.Join(shared, "example-"+instances)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, "yunjian.yaml"), []byte(soundConfig), 0o600); err != nil {
			return "", err
		}
		for _, args := range [][]string{
			append([]string{"generate", "--output", "bundle", "--instances", instances, "--days", "30"}, more...),
			{"import", "--config", "yunjian.yaml", "--bundle", "bundle"},
		} {
			cmd := exec.Command(bin, args...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "YUNJIAN_TEST_MAIN=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("yunjian %v: %w\n%s", args, err, out)
			}
		}
		return dir, nil
	})
}

var (
	tenMachines    = madeOnce("10", "--end", "2026-11-23T00:00:00+08:00")
	twentyMachines = madeOnce("20")
)

// exampleFolder is a folder with a configuration and an example estate, imported
// but for the last step.
func exampleFolder(t *testing.T) string {
	t.Helper()
	dir, _ := folderOf(t, tenMachines)
	return dir
}

// importedFolder is an example folder with its data.
func importedFolder(t *testing.T, made func() (string, error)) string {
	t.Helper()
	dir, from := folderOf(t, made)
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(filepath.Join(from, "data"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// folderOf is a new folder over what was made, and where that is.
func folderOf(t *testing.T, made func() (string, error)) (dir, from string) {
	t.Helper()
	from, err := made()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.Symlink(filepath.Join(from, "bundle"), filepath.Join(dir, "bundle")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "yunjian.yaml"), []byte(soundConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, from
}
