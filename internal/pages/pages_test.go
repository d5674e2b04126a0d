package pages

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// sample is a bbolt file with a branch over leaves, a bucket within a value, one
// beyond, long values and free pages.
func sample(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		db.Update(func(tx *bolt.Tx) error {
			small, err := tx.CreateBucket([]byte("small"))
			if err != nil {
				return err
			}
			inner, err := small.CreateBucket([]byte("inner"))
			if err != nil {
				return err
			}
			large, err := tx.CreateBucket([]byte("large"))
			if err != nil {
				return err
			}
			for i := range 1000 {
				if err := large.Put(fmt.Appendf(nil, "key %04d", i), make([]byte, 100)); err != nil {
					return err
				}
			}
			return errors.Join(inner.Put([]byte("a"), []byte("1")), inner.Put([]byte("b"), []byte("2")), large.Put([]byte("long"), make([]byte, 50_000)))
		}),
		db.Update(func(tx *bolt.Tx) error {
			large := tx.Bucket([]byte("large"))
			for i := range 200 {
				if err := large.Delete(fmt.Appendf(nil, "key %04d", 100+i)); err != nil {
					return err
				}
			}
			return nil
		}),
		db.Update(func(*bolt.Tx) error { return nil }), // both heads lead to the same tree
		db.Close())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// check returns what Check says of a file, the error first.
func check(t *testing.T, data []byte) (problems []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "checked.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		f, err := Open(tx, path)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Check(t.Context(), func(problem string) { problems = append(problems, problem) })
	})
	if err != nil {
		problems = slices.Insert(problems, 0, err.Error())
	}
	return problems
}

// edited is a copy of a file whose pages can be told and changed.
type edited struct {
	data []byte
	size int
}

func (e edited) page(id int) []byte      { return e.data[id*e.size : (id+1)*e.size] }
func (e edited) put64(at int, v int)     { binary.NativeEndian.PutUint64(e.data[at:], uint64(v)) }
func (e edited) get64(at int) int        { return int(binary.NativeEndian.Uint64(e.data[at:])) }
func (e edited) kind(id int) int         { return int(binary.NativeEndian.Uint16(e.page(id)[8:])) }
func (e edited) elements(id int) int     { return int(binary.NativeEndian.Uint16(e.page(id)[10:])) }
func (e edited) childAt(id, i int) int   { return id*e.size + pageHead + i*pageElement + 8 }
func (e edited) child(branch, i int) int { return e.get64(e.childAt(branch, i)) }

// key is where the key of an element of a leaf begins.
func (e edited) key(leaf, i int) int {
	at := leaf*e.size + pageHead + i*pageElement
	return at + int(binary.NativeEndian.Uint32(e.data[at+4:]))
}

func (e edited) keyOfBranch(branch, i int) int {
	at := branch*e.size + pageHead + i*pageElement
	return at + int(binary.NativeEndian.Uint32(e.data[at:]))
}

// head is the newer one.
func (e edited) head() int {
	if e.get64(pageHead+headWritten) > e.get64(e.size+pageHead+headWritten) {
		return pageHead
	}
	return e.size + pageHead
}

// What else of a head the tests change.
const (
	headRoot  = 16 // page (8)
	headCount = 40 // how many pages there are (8)
)

// heads changes both heads, and makes their checksums hold.
func (e edited) heads(at, v int) {
	for _, head := range []int{pageHead, e.size + pageHead} {
		e.put64(head+at, v)
		sum := fnv.New64a()
		sum.Write(e.data[head:][:headSum])
		e.put64(head+headSum, int(sum.Sum64()))
	}
}

// branch is the one that the root of the bucket "large" is; list the one of free
// pages.
func (e edited) branch(t *testing.T) int {
	t.Helper()
	list := e.list()
	for id := firstPage; id < len(e.data)/e.size; id++ {
		free := false
		for i := range e.elements(list) {
			free = free || e.get64(list*e.size+pageHead+8*i) == id
		}
		if !free && e.kind(id) == kindBranch && e.get64(id*e.size) == id {
			return id
		}
	}
	t.Fatal("the sample has no branch")
	return 0
}

func (e edited) list() int { return e.get64(e.head() + headFree) }

