package bundle

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
)

func TestSamples(t *testing.T) {
	cases := map[string]struct {
		text string
		want map[cloud.Metric][]cloud.Point
	}{
		"an empty cell is missing, not zero": {
			"timestamp,cpu_percent,memory_percent\n1700000000,,0\n1700000300,5,\n",
			map[cloud.Metric][]cloud.Point{cloud.CPUPercent: {{T: 1700000300, V: 5}}, cloud.MemoryPercent: {{T: 1700000000, V: 0}}},
		},
		"a column without values is there, and empty": {
			"timestamp,cpu_percent,memory_percent\n1700000000,1,\n",
			map[cloud.Metric][]cloud.Point{cloud.CPUPercent: {{T: 1700000000, V: 1}}, cloud.MemoryPercent: {}},
		},
		"no rows": {"timestamp,cpu_percent\n", map[cloud.Metric][]cloud.Point{cloud.CPUPercent: {}}},
		"of one instant the last value counts, rows in any order": {
			"timestamp,cpu_percent,disk_percent\n1700000300,1,9\n1700000000,2,\n1700000300,3,\n",
			map[cloud.Metric][]cloud.Point{cloud.CPUPercent: {{T: 1700000000, V: 2}, {T: 1700000300, V: 3}}, cloud.DiskPercent: {{T: 1700000300, V: 9}}},
		},
		"mark, CRLF, blanks, blank lines, no last line end, other columns": {
			"\xef\xbb\xbf timestamp ,other, cpu_percent\r\n\r\n 1700000000 ,x, 4.25 \r\n,,\r\n2023-11-15T06:18:20+08:00,,100",
			map[cloud.Metric][]cloud.Point{cloud.CPUPercent: {{T: 1700000000, V: 4.25}, {T: 1700000300, V: 100}}},
		},
		"quoted cells, a comma and a line end inside": {
			"\"timestamp\",\"a\nb,\"\"c\",cpu_percent\n\"1700000000\",\"x,y\n\",\"4.25\"\n",
			map[cloud.Metric][]cloud.Point{cloud.CPUPercent: {{T: 1700000000, V: 4.25}}},
		},
		"numbers of every form": {
			"timestamp,network_in_bps\n1700000000,1e3\n1700000300,0.1\n1700000600,123456789012345678\n1700000900,+.5\n1700001200,-0\n1700001500,5.\n",
			map[cloud.Metric][]cloud.Point{cloud.NetworkInBPS: {{T: 1700000000, V: 1000}, {T: 1700000300, V: 0.1}, {T: 1700000600, V: 123456789012345678}, {T: 1700000900, V: 0.5}, {T: 1700001200, V: 0}, {T: 1700001500, V: 5}}},
		},
	}
	for name, c := range cases {
		for _, file := range []string{"samples/vm.csv", "samples/vm.csv.gz"} {
			t.Run(name+" in "+file, func(t *testing.T) {
				text := c.text
				if strings.HasSuffix(file, ".gz") {
					text = zipped(t, text)
				}
				got, err := open(t, map[string]string{"inventory.csv": "resource_id\nvm\n", file: text}).Samples("vm")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("samples (-want +got):\n%s", diff)
				}
			})
		}
	}
	t.Run("no file", func(t *testing.T) {
		got, err := open(t, map[string]string{"inventory.csv": "resource_id\nvm\n"}).Samples("vm")
		if err != nil || len(got) != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestBadSamplesAreRefusedWhole(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"above 100 percent":      {"timestamp,cpu_percent\n1700000000,100\n1700000300,100.01\n", `:3: cpu_percent: found "100.01"; want a percentage from 0 to 100, or nothing where missing`},
		"a negative rate":        {"timestamp,network_in_bps\n1700000000,-1\n", `:2: network_in_bps: found "-1"; want a number not below 0, or nothing where missing`},
		"not a number":           {"timestamp,cpu_percent\n1700000000,n/a\n", `:2: cpu_percent: found "n/a"; want a percentage`},
		"NaN":                    {"timestamp,cpu_percent\n1700000000,NaN\n", `:2: cpu_percent: found "NaN"`},
		"infinity":               {"timestamp,disk_read_bps\n1700000000,1e999\n", `:2: disk_read_bps: found "1e999"`},
		"infinity in a word":     {"timestamp,disk_read_bps\n1700000000,1\n1700000300,+Inf\n", `:3: disk_read_bps: found "+Inf"; want a number not below 0`},
		"infinity in full":       {"timestamp,cpu_percent\n1700000000,infinity\n", `:2: cpu_percent: found "infinity"`},
		"hexadecimal":            {"timestamp,cpu_percent\n1700000000,0x10\n", `:2: cpu_percent: found "0x10"`},
		"milliseconds":           {"timestamp,cpu_percent\n1700000000000,1\n", `:2: timestamp: found "1700000000000"; want RFC 3339`},
		"part of a second":       {"timestamp,cpu_percent\n2023-11-14T22:13:20.5Z,1\n", `:2: timestamp: found "2023-11-14T22:13:20.5Z"`},
		"no zone":                {"timestamp,cpu_percent\n2023-11-14 22:13:20,1\n", `:2: timestamp: found "2023-11-14 22:13:20"`},
		"a date":                 {"timestamp,cpu_percent\n2023-11-14,1\n", `:2: timestamp: found "2023-11-14"`},
		"no timestamp":           {"timestamp,cpu_percent\n,1\n", `:2: timestamp: found ""`},
		"a row cut short":        {"timestamp,cpu_percent,memory_percent\n1700000000,1,2\n17000003", `:3: found 1 cells; want 3, as in the header`},
		"no timestamp column":    {"time,cpu_percent\n1700000000,1\n", `:1: found "time,cpu_percent"; want a column timestamp`},
		"no metric column":       {"timestamp,cpu\n1700000000,1\n", `:1: found "timestamp,cpu"; want a column beside timestamp: one of cpu_percent`},
		"a column twice":         {"timestamp,cpu_percent,cpu_percent\n", `:1: cpu_percent: found twice`},
		"timestamp twice":        {"timestamp,timestamp,cpu_percent\n", `:1: timestamp: found twice`},
		"empty":                  {"", `:1: found no header line`},
		"an open quotation":      {"timestamp,cpu_percent\n1700000000,\"1\n", `found a broken quotation`},
		"a line beyond measure":  {"timestamp,cpu_percent\n1700000000," + strings.Repeat("1", 70_000) + "\n", `:2: found a line of 70011 bytes; want at most 65536`},
		"cells beyond the bound": {"timestamp,cpu_percent\n1700000000,1,2\n", `:2: found 3 cells; want 2, as in the header`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := open(t, map[string]string{"inventory.csv": "resource_id\nvm\n", "samples/vm.csv": c.text})
			got, err := b.Samples("vm")
			if !isMistake(err) || !strings.HasPrefix(err.Error(), "samples/vm.csv:") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: %v\nwant: samples/vm.csv%s", err, c.want)
			}
			if got != nil {
				t.Errorf("half a file was read: %v", got)
			}
		})
	}
}

