package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

func TestChain(t *testing.T) {
	db := fresh(t)
	if v := verify(t, db); !v.Whole() || v.Entries != 0 {
		t.Errorf("an empty journal: %+v", v)
	}
	head := write(t, db, 7)
	if v := verify(t, db, head); !v.Whole() || v.Entries != 7 || v.Head != head {
		t.Errorf("seven entries: %+v; want head %v", v, head)
	}
	var got []Entry
	err := db.View(func(tx *bolt.Tx) error {
		return Each(tx, Filter{}, func(e Entry) error { got = append(got, e); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range got {
		want := sample(i)
		want.At = want.At.Truncate(time.Millisecond)
		want.Seq, want.Algorithm, want.Hash, want.Previous = uint64(i+1), SHA256, e.Hash, zeros
		if i%3 == 2 {
			want.Algorithm = SM3
		}
		if i > 0 {
			want.Previous = got[i-1].Hash
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("entry %d (-want +got):\n%s", i+1, diff)
		}
	}
}

// The bytes that are hashed are the line without its last field: what the
// manual tells people to check with other tools.
func TestLineIsWhatIsHashed(t *testing.T) {
	db := fresh(t)
	write(t, db, 3)
	err := db.View(func(tx *bolt.Tx) error {
		return Each(tx, Filter{}, func(e Entry) error {
			line, err := e.Line()
			if err != nil {
				return err
			}
			text := strings.Replace(line, `,"hash":"`+e.Hash+`"`, "", 1)
			if sum, ok := e.Algorithm.sum([]byte(text)); !ok || fmt.Sprintf("%x", sum) != e.Hash {
				t.Errorf("entry %d: the hash of %s is %x", e.Seq, text, sum)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSM3(t *testing.T) { // GB/T 32905-2016, example 1
	if sum, ok := SM3.sum([]byte("abc")); !ok || fmt.Sprintf("%x", sum) != "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0" {
		t.Errorf("%x, %v", sum, ok)
	}
}

func TestRolledBackIsNeverThere(t *testing.T) {
	db := fresh(t)
	write(t, db, 2)
	err := db.Update(func(tx *bolt.Tx) error {
		if _, err := Append(tx, SHA256, sample(3)); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	if v := verify(t, db); !v.Whole() || v.Entries != 2 {
		t.Errorf("%+v", v)
	}
	head := write(t, db, 1)
	if v := verify(t, db, head); !v.Whole() || head.Seq != 3 {
		t.Errorf("%+v, %v", v, head)
	}
}

func TestWhatIsFound(t *testing.T) {
	db := fresh(t)
	head := write(t, db, 9)
	for _, c := range []struct {
		name      string
		change    func(b *bolt.Bucket) error
		witnessed []Head
		want      []Problem
	}{
		{"nothing", func(*bolt.Bucket) error { return nil }, nil, []Problem{}},
		{"an entry removed", func(b *bolt.Bucket) error { return b.Delete(keyOf(4)) }, nil, []Problem{{Seq: 4, Kind: Missing, Other: 4}}},
		{"the first two removed", func(b *bolt.Bucket) error { return errors.Join(b.Delete(keyOf(1)), b.Delete(keyOf(2))) }, nil, []Problem{{Seq: 1, Kind: Missing, Other: 2}}},
		{"the last removed", func(b *bolt.Bucket) error { return b.Delete(keyOf(9)) }, nil, []Problem{{Seq: 9, Kind: Truncated, Other: 9}}},
		{"the end cut off with its counter, unwitnessed", func(b *bolt.Bucket) error {
			return errors.Join(b.Delete(keyOf(9)), b.SetSequence(8))
		}, nil, []Problem{}},
		{"the end cut off with its counter, witnessed", func(b *bolt.Bucket) error {
			return errors.Join(b.Delete(keyOf(9)), b.SetSequence(8))
		}, []Head{head}, []Problem{{Seq: 9, Kind: Truncated, Other: 9, Said: "witnessed " + head.Short()}}},
		{"two swapped", func(b *bolt.Bucket) error {
			three, five := value(b, 3), value(b, 5)
			return errors.Join(b.Put(keyOf(3), five), b.Put(keyOf(5), three))
		}, nil, []Problem{{Seq: 3, Kind: Misplaced, Other: 5}, {Seq: 4, Kind: Unlinked}, {Seq: 5, Kind: Misplaced, Other: 3}, {Seq: 6, Kind: Unlinked}}},
		{"one copied to the end", func(b *bolt.Bucket) error { return b.Put(keyOf(10), value(b, 9)) }, nil,
			[]Problem{{Seq: 10, Kind: Misplaced, Other: 9}, {Seq: 10, Kind: Unread, Other: 10, Said: "added by something else than Yunjian"}}},
		{"an entry written anew with a hash that fits", func(b *bolt.Bucket) error {
			e, err := decode(value(b, 4))
			if err != nil {
				return err
			}
			e.Reason = "otherwise"
			return b.Put(keyOf(4), forged(e))
		}, nil, []Problem{{Seq: 5, Kind: Unlinked}}},
		{"the last written anew with a hash that fits, witnessed", func(b *bolt.Bucket) error {
			e, err := decode(value(b, 9))
			if err != nil {
				return err
			}
			e.Outcome = Refused
			return b.Put(keyOf(9), forged(e))
		}, []Head{head}, []Problem{{Seq: 9, Kind: Unmatched, Said: "*"}}},
		{"a hash altered", func(b *bolt.Bucket) error {
			v := value(b, 4)
			v[0]++
			return b.Put(keyOf(4), v)
		}, nil, []Problem{{Seq: 4, Kind: Altered}, {Seq: 5, Kind: Unlinked}}},
		{"an entry emptied", func(b *bolt.Bucket) error { return b.Put(keyOf(4), nil) }, nil,
			[]Problem{{Seq: 4, Kind: Unread, Said: "*"}, {Seq: 5, Kind: Unlinked}}},
		{"another algorithm named", func(b *bolt.Bucket) error {
			v := value(b, 4)
			return b.Put(keyOf(4), []byte(strings.Replace(string(v), `"algorithm":"sha256"`, `"algorithm":"crc32"`, 1)))
		}, nil, []Problem{{Seq: 4, Kind: Unread, Said: "*"}}},
	} {
		v, err := tampered(db, c.change, c.witnessed...)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for i := range v.Problems {
			if i < len(c.want) && c.want[i].Said == "*" {
				v.Problems[i].Said = "*"
			}
		}
		if diff := cmp.Diff(c.want, v.Problems); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// forged is an entry with a hash of its own that fits.
func forged(e Entry) []byte {
	text, err := e.text()
	if err != nil {
		panic(err)
	}
	sum, _ := e.Algorithm.sum(text)
	return append(sum[:], text...)
}

// TestTamperingIsFound alters one thing of a chain, whatever it is.
func TestTamperingIsFound(t *testing.T) {
	db := fresh(t)
	const n = 24
	head := write(t, db, n)
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.Uint64Range(1, n).Draw(t, "seq")
		other := rapid.Uint64Range(1, n).Filter(func(o uint64) bool { return o != seq }).Draw(t, "other")
		place, bit := rapid.IntRange(0, 1<<20).Draw(t, "place"), rapid.IntRange(0, 7).Draw(t, "bit")
		changes := map[string]func(b *bolt.Bucket) error{
			"bit": func(b *bolt.Bucket) error {
				v := value(b, seq)
				v[place%len(v)] ^= 1 << bit
				return b.Put(keyOf(seq), v)
			},
			"cut": func(b *bolt.Bucket) error {
				v := value(b, seq)
				return b.Put(keyOf(seq), v[:place%len(v)])
			},
			"lengthen": func(b *bolt.Bucket) error { return b.Put(keyOf(seq), append(value(b, seq), byte(place))) },
			"delete":   func(b *bolt.Bucket) error { return b.Delete(keyOf(seq)) },
			"copy":     func(b *bolt.Bucket) error { return b.Put(keyOf(seq), value(b, other)) },
			"swap": func(b *bolt.Bucket) error {
				one, two := value(b, seq), value(b, other)
				return errors.Join(b.Put(keyOf(seq), two), b.Put(keyOf(other), one))
			},
			"rewrite": func(b *bolt.Bucket) error { // with a hash that fits
				e, err := decode(value(b, seq))
				if err != nil {
					return err
				}
				e.Details = map[string]string{"resources": "0"}
				return b.Put(keyOf(seq), forged(e))
			},
			"insert": func(b *bolt.Bucket) error { // all that follows moves on by one
				for s := uint64(n); s >= seq; s-- {
					if err := b.Put(keyOf(s+1), value(b, s)); err != nil {
						return err
					}
				}
				e := sample(7)
				e.Seq, e.Algorithm, e.Previous = seq, SHA256, strings.Repeat("0", 64)
				return errors.Join(b.Put(keyOf(seq), forged(e)), b.SetSequence(n+1))
			},
			"close up": func(b *bolt.Bucket) error { // what follows moves back by one
				for s := seq; s < n; s++ {
					if err := b.Put(keyOf(s), value(b, s+1)); err != nil {
						return err
					}
				}
				return errors.Join(b.Delete(keyOf(n)), b.SetSequence(n-1))
			},
			"cut off": func(b *bolt.Bucket) error {
				for s := seq; s <= n; s++ {
					if err := b.Delete(keyOf(s)); err != nil {
						return err
					}
				}
				return b.SetSequence(seq - 1)
			},
			"foreign key": func(b *bolt.Bucket) error { return b.Put([]byte{0, byte(place)}, value(b, seq)) },
		}
		how := rapid.SampledFrom([]string{"bit", "cut", "lengthen", "delete", "copy", "swap", "rewrite", "insert", "close up", "cut off", "foreign key"}).Draw(t, "how")
		v, err := tampered(db, changes[how], head)
		if err != nil {
			t.Fatal(err)
		}
		if v.Whole() {
			t.Fatalf("%s at %d (%d) passes", how, seq, other)
		}
	})
	if v := verify(t, db, head); !v.Whole() {
		t.Errorf("undone: %+v", v)
	}
}

func TestAppendRefuses(t *testing.T) {
	db := fresh(t)
	for name, change := range map[string]func(*Entry){
		"an action in one word":   func(e *Entry) { e.Action = "audit" },
		"an action of many words": func(e *Entry) { e.Action = "Audit Done" },
		"nobody":                  func(e *Entry) { e.Actor = " " },
		"nothing":                 func(e *Entry) { e.Object.Type = "" },
		"never":                   func(e *Entry) { e.At = time.Time{} },
		"no outcome":              func(e *Entry) { e.Outcome = "" },
	} {
		e := sample(1)
		change(&e)
		if err := db.Update(func(tx *bolt.Tx) error { _, err := Append(tx, SHA256, e); return err }); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := db.Update(func(tx *bolt.Tx) error { _, err := Append(tx, "md5", sample(1)); return err }); err == nil {
		t.Error("md5 is taken")
	}
	if v := verify(t, db); v.Entries != 0 || !v.Whole() {
		t.Errorf("%+v", v)
	}
}

func TestLastAndFilter(t *testing.T) {
	db := fresh(t)
	write(t, db, 5)
	failed := sample(9).Fail(AuditFailed, errors.New("no room"))
	failed.Actor = "cli:root"
	if err := db.Update(func(tx *bolt.Tx) error { _, err := Append(tx, SM3, failed); return err }); err != nil {
		t.Fatal(err)
	}
	err := db.View(func(tx *bolt.Tx) error {
		if e, ok := Last(tx, AuditDone); !ok || e.Seq != 5 {
			t.Errorf("the last audit done is %d, %v", e.Seq, ok)
		}
		if _, ok := Last(tx, BackedUp); ok {
			t.Error("there was no backup")
		}
		for _, c := range []struct {
			name string
			f    Filter
			want int
		}{
			{"all", Filter{}, 6},
			{"from an instant on", Filter{From: noon.Add(2 * time.Minute).Truncate(time.Millisecond)}, 4},
			{"before an instant", Filter{To: noon.Add(2 * time.Minute).Truncate(time.Millisecond)}, 2},
			{"one action", Filter{Action: AuditFailed}, 1},
			{"all of a kind", Filter{Action: "audit"}, 6},
			{"half a word", Filter{Action: "aud"}, 0},
			{"an actor", Filter{Actor: "cli:root"}, 1},
			{"an outcome", Filter{Outcome: Failed}, 1},
			{"objects of a type", Filter{Object: "audit"}, 6},
			{"an object", Filter{Object: "audit:2026-11-02"}, 1},
			{"an id", Filter{Object: "2026-11-02"}, 1},
		} {
			n := 0
			if err := Each(tx, c.f, func(Entry) error { n++; return nil }); err != nil {
				return err
			}
			if n != c.want {
				t.Errorf("%s: %d entries; want %d", c.name, n, c.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHeads(t *testing.T) {
	h := Head{Seq: 128, Hash: strings.Repeat("3f9a", 16)}
	if h.Short() != "128:"+strings.Repeat("3f9a", 6) {
		t.Errorf("short: %s", h.Short())
	}
	for _, good := range []string{h.String(), h.Short(), " 128:3F9A3F9A3F9A3F9A "} {
		got, err := ParseHead(good)
		if err != nil || got.Seq != 128 || !strings.HasPrefix(h.Hash, got.Hash) {
			t.Errorf("%q: %v, %v", good, got, err)
		}
	}
	for _, bad := range []string{"", "128", "128:", "0:" + h.Hash, "128:3f9a", "x:" + h.Hash, "128:" + strings.Repeat("g", 24), h.String() + "0"} {
		if got, err := ParseHead(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestWho(t *testing.T) {
	if who := WhoOf(context.Background()); who != System {
		t.Errorf("nobody named: %v", who)
	}
	ctx := As(context.Background(), Who{Actor: "u-7", Role: "auditor", Address: "10.0.0.8"})
	if e := New(ctx, noon, AuditDone, Object{Type: "audit"}); e.Actor != "u-7" || e.Role != "auditor" || e.Address != "10.0.0.8" {
		t.Errorf("%+v", e)
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"call 13812345678 now":                                 "call 138****5678 now",
		"13812345678,13912345679":                              "138****5678,139****5679",
		"+8613812345678":                                       "+86138****5678",
		"138-1234-5678":                                        "138****5678",
		"12812345678":                                          "12812345678",
		"i-bp113812345678x":                                    "i-bp113812345678x",
		"33010119900101123X":                                   "330***********123X",
		"http://admin:hunter2@10.0.0.1/x":                      "http://***@10.0.0.1/x",
		"robot/send?access_token=0f3c9&timestamp=1":            "robot/send?access_token=***&timestamp=1",
		"AccessKeySecret=abcdef, RegionId=cn-hangzhou":         "AccessKeySecret=***, RegionId=cn-hangzhou",
		`{"password": "hunter2", "user": "a"}`:                 `{"password": "***", "user": "a"}`,
		"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x":     "Authorization: Bearer ***",
		"key LTAI5tQwertyuiopasdfgh is off":                    "key LTAI*** is off",
		"no room on /var: 13.4 MiB free":                       "no room on /var: 13.4 MiB free",
		"3f9a6c0e1b2d4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6": "3f9a6c0e1b2d4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6",
	} {
		if got := mask(in); got != want {
			t.Errorf("%q becomes %q; want %q", in, got, want)
		}
	}
}

// Whatever comes in, an entry stays small, on one line, and readable.
func TestBounded(t *testing.T) {
	db := fresh(t)
	rapid.Check(t, func(t *rapid.T) {
		e := sample(1)
		e.Actor = "a" + rapid.String().Draw(t, "actor")
		e.Reason = rapid.StringN(0, -1, 4000).Draw(t, "reason")
		e.Object.ID = string(rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "id"))
		e.Details = rapid.MapOfN(rapid.String(), rapid.StringN(0, -1, 1000), 0, 40).Draw(t, "details")
		err := db.Update(func(tx *bolt.Tx) error {
			_, err := Append(tx, SHA256, e)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	if v := verify(t, db); !v.Whole() {
		t.Errorf("%+v", v.Problems)
	}
}

// FuzzDecode: what is read is exactly what was hashed.
func FuzzDecode(f *testing.F) {
	db := fresh(f)
	write(f, db, 3)
	err := db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(_, v []byte) error {
			f.Add(append([]byte{}, v[size:]...))
			return nil
		})
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"seq":1,"seq":2,"algorithm":"sha256"}`))
	f.Add([]byte(`{"algorithm":"sm3"} `))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := decode(text); err == nil && len(text) <= size {
			t.Error("a value without text is read")
		}
		for _, a := range []Algorithm{SHA256, SM3} { // with a hash that fits
			sum, _ := a.sum(text)
			e, err := decode(append(sum[:], text...))
			if err != nil {
				continue
			}
			again, err := e.text()
			if err != nil || string(again) != string(text) || e.Algorithm != a {
				t.Errorf("%q is read as %q, %v", text, again, err)
			}
		}
	})
}