// Each kind of damage that a tree can have is told, in words that name the page.
func TestDamageIsNamed(t *testing.T) {
	sound := sample(t)
	if got := check(t, sound); len(got) > 0 {
		t.Fatalf("a sound file: %q", got)
	}
	for _, tt := range []struct {
		name string
		edit func(e edited, branch, list int)
		want []string // in this order, of what is told; %b and %l stand for the pages
	}{
		{"a page that two lead to", func(e edited, branch, _ int) {
			e.put64(e.childAt(branch, 3), e.child(branch, 2))
		}, []string{"page %b leads to page %c, which is in use elsewhere"}},
		{"a page that leads to itself", func(e edited, branch, _ int) {
			e.put64(e.childAt(branch, 2), branch)
		}, []string{"page %b leads to page %b, which is in use elsewhere"}},
		{"a page that leads to the list of free ones", func(e edited, branch, list int) {
			e.put64(e.childAt(branch, 2), list)
		}, []string{"page %b leads to page %l, which is in use elsewhere"}},
		{"a page that leads out of the file", func(e edited, branch, _ int) {
			e.put64(e.childAt(branch, 2), 1<<40)
		}, []string{"page %b leads to page 1099511627776, which is none"}},
		{"a page beyond the last", func(e edited, branch, _ int) {
			binary.NativeEndian.PutUint32(e.page(e.child(branch, 2))[12:], 1<<20)
		}, []string{"page %c runs on over 1048576 more, beyond the end of the file"}},
		{"a page that runs on over another", func(e edited, branch, _ int) {
			binary.NativeEndian.PutUint32(e.page(e.child(branch, 2))[12:], 4)
		}, []string{"which is in use elsewhere"}},
		{"a page with another's number", func(e edited, branch, _ int) {
			e.page(e.child(branch, 2))[0] ^= 0xff
		}, []string{"page %c: it says that it is page "}},
		{"a page of no kind", func(e edited, branch, _ int) {
			e.page(e.child(branch, 2))[8] = 3
		}, []string{"page %c: it is neither a branch nor a leaf"}},
		{"a page that counts one less", func(e edited, branch, _ int) {
			e.page(e.child(branch, 2))[10]--
		}, []string{"page %c: its elements do not lie in it one after another"}},
		{"an empty key", func(e edited, branch, _ int) {
			binary.NativeEndian.PutUint32(e.page(e.child(branch, 2))[pageHead+8:], 0)
		}, []string{"page %c: its elements do not lie in it one after another"}},
		{"two keys of a leaf that have changed places", func(e edited, branch, _ int) {
			leaf := e.child(branch, 2)
			a, b := e.data[e.key(leaf, 3):][:8], e.data[e.key(leaf, 4):][:8]
			for i := range a {
				a[i], b[i] = b[i], a[i]
			}
		}, []string{"page %c: its keys do not ascend"}},
		{"a key twice", func(e edited, branch, _ int) {
			leaf := e.child(branch, 2)
			copy(e.data[e.key(leaf, 3):][:8], e.data[e.key(leaf, 4):][:8])
		}, []string{"page %c: its keys do not ascend"}},
		{"a last key beyond the next page's first", func(e edited, branch, _ int) {
			leaf := e.child(branch, 2)
			copy(e.data[e.key(leaf, e.elements(leaf)-1):], "kez")
		}, []string{"page %c: its keys are not those that the page above it says"}},
		{"a first key before what the branch says", func(e edited, branch, _ int) {
			copy(e.data[e.key(e.child(branch, 2), 0):], "kex")
		}, []string{"page %c: its keys are not those that the page above it says"}},
		{"a key of a branch out of order, told once", func(e edited, branch, _ int) {
			copy(e.data[e.keyOfBranch(branch, 2):], "kez")
		}, []string{"page %b: its keys do not ascend"}},
		{"keys within a value", func(e edited, _, _ int) {
			at := strings.Index(string(e.data), "a1b2")
			copy(e.data[at:], "b1a2")
		}, []string{": its keys do not ascend"}},
		{"pages that lie where two others' keys should", func(e edited, branch, _ int) {
			two, three := e.child(branch, 2), e.child(branch, 3)
			e.put64(e.childAt(branch, 2), three)
			e.put64(e.childAt(branch, 3), two)
		}, []string{"its keys are not those that the page above it says", "page %c: its keys are not those that the page above it says"}},
		{"a page in use that is listed as free", func(e edited, branch, list int) {
			n := e.elements(list)
			e.put64(list*e.size+pageHead+8*n, e.child(branch, 2))
			e.page(list)[10]++
		}, []string{"page %c is in use, and listed as free"}},
		{"pages that nothing leads to", func(e edited, _, list int) {
			e.page(list)[10] -= 2
		}, []string{"2 pages, of which page "}},
		{"a page that is listed twice", func(e edited, _, list int) {
			e.put64(list*e.size+pageHead+8, e.get64(list*e.size+pageHead))
		}, []string{"page %l: the list of free pages names page "}},
		{"a head that is listed", func(e edited, _, list int) {
			e.put64(list*e.size+pageHead, 1)
		}, []string{"page %l: the list of free pages names page 1, which is none"}},
		{"a head without its checksum", func(e edited, _, _ int) {
			e.data[e.size+pageHead+headSum] ^= 1
		}, []string{"page 1: its checksum does not hold: what was written last may be missing"}},
		{"heads that speak of more pages than memory has bits for", func(e edited, _, _ int) {
			e.heads(headCount, 1<<50)
		}, []string{" pages of 1125899906842624"}},
		{"heads that name a root beyond the file", func(e edited, _, _ int) {
			e.heads(headRoot, 1<<40)
		}, []string{"the root is said to be page 1099511627776, which is none"}},
		{"heads that name a root before it", func(e edited, _, _ int) {
			e.heads(headRoot, -5)
		}, []string{"the root is said to be page -5, which is none"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := edited{slices.Clone(sound), os.Getpagesize()}
			branch, list := e.branch(t), e.list()
			pages := strings.NewReplacer("%b", fmt.Sprint(branch), "%c", fmt.Sprint(e.child(branch, 2)), "%l", fmt.Sprint(list))
			if e.elements(branch) < 5 || e.elements(list) < 3 {
				t.Fatal("the sample is too small")
			}
			tt.edit(e, branch, list)
			got := check(t, e.data)
			if len(got) != len(tt.want) {
				t.Fatalf("check says %q, want %d problems", got, len(tt.want))
			}
			for i, want := range tt.want {
				if want = pages.Replace(want); !strings.Contains(got[i], want) {
					t.Errorf("check says %q, want %q", got[i], want)
				}
			}
		})
	}
}

