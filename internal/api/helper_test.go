package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/rs/zerolog"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"yunjian/analyzer"
	"yunjian/audit"
	"yunjian/calendar"
	"yunjian/cloud"
	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/ledger"
	"yunjian/notice"
	"yunjian/ownership"
	"yunjian/policies"
	"yunjian/price"
	"yunjian/recommender"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The departments of the world: whoever is bound is bound to own.
const (
	own   = "财政局"
	other = "民政局"
)

var zone = time.FixedZone("CST", 8*3600)

// pdf is the least that passes for a document.
var pdf = []byte("%PDF-1.4\nstamped\n%%EOF\n")

// world is an installation with two departments that have the same, and an account for
// each role: by the name of the role, and as ROLE-own bound to own.
type world struct {
	t    testing.TB
	data *pipeline.Data
	svc  *auth.Service
	api  *api
	h    http.Handler

	mu     sync.Mutex
	now    time.Time
	events []auth.Event // refusals and changes that auth told
	log    bytes.Buffer

	numbers map[string]string // notices, by department
	links   map[string]string
	docs    map[string]string // documents handed in for the notices
}

func newWorld(t testing.TB) *world {
	t.Helper()
	data, err := pipeline.Open(filepath.Join(t.TempDir(), "data"), zone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := data.State.Check(context.Background()); err != nil {
			t.Error(err)
		}
		if err := data.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, data: data, now: time.Now().In(zone).Truncate(time.Second), numbers: map[string]string{}, links: map[string]string{}, docs: map[string]string{}}
	set := auth.DefaultSettings()
	set.Header.Account, set.Proxies = "X-Account", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	w.svc = auth.New(data.State, set, func(e auth.Event) error {
		w.mu.Lock()
		w.events = append(w.events, e)
		w.mu.Unlock()
		return data.RecordAuth(e)
	})
	gate := auth.NewGate(w.svc, nil)
	pack, _ := policies.ByID("cn-gov-baseline")
	w.api = build(data, gate, Options{
		Location: zone, Version: "test", Log: zerolog.New(&w.log),
		Lang:  func() report.Lang { return report.ZH },
		Cases: func() (pipeline.CaseOptions, error) { return w.rules(), nil },
		Pack:  func() (policies.Pack, error) { return pack, nil },
		Audit: func() (pipeline.AuditOptions, error) {
			return pipeline.AuditOptions{Clouds: []string{"province"}, Pack: pack, Book: price.Example(), Now: w.rules().Now, Location: zone}, nil
		},
	})
	w.h = gate.Handler(w.api.handler())
	operator := auth.Operator("tester")
	for _, role := range auth.Roles() {
		accounts := []auth.NewAccount{{Name: string(role), Roles: []auth.Role{role}}, {Name: string(role) + "-own", Roles: []auth.Role{role}, Departments: []string{own}}}
		switch role {
		case auth.SysAdmin, auth.SecAdmin, auth.Auditor:
			accounts = accounts[:1]
		case auth.Dept:
			accounts = accounts[1:]
			accounts = append(accounts, auth.NewAccount{Name: "dept-other", Roles: []auth.Role{role}, Departments: []string{other}})
		}
		for _, n := range accounts {
			if err := w.svc.Add(operator, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w
}

// rules are those by which cases move, at the world's present.
func (w *world) rules() pipeline.CaseOptions {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := baseline()
	o.Now = w.now
	return o
}

var baseline = sync.OnceValue(func() pipeline.CaseOptions {
	flow, _ := notice.WorkflowByID(notice.DefaultWorkflow)
	return pipeline.CaseOptions{Workflow: flow, Calendar: calendar.Builtin()}
})

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// resource is a machine of a department; empty: of none.
func resource(id, department string) cloud.Resource {
	return cloud.Resource{
		ID: id, Kind: cloud.Instance, Name: id, Cloud: "province", Account: "a", Region: "r", Department: department, Application: "预算", Status: cloud.Running,
		ChargeType: cloud.Postpaid, InstanceType: "ecs.g6.xlarge", VCPU: 4, MemoryGiB: 16, StorageGiB: 100, PrivateIP: "10.0.0.1",
		CreatedAt: time.Date(2024, 1, 1, 0, 0, 0, 0, zone), FirstSeen: time.Date(2024, 1, 1, 0, 0, 0, 0, zone),
	}
}

// fleet are the machines of the world: i-own-1 …, i-other-1 …, and i-none of nobody.
func fleet() []cloud.Resource {
	var out []cloud.Resource
	for i := range 4 {
		out = append(out, resource(fmt.Sprintf("i-own-%d", i+1), own), resource(fmt.Sprintf("i-other-%d", i+1), other))
	}
	return append(out, resource("i-none-1", ""))
}

// audited stores the inventory and an audit that advises to release every machine.
func (w *world) audited(machines []cloud.Resource) {
	w.t.Helper()
	ctx := w.t.Context()
	now := w.rules().Now
	inv := cloud.Inventory{Cloud: "province", TakenAt: now, Resources: machines, Scopes: []cloud.Scope{{Account: "a", Region: "r", Kind: cloud.Instance, Complete: true, Count: len(machines)}}}
	inv.Sort()
	booking := w.data.Booking(func() (price.Book, error) { return price.Example(), nil }, zone)
	if _, _, err := w.data.State.PutInventory(inv, booking, journal.New(ctx, now, journal.InventoryStored, pipeline.CloudObject("province"))); err != nil {
		w.t.Fatal(err)
	}
	pack, _ := policies.ByID("cn-gov-baseline")
	saving, err := price.NewAmount("1200.00", "CNY")
	if err != nil {
		w.t.Fatal(err)
	}
	var fleet []recommender.Candidate
	var advice []recommender.Recommendation
	for _, r := range machines {
		reasons := []analyzer.Reason{{Code: "cpu_p95_below", Metric: "cpu_percent", Statistic: "p95", Unit: "percent"}}
		fleet = append(fleet, recommender.Candidate{
			Input:   analyzer.Input{Resource: r},
			Finding: analyzer.Finding{ResourceID: r.ID, Kind: r.Kind, Verdict: analyzer.Idle, Rule: "idle", Window: cloud.Last(30*24*time.Hour, now), Flags: []analyzer.Flag{}, Reasons: reasons},
		})
		advice = append(advice, recommender.Recommendation{
			ID: "rec-" + r.ID, ResourceID: r.ID, Kind: r.Kind, Name: r.Name, Department: r.Department, Application: r.Application, Action: recommender.Release, Rule: "idle",
			Current: recommender.Spec{InstanceType: r.InstanceType, VCPU: r.VCPU, MemoryGiB: r.MemoryGiB, StorageGiB: r.StorageGiB}, AnnualSaving: saving, SavingKnown: true, Currency: "CNY",
			PriceBook: "example@1", Ready: true, ConsecutiveRuns: 2, Flags: []analyzer.Flag{}, Reasons: reasons, Risk: recommender.Risk{Grade: "A"},
		})
	}
	a := audit.New(now, pack, price.Example(), fleet, advice, nil)
	if _, err := w.data.State.PutAudit(a, journal.New(ctx, now, journal.AuditDone, pipeline.AuditObject(now))); err != nil {
		w.t.Fatal(err)
	}
}

// caseOf is the case of a machine.
func (w *world) caseOf(resource string) notice.Case {
	w.t.Helper()
	all, err := w.data.State.Cases()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range all {
		if c.ResourceID == resource {
			return c
		}
	}
	w.t.Fatalf("no case of %s", resource)
	return notice.Case{}
}

// full is a world in which both departments have the same: a notice with a link and a
// document, over their first machine; cases that are detected, confirmed and drafted over
// the others; a ledger, a directory and a bill.
func full(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.audited(append(fleet(), resource("i-own-gone", own), resource("i-other-gone", other)))
	w.pass(time.Minute)
	w.audited(fleet())
	ctx := t.Context()
	if _, err := w.data.SyncCases(ctx, w.rules()); err != nil {
		t.Fatal(err)
	}
	directory := ownership.Directory{Departments: []ownership.Department{
		{Name: own, Contact: ownership.Contact{Name: "张", Phone: "13800000001"}}, {Name: other, Contact: ownership.Contact{Name: "李", Phone: "13800000002"}},
	}}
	if _, err := w.data.State.PutDirectory(directory, w.rules().Now, journal.New(ctx, w.rules().Now, journal.OwnersImported, journal.Object{Type: "owners"})); err != nil {
		t.Fatal(err)
	}
	bill := ledger.Bill{Month: "2026-01", Currency: "CNY", Amounts: map[string]price.Amount{}, Source: "x.csv", Sources: map[string]string{}}
	if _, err := w.data.State.PutBills([]ledger.Bill{bill}, w.rules().Now, journal.New(ctx, w.rules().Now, journal.BillsImported, journal.Object{Type: "bills"})); err != nil {
		t.Fatal(err)
	}
	admin, chief := notice.Actor{ID: "cloudadmin", Role: notice.Cloudadmin}, notice.Actor{ID: "supervisor", Role: notice.Supervisor}
	step := func(event string, names ...string) {
		var ids []string
		for _, n := range names {
			ids = append(ids, w.caseOf(n).ID)
		}
		if _, _, err := w.data.StepCases(ctx, w.rules(), ids, notice.Event{Name: event, By: admin, At: w.rules().Now}); err != nil {
			t.Fatal(err)
		}
	}
	step("confirm", "i-own-1", "i-other-1", "i-own-2", "i-other-2", "i-own-3", "i-other-3")
	step("draft", "i-own-1", "i-other-1")
	pack, _ := policies.ByID("cn-gov-baseline")
	for _, d := range []string{own, other} {
		n, _, err := w.data.IssueNotice(ctx, w.rules(), notice.Draft{
			Number: notice.DocumentNumber{Prefix: "浙财云通", Year: w.rules().Now.Year()}, Issuer: "省财政厅", Signer: "李四", Contacts: []notice.Contact{{Name: "张三", Phone: "0571-1"}}, Policy: pack,
		}, d, chief)
		if err != nil {
			t.Fatal(err)
		}
		w.numbers[d] = n.Number
		issuer := auth.Principal{Name: "supervisor", Via: auth.ViaSession, Roles: []auth.Role{auth.Supervisor}, Departments: auth.Everywhere()}
		if w.links[d], _, err = w.svc.NewLink(issuer, n.Number, 1, d, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		text := append(slices.Clone(pdf[:len(pdf)-6]), []byte(d+"\n%%EOF\n")...)
		who := auth.Principal{Name: "dept", Via: auth.ViaSession, Roles: []auth.Role{auth.Dept}, Departments: auth.Departments{Names: []string{d}}}
		if w.docs[d], err = w.data.For(who).HandInForNotice(ctx, n.Number, text); err != nil {
			t.Fatal(err)
		}
		if _, err := w.data.For(who).HandInForCase(ctx, w.caseOf(map[string]string{own: "i-own-1", other: "i-other-1"}[d]).ID, text); err != nil {
			t.Fatal(err)
		}
	}
	step("draft", "i-own-2", "i-other-2")
	return w
}

// asked is a request to be made.
type asked struct {
	method, path string
	body         any    // JSON, where it is no []byte
	media        string // of a []byte
	header       []string
}

// ask has an account send a request; an empty one is nobody. What is answered is held
// against the document.
func (w *world) ask(account string, q asked) *httptest.ResponseRecorder {
	w.t.Helper()
	var body io.Reader
	media := q.media
	switch b := q.body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		body, media = bytes.NewReader(text), "application/json"
	}
	r := httptest.NewRequest(q.method, Prefix+q.path, body)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if account != "" {
		r.Header.Set("X-Account", account)
	}
	for i := 0; i+1 < len(q.header); i += 2 {
		r.Header.Set(q.header[i], q.header[i+1])
	}
	// Each request from another client, or the limits on links would answer.
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", time.Now().UnixNano()>>16&255, time.Now().UnixNano()>>8&255, time.Now().UnixNano()&255))
	out := httptest.NewRecorder()
	w.h.ServeHTTP(out, r)
	if out.Code >= 500 {
		w.t.Errorf("%s %s as %s: %d %s\n%s", q.method, q.path, account, out.Code, out.Body, w.log.String())
	}
	conforms(w.t, w.api, q.method, r.URL.Path, out)
	return out
}

// get reads JSON into v.
func (w *world) get(account, path string, v any) {
	w.t.Helper()
	w.sent(account, asked{method: "GET", path: path}, http.StatusOK, v)
}

// sent makes a request that is to be answered with a status.
func (w *world) sent(account string, q asked, status int, v any) {
	w.t.Helper()
	got := w.ask(account, q)
	if got.Code != status {
		w.t.Fatalf("%s %s as %s: %d %s, want %d", q.method, q.path, account, got.Code, got.Body, status)
	}
	if v != nil {
		if err := json.Unmarshal(got.Body.Bytes(), v); err != nil {
			w.t.Fatal(err)
		}
	}
}

// refusals is how many refusals are on record.
func (w *world) refusals() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, e := range w.events {
		if e.Outcome == auth.Refused {
			n++
		}
	}
	return n
}

// upload is a form with files and fields.
func upload(t testing.TB, fields map[string]string, files ...[2]string) ([]byte, string) {
	t.Helper()
	var b bytes.Buffer
	f := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := f.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range files {
		part, err := f.CreateFormFile("file", x[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, x[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), f.FormDataContentType()
}

// schemas compiles what the document says of an answer.
type schemas struct {
	c    *jsonschema.Compiler
	done map[string]*jsonschema.Schema
}

var (
	compiling sync.Mutex
	compiled  *schemas
)

// conforms holds a JSON answer against the document.
func conforms(t testing.TB, a *api, method, path string, got *httptest.ResponseRecorder) {
	t.Helper()
	media, _, _ := strings.Cut(got.Header().Get("Content-Type"), ";")
	if media != "application/json" && media != "application/problem+json" {
		return
	}
	compiling.Lock()
	defer compiling.Unlock()
	if compiled == nil {
		text, err := json.Marshal(a.huma.OpenAPI())
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		if err := c.AddResource("https://yunjian.invalid/openapi.json", doc); err != nil {
			t.Fatal(err)
		}
		compiled = &schemas{c: c, done: map[string]*jsonschema.Schema{}}
	}
	if strings.Contains(got.Body.String(), `"error":`) && media == "application/problem+json" {
		return // of the gate, which adds a member
	}
	template := templateOf(a, method, path)
	if template == "" {
		return // an address that is none
	}
	op := a.operationAt(method, template)
	status := fmt.Sprint(got.Code)
	if got.Code >= 400 {
		status = "default"
	}
	if op.Responses[status] == nil || op.Responses[status].Content[media] == nil {
		t.Errorf("%s %s: the document has no answer %s as %s", method, template, status, media)
		return
	}
	pointer := "https://yunjian.invalid/openapi.json#/paths/" + escapePointer(template) + "/" + strings.ToLower(method) + "/responses/" + status + "/content/" + escapePointer(media) + "/schema"
	s := compiled.done[pointer]
	if s == nil {
		var err error
		if s, err = compiled.c.Compile(pointer); err != nil {
			t.Fatalf("%s: %v", pointer, err)
		}
		compiled.done[pointer] = s
	}
	if op.Responses[status].Content[media].Schema.Format == "binary" {
		return // of another maker: report's JSON
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(got.Body.Bytes()))
	if err == nil {
		err = s.Validate(body)
	}
	if err != nil {
		t.Errorf("%s %s answers %d, not as the document says: %v\n%.2000s", method, template, got.Code, err, got.Body)
	}
}

func escapePointer(s string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
}

// operations are those of the document, by their ids.
func (a *api) operations() map[string]*huma.Operation {
	knownMu.Lock()
	defer knownMu.Unlock()
	if out := known[a]; out != nil {
		return out
	}
	clear(known)
	out := map[string]*huma.Operation{}
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if op != nil {
				out[op.OperationID] = op
			}
		}
	}
	known[a] = out
	return out
}

var (
	knownMu sync.Mutex
	known   = map[*api]map[string]*huma.Operation{}
)

func (a *api) operationAt(method, template string) *huma.Operation {
	for _, op := range a.operations() {
		if op.Method == method && op.Path == template {
			return op
		}
	}
	return nil
}

// templateOf is the path of the document that an address belongs to.
func templateOf(a *api, method, path string) string {
	best, wild := "", 100
	for _, op := range a.operations() {
		want, have := strings.Split(op.Path, "/"), strings.Split(path, "/")
		if op.Method != method || len(want) != len(have) {
			continue
		}
		n, fits := 0, true
		for i := range want {
			switch {
			case strings.HasPrefix(want[i], "{"):
				n++
			case want[i] != have[i]:
				fits = false
			}
		}
		if fits && n < wild {
			best, wild = op.Path, n
		}
	}
	return best
}
