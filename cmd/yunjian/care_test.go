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
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"yunjian/internal/config"
	"yunjian/internal/control"
	"yunjian/internal/history"
	"yunjian/internal/pipeline"
)

// heldFolder is a folder with a month of samples of 20 instances, more than
// fits between the ends of a socket, and a daemon that holds it.
func heldFolder(t *testing.T) (dir, config string, daemon *exec.Cmd) {
	t.Helper()
	dir = importedFolder(t, twentyMachines)
	config = filepath.Join(dir, "yunjian.yaml")
	if err := os.WriteFile(config, []byte("listen: 127.0.0.1:0\ndata_dir: ./data\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, config, startDaemon(t, dir, config)
}

func startDaemon(t *testing.T, dir, config string) *exec.Cmd {
	t.Helper()
	daemon := program(t, "serve", "--config", config)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	until(t, "the daemon listens", func() bool {
		_, err := control.Dial(t.Context(), filepath.Join(dir, "data"))
		return err == nil
	})
	return daemon
}

// until waits for a condition that comes about without us.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("in vain for a minute: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// suspended starts a backup and suspends it before it has read all that the
// daemon has for it, so that the daemon is in the middle of it for sure.
func suspended(t *testing.T, dir, config string) (backup *exec.Cmd, file string, stderr *bytes.Buffer) {
	t.Helper()
	for round := range 50 {
		file = filepath.Join(dir, fmt.Sprintf("%d.backup", round))
		backup, stderr = program(t, "backup", file, "--config", config), &bytes.Buffer{}
		backup.Stderr = stderr
		if err := backup.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "the backup begins", func() bool { return arrived(t, dir, file) })
		if err := backup.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		// The daemon says that it is busy, or the backup has been too fast.
		var refusal bytes.Buffer
		if code := run([]string{"history", "stats", "--config", config}, &bytes.Buffer{}, &refusal); code == exitFailed && strings.Contains(refusal.String(), "the daemon is busy with `backup` since ") {
			return backup, file, stderr
		}
		if err := backup.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if err := backup.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, stderr)
		}
	}
	t.Fatal("no backup could be suspended in the middle")
	return nil, "", nil
}

// begun lists the backups that have no name yet.
func begun(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".yunjian-backup-*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// arrived reports whether some of a backup has been written, or all of it.
func arrived(t *testing.T, dir, file string) bool {
	t.Helper()
	for _, name := range begun(t, dir) {
		if info, err := os.Stat(name); err == nil && info.Size() > 0 {
			return true
		}
	}
	_, err := os.Stat(file)
	return err == nil
}

func TestKilledBackup(t *testing.T) {
	t.Parallel()
	dir, config, _ := heldFolder(t)
	backup, file, _ := suspended(t, dir, config)
	_ = backup.Process.Kill()
	_ = backup.Wait()
	until(t, "the daemon is free again", func() bool {
		return run([]string{"history", "stats", "--config", config}, &bytes.Buffer{}, &bytes.Buffer{}) == exitDone
	})
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a killed backup has a name: %v", err)
	}
	mustRun(t, "backup", file, "--config", config)
	mustRun(t, "check", "--config", config)
}

func TestDaemonKilledInABackup(t *testing.T) {
	t.Parallel()
	dir, config, daemon := heldFolder(t)
	backup, file, stderr := suspended(t, dir, config)
	_ = daemon.Process.Kill()
	_ = daemon.Wait()
	if err := backup.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := backup.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(stderr.String(), "the daemon broke off: ") {
		t.Errorf("the backup ended with %v\n%s", err, stderr)
	}
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) || len(begun(t, dir)) > 0 {
		t.Errorf("something is left of it: %v %v", err, begun(t, dir))
	}
	// The folder is sound, the socket of the dead is no obstacle to anybody.
	mustRun(t, "check", "--config", config)
	startDaemon(t, dir, config)
	mustRun(t, "check", "--config", config)
}