// Buckets within buckets come to an end before the stack does.
func TestBucketsWithinBuckets(t *testing.T) {
	const levels = 2 * mostBelow
	const each = pageBucket + pageHead + pageElement + 1 // of a bucket whose only key holds the next
	value := make([]byte, levels*each+pageBucket+pageHead)
	for at := 0; at < levels*each; at += each {
		page := value[at+pageBucket:]
		binary.NativeEndian.PutUint16(page[8:], kindLeaf)
		binary.NativeEndian.PutUint16(page[10:], 1)
		element := page[pageHead:]
		binary.NativeEndian.PutUint32(element, kindBucket)
		binary.NativeEndian.PutUint32(element[4:], pageElement)
		binary.NativeEndian.PutUint32(element[8:], 1)
		binary.NativeEndian.PutUint32(element[12:], uint32(len(value)-at-each))
		element[pageElement] = 'k'
	}
	binary.NativeEndian.PutUint16(value[levels*each+pageBucket+8:], kindLeaf)
	path := filepath.Join(t.TempDir(), "deep.db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("b"))
		if err != nil {
			return err
		}
		return b.Put([]byte("deep"), value)
	}), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e := edited{data, os.Getpagesize()}
	leaf := bytes.Index(data, []byte("deep")) / e.size
	binary.NativeEndian.PutUint32(e.page(leaf)[pageHead:], kindBucket)
	if got, want := check(t, data), fmt.Sprintf("page %d: it lies below 1000 others, or buckets", leaf); len(got) != 1 || got[0] != want {
		t.Errorf("check says %q, want %q", got, want)
	}
}

// A file without a list of free pages is none that is damaged.
func TestNoListOfFreePages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "free.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	fill := func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("b"))
		if err != nil {
			return err
		}
		return b.Put([]byte("k"), make([]byte, 10_000))
	}
	if err := errors.Join(db.Update(fill), db.Update(fill), db.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if e := (edited{data, os.Getpagesize()}); e.list() != -1 {
		t.Fatal("the file has a list of free pages")
	}
	if got := check(t, data); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// The check ends with its context.
func TestCheckEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample.db")
	if err := os.WriteFile(path, sample(t), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	why := errors.New("enough")
	ctx, end := context.WithCancelCause(t.Context())
	end(why)
	err = db.View(func(tx *bolt.Tx) error {
		f, err := Open(tx, path)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Check(ctx, func(problem string) { t.Error(problem) })
	})
	if !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
}

// However a file was written, what bbolt's own check finds sound is so; and what
// is written meanwhile does not touch the check.
func TestSoundFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "pages")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "sound.db")
		db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, InitialMmapSize: 1 << 28, FreelistType: rapid.SampledFrom([]bolt.FreelistType{bolt.FreelistMapType, bolt.FreelistArrayType}).Draw(t, "free")})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		names := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 3)
		write := func(tx *bolt.Tx) error {
			for range rapid.IntRange(0, 60).Draw(t, "writes") {
				b, err := tx.CreateBucketIfNotExists([]byte("root"))
				for _, name := range names.Draw(t, "bucket") {
					if err == nil {
						b, err = b.CreateBucketIfNotExists(fmt.Append(nil, "bucket", name))
					}
				}
				if err != nil {
					return err
				}
				key := fmt.Append(nil, rapid.IntRange(0, 300).Draw(t, "key"))
				if rapid.IntRange(0, 3).Draw(t, "deletes") == 0 {
					err = b.Delete(key)
				} else {
					err = b.Put(key, make([]byte, rapid.SampledFrom([]int{0, 10, 1000, 9000}).Draw(t, "size")))
				}
				if err != nil {
					return err
				}
			}
			return nil
		}
		for range rapid.IntRange(1, 6).Draw(t, "transactions") {
			if err := db.Update(write); err != nil {
				t.Fatal(err)
			}
		}
		err = db.View(func(tx *bolt.Tx) error {
			for problem := range tx.Check() {
				t.Errorf("bbolt: %v", problem)
			}
			f, err := Open(tx, path)
			if err != nil {
				return err
			}
			defer f.Close()
			for range 3 {
				if err := db.Update(write); err != nil {
					return err
				}
			}
			return errors.Join(
				f.Check(context.Background(), func(problem string) { t.Error(problem) }),
				f.Roots([]byte("root")))
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
