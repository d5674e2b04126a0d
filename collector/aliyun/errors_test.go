package aliyun

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"yunjian/cloud"
)

func TestClassDecidesWhatIsDoneAboutARefusal(t *testing.T) {
	for _, c := range []struct {
		name         string
		status       int
		body         string
		class        Class
		retried      bool
		availability cloud.Availability
	}{
		{"throttled by user", 400, `{"Code":"Throttling.User","Message":"flow control"}`, ClassThrottled, true, cloud.Throttled},
		{"throttled by status", 429, `{"Code":"Throttling","Message":""}`, ClassThrottled, true, cloud.Throttled},
		{"month used up", 400, `{"Code":"Throttling.User","Message":"Request was denied: user api quota limit."}`, ClassQuota, false, cloud.Throttled},
		{"server error", 500, `{"Code":"InternalError","Message":"x"}`, ClassServer, true, cloud.Failed},
		{"server error whose code is a number", 500, `{"Code":500,"Message":"x"}`, ClassServer, true, cloud.Failed},
		{"web page instead of an answer", 503, `<html>503</html>`, ClassServer, true, cloud.Failed},
		{"web page of a proxy", 403, `<html>403</html>`, ClassMalformed, true, cloud.Failed},
		{"empty answer", 200, ``, ClassMalformed, true, cloud.Failed},
		{"half an answer", 200, `{"Code":"200","Datapo`, ClassMalformed, true, cloud.Failed},
		{"success by status, failure by code", 200, `{"Code":"Throttling.User","Message":"x","Success":false}`, ClassThrottled, true, cloud.Throttled},
		{"success by status, 403 by code", 200, `{"Code":"403","Message":"x"}`, ClassPermission, false, cloud.NoPermission},
		{"no permission", 403, `{"Code":"Forbidden.RAM","Message":"x"}`, ClassPermission, false, cloud.NoPermission},
		{"unknown key", 404, `{"Code":"InvalidAccessKeyId.NotFound","Message":"x"}`, ClassCredentials, false, cloud.NoPermission},
		{"wrong secret", 400, `{"Code":"SignatureDoesNotMatch","Message":"x"}`, ClassCredentials, false, cloud.NoPermission},
		{"nonce used", 400, `{"Code":"SignatureNonceUsed","Message":"x"}`, ClassServer, true, cloud.Failed},
		{"clock", 400, `{"Code":"InvalidTimeStamp.Expired","Message":"x"}`, ClassClock, true, cloud.Failed},
		{"no such metric", 404, `{"Code":"ResourceNotFound","Message":"x"}`, ClassNotFound, false, cloud.NotOffered},
		{"wrong request", 400, `{"Code":"InvalidParameter","Message":"x"}`, ClassInvalid, false, cloud.Failed},
		{"dry run passed", 400, `{"Code":"DryRunOperation","Message":"x"}`, ClassDryRun, false, cloud.Failed},
		{"Apsara Stack's spelling", 200, `{"success":false,"asapiErrorCode":"NoPermission","asapiErrorMessage":"x"}`, ClassPermission, false, cloud.NoPermission},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := answer{status: c.status, body: []byte(c.body)}
			err := got.problem()
			if err == nil {
				t.Fatal("no problem seen")
			}
			var e *Error
			if !errors.As(redactor{}.apply("X", got, err), &e) {
				t.Fatal("not an *Error")
			}
			if e.Class != c.class || e.Class.retryable() != c.retried || e.Class.availability() != c.availability {
				t.Errorf("class %s, retried %v, %s; want %s, %v, %s", e.Class, e.Class.retryable(), e.Class.availability(), c.class, c.retried, c.availability)
			}
		})
	}
}

func TestSuccessIsNoProblem(t *testing.T) {
	for _, body := range []string{
		`{"Code":"200","Success":true,"Datapoints":"[]"}`, `{"Code":200,"Resources":{}}`, `{"RequestId":"1","Instances":{"Instance":[]}}`,
		`{"code":"200","success":true,"data":[]}`, `{"Code":"Success"}`,
	} {
		if err := (answer{status: 200, body: []byte(body)}).problem(); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestErrorsCarryNoSecret(t *testing.T) {
	r := newRedactor(Options{AccessKeyID: "LTAI5tKey", AccessKeySecret: "hunter2hunter2", SecurityToken: "CAISxyz"})
	for _, err := range []error{
		&url.Error{Op: "Post", URL: "https://ecs/?AccessKeyId=LTAI5tKey&Signature=abc%3D", Err: errors.New("refused")},
		&refusal{"SignatureDoesNotMatch", "server string to sign is:POST&%2F&AccessKeyId%3DLTAI5tKey", "1"},
		&refusal{"X", "AccessKeyId=other&Signature=Oe7SH40%3D&SecurityToken=CAISxyz hunter2hunter2", "1"},
		&malformedError{errors.New("body LTAI5tKey")},
	} {
		text := r.apply("DescribeInstances", answer{status: 400}, err).Error()
		for _, secret := range []string{"LTAI5tKey", "hunter2", "CAISxyz", "Oe7SH40", "abc%3D", "other"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q holds %q", text, secret)
			}
		}
	}
}
