package api

import (
	"net/http"
	"strings"
	"testing"

	"yunjian/internal/auth"
)

// FuzzBodies sends any body to any operation as anybody: what is wrong is the caller's to
// put right, or not allowed; it is never an error of ours.
func FuzzBodies(f *testing.F) {
	w := full(f)
	ops := w.api.operations()
	ids := sorted(ops)
	accounts := []string{"", "dept-own", "dept-other"}
	for _, role := range auth.Roles() {
		if role != auth.Dept {
			accounts = append(accounts, string(role))
		}
	}
	for i := range ids {
		for k, body := range []string{
			``, `{}`, `null`, `[]`, `"x"`, `{"cases":[""],"link":"a.b","lines":[null],"contacts":[null],"department":"财政局","prefix":"浙财云通","issuer":"x","signer":"y","heads":["1:00"]}`,
			`{"department":"财政局","prefix":"浙财云通","issuer":"x","signer":"y","contacts":[{"name":"a","phone":"1"}]}`,
			`{"received_by":"a","confirmed_by":"a","handler":"a","phone":"1","agree_to_all":"2099-01-01","scan":{"name":"x","sha256":"` + strings.Repeat("0", 64) + `"}}`,
			`{"roles":["system","viewer"],"name":"x","scopes":["a:b"],"expires":"9999-12-31T23:59:59Z","password":"\u0000"}`,
			`{"target":{"vcpu":-9223372036854775808,"memory_gib":1e308,"storage_gib":0},"items":[{"id":"","owner":"","evidence":""}],"planned":"9999-99-99","expires":"2026-13-45"}`,
			"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n账期,资源ID,金额\n2024-03,i,1\r\n--x--\r\n",
			"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../a.xlsx\"\r\n\r\nPK\x03\x04\r\n--x--\r\n",
			"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.4 %%EOF\r\n--x--\r\n",
		} {
			if k < 3 || (i+k)%4 == 0 { // a fuzzer runs all of these before it begins
				f.Add(i, (i+k)%len(accounts), "receive", []byte(body))
			}
		}
	}
	mine := w.of(own)
	f.Fuzz(func(t *testing.T, n, who int, word string, body []byte) {
		op := ops[ids[abs(n)%len(ids)]]
		if !strings.HasPrefix(op.Path, Prefix) {
			return // of the gate
		}
		word = strings.Map(func(r rune) rune { // a path that a client could send
			if r <= ' ' || r >= 0x7f || strings.ContainsRune(`/?#%\`, r) {
				return -1
			}
			return r
		}, word)
		if word == "" || word == "." || word == ".." {
			word = "x"
		}
		path := strings.NewReplacer("{id}", mine.caseID, "{number}", mine.notice, "{sha256}", mine.doc, "{name}", word, "{event}", word).Replace(strings.TrimPrefix(op.Path, Prefix))
		q := asked{method: op.Method, path: path, body: body, media: "application/json"}
		if op.RequestBody != nil && op.RequestBody.Content["multipart/form-data"] != nil {
			q.media = "multipart/form-data; boundary=x"
		}
		w.t = t
		got := w.ask(accounts[abs(who)%len(accounts)], q)
		if got.Code >= 500 || got.Code < 200 {
			t.Fatalf("%s %s as %s: %d %s", op.Method, path, accounts[abs(who)%len(accounts)], got.Code, got.Body)
		}
	})
}

func abs(n int) int {
	if n < 0 {
		n = -(n + 1)
	}
	return n
}

// FuzzNoticeLink tries links: only the one that was made opens anything.
func FuzzNoticeLink(f *testing.F) {
	w := full(f)
	f.Add(w.links[own])
	f.Add(w.links[own] + "=")
	f.Add(strings.Replace(w.links[own], ".", "..", 1))
	f.Add("")
	f.Add(".")
	f.Add("e30.AAAA")
	f.Fuzz(func(t *testing.T, link string) {
		w.t = t
		got := w.ask("", asked{method: "POST", path: "/links/open", body: map[string]any{"link": link}})
		genuine := link == w.links[own] || link == w.links[other]
		switch {
		case genuine && got.Code != http.StatusOK:
			t.Errorf("the link answers %d", got.Code)
		case !genuine && got.Code != http.StatusUnauthorized && got.Code != http.StatusUnprocessableEntity:
			t.Errorf("%q answers %d %s", link, got.Code, got.Body)
		}
	})
}