func TestBrokenGzip(t *testing.T) {
	whole := zipped(t, "timestamp,cpu_percent\n1700000000,1\n1700000300,2\n")
	for name, text := range map[string]string{
		"cut off":       whole[:len(whole)-9],
		"no gzip":       "timestamp,cpu_percent\n1700000000,1\n",
		"bad checksum":  whole[:len(whole)-8] + "\x00\x00\x00\x00" + whole[len(whole)-4:],
		"empty":         "",
		"junk after it": whole + "junk",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := open(t, map[string]string{"inventory.csv": "resource_id\nvm\n", "samples/vm.csv.gz": text}).Samples("vm")
			if !isMistake(err) || !strings.HasPrefix(err.Error(), "samples/vm.csv.gz: found a broken gzip file") || got != nil {
				t.Errorf("got %v, error %v", got, err)
			}
		})
	}
}

func TestGzipBombIsRefused(t *testing.T) {
	bomb := zipped(t, strings.Repeat("timestamp,cpu_percent,", 1<<18))
	dir := folder(t, map[string]string{"samples/vm.csv.gz": bomb})
	r := sampleReader{limit: 2 << 20}
	_, err := r.read(dir, "samples/vm.csv.gz")
	if want := "samples/vm.csv.gz: found more than 2 MiB of text; want less in one file"; err == nil || err.Error() != want {
		t.Errorf("error: %v\nwant: %s", err, want)
	}
}

