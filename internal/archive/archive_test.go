package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func entry(name string, content []byte) Entry {
	return Entry{Name: name, Copy: func(w io.Writer) (int64, error) { return io.Copy(w, bytes.NewReader(content)) }}
}

func noise(n int) []byte {
	out := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(out)
	return out
}

func write(t testing.TB, entries ...Entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, now, entries); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestRoundTrip(t *testing.T) {
	files := map[string][]byte{
		"state.db":   []byte("state"),
		"history.db": noise(partSize + 12345), // two parts
		"exact.db":   noise(partSize),
		"empty.db":   {},
	}
	text := write(t, entry("state.db", files["state.db"]), entry("history.db", files["history.db"]), entry("exact.db", files["exact.db"]), entry("empty.db", nil))
	if err := Verify(bytes.NewReader(text)); err != nil {
		t.Fatalf("verify: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "new", "data")
	if err := Extract(bytes.NewReader(text), dir); err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if got[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range files {
		if !bytes.Equal(got[name], want) {
			t.Errorf("%s: %d bytes came back, want %d", name, len(got[name]), len(want))
		}
	}
	if len(got) != len(files) {
		t.Errorf("%d files, want %d", len(got), len(files))
	}
	// Nothing is ever overwritten.
	if err := Extract(bytes.NewReader(text), dir); err == nil || !strings.Contains(err.Error(), "already holds empty.db") {
		t.Errorf("into a full folder: %v", err)
	}
	if again := write(t, entry("state.db", files["state.db"])); !bytes.Equal(again, write(t, entry("state.db", files["state.db"]))) {
		t.Error("equal content, different bytes")
	}
}

// Whatever byte is lost or altered, nothing is restored and nothing is left.
func TestDamageIsFoundAndLeavesNothing(t *testing.T) {
	whole := write(t, entry("state.db", noise(3000)), entry("history.db", noise(5000)))
	check := func(name string, text []byte) {
		t.Helper()
		if err := Verify(bytes.NewReader(text)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: verify says %v", name, err)
		}
		dir := filepath.Join(t.TempDir(), "data")
		if err := Extract(bytes.NewReader(text), dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: extract says %v", name, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something was left", name)
		}
	}
	for _, n := range []int{0, 1, 100, len(whole) / 2, len(whole) - 1} {
		check(fmt.Sprintf("cut to %d of %d bytes", n, len(whole)), whole[:n])
	}
	for i := 0; i < len(whole); i += 97 {
		text := bytes.Clone(whole)
		text[i] ^= 0x40
		check(fmt.Sprintf("byte %d altered", i), text)
	}
	check("not a backup", []byte("not a backup at all"))
}

// forge packs members into what is not quite an archive.
func forge(t testing.TB, members ...[2]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, m := range members {
		if err := member(w, m[0], now, []byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// What an Extract that was killed has left is replaced; anything else is not, nor
// what has such a name and is no file.
func TestLeftoversAreReplaced(t *testing.T) {
	text := write(t, entry("state.db", []byte("state")))
	dir := t.TempDir()
	for _, name := range []string{"state.db.restoring", "history.db.restoring"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half of what was"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left, err := Unfinished(dir)
	if want := []string{"history.db.restoring", "state.db.restoring"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left is %q (%v), want %q", left, err, want)
	}
	if err := errors.Join(Vacant(dir), Extract(bytes.NewReader(text), dir)); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if want := []string{filepath.Join(dir, "state.db")}; err != nil || !slices.Equal(names, want) {
		t.Errorf("the folder holds %q (%v), want %q", names, err, want)
	}
	if data, err := os.ReadFile(names[0]); err != nil || string(data) != "state" {
		t.Errorf("state.db holds %q, %v", data, err)
	}
	for name, want := range map[string]string{dir: "already holds state.db", filepath.Dir(dir): "already holds"} {
		if err := Vacant(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	odd := t.TempDir()
	if err := os.Mkdir(filepath.Join(odd, "x.restoring"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Extract(bytes.NewReader(text), odd); err == nil || !strings.Contains(err.Error(), "already holds x.restoring") {
		t.Errorf("a folder of such a name: %v", err)
	}
}

// Two that extract into one folder, with nothing to keep them apart: the one whose
// files have been replaced says so, and takes nothing of the other's away.
func TestExtractIntoTheFolderOfAnother(t *testing.T) {
	text := write(t, entry("state.db", noise(4<<20)))
	for _, c := range []struct {
		name  string
		other func(dir string)
	}{
		{"under way", func(dir string) {
			if err := os.Remove(filepath.Join(dir, "state.db.restoring")); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "state.db.restoring"), []byte("of another"), 0o600); err != nil {
				t.Error(err)
			}
		}},
		{"done", func(dir string) {
			if err := Extract(bytes.NewReader(write(t, entry("state.db", []byte("of another")))), dir); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			half := &hooked{rest: text, at: len(text) / 2, then: func() { c.other(dir) }}
			if err := Extract(half, dir); err == nil || !strings.Contains(err.Error(), "state.db.restoring") {
				t.Errorf("extracted although another did: %v", err)
			}
			names, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(names) != 1 {
				t.Fatalf("the folder holds %q (%v), want what the other wrote", names, err)
			}
			if data, err := os.ReadFile(names[0]); err != nil || string(data) != "of another" {
				t.Errorf("%s holds %d bytes, %v", names[0], len(data), err)
			}
		})
	}
}

// hooked is a reader that calls then once, with at bytes left.
type hooked struct {
	rest []byte
	at   int
	then func()
}

func (h *hooked) Read(b []byte) (int, error) {
	if len(h.rest) == 0 {
		return 0, io.EOF
	}
	if h.then != nil && len(h.rest) <= h.at {
		h.then()
		h.then = nil
	}
	n := copy(b, h.rest)
	h.rest = h.rest[n:]
	return n, nil
}

func TestForgedArchivesAreRefused(t *testing.T) {
	// SHA-256 of "x".
	const sum = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
	manifest := func(files ...string) [2]string {
		return [2]string{manifestName, `{"format":1,"files":[` + strings.Join(files, ",") + `]}`}
	}
	a := `{"name":"a","size":1,"sha256":"` + sum + `"}`
	if err := Verify(bytes.NewReader(forge(t, [2]string{"a.part00000", "x"}, manifest(a)))); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	cases := map[string]struct {
		members [][2]string
		want    string
	}{
		"a path":               {[][2]string{{"../a.part00000", "x"}, manifest()}, "unexpected member"},
		"an absolute path":     {[][2]string{{"/a.part00000", "x"}, manifest()}, "unexpected member"},
		"a member of its own":  {[][2]string{{"a", "x"}, manifest(a)}, "unexpected member"},
		"a part missing":       {[][2]string{{"a.part00001", "x"}, manifest(a)}, "out of order"},
		"a part twice":         {[][2]string{{"a.part00000", "x"}, {"a.part00000", "x"}, manifest(a)}, "out of order"},
		"a file twice":         {[][2]string{{"a.part00000", "x"}, {"b.part00000", "x"}, {"a.part00000", "x"}, manifest(a)}, "unexpected member"},
		"no manifest":          {[][2]string{{"a.part00000", "x"}}, "ends before its manifest"},
		"other content":        {[][2]string{{"a.part00000", "y"}, manifest(a)}, "want 1 with " + sum},
		"a file too many":      {[][2]string{{"a.part00000", "x"}, manifest()}, "a is not in its manifest"},
		"a file too few":       {[][2]string{manifest(a)}, "a is missing"},
		"a manifest of no use": {[][2]string{{manifestName, "{"}}, "manifest"},
		"another format":       {[][2]string{{manifestName, `{"format":2}`}}, "format 2, this version reads 1"},
		"something after it":   {[][2]string{manifest(), {"a.part00000", "x"}}, "something follows its manifest"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := forge(t, c.members...)
			if err := Verify(bytes.NewReader(text)); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("verify: %v\nwant: %s", err, c.want)
			}
			parent := t.TempDir()
			if err := Extract(bytes.NewReader(text), filepath.Join(parent, "data")); !errors.Is(err, ErrDamaged) {
				t.Errorf("extract: %v", err)
			}
			left, err := os.ReadDir(parent)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(0, len(left)); diff != "" {
				t.Errorf("something was left: %v", left)
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, name := range []string{"", "../x", "a/b", ".hidden", manifestName} {
		if err := Write(io.Discard, now, []Entry{entry(name, nil)}); err == nil {
			t.Errorf("%q was accepted as a name", name)
		}
	}
	full := errors.New("disk full")
	failing := Entry{Name: "a", Copy: func(io.Writer) (int64, error) { return 0, full }}
	if err := Write(io.Discard, now, []Entry{failing}); !errors.Is(err, full) {
		t.Errorf("error of the copy: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(write(f, entry("state.db", []byte("state"))))
	f.Add(forge(f, [2]string{manifestName, `{"format":1}`}))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := Verify(bytes.NewReader(text)); err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}
