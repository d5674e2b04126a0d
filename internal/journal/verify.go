package journal

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// Kind is what is wrong at one place of a chain.
type Kind string

// Kinds of problems.
const (
	Altered   Kind = "altered"   // an entry is not what was hashed
	Unread    Kind = "unread"    // what stands in its place is no entry
	Missing   Kind = "missing"   // entries are not there
	Misplaced Kind = "misplaced" // an entry of another number stands in its place
	Unlinked  Kind = "unlinked"  // it does not follow from the entry before it
	Truncated Kind = "truncated" // entries are not there at the end
	Unmatched Kind = "unmatched" // not the entry that was witnessed
	Differing Kind = "differing" // an object is not what its entry says
)

// Problem is one place at which a chain does not hold.
type Problem struct {
	Seq   uint64 `json:"seq"` // of the first entry concerned
	Kind  Kind   `json:"kind"`
	Other uint64 `json:"other,omitempty"` // last entry that is missing, or the number that a misplaced one calls itself
	Said  string `json:"said,omitempty"`  // what is known beside that
}

// String says what is wrong, in both languages.
func (p Problem) String() string {
	zh, en := "", ""
	switch p.Kind {
	case Altered:
		zh, en = "内容被改动，散列值不符", "altered: its hash does not fit"
	case Unread:
		zh, en = "不是可读的条目", "altered: what stands there is no entry"
	case Missing:
		zh, en = "缺失", "missing"
	case Truncated:
		zh, en = "末尾缺失", "missing at the end"
	case Misplaced:
		zh, en = fmt.Sprintf("这里是编号 %d 的条目：被调换或复制", p.Other), fmt.Sprintf("reordered or duplicated: it calls itself entry %d", p.Other)
		return fmt.Sprintf("第 %d 条 %s | entry %d: %s", p.Seq, zh, p.Seq, en)
	case Unlinked:
		zh, en = "与前一条不相连：它之前的条目被改写、删除或插入", "does not follow from the one before: an entry before it was rewritten, removed or inserted"
	case Unmatched:
		zh, en = "与见证的链头不符", "is not the one that was witnessed"
	case Differing:
		zh, en = "所记的对象与现存的不符", "what it records is not what is stored"
	}
	zhPlace, place := fmt.Sprintf("第 %d 条", p.Seq), fmt.Sprintf("entry %d", p.Seq)
	if p.Other > p.Seq {
		zhPlace, place = fmt.Sprintf("第 %d 至 %d 条", p.Seq, p.Other), fmt.Sprintf("entries %d to %d", p.Seq, p.Other)
	}
	s := fmt.Sprintf("%s %s | %s: %s", zhPlace, zh, place, en)
	if p.Said != "" {
		s += ": " + p.Said
	}
	return s
}

// maxProblems is how many problems are told one by one.
const maxProblems = 50

// Verified is what a walk along a chain has found.
type Verified struct {
	Entries  uint64    `json:"entries"` // that are there
	Head     Head      `json:"head"`    // the last one; zero where there is none
	Problems []Problem `json:"problems"`
	More     int       `json:"more,omitempty"` // problems beyond those told
}

// Whole reports whether nothing is wrong.
func (v Verified) Whole() bool { return len(v.Problems) == 0 }

// Add notes a problem.
func (v *Verified) Add(p Problem) {
	if len(v.Problems) == maxProblems {
		v.More++
		return
	}
	v.Problems = append(v.Problems, p)
}

// Verify walks the whole chain and compares it with heads that were witnessed
// elsewhere. The error says that there is no journal, or that ctx has ended.
func Verify(ctx context.Context, tx *bolt.Tx, witnessed ...Head) (Verified, error) {
	v := Verified{Problems: []Problem{}}
	b := tx.Bucket(bucket)
	if b == nil {
		return v, errNone
	}
	previous, next := zeros, uint64(1)
	c := b.Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if ctx.Err() != nil {
			return v, context.Cause(ctx)
		}
		if len(key) != 8 {
			v.Add(Problem{Seq: next, Kind: Unread, Said: fmt.Sprintf("key %.20x", key)})
			continue
		}
		seq := binary.BigEndian.Uint64(key)
		v.Entries++
		if seq > next {
			v.Add(Problem{Seq: next, Kind: Missing, Other: seq - 1})
		}
		link := previous
		previous = zeros
		if len(value) >= size {
			previous = hex.EncodeToString(value[:size])
		}
		v.Head = Head{Seq: seq, Hash: previous}
		e, err := decode(value)
		switch {
		case seq < next: // number 0
			v.Add(Problem{Seq: seq, Kind: Unread, Said: "entries count from 1"})
		case errors.Is(err, errAltered):
			v.Add(Problem{Seq: seq, Kind: Altered})
		case err != nil:
			v.Add(Problem{Seq: seq, Kind: Unread, Said: err.Error()})
		case e.Seq != seq:
			v.Add(Problem{Seq: seq, Kind: Misplaced, Other: e.Seq})
		case e.Previous != link && seq == next: // behind a hole it cannot follow
			v.Add(Problem{Seq: seq, Kind: Unlinked})
		}
		if err == nil {
			v.Head.Algorithm = e.Algorithm
		}
		next = max(next, seq+1)
	}
	if last := b.Sequence(); last >= next {
		v.Add(Problem{Seq: next, Kind: Truncated, Other: last})
	} else if last < next-1 {
		v.Add(Problem{Seq: last + 1, Kind: Unread, Other: next - 1, Said: "added by something else than Yunjian"})
	}
	for _, w := range witnessed {
		v.compare(tx, w)
	}
	return v, nil
}

// compare holds the chain against a head that was witnessed.
func (v *Verified) compare(tx *bolt.Tx, w Head) {
	value := tx.Bucket(bucket).Get(keyOf(w.Seq))
	switch {
	case value == nil && w.Seq > v.Head.Seq:
		v.Add(Problem{Seq: v.Head.Seq + 1, Kind: Truncated, Other: w.Seq, Said: "witnessed " + w.Short()})
	case value == nil:
		v.Add(Problem{Seq: w.Seq, Kind: Unmatched, Said: "witnessed " + w.Short() + ", there is none"})
	case len(value) < size || w.Hash == "" || !strings.HasPrefix(hex.EncodeToString(value[:size]), w.Hash):
		v.Add(Problem{Seq: w.Seq, Kind: Unmatched, Said: "witnessed " + w.Short() + ", stored " + Head{Seq: w.Seq, Hash: hex.EncodeToString(value[:min(size, len(value))])}.Short()})
	}
}
