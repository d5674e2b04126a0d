package history

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"yunjian/cloud"
)

// tmpfs mounts a small file system of its own, and returns how to mount it anew
// with other options.
func tmpfs(t *testing.T, options string) (folder string, again func(flags uintptr, options string)) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a tmpfs takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	return folder, func(flags uintptr, options string) {
		if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|flags, options); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	folder, again := tmpfs(t, "size=1m")
	fillUp(t, openAt(t, filepath.Join(folder, "history.db"), Options{}), func() { again(0, "size=16m") })
}

// A disk that is full from the start leaves nothing that is in the way once
// there is room.
func TestFullFromTheStart(t *testing.T) {
	for room := range 8 { // pages
		folder, again := tmpfs(t, fmt.Sprintf("size=%d", 64*os.Getpagesize()))
		if err := os.WriteFile(filepath.Join(folder, "other"), make([]byte, (64-room)*os.Getpagesize()), 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, "history.db")
		if s, err := Open(path, Options{}); err == nil {
			s.Close()
		} else if !errors.Is(err, ErrFull) {
			t.Errorf("%d pages of room: %v", room, err)
		}
		again(0, "size=1m")
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatalf("after %d pages of room: %v", room, err)
		}
		s.Close()
	}
}

// A limit on the size of files is one more way to be full.
func TestFileSizeLimit(t *testing.T) {
	if !inChild(t, nil) {
		return
	}
	var limit syscall.Rlimit
	set := func(n uint64) {
		limit.Cur = n
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	s := fresh(t)
	set(1 << 20)
	fillUp(t, s, func() { set(limit.Max) })
}

// closedFolder makes a folder that may not be written, with a history of a mode,
// for a child that may be another account, and reports whether this is the child.
func closedFolder(t *testing.T, mode os.FileMode) (path string, child bool) {
	t.Helper()
	folder := os.Getenv("YUNJIAN_HISTORY_FOLDER")
	path = filepath.Join(folder, "history.db")
	if folder == "" {
		// The child's own temporary folder would be its own to write.
		folder = t.TempDir()
		path = filepath.Join(folder, "history.db")
		s := openAt(t, path, Options{})
		mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 288, wave)...))
		s.Close()
		t.Setenv("YUNJIAN_HISTORY_FOLDER", folder)
		for name, mode := range map[string]os.FileMode{path: mode, folder: 0o555, filepath.Dir(folder): 0o755} {
			if err := os.Chmod(name, mode); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() { os.Chmod(folder, 0o700) })
	}
	var nobody *syscall.Credential
	if os.Getuid() == 0 { // root may write anywhere
		nobody = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	return path, inChild(t, nobody)
}

// A file that may be written in a folder that may not is used as any other, save
// that it cannot be compacted.
func TestReadOnlyFolderOfWritableFile(t *testing.T) {
	path, child := closedFolder(t, 0o666)
	if !child {
		return
	}
	s := openAt(t, path, Options{})
	mustAppend(t, s, series("i-2", cloud.CPUPercent, grid(monday, 288, wave)...))
	mustFold(t, s, monday.AddDate(0, 0, 3))
	if err := s.Compact(t.Context()); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "history.db.compact: permission denied: give the account that runs yunjian the right to write the file and its folder") {
		t.Error(err)
	}
	for _, name := range []string{"i-1", "i-2"} {
		if got := points(t, s, name, cloud.CPUPercent, always); len(got) != 288 {
			t.Errorf("%d points of %s, want 288", len(got), name)
		}
	}
	if ds := damages(t, s); len(ds) > 0 {
		t.Error(ds)
	}
}

// What may not be written is refused at opening, with a hint what to do, and can
// still be read.
func TestReadOnlyFolder(t *testing.T) {
	path, child := closedFolder(t, 0o444)
	if !child {
		return
	}
	for _, name := range []string{path, filepath.Join(filepath.Dir(path), "new.db")} {
		s, err := Open(name, Options{})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), name+": ") ||
			!strings.Contains(err.Error(), "give the account that runs yunjian the right to write the file and its folder") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := points(t, openAt(t, path, Options{ReadOnly: true}), "i-1", cloud.CPUPercent, always); len(got) != 288 {
		t.Errorf("%d points, want 288", len(got))
	}
}

func TestReadOnlyFileSystem(t *testing.T) {
	folder, again := tmpfs(t, "size=2m")
	path := filepath.Join(folder, "history.db")
	s := openAt(t, path, Options{})
	mustAppend(t, s, series("i-1", cloud.CPUPercent, grid(monday, 288, wave)...))
	s.Close()
	again(syscall.MS_RDONLY, "")
	s, err := Open(path, Options{})
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "give the account that runs yunjian the right to write the file and its folder") {
		t.Error(err)
	}
	s = openAt(t, path, Options{ReadOnly: true})
	if got := points(t, s, "i-1", cloud.CPUPercent, always); len(got) != 288 {
		t.Errorf("%d points, want 288", len(got))
	}
	s.Close() // before the file system goes
}

// inChild runs the test that calls it again in a process of its own, as another
// account if one is given, and fails where that fails. It reports whether this is
// that process.
func inChild(t *testing.T, as *syscall.Credential) bool {
	t.Helper()
	const variable = "YUNJIAN_HISTORY_CHILD"
	if os.Getenv(variable) == t.Name() {
		return true
	}
	// The path of the binary may lie in a folder that is closed to the other
	// account.
	child := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	child.Env, child.Dir = append(os.Environ(), variable+"="+t.Name()), "/"
	child.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := child.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("running as another account takes root: %v", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}