// A restore that was killed leaves what check names and the next one replaces.
func TestKilledRestore(t *testing.T) {
	t.Parallel()
	dir := importedFolder(t, tenMachines)
	config, backup := filepath.Join(dir, "yunjian.yaml"), filepath.Join(dir, "week.backup")
	mustRun(t, "backup", backup, "--config", config)
	data := filepath.Join(dir, "data")
	unfinished := func() []string {
		names, err := filepath.Glob(filepath.Join(data, "*.restoring"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	for round := 0; ; round++ { // the kill may come too late
		if round == 50 {
			t.Fatal("no restore could be killed in the middle")
		}
		if err := os.RemoveAll(data); err != nil {
			t.Fatal(err)
		}
		restore := program(t, "restore", backup, "--config", config)
		if err := restore.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "the restore writes", func() bool {
			_, err := os.Stat(filepath.Join(data, pipeline.HistoryFile))
			return err == nil || len(unfinished()) > 0
		})
		_ = restore.Process.Kill()
		_ = restore.Wait()
		if _, err := os.Stat(filepath.Join(data, pipeline.StateFile)); err != nil && len(unfinished()) > 0 {
			break
		}
	}
	for _, command := range []string{"check", "compact"} {
		var stderr bytes.Buffer
		if code := run([]string{command, "--config", config}, &bytes.Buffer{}, &stderr); code != exitFailed || !strings.Contains(stderr.String(), ".restoring: run it again, which replaces that") {
			t.Errorf("%s exits with %d: %s", command, code, &stderr)
		}
	}
	mustRun(t, "restore", backup, "--config", config)
	mustRun(t, "check", "--config", config)
	if left := unfinished(); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	// Beside whole data, as where collecting began anew, they are in nobody's way.
	if err := os.WriteFile(filepath.Join(data, "state.db.restoring"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	if code := run([]string{"check", "--config", config}, &stdout, &bytes.Buffer{}); code != exitDone || !strings.Contains(stdout.String(), "state.db.restoring 是中断的 restore 留下的") || !strings.Contains(stdout.String(), "delete it\n完好 sound: ") {
		t.Errorf("check exits with %d: %s", code, &stdout)
	}
}

// A damaged piece is told in the zone of the configuration; once it has been put
// aside, it is told apart from damage, and counts until it is known.
func TestPutAside(t *testing.T) {
	dir := importedFolder(t, tenMachines)
	config := filepath.Join(dir, "yunjian.yaml")
	importing := []string{"import", "--config", config, "--bundle", filepath.Join(dir, "bundle")}
	db, err := bolt.Open(filepath.Join(dir, "data", pipeline.HistoryFile), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		days := tx.Bucket([]byte("day sheets"))
		k, v := days.Cursor().First()
		bad := bytes.Clone(v)
		bad[len(bad)-1] ^= 1
		return days.Put(k, bad)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	check := func(args ...string) (code int, said string) {
		var out bytes.Buffer
		code = run(append([]string{"check", "--config", config}, args...), &out, &out)
		return code, out.String()
	}
	for _, c := range []struct {
		when string
		args []string
		code int
		want string
	}{
		{"damaged", nil, exitFailed, `(?s)^损坏 damaged: \S+ \w+, 2026-\d\d-\d\dT00:00:00\+08:00 … 2026-\d\d-\d\dT00:00:00\+08:00: piece of a day: .*damaged places: 1\.`},
		{"damage is not what was put aside", []string{"--known", "1"}, exitFailed, `damaged places: 1\.`},
		{"put aside", nil, exitFailed, `(?s)^以前搁置 put aside earlier: \S+ \w+, 2026-.*\+08:00: piece of a day: .*all that is held now is sound; put aside earlier: 1, known: 0\. .*--known 1`},
		{"known", []string{"--known", "1"}, exitDone, `(?s)^以前搁置 put aside earlier: .*\n以前搁置、已知 put aside earlier, known: 1\n完好 sound: `},
	} {
		if c.when == "put aside" {
			mustRun(t, importing...) // folds the same days again
		}
		if code, said := check(c.args...); code != c.code || !regexp.MustCompile(c.want).MatchString(said) {
			t.Errorf("%s: exit code %d: %s\nwant %d, %s", c.when, code, said, c.code, c.want)
		}
	}
}

// What is read is stored before it is folded, and whoever interrupts that, or has
// no room for it, is told so.
func TestInterruptedFold(t *testing.T) {
	dir := exampleFolder(t)
	config, bundle := filepath.Join(dir, "yunjian.yaml"), filepath.Join(dir, "bundle")
	for want, args := range map[string][]string{
		"interrupted: every sample that was read is stored, only not folded to the end": {"import", "--config", config, "--bundle", bundle},
		"interrupted: what was read so far is stored":                                   {"collect", "--config", config, "--now", "2026-11-23T00:00:00+08:00"},
	} {
		if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
			t.Fatal(err)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		root := newRoot()
		root.SetArgs(args)
		root.SetOut(writing(interrupt)) // what was read is told, then folded
		root.SetErr(&bytes.Buffer{})
		err := root.ExecuteContext(ctx)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", args[0], err, want)
		}
		stats := func() (s history.Stats) {
			var stdout bytes.Buffer
			if code := run([]string{"history", "stats", "--config", config, "--format", "json"}, &stdout, &bytes.Buffer{}); code != exitDone {
				t.Fatalf("stats exits with %d", code)
			}
			if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
				t.Fatal(err)
			}
			return s
		}
		before := stats()
		mustRun(t, args...)
		if after := stats(); before.Samples == 0 || after.Samples != before.Samples || before.Unfolded != before.Samples || after.Unfolded >= before.Unfolded/2 {
			t.Errorf("%s: %d samples, %d unfolded; after the next run %d, %d unfolded", args[0], before.Samples, before.Unfolded, after.Samples, after.Unfolded)
		}
	}
}

// writing is a writer that calls a function.
type writing func()

func (w writing) Write(b []byte) (int, error) { w(); return len(b), nil }

// A backup beside the data leaves the data room to grow.
func TestBackupLeavesRoom(t *testing.T) {
	// proc is a file system that never has a byte free.
	f, err := os.Open("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := &backupFile{f: f, shared: true}
	if _, err := b.Write([]byte("x")); err == nil || !strings.Contains(err.Error(), "the disk has 0 B free, which is left to the data on it: name a file on another disk") {
		t.Errorf("on a full disk: %v", err)
	}
	dir := t.TempDir()
	if sameDisk(dir, "/proc") || !sameDisk(dir, filepath.Dir(dir)) || !sameDisk(dir, filepath.Join(dir, "missing")) {
		t.Error("disks are not told apart")
	}
}

// TestNightlyBackup runs what the timer's unit runs.
func TestNightlyBackup(t *testing.T) {
	t.Parallel()
	dir, config, _ := heldFolder(t)
	self, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root(t), "deploy", "yunjian-backup.service"))
	if err != nil {
		t.Fatal(err)
	}
	backups := filepath.Join(dir, "backups")
	if err := os.Mkdir(backups, 0o700); err != nil {
		t.Fatal(err)
	}
	month, day := time.Now().AddDate(0, 0, -32), time.Now().AddDate(0, 0, -3)
	for name, at := range map[string]time.Time{"yunjian-old.backup": month, "yunjian-young.backup": day, ".yunjian-backup-1": day, "other.backup": month} {
		path := filepath.Join(backups, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	replace := strings.NewReplacer("%%", "%", "$$", "$", "/usr/local/bin/yunjian", self, "/etc/yunjian/yunjian.yaml", config)
	lines := regexp.MustCompile(`(?m)^ExecStart(?:Pre=-|=/bin/sh -c '|Post=/bin/sh -c ')(.*?)'?$`).FindAllStringSubmatch(string(text), -1)
	if len(lines) != 3 || !strings.Contains(lines[0][1], " check ") {
		t.Fatalf("%q in the unit, want a check, a backup, and what clears the old ones away", lines)
	}
	for _, line := range lines {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", replace.Replace(line[1]))
		cmd.Env = append(os.Environ(), "YUNJIAN_TEST_MAIN=1", "BACKUP_DIR="+backups)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	entries, err := os.ReadDir(backups)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) != 3 || names[0] != "other.backup" || !regexp.MustCompile(`^yunjian-\d{8}-\d{6}\.backup$`).MatchString(names[1]) || names[2] != "yunjian-young.backup" {
		t.Fatalf("%q; want other.backup, the new one and the young one", names)
	}
	f, err := os.Open(filepath.Join(backups, names[1]))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pipeline.Restore(t.Context(), f, filepath.Join(dir, "restored"), func(string) {}); err != nil {
		t.Error(err)
	}
}

// A history of which nothing can be read is not one without samples.
func TestStatsSayWhatIsUnread(t *testing.T) {
	for unread, want := range map[int]string{0: "no samples yet", 2: "unreadable pieces"} {
		var out strings.Builder
		printStats(&out, history.Stats{Unread: unread}, config.Config{Location: time.UTC})
		if !strings.Contains(out.String(), want) {
			t.Errorf("of %d unread pieces: %q, want %q", unread, out.String(), want)
		}
	}
}

// On a terminal long work shows how far it is, or that it goes on; elsewhere
// nothing.
func TestProgressOnATerminal(t *testing.T) {
	for want, show := range map[string]func(*bar){
		"收缩 shrink":   func(b *bar) { b.step("收缩 shrink") },
		" 20% |":      func(b *bar) { b.step("复制 copy"); b.bytes(1<<20, 5<<20) },
		"1.0/5.0 MiB": func(b *bar) { b.rateAfter = 0; b.bytes(1<<20, 5<<20) },
		"(3/4)":       func(b *bar) { b.rateAfter = 0; b.set(3, 4) },
		"|":           func(b *bar) { b.step(""); b.clear() },
	} {
		terminal, shown := openTerminal(t)
		b := newBar(terminal, "维护 care")
		show(b)
		b.finish()
		terminal.Close()
		if got := shown(); !strings.Contains(got, "维护 care") || !strings.Contains(got, want) || !strings.HasSuffix(got, "\r") {
			t.Errorf("the terminal shows %q; want a line with a name and %s, cleared at the end", got, want)
		}
		file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		if err != nil {
			t.Fatal(err)
		}
		b = newBar(file, "维护 care")
		show(b)
		b.finish()
		if info, err := file.Stat(); err != nil || info.Size() > 0 {
			t.Errorf("%d bytes go to a file: %v", info.Size(), err)
		}
		file.Close()
	}
}

// Of the first second no rate is told: it would be nonsense.
func TestNoRateOfTheFirstSecond(t *testing.T) {
	for _, after := range []time.Duration{0, time.Hour} {
		terminal, shown := openTerminal(t)
		b := newBar(terminal, "备份 backup")
		b.rateAfter = after
		b.bytes(1<<20, 5<<20)
		b.bytes(5<<20, 5<<20)
		b.finish()
		terminal.Close()
		if got := shown(); strings.Contains(got, "/s") != (after == 0) {
			t.Errorf("the terminal shows %q; want rates after %s", got, after)
		}
	}
}

// openTerminal returns a pseudo-terminal, and what was written to it until it
// was closed.
func openTerminal(t *testing.T) (terminal *os.File, shown func() string) {
	t.Helper()
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { unix.Close(master) })
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return terminal, func() string {
		var out []byte
		for buf := make([]byte, 4096); ; {
			n, err := unix.Read(master, buf)
			if err != nil || n <= 0 { // nobody has it open any more
				return string(out)
			}
			out = append(out, buf[:n]...)
		}
	}
}
