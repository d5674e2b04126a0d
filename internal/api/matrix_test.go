package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"yunjian/internal/auth"
)

// eventOf is an event that takes a permission, for the operations on steps.
var eventOf = map[string]string{
	"notices:create": "confirm", "notices:approve": "issue", "receipts:create": "receive", "exemptions:create": "request_exemption",
	"exemptions:approve": "approve_exemption", "reminders:create": "supervise", "force:first": "request_force", "force:second": "approve_force",
	"execution:execute": "schedule", "execution:confirm": "record", "savings:approve": "verify",
}

// of are the identifiers of what a department has in a full world; of the empty one, what
// belongs to none.
type of struct{ department, caseID, notice, resource, doc string }

func (w *world) of(department string) of {
	id := map[string]string{own: "i-own-1", other: "i-other-1", "": "i-none-1"}[department]
	o := of{department: department, resource: id, notice: url.PathEscape(w.numbers[department]), doc: w.docs[department]}
	if department != "" {
		o.caseID = w.caseOf(id).ID
	}
	return o
}

// samples are requests, one for each operation that takes more than its path. What is
// allowed need not succeed: that it is not refused is what they are for.
var samples = map[string]func(t *testing.T, o of, permission string) asked{
	"draft-notice": func(_ *testing.T, o of, _ string) asked { return asked{body: draftOf(o.department)} },
	"issue-notice": func(_ *testing.T, o of, _ string) asked { return asked{body: draftOf(o.department)} },
	"correct-notice": func(_ *testing.T, o of, _ string) asked {
		b := draftOf(o.department)
		delete(b, "department")
		delete(b, "prefix")
		b["why"] = "更正"
		return asked{body: b}
	},
	"answer-notice": func(*testing.T, of, string) asked { return asked{body: answerOf("2099-01-01")} },
	"create-link": func(*testing.T, of, string) asked {
		return asked{body: map[string]any{"expires": time.Now().Add(time.Hour)}}
	},
	"step-case": func(_ *testing.T, o of, p string) asked {
		return asked{path: "/cases/" + o.caseID + "/events/" + eventOf[p], body: map[string]any{}}
	},
	"step-cases": func(_ *testing.T, o of, p string) asked {
		return asked{path: "/steps/" + eventOf[p], body: map[string]any{"cases": []string{o.caseID}}}
	},
	"hand-in-for-case":   handIn,
	"hand-in-for-notice": handIn,
	"assign-owner": func(_ *testing.T, o of, _ string) asked {
		return asked{body: map[string]any{"department": o.department}}
	},
	"import-owners": func(t *testing.T, _ of, _ string) asked {
		body, media := upload(t, nil, [2]string{"单位.csv", "单位\n财政局\n民政局\n"})
		return asked{body: body, media: media}
	},
	"import-bills": func(t *testing.T, _ of, _ string) asked {
		body, media := upload(t, nil, [2]string{"b.csv", "账期,资源ID,金额\n2024-03,i-own-1,1.00\n"})
		return asked{body: body, media: media}
	},
	"get-tally":      func(*testing.T, of, string) asked { return asked{path: "/tally?period=2026&by=department"} },
	"list-cases":     func(*testing.T, of, string) asked { return asked{path: "/cases?all=true"} },
	"create-account": func(*testing.T, of, string) asked { return asked{body: map[string]any{"name": "fresh"}} },
	"set-roles":      func(*testing.T, of, string) asked { return asked{body: map[string]any{"roles": []string{"viewer"}}} },
	"set-password":   func(*testing.T, of, string) asked { return asked{body: map[string]any{"password": "Mountain-7-river"}} },
	"verify-journal": func(*testing.T, of, string) asked { return asked{body: map[string]any{}} },
}

func handIn(t *testing.T, _ of, _ string) asked {
	body, media := upload(t, nil, [2]string{"扫描.pdf", string(pdf)})
	return asked{body: body, media: media}
}

func draftOf(department string) map[string]any {
	return map[string]any{
		"department": department, "prefix": "浙财云通", "issuer": "省财政厅", "signer": "李四", "contacts": []any{map[string]any{"name": "张三", "phone": "0571-1"}},
	}
}

func answerOf(planned string) map[string]any {
	return map[string]any{"received_by": "王", "confirmed_by": "李局", "handler": "王科", "phone": "13800000003", "agree_to_all": planned}
}

