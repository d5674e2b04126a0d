package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/cloud"
	"yunjian/internal/auth"
	"yunjian/internal/pipeline"
	"yunjian/recommender"
)

// Permissions that operations name.
func permissions(names ...string) (out []auth.Permission) {
	for _, name := range names {
		p, err := auth.ParsePermission(name)
		if err != nil {
			panic(err) // a name that stands in this package
		}
		out = append(out, p)
	}
	return out
}

func quoted(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}

func joined[T ~string](words []T) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

// AdviceQuery picks resources and what is said of them.
type AdviceQuery struct {
	Paging
	Department  string `query:"department" doc:"只列这个单位 | of this department only"`
	Application string `query:"application"`
	Kind        string `query:"kind" doc:"instance, disk, eip"`
}

func (q AdviceQuery) meets(department, application string, kind cloud.Kind) bool {
	return (q.Department == "" || q.Department == department) && (q.Application == "" || q.Application == application) && (q.Kind == "" || q.Kind == string(kind))
}

// Advice is one recommendation with all that it stands on.
type Advice struct {
	AsOf           time.Time                   `json:"as_of"`
	Policy         audit.PolicyRef             `json:"policy"`
	PriceBook      audit.PriceBookRef          `json:"price_book"`
	Recommendation *recommender.Recommendation `json:"recommendation"`
	Finding        *analyzer.Finding           `json:"finding"`
	Resource       *cloud.Resource             `json:"resource" doc:"null：已不在清单 | null: listed no more"`
	Refused        []analyzer.Reason           `json:"refused" doc:"为什么没有建议 | why nothing is proposed"`
}

// AuditSummary is the latest audit without its lists.
type AuditSummary struct {
	AsOf            time.Time          `json:"as_of"`
	Window          cloud.Window       `json:"window"`
	Policy          audit.PolicyRef    `json:"policy"`
	PriceBook       audit.PriceBookRef `json:"price_book"`
	Totals          *audit.Totals      `json:"totals" doc:"全部单位的合计；只看本单位者为 null | of all departments; null for who sees one"`
	Findings        int                `json:"findings"`
	Recommendations int                `json:"recommendations"`
}

