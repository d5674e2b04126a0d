package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// ErrDamaged says that a file is no archive, is cut off, or differs from its
// checksums.
var ErrDamaged = errors.New("the backup is damaged or is no backup")

// Entry is one file to be archived. Copy writes its content and returns its
// length.
type Entry struct {
	Name string // letters, digits, dots, dashes; no folders
	Copy func(w io.Writer) (int64, error)
}

// File is what the manifest says of one file.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Manifest is the list of what an archive holds.
type Manifest struct {
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
	Files   []File    `json:"files"`
}

const (
	format       = 1
	partSize     = 16 << 20
	manifestName = "manifest.json"
	maxManifest  = 1 << 20
)

var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Write writes an archive of entries to w.
func Write(w io.Writer, now time.Time, entries []Entry) error {
	packed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	out := tar.NewWriter(packed)
	m := Manifest{Format: format, Created: now.UTC(), Files: []File{}}
	for _, e := range entries {
		if !fileName.MatchString(e.Name) || e.Name == manifestName {
			return fmt.Errorf("write backup: %q is no name for a file in it", e.Name)
		}
		p := &parts{tar: out, name: e.Name, now: now, sum: sha256.New()}
		if _, err := e.Copy(p); err != nil {
			return fmt.Errorf("write backup of %s: %w", e.Name, err)
		}
		if err := p.flush(); err != nil {
			return fmt.Errorf("write backup of %s: %w", e.Name, err)
		}
		m.Files = append(m.Files, File{Name: e.Name, Size: p.size, SHA256: hex.EncodeToString(p.sum.Sum(nil))})
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	for _, step := range []func() error{
		func() error { return member(out, manifestName, now, append(text, '\n')) },
		out.Close,
		packed.Close,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("write backup: %w", err)
		}
	}
	return nil
}

// parts cuts what is written to it into members of the archive.
type parts struct {
	tar   *tar.Writer
	name  string
	now   time.Time
	sum   hash.Hash
	size  int64
	count int
	buf   []byte
}

func (p *parts) Write(b []byte) (int, error) {
	total := len(b)
	for len(b) > 0 {
		n := min(len(b), partSize-len(p.buf))
		p.buf = append(p.buf, b[:n]...)
		b = b[n:]
		if len(p.buf) == partSize {
			if err := p.flush(); err != nil {
				return 0, err
			}
		}
	}
	return total, nil
}

// flush writes the part that is begun; an empty file is one empty part.
func (p *parts) flush() error {
	if len(p.buf) == 0 && p.count > 0 {
		return nil
	}
	p.sum.Write(p.buf)
	p.size += int64(len(p.buf))
	err := member(p.tar, fmt.Sprintf("%s.part%05d", p.name, p.count), p.now, p.buf)
	p.buf = p.buf[:0]
	p.count++
	return err
}

func member(w *tar.Writer, name string, now time.Time, content []byte) error {
	h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: now.UTC().Truncate(time.Second), Format: tar.FormatUSTAR}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

// Verify reads a whole archive and compares every file with its checksum. The
// error wraps ErrDamaged when the content is wrong.
func Verify(r io.Reader) error {
	_, err := read(r, func(string) (io.WriteCloser, error) { return discard{}, nil })
	if err != nil {
		return fmt.Errorf("verify backup: %w", err)
	}
	return nil
}

// Pick verifies a whole archive, as Verify does, and writes the file of that name
// to w. What was written before an error is worth nothing.
func Pick(r io.Reader, name string, w io.Writer) error {
	found := false
	_, err := read(r, func(have string) (io.WriteCloser, error) {
		if have != name {
			return discard{}, nil
		}
		found = true
		return keepOpen{w}, nil
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: it holds no %s", ErrDamaged, name)
	}
	if err != nil {
		return fmt.Errorf("read %s in the backup: %w", name, err)
	}
	return nil
}

// keepOpen is a writer that another closes.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// unfinished ends the names of files that are being extracted.
const unfinished = ".restoring"

// Unfinished returns the names of the files that an Extract which was killed has
// left in dir, ascending; none where there is no such folder.
func Unfinished(dir string) ([]string, error) {
	names, _, err := list(dir)
	return names, err
}

// Vacant is an error where dir holds anything that Extract would not replace.
func Vacant(dir string) error {
	_, other, err := list(dir)
	if err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	if other != "" {
		return fmt.Errorf("restore backup: folder %s already holds %s; want an empty or missing folder, so that nothing is overwritten: move this one aside, or name another data_dir", dir, other)
	}
	return nil
}

// list returns the names of what is left of an Extract in dir, and that of one
// thing else, if any.
func list(dir string) (left []string, other string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, "", err
	}
	for _, e := range entries {
		switch {
		case strings.HasSuffix(e.Name(), unfinished) && e.Type().IsRegular():
			left = append(left, e.Name())
		case other == "":
			other = e.Name()
		}
	}
	return left, other, nil
}