// request is what an operation is asked for what a department has.
func request(t *testing.T, w *world, id, path, method string, o of, permission string) asked {
	q := asked{}
	if s := samples[id]; s != nil {
		q = s(t, o, permission)
	} else if strings.HasPrefix(path, "/cases/{id}/exemption/") || strings.HasPrefix(path, "/cases/{id}/force/") {
		q.body = map[string]any{}
	}
	if q.path == "" {
		object := o.caseID
		switch {
		case strings.HasPrefix(path, "/resources/"):
			object = o.resource
		case strings.HasPrefix(path, "/recommendations/"):
			object = "rec-" + o.resource
		case strings.HasPrefix(path, "/notices/"):
			object = o.notice
		}
		q.path = strings.NewReplacer("{id}", object, "{number}", o.notice, "{sha256}", o.doc, "{name}", "dept-other").Replace(path)
	}
	q.method = method
	return q
}

// TestEveryCellOfTheMatrix asks every operation, with every permission that lets somebody
// into it, as every role, bound to a department and not, for what is its own, another's
// and nobody's; and holds what comes against auth.Allowed, and the journal against what
// was refused.
func TestEveryCellOfTheMatrix(t *testing.T) {
	ops := build1(t).operations()
	cells := 0
	reading := full(t) // which no reading changes
	for _, id := range sorted(ops) {
		op := ops[id]
		names, _ := op.Extensions["x-permission"].([]string)
		reach, _ := op.Extensions["x-scope"].(string)
		if names == nil {
			continue // of anybody, or of whoever is recognized: TestWithoutPermission
		}
		w := reading
		if op.Method != http.MethodGet {
			w = full(t)
		}
		people := w.people()
		path := strings.TrimPrefix(op.Path, Prefix)
		for _, name := range names {
			permission, err := auth.ParsePermission(name)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			departments := []string{""}
			if reach == string(object) {
				departments = []string{own, other}
				if op.Method == http.MethodGet && (strings.HasPrefix(path, "/resources") || strings.HasPrefix(path, "/recommendations")) {
					departments = append(departments, "")
				}
			}
			byEvent := strings.HasPrefix(id, "step-case")
			for _, role := range auth.Roles() {
				for _, account := range []string{string(role), string(role) + "-own"} {
					p, known := people[account]
					if !known {
						continue
					}
					for _, department := range departments {
						cells++
						allowed := func(p1 auth.Permission) bool {
							if reach == string(listed) {
								return auth.AllowedSomewhere(p, p1) == nil
							}
							return auth.Allowed(p, p1, department) == nil
						}
						want := allowed(permission)
						if name == "execution:confirm" { // what a department records, the cloud's administrator may, by his own permission
							want = want || allowed(permissions("execution:execute")[0])
						}
						if !byEvent {
							want = slices.ContainsFunc(names, func(n string) bool { q, _ := auth.ParsePermission(n); return allowed(q) })
						}
						q := request(t, w, id, path, op.Method, w.of(department), name)
						before := w.refusals()
						got := w.ask(account, q)
						refused := got.Code == http.StatusForbidden || got.Code == http.StatusUnauthorized || got.Code == http.StatusNotFound
						switch {
						case got.Code >= 500:
							t.Fatalf("%s %s", id, got.Body)
						case refused == want:
							t.Errorf("%s as %s for department %q: %d %s; want allowed: %t by %s", id, account, department, got.Code, got.Body, want, name)
						case refused && w.refusals() == before:
							t.Errorf("%s as %s for department %q: refused with %d, and not on record", id, account, department, got.Code)
						case !refused && reach == string(listed) && !p.Departments.All:
							if body := got.Body.String(); strings.Contains(body, other) || strings.Contains(body, "i-other") || strings.Contains(body, "i-none") {
								t.Errorf("%s as %s shows what is another's: %s", id, account, body)
							}
						}
					}
				}
			}
			if got := w.ask("", request(t, w, id, path, op.Method, w.of(own), name)); got.Code != http.StatusUnauthorized {
				t.Errorf("%s as nobody: %d", id, got.Code)
			}
		}
	}
	if cells < 1500 {
		t.Errorf("%d cells were looked at", cells)
	}
}

// people are those whom accounts are recognized as.
func (w *world) people() map[string]auth.Principal {
	all, err := w.svc.Accounts(auth.Operator("tester"))
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]auth.Principal{}
	for _, a := range all {
		p := auth.Principal{Name: a.Name, Via: auth.ViaHeader, Roles: a.Roles, Departments: auth.Everywhere()}
		if len(a.Departments) > 0 {
			p.Departments = auth.Departments{Names: a.Departments}
		}
		out[a.Name] = p
	}
	return out
}