func (a *api) advice() {
	reads := permissions("recommendations:read")
	add(a, spec{
		id: "get-audit", method: http.MethodGet, path: "/audit", zh: "最近一次审计", en: "the latest audit", tag: "audit", any: reads, scope: listed,
	}, func(c call, _ *none) (AuditSummary, error) {
		got, err := latest(c)
		if err != nil {
			return AuditSummary{}, err
		}
		out := AuditSummary{
			AsOf: got.AsOf, Window: got.Window, Policy: got.Policy, PriceBook: got.PriceBook,
			Findings: len(got.Findings), Recommendations: len(got.Recommendations),
		}
		if auth.Allowed(c.p, reads[0], "") == nil {
			out.Totals = &got.Totals
		}
		return out, nil
	})
	add(a, spec{
		id: "list-recommendations", method: http.MethodGet, path: "/recommendations", zh: "处置建议，按可节约金额", en: "recommendations, by saving", tag: "audit", any: reads, scope: listed,
	}, func(c call, in *struct {
		AdviceQuery
		Action string `query:"action" doc:"release, downsize, upsize, stop"`
		Ready  bool   `query:"ready" doc:"只列已确认、可立案的 | only what is confirmed and may become a case"`
	}) (Page[recommender.Recommendation], error) {
		var none Page[recommender.Recommendation]
		if err := oneOf("query.kind", in.Kind, cloud.Kinds()); err != nil {
			return none, err
		}
		actions := []recommender.Action{recommender.Release, recommender.Downsize, recommender.Upsize, recommender.Stop}
		if err := oneOf("query.action", in.Action, actions); err != nil {
			return none, err
		}
		got, err := latest(c)
		if err != nil {
			return none, err
		}
		return page(slices.DeleteFunc(got.Recommendations, func(r recommender.Recommendation) bool {
			return !in.meets(r.Department, r.Application, r.Kind) || in.Action != "" && in.Action != string(r.Action) || in.Ready && !r.Ready
		}), in.Paging), nil
	})
	add(a, spec{
		id: "get-recommendation", method: http.MethodGet, path: "/recommendations/{id}", zh: "一条建议及其依据", en: "one recommendation and what it stands on", tag: "audit", any: reads, scope: object,
	}, func(c call, in *struct {
		ID string `path:"id" maxLength:"256"`
	}) (Advice, error) {
		rec, err := c.person.Recommendation(in.ID)
		if err != nil {
			return Advice{}, err
		}
		return adviceOn(c, rec.ResourceID, &rec)
	})
	inventory := permissions("inventory:read")
	add(a, spec{
		id: "list-resources", method: http.MethodGet, path: "/resources", zh: "资源台账", en: "the resources", tag: "audit", any: inventory, scope: listed,
	}, func(c call, in *AdviceQuery) (Page[cloud.Resource], error) {
		if err := oneOf("query.kind", in.Kind, cloud.Kinds()); err != nil {
			return Page[cloud.Resource]{}, err
		}
		all, err := c.person.Resources()
		if err != nil {
			return Page[cloud.Resource]{}, err
		}
		return page(slices.DeleteFunc(all, func(r cloud.Resource) bool { return !in.meets(r.Department, r.Application, r.Kind) }), in.Paging), nil
	})
	add(a, spec{
		id: "get-resource", method: http.MethodGet, path: "/resources/{id}", zh: "一个资源", en: "one resource", tag: "audit", any: inventory, scope: object,
	}, func(c call, in *struct {
		ID string `path:"id" maxLength:"256"`
	}) (cloud.Resource, error) {
		return c.person.Resource(in.ID)
	})
	add(a, spec{
		id: "explain-resource", method: http.MethodGet, path: "/resources/{id}/explanation", zh: "一个结论的全部推导", en: "the whole derivation of one verdict", tag: "audit", any: reads, scope: object,
		doc: "从所存样本重新推导，同一时刻只做一个 | derived anew from the stored samples, one at a time",
	}, func(c call, in *struct {
		ID string `path:"id" maxLength:"256"`
	}) (pipeline.Explanation, error) {
		r, err := c.person.Explained(in.ID)
		if err != nil {
			return pipeline.Explanation{}, err
		}
		if !a.deriving.TryLock() {
			return pipeline.Explanation{}, huma.NewError(http.StatusTooManyRequests, "another derivation is under way: try again in a while")
		}
		defer a.deriving.Unlock()
		o, err := a.o.Audit()
		if err != nil {
			return pipeline.Explanation{}, err
		}
		if !slices.Contains(o.Clouds, r.Cloud) {
			return pipeline.Explanation{}, huma.NewError(http.StatusConflict, "the configuration no longer names the cloud of this resource, "+quoted(r.Cloud))
		}
		return c.person.Explain(c, o, r)
	})
}

// latest is what the caller may see of the latest audit.
func latest(c call) (audit.Audit, error) {
	got, ok, err := c.person.Audit()
	if err == nil && !ok {
		err = huma.NewError(http.StatusConflict, "no audit is stored yet: run `yunjian audit` first")
	}
	return got, err
}

func adviceOn(c call, id string, rec *recommender.Recommendation) (Advice, error) {
	got, err := latest(c)
	if err != nil {
		return Advice{}, err
	}
	out := Advice{AsOf: got.AsOf, Policy: got.Policy, PriceBook: got.PriceBook, Recommendation: rec, Refused: []analyzer.Reason{}}
	for _, f := range got.Findings {
		if f.ResourceID == id {
			out.Finding = &f
		}
	}
	for _, x := range got.Refusals {
		if x.ResourceID == id {
			out.Refused = x.Reasons
		}
	}
	if auth.AllowedSomewhere(c.p, permissions("inventory:read")[0]) == nil {
		if r, err := c.person.Resource(id); err == nil {
			out.Resource = &r
		}
	}
	return out, nil
}
