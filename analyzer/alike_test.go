package analyzer

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/utilization"
)

// burning is a machine whose CPU holds a level beside steady traffic: a plateau
// and nothing else.
func burning(id, department, haGroup string, level float64) Input {
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, shanghai)
	w := cloud.Last(30*day, now)
	of := map[cloud.Metric]utilization.Summary{}
	for m, s := range map[cloud.Metric]series{
		cloud.CPUPercent: {Level: level, Wiggle: 0.2}, cloud.MemoryPercent: {Level: 60},
		cloud.NetworkInBPS: {Level: 1e6}, cloud.NetworkOutBPS: {Level: 1e6},
	} {
		of[m] = utilization.Describe(s.points(w, now), m, w, shanghai)
	}
	return Input{Resource: cloud.Resource{ID: id, Kind: cloud.Instance, Status: cloud.Running, Department: department, HAGroup: haGroup, VCPU: 4, MemoryGiB: 16}, Utilization: of}
}

// likenesses judges machines and returns, for those that Alike makes suspected,
// how many others they are like.
func likenesses(t *testing.T, fleet ...Input) map[string]float64 {
	t.Helper()
	p, _ := policies.ByID(policies.DefaultID)
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, shanghai)
	var curves []Curve
	for _, in := range fleet {
		f := Judge(p, in, now)
		if len(f.Flags) > 0 && f.Flags[0] == SuspectedPadding {
			t.Fatalf("%s is suspected by itself: the case would prove nothing", f.ResourceID)
		}
		if c, ok := CurveOf(p, in, f, now); ok {
			curves = append(curves, c)
		}
	}
	out := map[string]float64{}
	for id, reasons := range Alike(p, curves) {
		out[id] = *reasons[len(reasons)-1].Value
	}
	return out
}

func TestAlike(t *testing.T) {
	three := func(third Input) []Input {
		return []Input{burning("i-1", "示例局", "", 40), burning("i-2", "示例局", "", 40.6), third}
	}
	all := map[string]float64{"i-1": 2, "i-2": 2, "i-3": 2}
	for name, c := range map[string]struct {
		fleet []Input
		want  map[string]float64
	}{
		"three within a point":               {three(burning("i-3", "示例局", "", 41)), all},
		"1.01 points are too far":            {three(burning("i-3", "示例局", "", 41.01)), map[string]float64{}},
		"two are too few":                    {three(burning("i-3", "示例局", "", 55))[:2], map[string]float64{}},
		"another department is another":      {three(burning("i-3", "示例厅", "", 40)), map[string]float64{}},
		"an unknown department is none":      {[]Input{burning("i-1", "", "", 40), burning("i-2", "", "", 40), burning("i-3", "", "", 40)}, map[string]float64{}},
		"standbys are alike by intention":    {[]Input{burning("i-1", "示例局", "g", 40), burning("i-2", "示例局", "g", 40), burning("i-3", "示例局", "g", 40)}, map[string]float64{}},
		"a standby is one beside the others": {[]Input{burning("i-1", "示例局", "g", 40), burning("i-2", "示例局", "g", 40), burning("i-3", "示例局", "", 40), burning("i-4", "示例局", "", 40)}, map[string]float64{"i-1": 2, "i-2": 2, "i-3": 3, "i-4": 3}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, likenesses(t, c.fleet...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAlikeIsSoundAndFindsEquals makes departments of curves, some of them
// equal: whoever is reported is like as many others as is said, and curves that
// are equal are found whatever else there is.
func TestAlikeIsSoundAndFindsEquals(t *testing.T) {
	p, _ := policies.ByID(policies.DefaultID)
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.IntRange(1, 40).Draw(t, "curves")
		var curves []Curve
		equals := map[string]int{}
		byID := map[string]Curve{}
		for k := range kinds {
			var days []dayLevel
			sum := 0.0
			for d := range 10 {
				v := rapid.Float64Range(40, 43).Draw(t, "level")
				days = append(days, dayLevel{int64(d) * 86400, v})
				sum += v
			}
			copies := rapid.IntRange(1, 4).Draw(t, "copies")
			for i := range copies {
				c := Curve{ResourceID: fmt.Sprintf("i-%d-%d", k, i), department: "d", level: sum / 10, days: days}
				c.signs = signs{metric: cloud.CPUPercent, reasons: []Reason{{Code: CodePaddingPlateau}}}
				curves, byID[c.ResourceID], equals[c.ResourceID] = append(curves, c), c, copies
			}
		}
		got := Alike(p, curves)
		for id, reasons := range got {
			n := 0
			for _, o := range curves {
				far := 0.0
				for d := range o.days {
					far = max(far, math.Abs(o.days[d].mean-byID[id].days[d].mean))
				}
				if o.ResourceID != id && far <= 2*p.Padding.AlikeWithin { // each is near the lowest of its group
					n++
				}
			}
			if said := int(*reasons[len(reasons)-1].Value); said > n {
				t.Fatalf("%s is said to be like %d others, but only %d are near", id, said, n)
			}
		}
		for id, n := range equals {
			if n >= p.Padding.Alike && len(got[id]) == 0 {
				t.Fatalf("%s has %d equals and was not found", id, n)
			}
		}
	})
}

// TestAlikeOfAHundredThousand would not end if every curve of a department were
// compared with every other.
func TestAlikeOfAHundredThousand(t *testing.T) {
	p, _ := policies.ByID(policies.DefaultID)
	curves := make([]Curve, 100_000)
	for i := range curves {
		c := &curves[i]
		*c = Curve{ResourceID: fmt.Sprint(i), department: "d", level: 40, signs: signs{metric: cloud.CPUPercent, reasons: []Reason{{Code: CodePaddingPlateau}}}}
		for d := range 30 { // no two are alike, yet all have one mean
			c.days = append(c.days, dayLevel{int64(d), 40 + 3*float64((i>>(d%17))&1)})
		}
	}
	begun := time.Now()
	Alike(p, curves)
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("comparing 100,000 curves took %v", took)
	}
}