func TestEndPassesOverBrokenFiles(t *testing.T) {
	b := open(t, map[string]string{
		"inventory.csv": "resource_id\na\nb\nc\n",
		"samples/a.csv": "timestamp,memory_percent,cpu_percent\n1700000300,1,1\n1700000000,1,1\n",
		"samples/b.csv": "timestamp,disk_percent\n1800000000,1\nbroken,1\n",
		"samples/c.csv": "timestamp,network_in_bps\n",
	})
	if got, want := b.End(), time.Unix(1700000300, 0); !got.Equal(want) {
		t.Errorf("End: %v, want %v", got, want)
	}
	if diff := cmp.Diff([]cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.NetworkInBPS}, b.Metrics()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// Numbers are read exactly as strconv reads them.
func TestNumberIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[0-9]{1,18}(\.[0-9]{0,18})?`),
			rapid.StringMatching(`[+-]?[0-9]{0,3}\.?[0-9]{1,3}([eE][+-]?[0-9]{1,3})?`),
			rapid.Custom(func(t *rapid.T) string {
				return strconv.FormatFloat(math.Abs(rapid.Float64().Draw(t, "v")), 'f', -1, 64)
			}),
		).Draw(t, "text")
		got, ok := parseNumber([]byte(text))
		want, err := strconv.ParseFloat(text, 64)
		if ok != (err == nil) || (ok && got != want) {
			t.Fatalf("parseNumber(%q) = %v, %v; strconv says %v, %v", text, got, ok, want, err)
		}
	})
}

// Text without quotation marks is split as encoding/csv splits it.
func FuzzSamples(f *testing.F) {
	f.Add([]byte("timestamp,cpu_percent\n1700000000,1.5\n\r\n1700000300,\n"))
	f.Add([]byte("\xef\xbb\xbftimestamp,memory_percent,x\r\n2023-11-14T22:13:20Z,100,\r\n"))
	f.Add([]byte("timestamp,\"cpu_percent\"\n1700000000,\"7\"\n"))
	f.Add([]byte(",\n \n\t"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r sampleReader
		var s [][]cloud.Point
		visit := func(read func([]byte, func(int, [][]byte) bool) error) (rows [][]string, err error) {
			err = read(text, func(_ int, cells [][]byte) bool {
				row := make([]string, len(cells))
				for i, c := range cells {
					row[i] = string(c)
				}
				rows = append(rows, row)
				return true
			})
			return rows, err
		}
		if !bytes.ContainsAny(text, "\"\r") {
			plain, err := visit(func(b []byte, v func(int, [][]byte) bool) error { return r.plainRows("f", b, v) })
			quoted, quotedErr := visit(func(b []byte, v func(int, [][]byte) bool) error { return quotedRows("f", b, v) })
			if diff := cmp.Diff(quoted, plain); err == nil && quotedErr == nil && !blankSpace(text) && diff != "" {
				t.Errorf("rows differ (-encoding/csv +plain):\n%s", diff)
			}
		}
		got, err := r.readText("", "f.csv", text)
		if err != nil {
			return
		}
		s = got.points
		for i, m := range got.metrics {
			before := int64(0)
			for _, p := range s[i] {
				if p.T <= before || p.T < firstInstant || p.T >= endInstant {
					t.Fatalf("%s: instant %d after %d", m, p.T, before)
				}
				if !(p.V >= 0) || math.IsInf(p.V, 0) || (m.Unit() == cloud.Percent && p.V > 100) {
					t.Fatalf("%s: value %v", m, p.V)
				}
				before = p.T
			}
		}
	})
}

// blankSpace reports blanks that strings.TrimSpace knows and trim does not.
func blankSpace(text []byte) bool {
	return bytes.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != ' ' && r != '\t' && strings.TrimSpace(string(r)) == "" })
}
