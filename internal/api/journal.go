package api

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"yunjian/internal/journal"
	"yunjian/internal/report"
)

// EntriesQuery picks entries of the journal.
type EntriesQuery struct {
	From    time.Time `query:"from" doc:"从该时刻起（含） | from this instant on"`
	To      time.Time `query:"to" doc:"到该时刻止（不含） | before this instant"`
	Action  string    `query:"action" maxLength:"128" doc:"动作，如 audit.done；或开头，如 audit | an action, or what it begins with"`
	Actor   string    `query:"actor" maxLength:"128"`
	Object  string    `query:"object" maxLength:"256" doc:"类型、编号或 类型:编号 | type, id or TYPE:ID"`
	Outcome string    `query:"outcome" enum:"done,refused,failed"`
}

func (q EntriesQuery) filter() journal.Filter {
	return journal.Filter{From: q.From, To: q.To, Action: q.Action, Actor: q.Actor, Object: q.Object, Outcome: journal.Outcome(q.Outcome)}
}

// Entries is a part of the journal, the newest first.
type Entries struct {
	Items []journal.Entry `json:"items" nullable:"false"`
	Total int             `json:"total" doc:"可见且相符的全部条数 | all that match and that the caller may read"`
	Next  uint64          `json:"next,omitempty" doc:"下一页的 before；没有即到头 | before of the next page; absent at the beginning"`
}

// VerifyBody names heads that were witnessed elsewhere.
type VerifyBody struct {
	Heads []string `json:"heads,omitempty" maxItems:"100" doc:"如周报所印 SEQ:HASH | as a report prints them"`
}

// JournalState is what walking the chain found.
type JournalState struct {
	Whole    bool     `json:"whole"`
	Entries  uint64   `json:"entries"`
	Head     string   `json:"head"`
	Problems []string `json:"problems" nullable:"false"`
	More     int      `json:"more,omitempty" doc:"未列出的处数 | problems beyond those listed"`
}

func (a *api) journal() {
	reads := permissions("journal:read", "journal:read-users")
	add(a, spec{
		id: "list-journal", method: http.MethodGet, path: "/journal", zh: "审计日志，新的在前；查看本身也记入日志", en: "the journal, the newest first; that it was read goes into it, too", tag: "journal", any: reads, scope: listed,
		doc: "审计员看全部；安全管理员看用户与审计员的 | the auditor reads all, the security officer what users and auditors did",
	}, func(c call, in *struct {
		EntriesQuery
		Before uint64 `query:"before" doc:"只列编号更小的 | numbers below this one"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}) (Entries, error) {
		out, limit := Entries{}, cmp.Or(in.Limit, 50)
		more := false
		err := c.person.Journal(in.filter(), func(e journal.Entry) error {
			out.Total++
			if in.Before > 0 && e.Seq >= in.Before {
				return nil
			}
			if out.Items = append(out.Items, e); len(out.Items) > limit {
				out.Items, more = out.Items[1:], true
			}
			return nil
		})
		if err != nil {
			return Entries{}, err
		}
		out.Items = append([]journal.Entry{}, out.Items...)
		slices.Reverse(out.Items)
		if more {
			out.Next = out.Items[len(out.Items)-1].Seq
		}
		return out, a.data.Record(c, journal.JournalExported, journal.Object{Type: "journal"}, "entries", strconv.Itoa(len(out.Items)), "filter", in.filter().String())
	})
	addFile(a, spec{
		id: "export-journal", method: http.MethodGet, path: "/journal/export", zh: "导出审计日志", en: "export the journal", tag: "journal", any: permissions("journal:execute"), scope: global, files: []string{"application/json", "text/csv", "text/plain"},
	}, func(c call, in *struct {
		EntriesQuery
		Format string `query:"format" enum:"json,csv,text" default:"json"`
	}) (file, error) {
		format := cmp.Or(in.Format, "json")
		var b bytes.Buffer
		out, err := report.NewJournal(&b, format)
		if err != nil {
			return file{}, err
		}
		out.Location = a.o.Location
		head, err := a.data.ExportJournal(c, in.filter(), out.Write)
		if err == nil {
			err = out.Close(head)
		}
		media := map[string]string{"json": "application/json", "csv": "text/csv; charset=utf-8", "text": "text/plain; charset=utf-8"}[format]
		return file{media: media, name: "yunjian-journal." + map[string]string{"text": "txt"}[format] + map[string]string{"json": "json", "csv": "csv"}[format], text: b.Bytes()}, err
	})
	add(a, spec{
		id: "verify-journal", method: http.MethodPost, path: "/journal/verify", zh: "校验审计日志的散列链", en: "verify the hash chain of the journal", tag: "journal", any: permissions("journal:execute"), scope: global,
	}, func(c call, in *struct{ Body VerifyBody }) (JournalState, error) {
		var heads []journal.Head
		for _, text := range in.Body.Heads {
			h, err := journal.ParseHead(text)
			if err != nil {
				return JournalState{}, mistaken("body.heads", err.Error())
			}
			heads = append(heads, h)
		}
		v, err := a.data.State.VerifyJournal(c, heads...)
		if err != nil {
			return JournalState{}, err
		}
		out := JournalState{Whole: v.Whole(), Entries: uint64(v.Entries), Head: v.Head.String(), Problems: []string{}, More: v.More}
		for _, p := range v.Problems {
			out.Problems = append(out.Problems, p.String())
		}
		return out, nil
	})
}
