package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// Algorithm names a hash function of 256 bits.
type Algorithm string

// Algorithms.
const (
	SHA256 Algorithm = "sha256"
	SM3    Algorithm = "sm3" // GB/T 32905
)

// size is how many bytes a hash of any Algorithm has.
const size = 32

// sum hashes text; false for an algorithm that this version does not know.
func (a Algorithm) sum(text []byte) (hash [size]byte, ok bool) {
	switch a {
	case SHA256:
		return sha256.Sum256(text), true
	case SM3:
		return sm3.Sum(text), true
	default:
		return hash, false
	}
}

// Outcome is how an action ended.
type Outcome string

// Outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // not allowed, or not possible as asked for
	Failed  Outcome = "failed"
)

// Outcomes lists every outcome.
func Outcomes() []Outcome { return []Outcome{Done, Refused, Failed} }

// Object is what was acted upon.
type Object struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
}

// Policy is the policy text that an action stood on.
type Policy struct {
	ID      string `json:"id"`
	Version string `json:"version,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
}

// Entry is one thing that was done, or tried. Append sets Seq, Algorithm,
// Previous and Hash. Fields that come later are left out where they are empty:
// entries written before them stay as they were hashed.
type Entry struct {
	Seq       uint64            `json:"seq"` // from 1, without gaps
	At        time.Time         `json:"at"`  // by the clock, in UTC, to the millisecond
	Actor     string            `json:"actor"`
	Role      string            `json:"role,omitempty"`
	Address   string            `json:"address,omitempty"`
	Action    string            `json:"action"` // dotted, such as audit.done
	Object    Object            `json:"object"`
	Outcome   Outcome           `json:"outcome"`
	Reason    string            `json:"reason,omitempty"` // why it did not go through, or why it was done
	Details   map[string]string `json:"details,omitempty"`
	Policy    Policy            `json:"policy,omitzero"`
	PriceBook string            `json:"price_book,omitempty"` // id@version
	AsOf      time.Time         `json:"as_of,omitzero"`       // of the data it stood on
	Algorithm Algorithm         `json:"algorithm"`
	Previous  string            `json:"previous"`       // hash of the entry before, in hexadecimal
	Hash      string            `json:"hash,omitempty"` // of all above; absent from what is hashed
}

// New is an entry of whoever ctx names for something that was done at an
// instant.
func New(ctx context.Context, at time.Time, action string, object Object) Entry {
	who := WhoOf(ctx)
	return Entry{At: at, Actor: who.Actor, Role: who.Role, Address: who.Address, Action: action, Object: object, Outcome: Done}
}

// Fail is the entry for an action that err has ended.
func (e Entry) Fail(action string, err error) Entry {
	e.Action, e.Outcome, e.Reason = action, Failed, err.Error()
	return e
}

// With is the entry with one detail more; an empty value adds none.
func (e Entry) With(key, value string) Entry {
	if value == "" {
		return e
	}
	details := map[string]string{key: value}
	for k, v := range e.Details {
		if k != key {
			details[k] = v
		}
	}
	e.Details = details
	return e
}

// Head names the last entry of a chain and thereby all of it.
type Head struct {
	Seq       uint64    `json:"seq"`
	Hash      string    `json:"hash"` // hexadecimal
	Algorithm Algorithm `json:"algorithm,omitempty"`
}

// shortHash is how many hexadecimal digits of a hash are printed on paper: 96
// bits, which nobody can aim at; leastHash is how many a witness must know.
const (
	shortHash = 24
	leastHash = 16
)

// Head is what names the chain up to this entry.
func (e Entry) Head() Head { return Head{Seq: e.Seq, Hash: e.Hash, Algorithm: e.Algorithm} }

// String is SEQ:HASH, which ParseHead reads.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

// Short is SEQ:HASH with as much of the hash as fits on paper.
func (h Head) Short() string {
	h.Hash = h.Hash[:min(len(h.Hash), shortHash)]
	return h.String()
}

// ParseHead reads SEQ:HASH; of the hash the beginning is enough, of at least 16
// digits.
func ParseHead(s string) (Head, error) {
	seq, hash, _ := strings.Cut(strings.TrimSpace(s), ":")
	h := Head{Hash: strings.ToLower(hash)}
	var err error
	h.Seq, err = strconv.ParseUint(seq, 10, 64)
	digits := strings.Trim(h.Hash, "0123456789abcdef") == ""
	if err != nil || h.Seq == 0 || !digits || len(h.Hash) < leastHash || len(h.Hash) > 2*size {
		return Head{}, fmt.Errorf("%q: want SEQ:HASH as a report prints it, such as 128:3f9a6c0e1b2d4f5a6b7c8d9e", s)
	}
	return h, nil
}

// zeros stands for the entry before the first.
var zeros = strings.Repeat("0", 2*size)

// text is what is hashed of an entry.
func (e Entry) text() ([]byte, error) {
	e.Hash = ""
	return e.line()
}

// line is an entry as one line of compact JSON without its end.
func (e Entry) line() ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(e); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Line is the entry as one line of JSON. What is hashed is this line without
// its last field, `,"hash":"…"`.
func (e Entry) Line() (string, error) {
	line, err := e.line()
	return string(line), err
}

// maxValue is far above what bounded fields can make.
const maxValue = 64 << 10

// Faults of a stored entry.
var (
	errAltered = errors.New("its hash does not fit")
	errUnread  = errors.New("it cannot be read")
)

// decode proves and reads a stored value.
func decode(value []byte) (Entry, error) {
	if len(value) <= size || len(value) > maxValue {
		return Entry{}, errUnread
	}
	hash, text := value[:size], value[size:]
	var named struct {
		Algorithm Algorithm `json:"algorithm"`
	}
	if err := json.Unmarshal(text, &named); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", errUnread, err)
	}
	sum, ok := named.Algorithm.sum(text)
	if !ok {
		return Entry{}, fmt.Errorf("%w: algorithm %.20q is not known", errUnread, named.Algorithm)
	}
	if !bytes.Equal(sum[:], hash) {
		return Entry{}, errAltered
	}
	var e Entry
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&e); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", errUnread, err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return Entry{}, fmt.Errorf("%w: something follows it", errUnread)
	}
	// One meaning a text: nothing is read otherwise than it was hashed.
	if again, err := e.text(); err != nil || !bytes.Equal(again, text) {
		return Entry{}, fmt.Errorf("%w: it is not in the form in which entries are written", errUnread)
	}
	e.Hash = hex.EncodeToString(hash)
	return e, nil
}

func keyOf(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }
