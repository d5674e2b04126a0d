package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

// walk is a column of whole numbers of 10^-scale that wanders between least and
// most in steps of spread at most, and leaps now and then.
func walk(seed uint64, n, scale, least, most, spread int, leaps float64) []float64 {
	random := rand.New(rand.NewPCG(seed, 7))
	out := make([]float64, n)
	at := least + random.IntN(most-least+1)
	for i := range out {
		at += random.IntN(2*spread+1) - spread
		if random.Float64() < leaps {
			at = least + random.IntN(most-least+1)
		}
		at = min(max(at, least), most)
		out[i] = float64(at) / powers[scale]
	}
	return out
}

// Whatever floor and low bits a column is given, and under whichever table, its
// values come back bit for bit, as hundredths or as floats.
func TestHuffmanRoundTrip(t *testing.T) {
	enc, dec := newEncoder(zstd.SpeedFastest), newDecoder()
	defer dec.z.Close()
	coded := 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{8, 9, 15, 63, 64, 65, 288, 511, 512, 513, 1000, 8064}).Draw(t, "n")
		scale := rapid.IntRange(0, 4).Draw(t, "scale")
		least := rapid.SampledFrom([]int{0, -500, 17}).Draw(t, "least")
		most := rapid.SampledFrom([]int{20, 100, 1000, 10000, 10001, 60000}).Draw(t, "most")
		spread := rapid.IntRange(1, 400).Draw(t, "spread")
		leaps := rapid.SampledFrom([]float64{0, 0.01, 0.3}).Draw(t, "leaps")
		v := walk(rapid.Uint64().Draw(t, "seed"), n, scale, least, most, spread, leaps)
		x := &enc.column
		enc.analyse(x, v, rapid.Bool().Draw(t, "sequence"))
		if len(x.u) == 0 {
			t.Skip("not whole numbers")
		}
		b := rapid.SampledFrom([]bytewise{x.coarse, x.alike, {low: rapid.SampledFrom(lowChoices[:]).Draw(t, "low"), floor: rapid.Int64Range(-1000, 1000).Draw(t, "floor")}}).Draw(t, "tokens")
		if math.IsInf(b.bytes, 1) {
			t.Skip("unfit")
		}
		pack, shared := byte(packHuffman), (*sharedTable)(nil)
		if rapid.Bool().Draw(t, "shared") {
			pack, shared = packHuffmanShared, &sharedTable{}
			var all [escape + 1]uint32
			for _, u := range x.u {
				token, _ := b.token(number(x.code, u))
				all[token]++
			}
			all[1]++ // that there are two
			all[2]++
			if enc.common.BuildCTable(&all) != nil {
				t.Skip("one token only")
			}
			table, err := enc.common.AppendTable(nil)
			if err != nil {
				t.Fatal(err)
			}
			if rest, err := shared.read(tableHuffman, table); err != nil || len(rest) > 0 {
				t.Fatal(rest, err)
			}
		}
		data, ok := enc.appendHuffman(nil, x, pack, b)
		if !ok {
			t.Skip("gains nothing")
		}
		coded++
		for _, small := range []bool{false, true} {
			c, err := dec.values(data, n, small, shared)
			if err != nil {
				t.Fatal(err)
			}
			hundredths := scale <= 2 && least >= 0 && float64(most)/powers[scale] <= 100
			if hundredths && small && c.floats != nil {
				t.Error("hundredths came as floats")
			}
			got := slices.Clone(c.floats)
			for _, h := range c.hundredths {
				got = append(got, float64(h)/100)
			}
			if small && c.floats != nil {
				got = c.floats
			}
			if !slices.Equal(v, got) {
				t.Fatalf("small %v: got %v\nwant %v", small, got, v)
			}
		}
	})
	if coded == 0 {
		t.Error("no column was coded")
	}
}

// A year of seconds is longer than Huffman's code takes at once.
func TestColumnsOfAnyLength(t *testing.T) {
	enc, dec := newEncoder(zstd.SpeedFastest), newDecoder()
	defer dec.z.Close()
	for _, n := range []int{1, 2, 7, 8, maxHuffman, maxHuffman + 1, 400_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			v := walk(1, n, 2, 0, 10000, 300, 0.001)
			c, err := dec.values(enc.appendValues(nil, v, true), n, false, nil)
			if err != nil || !slices.Equal(v, c.floats) {
				t.Error("other values", err)
			}
		})
	}
}

// Being read sooner costs no more than slack, and a byte or two.
func TestColumnsAreSmall(t *testing.T) {
	enc := newEncoder(zstd.SpeedFastest)
	packs := map[byte]int{}
	for spread := 1; spread < 4000; spread = spread*3/2 + 1 {
		v := walk(uint64(spread), 8064, 2, 0, 10000, spread, 0.002)
		got := enc.appendValues(nil, v, true)
		packs[got[0]&packMask]++
		enc.analyse(&enc.column, v, true)
		if own := enc.appendTokens(nil, &enc.column); float64(len(got)) > slack*float64(len(own))+16 {
			t.Errorf("spread %d: %d bytes in the way 0x%02x, %d as tokens of fractions of bits", spread, len(got), got[0], len(own))
		}
	}
	if packs[packHuffman] < 8 || packs[packOwn] == 0 {
		t.Errorf("ways taken: %v", packs)
	}
}

// A flag that promises hundredths where there are none is not believed.
func TestHundredthsAreChecked(t *testing.T) {
	enc, dec := newEncoder(zstd.SpeedFastest), newDecoder()
	defer dec.z.Close()
	for _, n := range []int{9, 288, 1003} {
		for at := range n {
			v := make([]float64, n)
			for i := range v {
				v[i] = 99 + float64(i%100)/100
			}
			v[at] = 100.01
			enc.analyse(&enc.column, v, true)
			enc.column.hundredths = true
			data, ok := enc.appendHuffman(nil, &enc.column, packHuffman, enc.column.coarse)
			if !ok {
				continue // too short to gain by it
			}
			if _, err := dec.values(data, n, true, nil); err == nil {
				t.Fatalf("%d values: 100.01 in place %d passed for hundredths up to 100", n, at)
			}
		}
	}
}
