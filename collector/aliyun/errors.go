package aliyun

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"yunjian/cloud"
)

// Class is what kind of refusal a call met, and so what to do about it.
type Class string

// Classes of errors.
const (
	ClassThrottled   Class = "throttled"   // too many calls now: wait
	ClassQuota       Class = "quota"       // the month's calls are used up: stop
	ClassBudget      Class = "budget"      // our own limit of calls is reached: stop
	ClassServer      Class = "server"      // 5xx and its kin: wait
	ClassTransport   Class = "transport"   // no answer: wait
	ClassMalformed   Class = "malformed"   // an answer that makes no sense: ask again
	ClassClock       Class = "clock"       // our clock or the server's is wrong
	ClassCredentials Class = "credentials" // the key is unknown or its secret wrong: nothing will work
	ClassPermission  Class = "permission"  // this action is not allowed
	ClassNotFound    Class = "not_found"   // no such metric, instance or region
	ClassInvalid     Class = "invalid"     // the request itself is wrong
	ClassHost        Class = "host"        // a host that the configuration does not name
	ClassDryRun      Class = "dry_run"     // a dry run that would have succeeded
)

func (c Class) retryable() bool {
	switch c {
	case ClassThrottled, ClassServer, ClassTransport, ClassMalformed, ClassClock:
		return true
	}
	return false
}

// availability is how the class shows in the series that it touches.
func (c Class) availability() cloud.Availability {
	switch c {
	case ClassThrottled, ClassQuota, ClassBudget:
		return cloud.Throttled
	case ClassPermission, ClassCredentials:
		return cloud.NoPermission
	case ClassNotFound:
		return cloud.NotOffered
	}
	return cloud.Failed
}

// Error is a call that did not succeed, in words without secrets.
type Error struct {
	Action    string
	Class     Class
	Status    int    // HTTP; 0: no answer
	Code      string // the cloud's own
	Message   string
	RequestID string
	cause     error
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("call " + e.Action + ": ")
	if e.Code != "" {
		b.WriteString(e.Code + ": ")
	}
	b.WriteString(e.Message)
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.RequestID != "" {
		b.WriteString(" [request " + e.RequestID + "]")
	}
	if todo := e.advice(); todo != "" {
		b.WriteString(" → " + todo)
	}
	return b.String()
}

// advice is that of the class, but for bills, which are no collection.
func (e *Error) advice() string {
	if e.Action != actionBill {
		return e.Class.advice()
	}
	switch e.Class {
	case ClassPermission:
		return "给子账号授予 RAM 动作 bss:DescribeInstanceBill（见 deploy/ram-policy-bills.json）；采集、审计与周报照常 | grant the RAM user the action bss:DescribeInstanceBill (deploy/ram-policy-bills.json); collection, audits and reports go on without"
	case ClassServer, ClassMalformed:
		return "云端暂时异常，账单稍后再读；若一直如此，请核对接入点 | the cloud is unwell: read the bill later; if it stays so, check the endpoint"
	default:
		return e.Class.advice()
	}
}

// advice is what people can do about a call that kept failing; empty where the
// message says it itself.
func (c Class) advice() string {
	switch c {
	case ClassThrottled:
		return "调低 budget.queries_per_second，或稍后再采 | lower budget.queries_per_second, or collect later"
	case ClassQuota:
		return "本月调用额度已用完，下月自动继续，或开通云监控按量付费 | the account's calls of this month are used up: collection goes on next month, or enable pay-as-you-go CloudMonitor"
	case ClassServer, ClassMalformed:
		return "云端暂时异常，下次采集自动续传；若一直如此，请核对接入点 | the cloud is unwell: the next collection goes on from here; if it stays so, check the endpoint"
	case ClassTransport:
		return "请检查到该接入点的网络 | check the network to that endpoint"
	case ClassCredentials:
		return "请检查 AccessKey 及其密钥 | check the access key and its secret"
	case ClassPermission:
		return "请按 deploy/ram-policy.json 给子账号授权 | grant the RAM user what deploy/ram-policy.json lists"
	default:
		return ""
	}
}

// Unwrap returns what lies beneath, for errors.Is.
func (e *Error) Unwrap() error { return e.cause }

func outcome(err error) string {
	var e *Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return string(e.Class)
	default:
		return "canceled"
	}
}

// malformedError marks an answer that arrived and makes no sense.
type malformedError struct{ cause error }

func (e *malformedError) Error() string { return e.cause.Error() }
func (e *malformedError) Unwrap() error { return e.cause }

// refusal is an error body, in any of the spellings in use.
type refusal struct {
	code, message, requestID string
}

// problem returns the refusal that an answer holds, or nil when it is a
// success. It reads the envelope only; the payload is the caller's.
func (a answer) problem() error {
	if len(bytes.TrimSpace(a.body)) == 0 {
		return &malformedError{errors.New("empty answer")}
	}
	e, ok := scanEnvelope(a.body)
	if ok && a.status == http.StatusOK && e.ok() {
		return nil
	}
	r, ok, err := decodeRefusal(a.body)
	if err != nil {
		return &malformedError{errors.New("answer is not JSON")}
	}
	if !ok && a.status < http.StatusBadRequest {
		return nil
	}
	return r
}

