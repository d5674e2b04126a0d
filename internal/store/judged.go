package store

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/internal/journal"
	"yunjian/recommender"
)

// Judged is what the latest audit says of one resource.
type Judged struct {
	Finding         *analyzer.Finding            `json:"finding,omitempty"`
	Recommendations []recommender.Recommendation `json:"recommendations,omitempty"`
	Refusals        []recommender.Refusal        `json:"refusals,omitempty"`
}

// The latest audit is kept a second time, in so many pieces that what it says of a few
// resources is read without the rest: as of → instant, number of the piece → packed
// resource → Judged.
var judgedBucket = []byte("judged")

var judgedAsOf = []byte("as of")

const judgedPieces = 512

func pieceOf(resource string) uint16 {
	h := fnv.New32a()
	h.Write([]byte(resource))
	return uint16(h.Sum32() % judgedPieces) //nolint:gosec // below judgedPieces
}

// createJudged takes the latest audit apart.
func (s *Store) createJudged(tx *bolt.Tx) error {
	if _, err := tx.CreateBucketIfNotExists(judgedBucket); err != nil {
		return err
	}
	_, packed := tx.Bucket(auditBucket).Cursor().Last()
	if packed == nil {
		return nil
	}
	if e, ok := journal.Last(tx, journal.AuditDone); ok {
		if before := lastAudit(tx.Bucket(auditBucket), e.At.Add(Ahead)); before != nil {
			packed = before
		}
	}
	var a audit.Audit
	if err := s.packer.unpack(packed, &a); err != nil {
		return err
	}
	for i := range a.Findings {
		forgetCoverage(&a.Findings[i])
	}
	return s.putJudged(tx, a, a.AsOf)
}

// Ahead is how far in the future an audit may lie and still be taken for the latest: one of
// a farther future was made while the clock ran ahead, and must not hide those made since.
const Ahead = 31 * 24 * time.Hour

// putJudged takes an audit apart that is put at an instant, unless the one that is counts
// for the latest.
func (s *Store) putJudged(tx *bolt.Tx, a audit.Audit, at time.Time) error {
	b := tx.Bucket(judgedBucket)
	if have := b.Get(judgedAsOf); have != nil {
		far := func(t time.Time) bool { return t.After(at.Add(Ahead)) }
		if have := instantOf(have); far(a.AsOf) && !far(have) || far(a.AsOf) == far(have) && have.After(a.AsOf) {
			return nil
		}
	}
	pieces := make([]map[string]Judged, judgedPieces)
	change := func(id string, f func(*Judged)) {
		p := pieceOf(id)
		if pieces[p] == nil {
			pieces[p] = map[string]Judged{}
		}
		j := pieces[p][id]
		f(&j)
		pieces[p][id] = j
	}
	for _, f := range a.Findings {
		change(f.ResourceID, func(j *Judged) { j.Finding = &f })
	}
	for _, r := range a.Recommendations {
		change(r.ResourceID, func(j *Judged) { j.Recommendations = append(j.Recommendations, r) })
	}
	for _, r := range a.Refusals {
		change(r.ResourceID, func(j *Judged) { j.Refusals = append(j.Refusals, r) })
	}
	for i, piece := range pieces {
		key := binary.BigEndian.AppendUint16(nil, uint16(i)) //nolint:gosec // below judgedPieces
		if piece == nil {
			if err := b.Delete(key); err != nil {
				return err
			}
			continue
		}
		packed, err := s.packer.pack(piece)
		if err != nil {
			return err
		}
		if err := b.Put(key, packed); err != nil {
			return err
		}
	}
	return b.Put(judgedAsOf, instantKey(a.AsOf))
}

// Judged returns what the latest audit says of resources, by id, and when that was; false
// where there is none.
func (s *Store) Judged(ids []string) (out map[string]Judged, asOf time.Time, ok bool, err error) {
	out = map[string]Judged{}
	err = s.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(judgedBucket)
		at := b.Get(judgedAsOf)
		if at == nil {
			return nil
		}
		asOf, ok = instantOf(at), true
		wanted := map[uint16][]string{}
		for _, id := range ids {
			wanted[pieceOf(id)] = append(wanted[pieceOf(id)], id)
		}
		for p, ids := range wanted {
			packed := b.Get(binary.BigEndian.AppendUint16(nil, p))
			if packed == nil {
				continue
			}
			var piece map[string]Judged
			if err := s.packer.unpack(packed, &piece); err != nil {
				return err
			}
			for _, id := range ids {
				if j, known := piece[id]; known {
					out[id] = j
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, false, fmt.Errorf("read what the latest audit says: %w", err)
	}
	return out, asOf, ok, nil
}
