package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/internal/journal"
)

// JournalFormats are the forms in which a journal is listed.
func JournalFormats() []string { return []string{"text", "json", "csv"} }

// Journal writes entries of the journal as they come, in one of JournalFormats.
type Journal struct {
	Location *time.Location // in which people read times; nil is UTC

	out    *bufio.Writer
	format string
	csv    *csv.Writer
	n      int
}

// NewJournal begins a list on w.
func NewJournal(w io.Writer, format string) (*Journal, error) {
	if !slices.Contains(JournalFormats(), format) {
		return nil, fmt.Errorf("unknown format %q: want one of %v", format, JournalFormats())
	}
	return &Journal{out: bufio.NewWriter(w), format: format}, nil
}

var journalColumns = []string{
	"seq", "at", "actor", "role", "address", "action", "object_type", "object_id", "outcome", "reason", "details",
	"policy", "policy_sha256", "price_book", "as_of", "algorithm", "previous", "hash",
}

// Write adds an entry.
func (j *Journal) Write(e journal.Entry) error {
	j.n++
	switch j.format {
	case "json":
		line, err := e.Line()
		if err != nil {
			return err
		}
		before := ",\n"
		if j.n == 1 {
			before = "{\"entries\": [\n"
		}
		_, err = j.out.WriteString(before + line)
		return err
	case "csv":
		if j.csv == nil {
			if err := j.head(); err != nil {
				return err
			}
		}
		return j.csv.Write(j.row(e))
	default:
		_, err := j.out.WriteString(j.text(e))
		return err
	}
}

// head begins a file that WPS and Excel read as UTF-8.
func (j *Journal) head() error {
	if _, err := j.out.WriteString("\ufeff"); err != nil {
		return err
	}
	j.csv = csv.NewWriter(j.out)
	j.csv.UseCRLF = true
	return j.csv.Write(journalColumns)
}

func (j *Journal) row(e journal.Entry) []string {
	policy := ""
	if e.Policy.ID != "" {
		policy = e.Policy.ID + "@" + e.Policy.Version
	}
	row := []string{
		strconv.FormatUint(e.Seq, 10), j.time(e.At, time.RFC3339), e.Actor, e.Role, e.Address, e.Action, e.Object.Type, e.Object.ID,
		string(e.Outcome), e.Reason, details(e), policy, e.Policy.SHA256, e.PriceBook, j.time(e.AsOf, time.RFC3339),
		string(e.Algorithm), e.Previous, e.Hash,
	}
	for i := range row {
		row[i] = neutral(row[i])
	}
	return row
}

// text is an entry as people read it: what was done in one line, what it stood on
// below.
func (j *Journal) text(e journal.Entry) string {
	var b strings.Builder
	object := e.Object.Type
	if e.Object.ID != "" {
		object += ":" + e.Object.ID
	}
	who := e.Actor
	for _, more := range []string{e.Role, e.Address} {
		if more != "" {
			who += " " + more
		}
	}
	fmt.Fprintf(&b, "%d  %s  %s  %s  %s  %s\n", e.Seq, j.time(e.At, time.DateTime), outcomes[e.Outcome], e.Action, object, who)
	tell := func(label, s string) {
		if s != "" {
			fmt.Fprintf(&b, "    %s: %s\n", label, s)
		}
	}
	tell("原因 reason", e.Reason)
	tell("详情 details", details(e))
	if e.Policy.ID != "" {
		basis := e.Policy.ID + "@" + e.Policy.Version + " sha256:" + e.Policy.SHA256[:min(12, len(e.Policy.SHA256))]
		if e.PriceBook != "" {
			basis += ", " + e.PriceBook
		}
		tell("依据 basis", basis)
	}
	tell("数据截至 as of", j.time(e.AsOf, time.DateTime))
	return b.String()
}

var outcomes = map[journal.Outcome]string{journal.Done: "完成 done", journal.Refused: "拒绝 refused", journal.Failed: "失败 failed"}

func (j *Journal) time(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	if j.Location == nil {
		return t.UTC().Format(layout)
	}
	return t.In(j.Location).Format(layout)
}

func details(e journal.Entry) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(e.Details)) {
		parts = append(parts, k+"="+e.Details[k])
	}
	return strings.Join(parts, "; ")
}

// Close ends the list, which was read at a head of the chain.
func (j *Journal) Close(head journal.Head) error {
	switch j.format {
	case "json":
		text, err := json.Marshal(head)
		if err != nil {
			return err
		}
		before := "\n],"
		if j.n == 0 {
			before = "{\"entries\": [],"
		}
		if _, err := fmt.Fprintf(j.out, "%s\n\"head\": %s}\n", before, text); err != nil {
			return err
		}
	case "csv":
		if j.csv == nil {
			if err := j.head(); err != nil {
				return err
			}
		}
		if j.csv.Flush(); j.csv.Error() != nil {
			return j.csv.Error()
		}
	default:
		if _, err := fmt.Fprintf(j.out, "条目 entries: %d\n", j.n); err != nil {
			return err
		}
		if head.Seq > 0 {
			if _, err := fmt.Fprintf(j.out, "链头 head: %s\n", head); err != nil {
				return err
			}
		}
	}
	return j.out.Flush()
}
