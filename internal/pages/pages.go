package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

const (
	pageHead    = 16 // number (8), kind (2), elements (2), how many more pages it runs on over (4)
	pageElement = 16 // of a leaf: kind (4), where its key is (4), key's and value's size (4 each); of a branch: where its key is (4), key's size (4), page (8)
	pageBucket  = 16 // at the head of a bucket's value: page (8), or 0 where the page follows; sequence (8)

	kindBranch = 1
	kindLeaf   = 2
	kindFree   = 16
	kindBucket = 1 // of a leaf's element

	firstPage = 2 // before it: the heads
)

// The two heads, behind those of pages 0 and 1, say what the file is.
const (
	headSize    = 64
	headFree    = 32 // page of the list of free pages (8)
	headWritten = 48 // number of the transaction that wrote it (8)
	headSum     = 56 // FNV sum of what is before (8)
)

// File is a bbolt file as one transaction sees it.
type File struct {
	tx    *bolt.Tx
	disk  *os.File
	size  int64 // of a page, in bytes
	count int64 // how many pages there are, of any use
	root  int64 // page
	heads [2][]byte
}

// Open opens the file at path, which must be tx's; nothing may be written to it
// until Open returns. Later writes leave alone what tx sees, and with it what is
// checked, until tx ends.
func Open(tx *bolt.Tx, path string) (*File, error) {
	disk, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	size := int64(tx.DB().Info().PageSize)
	f := &File{tx: tx, disk: disk, size: size, count: tx.Size() / size, root: int64(tx.Cursor().Bucket().Root())}
	for id := range f.heads {
		if f.heads[id], err = f.read(int64(id)*size+pageHead, headSize); err != nil {
			return nil, errors.Join(fmt.Errorf("page %d: %w", id, err), disk.Close())
		}
	}
	return f, nil
}

// Close closes the file.
func (f *File) Close() error { return f.disk.Close() }

// Heads checks the two heads of the file. bbolt goes by the newer one that is
// whole, so a damaged one may hide what was written last.
func (f *File) Heads() error {
	for id, head := range f.heads {
		sum := fnv.New64a()
		sum.Write(head[:headSum])
		if binary.NativeEndian.Uint64(head[headSum:]) != sum.Sum64() {
			return fmt.Errorf("page %d: its checksum does not hold: what was written last may be missing", id)
		}
	}
	return nil
}

// Roots checks what opening a bucket takes into memory: the pages of the root,
// and of the named buckets, where buckets lie within values.
func (f *File) Roots(names ...[]byte) error {
	w, err := f.walk()
	if err != nil {
		return err
	}
	if err := w.tree(f.root, nil, nil); err != nil {
		return err
	}
	for _, name := range names {
		if b := f.tx.Bucket(name); b != nil && b.Root() != 0 {
			if err := w.tree(int64(b.Root()), nil, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// read returns n bytes at an offset of the file.
func (f *File) read(at, n int64) ([]byte, error) {
	data := make([]byte, n)
	_, err := f.disk.ReadAt(data, at)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the file ends before byte %d", at+n)
	}
	return data, err
}

// begin reads the first page of those that page id runs on over, and returns how
// many more there are.
func (f *File) begin(id int64) (start []byte, more int64, err error) {
	if start, err = f.read(id*f.size, f.size); err != nil {
		return nil, 0, fmt.Errorf("page %d: %w", id, err)
	}
	if is := binary.NativeEndian.Uint64(start); is != uint64(id) {
		return nil, 0, fmt.Errorf("page %d: it says that it is page %d", id, is)
	}
	if more = int64(binary.NativeEndian.Uint32(start[12:])); id+more >= f.count {
		return nil, 0, fmt.Errorf("page %d runs on over %d more, beyond the end of the file", id, more)
	}
	return start, more, nil
}

// run is a run of bytes of the file, of which the first have been read.
type run struct {
	file       *File
	at, length int64
	start      []byte
}

// bytes returns n bytes at an offset of the run.
func (r run) bytes(at, n int64) ([]byte, error) {
	if at+n <= int64(len(r.start)) {
		return r.start[at : at+n], nil
	}
	return r.file.read(r.at+at, n)
}

// part is n bytes at an offset of the run.
func (r run) part(at, n int64) run {
	have := int64(len(r.start))
	return run{r.file, r.at + at, n, r.start[min(at, have):min(at+n, have)]}
}

// bitmap has a bit a page.
type bitmap []uint64

func newBitmap(pages int64) bitmap { return make(bitmap, (pages+63)/64) }

// set reports whether the bit was not set before.
func (b bitmap) set(id int64) bool {
	bit := uint64(1) << (id % 64)
	fresh := b[id/64]&bit == 0
	b[id/64] |= bit
	return fresh
}

func (b bitmap) has(id int64) bool { return b[id/64]&(1<<(id%64)) != 0 }