// elsewhere are the permissions of the matrix by which nothing is done in the API, and
// why.
var elsewhere = map[string]string{
	"system:execute":          "backup, restore, compact: commands on the machine, beside the daemon",
	"inventory:correct":       "departments say it in an answer; there is no form of its own yet",
	"samples:create":          "collecting and importing: commands and the daemon's schedule",
	"policies:create":         "a pack is a file that the configuration names",
	"policies:approve":        "as policies:create",
	"policies:read":           "yunjian policy show",
	"recommendations:create":  "an audit is made on schedule, or by a command",
	"recommendations:execute": "as recommendations:create",
	"receipts:read":           "answers are read with the notice",
	"force:read":              "force is read with the case",
	"execution:read":          "execution is read with the case",
	"prices:create":           "a price book is a file that the configuration names",
	"prices:approve":          "as prices:create",
	"prices:read":             "every figure names the book that priced it",
	"reports:create":          "a report is made on schedule, or by a command",
	"reports:approve":         "as reports:create",
	"reports:read":            "the page shows it, at /report",
	"reports:export":          "as reports:read",
}

// TestEveryPermissionIsReached wants each permission of the matrix to be that of an
// operation, or to be listed with a reason.
func TestEveryPermissionIsReached(t *testing.T) {
	reached := map[string]bool{}
	for id, op := range build1(t).operations() {
		switch x := op.Extensions["x-permission"].(type) {
		case []string:
			for _, name := range x {
				reached[name] = true
			}
		case string:
			if x != string(public) && x != string(signed) {
				t.Errorf("%s: x-permission %q", id, x)
			}
		default:
			t.Errorf("%s declares no x-permission", id)
		}
		if op.Extensions["x-scope"] == nil {
			t.Errorf("%s declares no x-scope", id)
		}
		if zh, en, ok := strings.Cut(op.Summary, " | "); !ok || zh == "" || en == "" || len(op.Tags) == 0 {
			t.Errorf("%s: summary %q, tags %v", id, op.Summary, op.Tags)
		}
	}
	for _, p := range auth.Permissions() {
		if _, why := elsewhere[p.String()]; !reached[p.String()] && !why {
			t.Errorf("no operation is reached by %s, and no reason is listed", p)
		}
	}
	for name := range elsewhere {
		if reached[name] {
			t.Errorf("%s is listed as without an operation, and has one", name)
		}
	}
}

// TestWithoutPermission is of what takes none: what concerns oneself, and what is public.
func TestWithoutPermission(t *testing.T) {
	w := full(t)
	for id, op := range w.api.operations() {
		want := map[string]string{
			"get-session": signed1, "list-sessions": signed1, "end-session": signed1, "begin-codes": signed1, "confirm-codes": signed1,
			"list-tokens": signed1, "create-token": signed1, "revoke-token": signed1,
			"verify-notice": "public", "open-link": "public", "print-by-link": "public", "hand-in-by-link": "public", "answer-by-link": "public",
			"auth-login": "public", "auth-logout": "public", "auth-password": "public",
		}[id]
		if got, isName := op.Extensions["x-permission"].(string); isName && got != want {
			t.Errorf("%s: x-permission %q, want %q", id, got, want)
		}
	}
	for _, c := range []struct {
		account string
		q       asked
		status  int
	}{
		{"", asked{method: "GET", path: "/session"}, 401},
		{"viewer", asked{method: "GET", path: "/session"}, 200},
		{"", asked{method: "GET", path: "/tokens"}, 401},
		{"viewer", asked{method: "GET", path: "/tokens?owner=dept-own"}, 403},
		{"viewer", asked{method: "GET", path: "/tokens?all=true"}, 403},
		{"secadmin", asked{method: "GET", path: "/tokens?all=true"}, 200},
		{"viewer", asked{method: "GET", path: "/accounts/dept-own/sessions"}, 403},
		{"secadmin", asked{method: "GET", path: "/accounts/dept-own/sessions"}, 200},
		{"viewer", asked{method: "POST", path: "/tokens", body: map[string]any{"name": "x", "scopes": []string{"inventory:read"}, "expires": time.Now().Add(time.Hour)}}, 403},
		{"viewer", asked{method: "POST", path: "/tokens", body: map[string]any{"name": "x", "scopes": []string{"everything"}, "expires": time.Now().Add(time.Hour)}}, 422},
		{"viewer", asked{method: "POST", path: "/session/codes"}, 403},
		{"viewer", asked{method: "POST", path: "/session/codes/confirm", body: map[string]any{"code": "123456"}}, 403},
		{"viewer", asked{method: "DELETE", path: "/sessions/0123"}, 422},
		{"viewer", asked{method: "DELETE", path: "/tokens/0123"}, 422},
		{"", asked{method: "GET", path: "/nothing"}, 404},
		{"", asked{method: "GET", path: "/openapi.json"}, 200},
	} {
		if got := w.ask(c.account, c.q); got.Code != c.status {
			t.Errorf("%s %s as %q: %d %s, want %d", c.q.method, c.q.path, c.account, got.Code, got.Body, c.status)
		}
	}
}

const signed1 = string(signed)

// build1 is the API of an empty world, for its document.
func build1(t *testing.T) *api { return newWorld(t).api }

func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