// decodeRefusal reads an envelope; false when it speaks of success.
func decodeRefusal(body []byte) (*refusal, bool, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return nil, false, fmt.Errorf("read error envelope: %w", cmpErr(err, errors.New("null")))
	}
	text := func(names ...string) string {
		for _, n := range names {
			if s := scalar(fields[n]); s != "" {
				return s
			}
		}
		return ""
	}
	r := &refusal{
		code:      text("asapiErrorCode", "errorCode", "Code", "code"),
		message:   text("asapiErrorMessage", "errorMessage", "Message", "message", "errorTitle"),
		requestID: text("RequestId", "requestId", "asapiRequestId"),
	}
	bad := r.code != "" && r.code != "200" && !strings.EqualFold(r.code, "success") && !strings.EqualFold(r.code, "OK")
	for _, n := range []string{"Success", "success", "asapiSuccess"} {
		bad = bad || strings.EqualFold(scalar(fields[n]), "false")
	}
	return r, bad, nil
}

// scalar is the text of a JSON string, number or boolean; else empty.
func scalar(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || bytes.Equal(raw, []byte("null")) {
		return ""
	}
	if raw[0] != '"' {
		return string(raw)
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// redactor turns whatever went wrong into an *Error without secrets.
type redactor struct{ secrets []string }

func newRedactor(o Options) redactor {
	var r redactor
	for _, s := range []string{o.AccessKeySecret, o.AccessKeyID, o.SecurityToken} {
		if s != "" {
			r.secrets = append(r.secrets, s)
		}
	}
	return r
}

var secretParameter = regexp.MustCompile(`(?i)(AccessKeyId|Signature|SignatureNonce|SecurityToken|BearerToken)(=|%3D|%253D)[^&%\s"']*(%[0-9A-Fa-f]{2}[^&%\s"']*)*`)

const maxMessage = 300

func (r redactor) apply(action string, got answer, err error) error {
	e := &Error{Action: action, Status: got.status, cause: err}
	var refused *refusal
	var malformed *malformedError
	var host *hostError
	switch {
	case errors.As(err, &refused):
		e.Code, e.Message, e.RequestID = refused.code, refused.message, refused.requestID
		e.Class = classify(got.status, refused.code, refused.message)
		e.cause = nil // its text may hold what is cut below
	case errors.As(err, &host):
		e.Class, e.Message = ClassHost, host.Error()
	case errors.As(err, &malformed):
		e.Class, e.Message = ClassMalformed, malformed.Error()
		if got.status >= http.StatusInternalServerError {
			e.Class = ClassServer
		}
	default:
		e.Class, e.Message = ClassTransport, err.Error()
		if errors.Is(err, context.DeadlineExceeded) {
			e.Message = "no answer in time"
		}
	}
	if e.Class == ClassClock {
		e.Message += "; this machine's clock and the server's differ"
		if got.date != "" {
			e.Message += " (the server says " + got.date + ")"
		}
		e.Message += ": set this machine's clock by NTP"
	}
	e.Message, e.Code, e.RequestID = r.clean(e.Message), r.clean(e.Code), r.clean(e.RequestID)
	return e
}

func (r redactor) clean(s string) string {
	if i := strings.Index(s, "server string to sign"); i >= 0 {
		s = strings.TrimRight(s[:i], " .,:;") + "."
	}
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, "<redacted>")
	}
	s = secretParameter.ReplaceAllString(s, "$1=<redacted>")
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) > maxMessage {
		cut := maxMessage
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// classify decides by code first, for CloudMonitor refuses with HTTP 200, then
// by status. Codes: error tables of ECS and CloudMonitor, and what exporters'
// users report.
func classify(status int, code, message string) Class {
	if n, err := strconv.Atoi(code); err == nil && n >= 400 && n < 600 {
		status = n
	}
	low := strings.ToLower(code)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(low, p) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.Contains(strings.ToLower(message), "user api quota limit"), has("quotaexceed", "quotalimit"):
		return ClassQuota
	case code == "DryRunOperation":
		return ClassDryRun
	case has("throttling"), status == http.StatusTooManyRequests:
		return ClassThrottled
	case has("invalidtimestamp"):
		return ClassClock
	case has("signaturenonceused"):
		return ClassServer // a new nonce is drawn for the next attempt
	case has("invalidaccesskeyid", "signaturedoesnotmatch", "incompletesignature", "invalidsecuritytoken", "accesskeydisabled", "inactive"):
		return ClassCredentials
	case has("serviceunavailable", "internalerror", "systembusy", "internal.error", "timeout"), status >= http.StatusInternalServerError:
		return ClassServer
	case has("forbidden", "nopermission", "unauthorized", "notauthorized", "accessdenied"), status == http.StatusForbidden, status == http.StatusUnauthorized:
		return ClassPermission
	case has("notfound", "resourcenotfound"), status == http.StatusNotFound:
		return ClassNotFound
	case code == "":
		return ClassMalformed
	}
	return ClassInvalid
}
