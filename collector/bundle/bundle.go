package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"yunjian/cloud"
	"yunjian/internal/sheet"
)

// Bundle is a bundle folder that was opened: its inventory is in memory, its
// samples are read when asked for. It is safe for concurrent use.
type Bundle struct {
	dir       string
	inventory cloud.Inventory
	files     map[string]string // resource id → file, relative to dir
	notes     []string

	readers sync.Pool // of *sampleReader, whose buffers are worth keeping

	mu     sync.Mutex
	extent *extent // nil: not scanned yet
}

// extent is what the sample files hold together.
type extent struct {
	metrics []cloud.Metric
	begin   int64 // instants of the first and the last sample; 0: no samples
	end     int64
}

// Open reads the inventory of the bundle in dir and finds its sample files. An
// error that wraps *sheet.Mistakes lists everything wrong with the tables; mistakes
// in a sample file show when it is read.
func Open(dir string) (*Bundle, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("open bundle %s: is a file; want the folder that holds inventory.csv and samples", dir)
	}
	b := &Bundle{dir: dir, files: map[string]string{}}
	var wrong sheet.Mistakes
	var err error
	if b.inventory, b.notes, err = readInventory(dir, &wrong); err != nil {
		return nil, err
	}
	if err := b.find(&wrong); err != nil {
		return nil, err
	}
	if !wrong.None() {
		return nil, fmt.Errorf("read bundle %s:\n%w", dir, &wrong)
	}
	return b, nil
}

// sampleEndings are what a sample file may end in.
var sampleEndings = []string{".csv", ".csv.gz", ".xlsx"}

// find lists the samples folder; files that no row of the inventory names are
// noted, not read.
func (b *Bundle) find(wrong *sheet.Mistakes) error {
	entries, err := os.ReadDir(filepath.Join(b.dir, "samples"))
	if errors.Is(err, fs.ErrNotExist) {
		b.notes = append(b.notes, "no folder samples: the inventory alone was read")
		return nil
	}
	if err != nil {
		return fmt.Errorf("list samples of bundle: %w", err)
	}
	ids := make(map[string]bool, len(b.inventory.Resources))
	for _, r := range b.inventory.Resources {
		ids[r.ID] = true
	}
	var strangers []string
	for _, e := range entries {
		file := "samples/" + e.Name()
		id, ok := resourceOf(e.Name())
		switch {
		case e.IsDir() || !ok || !ids[id]:
			strangers = append(strangers, e.Name())
		case b.files[id] != "":
			wrong.Add(sheet.Mistake{File: file, Found: "found " + b.files[id] + " beside it", Allowed: "one file a resource"})
		default:
			b.files[id] = file
		}
	}
	if len(strangers) > 0 && wrong.None() {
		b.notes = append(b.notes, fmt.Sprintf("%d entries of samples belong to no resource of the inventory and were not read, the first is %s", len(strangers), strangers[0]))
	}
	return nil
}

func resourceOf(name string) (id string, ok bool) {
	for _, ending := range sampleEndings {
		if id, ok := strings.CutSuffix(name, ending); ok && id != "" {
			return id, true
		}
	}
	return "", false
}

// Inventory returns what the bundle lists, sorted. Its cloud has no name and
// TakenAt is zero: a bundle says neither. The caller may change the result but
// not the maps and slices inside its resources.
func (b *Bundle) Inventory() cloud.Inventory {
	inv := b.inventory
	inv.Resources = slices.Clone(inv.Resources)
	inv.Types = slices.Clone(inv.Types)
	inv.Scopes = slices.Clone(inv.Scopes)
	return inv
}

// Notes returns what the maker of the bundle should know although it was
// read: an encoding that was guessed, files that belong to no resource.
func (b *Bundle) Notes() []string { return slices.Clone(b.notes) }

// Samples reads the samples of a resource: per metric that the file has a
// column for, the samples in ascending time, empty where the column is empty. A
// resource without file has no metrics. An error names file, line and column,
// and then nothing of the file is returned.
func (b *Bundle) Samples(resource string) (map[cloud.Metric][]cloud.Point, error) {
	r := b.reader()
	defer b.readers.Put(r)
	s, err := r.read(b.dir, b.files[resource])
	if err != nil {
		return nil, err
	}
	out := make(map[cloud.Metric][]cloud.Point, len(s.metrics))
	for i, m := range s.metrics {
		out[m] = s.points[i]
	}
	return out, nil
}

// Metrics returns the metrics that at least one sample file has a column for,
// in the order of cloud.Metrics. The first call reads every sample file.
func (b *Bundle) Metrics() []cloud.Metric { return slices.Clone(b.scanned().metrics) }

// Begin is End of the first sample.
func (b *Bundle) Begin() time.Time { return unixTime(b.scanned().begin) }

// End returns the instant of the last sample of all files, zero when there is
// none. The first call reads every sample file; files that cannot be read
// count for nothing.
func (b *Bundle) End() time.Time { return unixTime(b.scanned().end) }

func unixTime(t int64) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(t, 0).UTC()
}

// Scan does what the first call of Metrics or End else would do, and ends with
// ctx.
func (b *Bundle) Scan(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.extent != nil {
		return nil
	}
	e, err := b.scan(ctx)
	if err != nil {
		return fmt.Errorf("read sample files of bundle %s: %w", b.dir, err)
	}
	b.extent = &e
	return nil
}

func (b *Bundle) scanned() extent {
	_ = b.Scan(context.Background()) // nothing but its end makes it fail
	return *b.extent
}

func (b *Bundle) reader() *sampleReader {
	if r, ok := b.readers.Get().(*sampleReader); ok {
		return r
	}
	return &sampleReader{}
}

func (b *Bundle) scan(ctx context.Context) (extent, error) {
	var (
		e    extent
		seen = map[cloud.Metric]bool{}
		mu   sync.Mutex
	)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, file := range b.files {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			r := b.reader()
			defer b.readers.Put(r)
			header, first, last, err := r.span(b.dir, file)
			if err != nil {
				return nil // it shows when the file is read
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range header {
				seen[m] = true
			}
			if e.begin == 0 || first > 0 && first < e.begin {
				e.begin = first
			}
			e.end = max(e.end, last)
			return nil
		})
	}
	_ = group.Wait() // none of them fails
	if err := ctx.Err(); err != nil {
		return extent{}, err
	}
	e.metrics = slices.SortedFunc(maps.Keys(seen), func(x, y cloud.Metric) int {
		return cmp.Compare(slices.Index(cloud.Metrics(), x), slices.Index(cloud.Metrics(), y))
	})
	return e, nil
}
