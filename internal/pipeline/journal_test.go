package pipeline

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/internal/archive"
	"yunjian/internal/journal"
)

func entries(t *testing.T, d *Data, f journal.Filter) (out []journal.Entry) {
	t.Helper()
	err := d.State.Journal(f, func(e journal.Entry) error {
		out = append(out, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func actionsOf(es []journal.Entry) []string {
	out := []string{}
	for _, e := range es {
		out = append(out, e.Action)
	}
	return out
}

// silent is a source that gives nothing while it is down.
type silent struct {
	machine
	down bool
}

func (s *silent) Inventory(ctx context.Context, now time.Time) (cloud.Inventory, error) {
	if s.down {
		return cloud.Inventory{}, errors.New("no answer from 13812345678")
	}
	return s.machine.Inventory(ctx, now)
}

// Of the passes on schedule the first of a day is journalled, and those that end
// otherwise than the one before; of those that somebody started, every one.
func TestPassesJournalled(t *testing.T) {
	d, src := open(t), &silent{machine: *running()}
	scheduled, person := t.Context(), journal.As(t.Context(), journal.CLI("wang"))
	pass := func(ctx context.Context, after time.Duration) {
		_, _ = d.Collect(ctx, "a", src, CollectOptions{Metrics: cloud.Metrics(), Since: monday.AddDate(0, 0, -1), Now: monday.Add(after)})
	}
	for i := range 4 {
		pass(scheduled, time.Duration(i)*5*time.Minute)
	}
	src.down = true
	pass(scheduled, time.Hour)
	pass(scheduled, 2*time.Hour)
	src.down = false
	pass(scheduled, 3*time.Hour)
	pass(person, 4*time.Hour)
	pass(person, 5*time.Hour)
	pass(scheduled, 6*time.Hour)
	pass(scheduled, 30*time.Hour)
	got := entries(t, d, journal.Filter{Action: "collection"})
	want := []string{
		journal.CollectionDone, journal.CollectionFailed, journal.CollectionDone, // and the two before said the same
		journal.CollectionDone, journal.CollectionDone, // wang
		journal.CollectionDone, // the next day
	}
	if diff := cmp.Diff(want, actionsOf(got)); diff != "" {
		t.Fatalf("actions (-want +got):\n%s", diff)
	}
	for i, want := range []string{"", "3", "1", "", "", "1"} {
		if n := got[i].Details[journal.DetailSkipped]; n != want {
			t.Errorf("entry %d: %q passes since the last entry; want %q", got[i].Seq, n, want)
		}
	}
	if got[1].Outcome != journal.Failed || !strings.Contains(got[1].Reason, "no answer from 138****5678") {
		t.Errorf("%+v", got[1])
	}
	if got[3].Actor != "cli:wang" {
		t.Errorf("%+v", got[3])
	}
}

var _ collector.Source = (*silent)(nil)

func TestAuditJournalled(t *testing.T) {
	d := open(t)
	look(t, d, running(), monday)
	_, a := judged(t, d, monday)
	got := entries(t, d, journal.Filter{Action: journal.AuditDone})
	if len(got) != 1 {
		t.Fatalf("%d entries", len(got))
	}
	e := got[0]
	if e.Seq != a.Journal.Seq || e.Hash != a.Journal.Hash || e.Policy.SHA256 != a.Policy.SHA256 || !e.AsOf.Equal(monday) ||
		e.PriceBook != a.PriceBook.ID+"@"+a.PriceBook.Version || e.Object != AuditObject(monday) {
		t.Errorf("entry %+v\nof audit %+v", e, a.Journal)
	}
	stored, _, err := d.LatestAudit()
	if err != nil || stored.Journal != a.Journal {
		t.Errorf("stored with %+v, %v; was told %+v", stored.Journal, err, a.Journal)
	}
}

// A backup holds the journal as it was; the restored one says that it was
// restored, and the chain goes on.
func TestCareJournalled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // to see what is left in it
	d := openFolder(t)
	if err := d.Record(t.Context(), journal.ReportExported, journal.Object{Type: "report", ID: "2026-W47"}, "format", "html"); err != nil {
		t.Fatal(err)
	}
	backup := backupOf(t, d)
	full := errors.New("no room")
	if err := d.Backup(t.Context(), failing{full}, time.Now()); !errors.Is(err, full) {
		t.Errorf("a backup without room: %v", err)
	}
	if _, err := d.Compact(t.Context(), time.Now(), time.Hour, time.UTC, func(string) {}); err != nil {
		t.Fatal(err)
	}
	want := []string{journal.ReportExported, journal.BackedUp, journal.BackupFailed, journal.Compacted}
	if diff := cmp.Diff(want, actionsOf(entries(t, d, journal.Filter{}))); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}

	s, remove, err := StateOf(t.Context(), backup)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.VerifyJournal(t.Context())
	if err != nil || !v.Whole() || v.Entries != 1 {
		t.Errorf("in the backup: %+v, %v", v, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	remove()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "yunjian-journal-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	dir := filepath.Join(t.TempDir(), "again")
	if err := Restore(t.Context(), backup, dir, func(string) {}); err != nil {
		t.Fatal(err)
	}
	again, err := OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if v, err := again.VerifyJournal(t.Context()); err != nil || !v.Whole() || v.Entries != 2 {
		t.Errorf("restored: %+v, %v", v, err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestStateOfWhatIsNoBackup(t *testing.T) {
	if _, _, err := StateOf(t.Context(), bytes.NewReader([]byte("no backup"))); err == nil {
		t.Error("it is read")
	}
	if _, err := OpenState(t.TempDir()); !errors.Is(err, ErrNoData) {
		t.Errorf("an empty folder: %v", err)
	}
}

// A backup that an earlier version made is read like any other.
func TestStateOfEarlierVersion(t *testing.T) {
	packed, err := os.ReadFile(filepath.Join("..", "store", "testdata", "v3.db.zst"))
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	d := openFolder(t)
	var backup bytes.Buffer
	if err := archive.Write(&backup, time.Now(), []archive.Entry{{Name: StateFile, Copy: dec.WriteTo}, {Name: HistoryFile, Copy: d.History.Backup}}); err != nil {
		t.Fatal(err)
	}
	s, remove, err := StateOf(t.Context(), bytes.NewReader(backup.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	defer s.Close()
	if v, err := s.VerifyJournal(t.Context()); err != nil || !v.Whole() || v.Entries == 0 {
		t.Errorf("%+v, %v", v, err)
	}
}
