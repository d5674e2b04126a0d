package history

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
)

// What of bbolt's pages must hold before its tree can be walked at all: where
// they or their elements reach beyond their end, walking faults, or leaves
// pointers over which the garbage collector ends the process; where two lead to
// one page, it may never end; and where a page counts fewer elements than it
// holds, nothing else would tell. The layout is bbolt's, version 2, the only one
// there has been.
const (
	pageHead    = 16 // number (8), kind (2), elements (2), how many more pages it runs on over (4)
	pageElement = 16 // of a leaf: kind (4), where its key is (4), key's and value's size (4 each); of a branch: where its key is (4), key's size (4), page (8)
	pageBucket  = 16 // at the head of a bucket's value: page (8), or 0 where the page follows; sequence (8)
	metaSize    = 64 // behind the heads of pages 0 and 1: what the file is; the last 8 are an FNV sum

	kindBranch = 1
	kindLeaf   = 2
	kindBucket = 1 // of a leaf's element
)

// pages checks the shape of the pages of a transaction's file.
type pages struct {
	tx    *bolt.Tx
	disk  *os.File
	size  int64           // of a page
	from  map[int64]int64 // by page: the one that leads to it
	below bool            // go down from branches
}

// openPages opens the file at path, which must be tx's, to be closed.
func openPages(tx *bolt.Tx, path string) (*pages, error) {
	disk, err := os.Open(path)
	return &pages{tx: tx, disk: disk, size: int64(tx.DB().Info().PageSize), from: map[int64]int64{}}, err
}

// roots checks what opening a bucket takes into memory: the pages of the root
// and of blocks, where buckets lie within values.
func (p *pages) roots() error {
	p.below = true
	if err := p.reach(int64(p.tx.Cursor().Bucket().Root())); err != nil {
		return err
	}
	for _, name := range [][]byte{bucketBlocks, bucketSpent} {
		if b := p.tx.Bucket(name); b != nil && b.Root() != 0 {
			if err := p.reach(int64(b.Root())); err != nil {
				return err
			}
		}
	}
	return nil
}

// heads checks the two heads of the file. bbolt goes by the newer one that is
// whole, so a damaged one may hide what was written last.
func (p *pages) heads() error {
	for id := range int64(2) {
		meta, err := p.read(id*p.size+pageHead, metaSize)
		if err != nil {
			return err
		}
		sum := fnv.New64a()
		sum.Write(meta[:metaSize-8])
		if binary.NativeEndian.Uint64(meta[metaSize-8:]) != sum.Sum64() {
			return fmt.Errorf("page %d: its checksum does not hold: what was written last may be missing", id)
		}
	}
	return nil
}

// foreign is the error of a tree that is none of a history: an older state of
// one may be no more than half a copy.
func (p *pages) foreign(problem string) error {
	if err := p.heads(); err != nil {
		return damaged("%v: restore a backup", err)
	}
	return fmt.Errorf("%s: is data_dir in the configuration right?", problem)
}

// all checks every page that is not free, and the heads of the file. It ends with
// ctx.
func (p *pages) all(ctx context.Context) error {
	if err := p.heads(); err != nil {
		return err
	}
	for id := int64(2); id < p.tx.Size()/p.size; id++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		info, err := p.tx.Page(int(id))
		if err != nil {
			return err
		}
		if info.Type == "free" {
			continue
		}
		if err := p.reach(id); err != nil {
			return err
		}
		id += int64(info.OverflowCount)
	}
	return nil
}

// reach checks a page.
func (p *pages) reach(id int64) error {
	head, err := p.read(id*p.size, pageHead)
	if err != nil {
		return err
	}
	more := int64(binary.NativeEndian.Uint32(head[12:]))
	if id+more >= p.tx.Size()/p.size {
		return fmt.Errorf("page %d runs on over %d more, beyond the end of the file", id, more)
	}
	return p.page(id, id*p.size, (more+1)*p.size)
}

// page checks a page of length bytes at an offset of the file: page id or one
// of a bucket that lies within a value there.
func (p *pages) page(id, at, length int64) error {
	shapeless := fmt.Errorf("page %d: its elements do not lie in it one after another", id)
	if length < pageHead {
		return shapeless
	}
	head, err := p.read(at, pageHead)
	if err != nil {
		return err
	}
	kind, n := binary.NativeEndian.Uint16(head[8:]), int64(binary.NativeEndian.Uint16(head[10:]))
	if kind != kindBranch && kind != kindLeaf {
		return nil // of the list of free pages, or of a kind that bbolt refuses
	}
	next := pageHead + n*pageElement
	within := at != id*p.size // a value, which a bucket fills
	if next > length || n == 0 && !within && id != int64(p.tx.Cursor().Bucket().Root()) {
		return shapeless
	}
	elements, err := p.read(at+pageHead, n*pageElement)
	if err != nil {
		return err
	}
	for i := range n {
		e := elements[i*pageElement:]
		word := func(k int) int64 { return int64(binary.NativeEndian.Uint32(e[4*k:])) }
		start := pageHead + i*pageElement
		if kind == kindBranch {
			child := int64(binary.NativeEndian.Uint64(e[8:]))
			if start+word(0) != next || next+word(1) > length {
				return shapeless
			}
			next += word(1)
			if err := p.leads(id, child); err != nil {
				return err
			}
			if p.below {
				if err := p.reach(child); err != nil {
					return err
				}
			}
			continue
		}
		value := next + word(2)
		if start+word(1) != next || value+word(3) > length {
			return shapeless
		}
		next = value + word(3)
		if word(0)&kindBucket != 0 {
			if err := p.bucket(id, at+value, word(3)); err != nil {
				return err
			}
		}
	}
	if within && next != length {
		return shapeless
	}
	return nil
}

func (p *pages) bucket(id, at, length int64) error {
	if length < pageBucket {
		return fmt.Errorf("page %d: a bucket of %d bytes", id, length)
	}
	head, err := p.read(at, pageBucket)
	if err != nil {
		return err
	}
	if root := int64(binary.NativeEndian.Uint64(head)); root != 0 {
		return p.leads(id, root)
	}
	return p.page(id, at+pageBucket, length-pageBucket)
}

// leads notes that one page leads to another.
func (p *pages) leads(from, to int64) error {
	if before, ok := p.from[to]; ok {
		return fmt.Errorf("page %d leads to page %d, as page %d does", from, to, before)
	}
	if to < 2 || to >= p.tx.Size()/p.size {
		return fmt.Errorf("page %d leads to page %d, which is none", from, to)
	}
	p.from[to] = from
	return nil
}

func (p *pages) read(at, n int64) ([]byte, error) {
	data := make([]byte, n)
	_, err := p.disk.ReadAt(data, at)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the file ends before byte %d", at+n)
	}
	return data, err
}
