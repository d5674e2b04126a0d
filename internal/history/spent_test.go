package history

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"yunjian/cloud"
)

// spentBlocks counts spent blocks, and the pages that are free beside them.
func spentBlocks(t testing.TB, s *Store) (blocks, freePages int) {
	t.Helper()
	err := s.view(func(tx *bolt.Tx) error {
		pages := tx.DB().Stats()
		freePages = pages.FreePageN + pages.PendingPageN
		b := tx.Bucket(bucketSpent)
		if b == nil {
			return nil
		}
		return b.ForEachBucket(func([]byte) error { blocks++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return blocks, freePages
}

// hourly appends a day of cycles an hour apart, of values that do not compress.
func hourly(t testing.TB, s *Store, random *rand.Rand, resources, day int) {
	t.Helper()
	for hour := range 24 {
		at := monday.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour).Unix()
		var batch []cloud.Series
		for i := range resources {
			batch = append(batch, series(fmt.Sprintf("i-%05d", i), cloud.CPUPercent, cloud.Point{T: at, V: float64(random.IntN(10001)) / 100}))
		}
		mustAppend(t, s, batch...)
	}
}

// Day after day the blocks of the day before make room for those of the day: the
// file grows by sheets alone, and few pages are ever listed as free.
func TestSpentBlocksMakeRoom(t *testing.T) {
	s := fresh(t)
	s.file.NoSync = true // what is not asked here
	random := rand.New(rand.NewPCG(1, 2))
	const resources = 5000
	var sizes []int64
	for day := range 3 {
		hourly(t, s, random, resources, day)
		mustFold(t, s, monday.AddDate(0, 0, day+1).Add(time.Hour))
		blocks, free := spentBlocks(t, s)
		// A block takes three pages or four.
		if blocks < 20 || blocks > 48 {
			t.Errorf("day %d: %d spent blocks, want about the day's 24", day, blocks)
		}
		if free > 24*3 {
			t.Errorf("day %d: %d free pages, want fewer than the day's blocks take", day, free)
		}
		stats, err := s.Stats(background)
		if err != nil {
			t.Fatal(err)
		}
		if stats.FreeBytes < int64(blocks*2*4096) || stats.Samples != int64((day+1)*24*resources) || stats.Unfolded != 0 {
			t.Errorf("day %d: %+v; %d spent blocks count as free", day, stats, blocks)
		}
		sizes = append(sizes, stats.Bytes)
	}
	// The first day has no room to take. Noise takes two bytes wherever it is.
	sheets := int64(24 * resources * 2)
	if grown := sizes[2] - sizes[1]; grown > sheets*3/2 {
		t.Errorf("the file grows by %d bytes a day, want about the %d of a day's sheets: %v", grown, sheets, sizes)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if blocks, _ := spentBlocks(t, s); blocks > 0 {
		t.Errorf("%d spent blocks were copied", blocks)
	}
	hourly(t, s, random, resources, 3)
	mustFold(t, s, monday.AddDate(0, 0, 4).Add(time.Hour))
	if got := points(t, s, "i-00007", cloud.CPUPercent, always); len(got) != 4*24 {
		t.Errorf("%d points, want %d", len(got), 4*24)
	}
}

// An append finds the room of all spent blocks where the file may not grow.
func TestSpentBlocksBeforeAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	t.Cleanup(func() { sound(t, path) })
	s := openAt(t, path, Options{})
	random := rand.New(rand.NewPCG(1, 2))
	hourly(t, s, random, 5000, 0)
	mustFold(t, s, monday.AddDate(0, 0, 1).Add(time.Hour))
	stats, err := s.Stats(background)
	if err != nil {
		t.Fatal(err)
	}
	s.file.MaxSize = int(stats.Bytes)
	// Half a day at once takes more than a block's room.
	var batch []cloud.Series
	for i := range 5000 {
		batch = append(batch, series(fmt.Sprintf("i-%05d", i), cloud.CPUPercent, grid(monday.AddDate(0, 0, 1), 12, noise(uint64(i)))...))
	}
	mustAppend(t, s, batch...)
	if blocks, _ := spentBlocks(t, s); blocks > 0 {
		t.Errorf("%d spent blocks are left", blocks)
	}
	if got := points(t, s, "i-00007", cloud.CPUPercent, always); len(got) != 24+12 {
		t.Errorf("%d points, want %d", len(got), 24+12)
	}
	s.Close()
}