// Extract writes the files of an archive into dir, which must be missing, or
// empty but for what an Extract that was killed has left. They get their names
// only once all of them agree with their checksums; after an error nothing of
// them is left.
func Extract(r io.Reader, dir string) (err error) {
	if err := Vacant(dir); err != nil {
		return err
	}
	left, err := Unfinished(dir)
	if err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	for _, name := range left {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("restore backup: %w", err)
		}
	}
	_, statErr := os.Stat(dir)
	missing := errors.Is(statErr, os.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	var written []own
	defer func() {
		if err == nil {
			return
		}
		for _, f := range written {
			if f.there() == nil {
				_ = os.Remove(f.path)
			}
		}
		if missing {
			_ = os.Remove(dir)
		}
	}()
	m, err := read(r, func(name string) (io.WriteCloser, error) {
		path := filepath.Join(dir, name+unfinished)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		written = append(written, own{path, info})
		return syncing{f}, err
	})
	if err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	for i, f := range m.Files {
		path := filepath.Join(dir, f.Name)
		if err := written[i].there(); err != nil {
			return fmt.Errorf("restore backup: %w", err)
		}
		if err := os.Rename(written[i].path, path); err != nil {
			return fmt.Errorf("restore backup: %w", err)
		}
		written[i].path = path
	}
	if err := syncFolder(dir); err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	return nil
}

// own is a file that Extract has made. Another Extract that runs into the same
// folder, where nothing kept it out, takes it for one left behind.
type own struct {
	path string
	info os.FileInfo
}

// there is an error where another file has its name, or none.
func (o own) there() error {
	now, err := os.Lstat(o.path)
	if err == nil && !os.SameFile(o.info, now) {
		err = fmt.Errorf("%s is not the file that was written here: another restore is running into this folder", o.path)
	}
	return err
}

// syncing is a file that reaches the disk before it counts as closed.
type syncing struct{ *os.File }

func (s syncing) Close() error { return errors.Join(s.Sync(), s.File.Close()) }

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// read passes the content of every file on to what create returns, and
// compares it with the manifest.
func read(r io.Reader, create func(name string) (io.WriteCloser, error)) (m Manifest, err error) {
	unpacked, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer unpacked.Close()
	var (
		in   = tar.NewReader(unpacked)
		got  []File
		open *target
	)
	defer func() {
		if open != nil {
			err = errors.Join(err, open.Close())
		}
	}()
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return m, fmt.Errorf("%w: it ends before its manifest", ErrDamaged)
		}
		if err != nil {
			return m, damaged(err)
		}
		if h.Typeflag != tar.TypeReg || h.Size > partSize {
			return m, fmt.Errorf("%w: unexpected member %q", ErrDamaged, h.Name)
		}
		if h.Name == manifestName {
			break
		}
		name, part, ok := strings.Cut(h.Name, ".part")
		if open == nil || name != open.name {
			if got, open, err = next(got, open); err != nil {
				return m, err
			}
			if !ok || !fileName.MatchString(name) || holds(got, name) {
				return m, fmt.Errorf("%w: unexpected member %q", ErrDamaged, h.Name)
			}
			file, err := create(name)
			if err != nil {
				return m, err
			}
			open = &target{WriteCloser: file, name: name, sum: sha256.New()}
		}
		if part != fmt.Sprintf("%05d", open.count) {
			return m, fmt.Errorf("%w: part %q of %s is out of order", ErrDamaged, part, name)
		}
		open.count++
		n, err := io.Copy(io.MultiWriter(open.sum, open), in)
		open.size += n
		if err != nil {
			return m, damaged(err)
		}
	}
	if got, open, err = next(got, open); err != nil {
		return m, err
	}
	if err := json.NewDecoder(io.LimitReader(in, maxManifest)).Decode(&m); err != nil {
		return m, damaged(fmt.Errorf("manifest: %w", err))
	}
	if err := compare(m, got); err != nil {
		return m, err
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("%w: something follows its manifest", ErrDamaged)
	}
	if _, err := io.Copy(io.Discard, unpacked); err != nil { // to the checksum of the compression
		return m, damaged(err)
	}
	return m, nil
}

// target is a file that is being read.
type target struct {
	io.WriteCloser
	name  string
	sum   hash.Hash
	size  int64
	count int
}

// next closes the file that was being read and adds what it amounts to.
func next(got []File, open *target) ([]File, *target, error) {
	if open == nil {
		return got, nil, nil
	}
	if err := open.Close(); err != nil {
		return got, nil, err
	}
	return append(got, File{Name: open.name, Size: open.size, SHA256: hex.EncodeToString(open.sum.Sum(nil))}), nil, nil
}

func holds(files []File, name string) bool {
	for _, f := range files {
		if f.Name == name {
			return true
		}
	}
	return false
}

// compare checks what was read against the manifest.
func compare(m Manifest, got []File) error {
	if m.Format != format {
		return fmt.Errorf("%w: format %d, this version reads %d", ErrDamaged, m.Format, format)
	}
	for _, want := range m.Files {
		if len(got) == 0 || got[0].Name != want.Name {
			return fmt.Errorf("%w: %s is missing", ErrDamaged, want.Name)
		}
		if got[0] != want {
			return fmt.Errorf("%w: %s has %d bytes with SHA-256 %s; want %d with %s", ErrDamaged, want.Name, got[0].Size, got[0].SHA256, want.Size, want.SHA256)
		}
		got = got[1:]
	}
	if len(got) > 0 {
		return fmt.Errorf("%w: %s is not in its manifest", ErrDamaged, got[0].Name)
	}
	return nil
}

// damaged marks an error of reading as damage, save those of the disk below.
func damaged(err error) error {
	var disk *os.PathError
	if errors.As(err, &disk) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
