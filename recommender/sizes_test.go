package recommender

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/price"
)

// checkSizes holds the sizes told of every machine to what is recommended: the
// target is among those that fit, and where none fits nothing is proposed.
func checkSizes(t *rapid.T, p policies.Pack, fleet []Candidate, types cloud.Catalog, prices price.Book, recs []Recommendation, refusals []Refusal) {
	for _, c := range fleet {
		list := Sizes(p, c, types, prices, now)
		fit := slices.DeleteFunc(slices.Clone(list), func(s Size) bool { return s.Unfit != "" })
		for _, s := range list {
			for _, k := range s.Checks {
				if (k.Value == nil) != (k.Projected == nil) || k.Value != nil && (*k.Projected != *k.Value*k.Factor || policies.Holds(*k.Projected, k.Op, k.Limit) != k.Holds) {
					t.Fatalf("check %+v", k)
				}
			}
			if s.Unfit != "" && !slices.Contains(UnfitCodes(), s.Unfit) {
				t.Fatalf("unknown code %q", s.Unfit)
			}
			if all := !slices.ContainsFunc(s.Checks, func(k Check) bool { return !k.Holds }); s.Unfit == "" && !all {
				t.Fatalf("%+v fits", s)
			}
		}
		for _, r := range recs {
			if r.ResourceID != c.Input.Resource.ID || r.Target == nil {
				continue
			}
			i := slices.IndexFunc(fit, func(s Size) bool { return s.Spec == *r.Target })
			if i < 0 {
				t.Fatalf("%s to %+v, which is not among the sizes that fit: %+v", r.Action, *r.Target, fit)
			}
			if r.Action == Downsize && r.SavingKnown && !fit[i].Saving.Round().Equal(r.AnnualSaving) {
				t.Fatalf("saving %s there, %s here", r.AnnualSaving, fit[i].Saving)
			}
		}
		for _, x := range refusals {
			code := x.Reasons[0].Code
			if x.ResourceID == c.Input.Resource.ID && len(fit) > 0 && slices.Contains([]string{CodeNoSmallerSize, CodeNoLargerSize, CodeNoSaving, CodeMemoryUnknown, CodeCPUWithheld, CodeCPUCapped}, code) {
				t.Fatalf("refused for %s, yet %+v fits", code, fit)
			}
		}
	}
}

// Each boundary that keeps a size from being proposed.
func TestSizesSayWhatSpeaksAgainstThem(t *testing.T) {
	p := baseline(t)
	told := func(r cloud.Resource, cpu, memory float64) map[string]string {
		out := map[string]string{}
		for _, s := range Sizes(p, machine(t, p, r, cpu, memory), catalogue(), book(t), now) {
			out[s.InstanceType] = s.Unfit
		}
		return out
	}
	// 16 vCPU at 15 %: 8 at 30 % fit; of memory at 25 %, 64 GiB, 32 would be 50 %.
	if diff := cmp.Diff(map[string]string{
		"ecs.g7.2xlarge": "", "ecs.g7.xlarge": UnfitStep, "ecs.g7.large": UnfitStep, "ecs.g7.small": UnfitFloor,
		"ecs.c7.4xlarge": "", "ecs.c7.2xlarge": UnfitStep, "ecs.c7.xlarge": UnfitStep, "ecs.c7.large": UnfitStep, "ecs.c7.small": UnfitFloor,
		"ecs.r7.2xlarge": "", "ecs.r7.xlarge": UnfitStep, "ecs.r7.large": UnfitStep, "ecs.r7.small": UnfitFloor,
	}, told(cloud.Resource{ID: "i-1", InstanceType: "ecs.g7.4xlarge"}, 15, 25)); diff != "" {
		t.Errorf("quiet (-want +got):\n%s", diff)
	}
	// Memory is busy: only CPU is redundant, and a size with less memory is out.
	if got := told(cloud.Resource{ID: "i-1", InstanceType: "ecs.g7.4xlarge"}, 15, 50); got["ecs.g7.2xlarge"] != UnfitDimension || got["ecs.r7.2xlarge"] != "" {
		t.Errorf("busy memory: %v", got)
	}
	list := Sizes(p, machine(t, p, cloud.Resource{ID: "i-1", InstanceType: "ecs.c7.2xlarge"}, 90, 50), catalogue(), book(t), now)
	i := slices.IndexFunc(list, func(s Size) bool { return s.InstanceType == "ecs.c7.4xlarge" })
	if i < 0 || list[i].Unfit != "" || len(list[i].Checks) != 1 || math.Abs(*list[i].Checks[0].Projected-45) > 1e-9 {
		t.Errorf("tight: %+v", list)
	}
	if got := Sizes(p, machine(t, p, cloud.Resource{ID: "i-1", InstanceType: "ecs.g7.4xlarge"}, 1, 10), catalogue(), book(t), now); len(got) != 0 {
		t.Errorf("of an idle machine, which is released: %+v", got)
	}
	if got := Sizes(p, machine(t, p, cloud.Resource{ID: "i-1", InstanceType: "ecs.gn7.xlarge"}, 15, 25), catalogue(), book(t), now); len(got) != 0 {
		t.Errorf("of a machine with a GPU, which is refused: %+v", got)
	}
}
