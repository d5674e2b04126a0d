package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"yunjian/internal/auth"
	"yunjian/internal/pipeline"
	"yunjian/internal/sheet"
	"yunjian/internal/store"
	"yunjian/notice"
)

// titles say in both languages what a status means.
var titles = map[int]string{
	400: "请求无法读取 | the request cannot be read",
	401: "请先登录 | sign in first",
	403: "无权这样做 | not allowed",
	404: "没有这个对象 | there is no such thing",
	405: "此处不能这样做 | not possible here",
	406: "无此格式 | no such format",
	408: "请求太慢 | the request took too long",
	409: "现在不能这样做 | not possible as things stand",
	412: "已被他人改动 | somebody changed it meanwhile",
	413: "内容过大 | too large",
	415: "内容格式不对 | not in a form that is read here",
	422: "请求内容有误 | something in the request is wrong",
	429: "请求过于频繁 | too many requests",
	500: "内部错误，详见日志 | internal error: see the log",
}

const internal = "内部错误，详见日志 | internal error: see the log"

// mistaken is the answer to a mistake of the caller's, at a place in the request.
func mistaken(location, message string) error {
	return huma.NewError(http.StatusUnprocessableEntity, message, &huma.ErrorDetail{Location: location, Message: message})
}

// failed makes an answer of an error. What only the caller can put right is said to him;
// anything else is logged.
func (a *api) failed(c call, err error) error {
	var answered huma.StatusError
	var refusal *auth.Refusal
	var role *notice.RoleError
	var person *notice.PersonError
	var state *notice.StateError
	var needs *notice.NeedError
	var early *notice.TimeError
	var changed *pipeline.ChangedError
	var mistake *pipeline.Mistake
	var sheets *sheet.Mistakes
	var locked *auth.LockedError
	switch {
	case errors.As(err, &answered):
		return answered
	case errors.As(err, &refusal):
		return a.turnedAway(c, refusal)
	case errors.Is(err, notice.ErrDepartment), errors.Is(err, auth.ErrNotFound):
		return huma.NewError(http.StatusNotFound, auth.ErrNotFound.Error())
	case errors.Is(err, auth.ErrLink):
		return huma.NewError(http.StatusUnauthorized, auth.ErrLink.Error())
	case errors.As(err, &role), errors.As(err, &person):
		return huma.NewError(http.StatusForbidden, err.Error())
	case errors.As(err, &state), errors.As(err, &early):
		return huma.NewError(http.StatusConflict, err.Error())
	case errors.As(err, &needs):
		var details []error
		for _, l := range needs.Lacks {
			details = append(details, &huma.ErrorDetail{Location: "body." + l.Field, Message: l.Want})
		}
		return huma.NewError(http.StatusUnprocessableEntity, err.Error(), details...)
	case errors.As(err, &changed):
		return huma.NewError(http.StatusPreconditionFailed, err.Error())
	case errors.As(err, &sheets):
		var details []error
		for _, m := range sheets.List {
			details = append(details, &huma.ErrorDetail{Location: "body.file", Message: m.Error()})
		}
		return huma.NewError(http.StatusUnprocessableEntity, "nothing was read", details...)
	case errors.As(err, &mistake), errors.Is(err, store.ErrDocument), errors.Is(err, pipeline.ErrNothing):
		return huma.NewError(http.StatusUnprocessableEntity, err.Error())
	case errors.As(err, &locked):
		return huma.NewError(http.StatusTooManyRequests, err.Error())
	}
	a.o.Log.Error().Err(err).Str("path", c.r.URL.Path).Str("method", c.r.Method).Msg("answer request")
	return huma.NewError(http.StatusInternalServerError, internal)
}

// turnedAway puts a refusal on record and answers it: an object of another department, or
// of none, as one that is not there.
func (a *api) turnedAway(c call, err error) error {
	var refusal *auth.Refusal
	if !errors.As(err, &refusal) {
		return a.failed(c, err)
	}
	if refusal.Reason == auth.NotSignedIn { // whoever is nobody would fill the journal
		return huma.NewError(http.StatusUnauthorized, refusal.Error())
	}
	switch told := a.gate.Refuse(c.r, c.p, refusal); {
	case errors.Is(told, auth.ErrRecord):
		return a.failed(c, fmt.Errorf("%w: %s", auth.ErrRecord, refusal.Error()))
	case refusal.Reason == auth.OtherDepartment && (c.object || refusal.Department != ""):
		return huma.NewError(http.StatusNotFound, auth.ErrNotFound.Error())
	}
	return huma.NewError(http.StatusForbidden, refusal.Error())
}

// ofAccounts answers an error of auth's service, which has put it on record: what is none
// of its own words is internal.
func (a *api) ofAccounts(c call, err error) error {
	var refusal *auth.Refusal
	var locked *auth.LockedError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, auth.ErrRecord):
		return a.failed(c, fmt.Errorf("%w: %s", auth.ErrRecord, err.Error()))
	case errors.As(err, &refusal):
		return huma.NewError(http.StatusForbidden, refusal.Error())
	case errors.As(err, &locked):
		return huma.NewError(http.StatusTooManyRequests, err.Error())
	case errors.Is(err, auth.ErrNoAccount):
		return huma.NewError(http.StatusNotFound, auth.ErrNotFound.Error())
	case errors.Is(err, auth.ErrExists):
		return huma.NewError(http.StatusConflict, err.Error())
	case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrLocked):
		return a.failed(c, err)
	}
	return huma.NewError(http.StatusUnprocessableEntity, err.Error())
}

// answer writes an error where no operation does.
func (a *api) answer(w http.ResponseWriter, r *http.Request, err error) {
	var status huma.StatusError
	if !errors.As(err, &status) {
		status = huma.NewError(http.StatusInternalServerError, internal)
	}
	body, _ := told(nil, "", status)
	if status.GetStatus() == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="yunjian"`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status.GetStatus())
	_ = json.NewEncoder(w).Encode(body) // the client has gone
}

// secret are the places of a request whose values are not said back.
var secret = regexp.MustCompile(`(?i)(password|passwd|link|code|token|old|new|secret)`)

// told makes an error of huma's one of the house: a title in both languages, and nothing
// said back that may be a secret or is long.
func told(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	out := *m
	if title := titles[m.Status]; title != "" {
		out.Title = title
	}
	out.Errors = nil
	for _, d := range m.Errors {
		if d == nil {
			continue
		}
		e := *d
		switch found := e.Value.(type) {
		case string:
			if secret.MatchString(e.Location) || strings.HasPrefix(e.Location, "body") && utf8.RuneCountInString(found) > 60 {
				e.Value = nil
			} else if r := []rune(found); len(r) > 60 {
				e.Value = string(r[:60]) + "…"
			}
		case bool, int, int64, float64, json.Number:
			if secret.MatchString(e.Location) {
				e.Value = nil
			}
		default: // of a whole object some field may be one
			e.Value = nil
		}
		out.Errors = append(out.Errors, &e)
	}
	if m.Status >= 500 {
		out.Detail, out.Errors = internal, nil
	}
	return &out, nil
}

// disposition names a file for whoever saves it, in a way that every browser reads.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || strings.ContainsRune(`"\/%`, r) {
			return '_'
		}
		return r
	}, name)
	return `attachment; filename=` + strconv.Quote(plain) + `; filename*=UTF-8''` + escaped(name)
}

func escaped(name string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
