package simcloud

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// apiError is a refusal in the API's own terms.
type apiError struct {
	status        int
	code, message string
}

// errAnswered says that the connection was answered, or cut, already.
var errAnswered = &apiError{}

func refuse(status int, code, message string) *apiError { return &apiError{status, code, message} }

func missing(name string) *apiError {
	return refuse(http.StatusBadRequest, "MissingParameter", fmt.Sprintf("The input parameter %q that is mandatory for processing this request is not supplied", name))
}

func invalid(name, message string) *apiError {
	return refuse(http.StatusBadRequest, "InvalidParameter", fmt.Sprintf("The specified parameter %q is not valid: %s.", name, message))
}

func forbidden() *apiError {
	return refuse(http.StatusForbidden, "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM.")
}

// body renders the envelope: the public cloud's, or the lower-camel one of
// ASAPI and ASCM.
func (e *apiError) body(c *call, host string) []byte {
	if c.camel {
		return must(json.Marshal(struct {
			Success   bool   `json:"success"`
			Code      string `json:"code"`
			Message   string `json:"message"`
			RequestID string `json:"requestId"`
			Asapi     bool   `json:"asapiSuccess"`
			AsapiCode string `json:"asapiErrorCode"`
			AsapiText string `json:"asapiErrorMessage"`
			AsapiID   string `json:"asapiRequestId"`
		}{Code: e.code, Message: e.message, RequestID: c.requestID, AsapiCode: e.code, AsapiText: e.message, AsapiID: c.requestID}))
	}
	return must(json.Marshal(envelope{c.requestID, host, e.code, e.message, "https://api.aliyun.com/troubleshoot?q=" + e.code}))
}

type envelope struct {
	RequestId string
	HostId    string
	Code      any
	Message   string
	Recommend string
}

// must unwraps the encoding of a value that cannot fail to encode.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
