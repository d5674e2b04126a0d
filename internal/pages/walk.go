package pages

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// Check checks the heads of the file, every page that the root leads to, and that
// each other page is listed as free. The error says what keeps the tree from being
// walked, or why the check ended with ctx. Report is told what is wrong beyond
// that: keys in a wrong place, or pages that are in use and free, or neither.
func (f *File) Check(ctx context.Context, report func(problem string)) error {
	if err := f.Heads(); err != nil {
		return err
	}
	w, err := f.walk()
	if err != nil {
		return err
	}
	w.ctx, w.deep, w.report = ctx, true, report
	free, err := f.free(w.used)
	if err != nil {
		report(err.Error())
	}
	if err := w.tree(f.root, nil, nil); err != nil {
		return err
	}
	if free == nil {
		return nil
	}
	var both, neither pageSet
	for id := int64(firstPage); id < f.count; id++ {
		switch used, listed := w.used.has(id), free.has(id); {
		case used && listed:
			both.add(id)
		case !used && !listed:
			neither.add(id)
		}
	}
	if both.n > 0 {
		report(fmt.Sprintf("%s in use, and listed as free", both))
	}
	if neither.n > 0 {
		report(fmt.Sprintf("%s neither in use nor listed as free: what led there may be missing", neither))
	}
	return nil
}

// pageSet counts pages and knows the first.
type pageSet struct{ n, first int64 }

func (s *pageSet) add(id int64) {
	if s.n == 0 {
		s.first = id
	}
	s.n++
}

func (s pageSet) String() string {
	if s.n == 1 {
		return fmt.Sprintf("page %d is", s.first)
	}
	return fmt.Sprintf("%d pages, of which page %d is the first, are", s.n, s.first)
}

// free returns the pages that the file lists as free, and notes those of the list
// as used. It returns none where there is no list, or it is damaged.
func (f *File) free(used bitmap) (bitmap, error) {
	head := f.heads[0]
	if other := f.heads[1]; binary.NativeEndian.Uint64(other[headWritten:]) > binary.NativeEndian.Uint64(head[headWritten:]) {
		head = other
	}
	id := int64(binary.NativeEndian.Uint64(head[headFree:]))
	if id == -1 {
		return nil, nil // a file may do without
	}
	if id < firstPage || id >= f.count {
		return nil, fmt.Errorf("the list of free pages is said to be page %d, which is none", id)
	}
	start, more, err := f.begin(id)
	if err != nil {
		return nil, err
	}
	if binary.NativeEndian.Uint16(start[8:]) != kindFree {
		return nil, fmt.Errorf("page %d: it is not the list of free pages", id)
	}
	n, at := uint64(binary.NativeEndian.Uint16(start[10:])), int64(pageHead)
	if n == 0xffff { // more than that: the number comes first
		n, at = binary.NativeEndian.Uint64(start[pageHead:]), at+8
	}
	length := (more+1)*f.size - at
	if n > uint64(length/8) {
		return nil, fmt.Errorf("page %d: the list of free pages does not lie in it", id)
	}
	for i := range more + 1 {
		used.set(id + i)
	}
	list := bufio.NewReader(io.NewSectionReader(f.disk, id*f.size+at, length))
	free := newBitmap(f.count)
	var entry [8]byte
	for range n {
		if _, err := io.ReadFull(list, entry[:]); err != nil {
			return nil, fmt.Errorf("page %d: read the list of free pages: %w", id, err)
		}
		switch page := binary.NativeEndian.Uint64(entry[:]); {
		case page < firstPage || page >= uint64(f.count):
			return nil, fmt.Errorf("page %d: the list of free pages names page %d, which is none", id, page)
		case !free.set(int64(page)):
			return nil, fmt.Errorf("page %d: the list of free pages names page %d twice", id, page)
		}
	}
	return free, nil
}

// walk goes down from the root.
type walk struct {
	*File
	ctx    context.Context
	used   bitmap               // what has been led to
	deep   bool                 // into buckets beyond the page that names them, too
	report func(problem string) // of keys
	below  int                  // how many pages and buckets have been gone down through
}

// mostBelow is far more than any file has: without a limit, one made up of buckets
// within buckets would take the stack's, at which the process ends.
const mostBelow = 1000

// walk is of what opening the file takes. The error says why the pages that the
// head speaks of cannot be: it might speak of more than memory has bits for.
func (f *File) walk() (*walk, error) {
	info, err := f.disk.Stat()
	if err != nil {
		return nil, err
	}
	if held := info.Size() / f.size; f.count > held {
		return nil, fmt.Errorf("the file holds %d pages of %d", held, f.count)
	}
	if f.root < firstPage || f.root >= f.count {
		return nil, fmt.Errorf("the root is said to be page %d, which is none", f.root)
	}
	w := &walk{File: f, ctx: context.Background(), used: newBitmap(f.count), report: func(string) {}}
	w.used.set(f.root)
	return w, nil
}

// tree checks a page that has been led to, and those below it, whose keys are to
// be least or greater, and less than beyond; nil: the page above does not say.
func (w *walk) tree(id int64, least, beyond []byte) error {
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	start, more, err := w.begin(id)
	if err != nil {
		return err
	}
	for i := range more {
		if !w.used.set(id + i + 1) {
			return fmt.Errorf("page %d runs on over page %d, which is in use elsewhere", id, id+i+1)
		}
	}
	return w.page(id, run{w.File, id * w.size, (more + 1) * w.size, start}, false, least, beyond)
}

// page checks a page: id, or that of a bucket within a value of it.
func (w *walk) page(id int64, r run, within bool, least, beyond []byte) error {
	if w.below++; w.below > mostBelow {
		return fmt.Errorf("page %d: it lies below %d others, or buckets", id, mostBelow)
	}
	defer func() { w.below-- }()
	shapeless := fmt.Errorf("page %d: its elements do not lie in it one after another", id)
	if r.length < pageHead {
		return shapeless
	}
	head, err := r.bytes(0, pageHead)
	if err != nil {
		return err
	}
	kind, n := binary.NativeEndian.Uint16(head[8:]), int64(binary.NativeEndian.Uint16(head[10:]))
	if kind != kindLeaf && (kind != kindBranch || within) {
		return fmt.Errorf("page %d: it is neither a branch nor a leaf", id)
	}
	next := pageHead + n*pageElement
	if next > r.length || n == 0 && !within && id != w.root {
		return shapeless
	}
	elements, err := r.bytes(pageHead, n*pageElement)
	if err != nil {
		return err
	}
	problem := ""
	keys := make([][]byte, n)
	for i := range n {
		e := elements[i*pageElement:]
		word := func(k int) int64 { return int64(binary.NativeEndian.Uint32(e[4*k:])) }
		at, keySize, valueSize := word(0), word(1), int64(0)
		if kind == kindLeaf {
			at, keySize, valueSize = word(1), word(2), word(3)
		}
		value := next + keySize
		if pageHead+i*pageElement+at != next || keySize == 0 || value+valueSize > r.length {
			return shapeless
		}
		if keys[i], err = r.bytes(next, keySize); err != nil {
			return err
		}
		switch {
		case i > 0 && bytes.Compare(keys[i-1], keys[i]) >= 0:
			problem = fmt.Sprintf("page %d: its keys do not ascend", id)
		case problem == "" && (bytes.Compare(least, keys[i]) > 0 || beyond != nil && bytes.Compare(keys[i], beyond) >= 0):
			problem = fmt.Sprintf("page %d: its keys are not those that the page above it says", id)
		}
		if kind == kindLeaf && word(0)&kindBucket != 0 {
			if err := w.bucket(id, r.part(value, valueSize)); err != nil {
				return err
			}
		}
		next = value + valueSize
	}
	if within && next != r.length {
		return shapeless
	}
	if problem != "" {
		w.report(problem)
	}
	if kind == kindLeaf {
		return nil
	}
	for i := range n {
		child := int64(binary.NativeEndian.Uint64(elements[i*pageElement+8:]))
		if err := w.leads(id, child); err != nil {
			return err
		}
		from, to := keys[i], beyond
		if i+1 < n {
			to = keys[i+1]
		}
		if problem != "" { // told once, not for every page below
			from, to = nil, nil
		}
		if err := w.tree(child, from, to); err != nil {
			return err
		}
	}
	return nil
}

// bucket checks a bucket that is a value of page id.
func (w *walk) bucket(id int64, value run) error {
	if value.length < pageBucket {
		return fmt.Errorf("page %d: a bucket of %d bytes", id, value.length)
	}
	head, err := value.bytes(0, pageBucket)
	if err != nil {
		return err
	}
	root := int64(binary.NativeEndian.Uint64(head))
	if root == 0 {
		return w.page(id, value.part(pageBucket, value.length-pageBucket), true, nil, nil)
	}
	if err := w.leads(id, root); err != nil || !w.deep {
		return err
	}
	return w.tree(root, nil, nil)
}

// leads notes that one page leads to another.
func (w *walk) leads(from, to int64) error {
	if to < firstPage || to >= w.count {
		return fmt.Errorf("page %d leads to page %d, which is none", from, to)
	}
	if !w.used.set(to) {
		return fmt.Errorf("page %d leads to page %d, which is in use elsewhere", from, to)
	}
	return nil
}
