package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/rs/zerolog"

	"yunjian/internal/auth"
	"yunjian/internal/journal"
	"yunjian/internal/pipeline"
	"yunjian/internal/report"
	"yunjian/policies"
	"yunjian/price"
)

// Prefix is below what everything here stands.
const Prefix = "/api/v1"

// Options are what the configuration in force says.
type Options struct {
	Location *time.Location
	Lang     func() report.Lang // of what is printed for a caller who asks for none
	Cases    func() (pipeline.CaseOptions, error)
	Pack     func() (policies.Pack, error)         // whose source a notice names
	Audit    func() (pipeline.AuditOptions, error) // by which a verdict is derived anew
	Version  string
	Log      zerolog.Logger
}

// api is what the handlers share.
type api struct {
	data     *pipeline.Data
	gate     *auth.Gate
	o        Options
	huma     huma.API
	deriving sync.Mutex // a derivation judges the whole fleet: one at a time
}

// New returns the API over an opened data folder, to be mounted at /api/v1/ within the
// gate's Handler.
func New(data *pipeline.Data, gate *auth.Gate, o Options) http.Handler {
	return build(data, gate, o).handler()
}

func build(data *pipeline.Data, gate *auth.Gate, o Options) *api {
	a := &api{data: data, gate: gate, o: o}
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[price.Amount](), reflect.TypeFor[string]())
	registry.RegisterTypeAlias(reflect.TypeFor[auth.Permission](), reflect.TypeFor[string]())
	mux := http.NewServeMux()
	a.huma = humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "云鉴 Yunjian", Version: "1",
				Description: "政务云审计与降配 | auditing and rightsizing of government clouds. docs/how-to/use-the-api.md",
			},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token":   {Type: "http", Scheme: "bearer", Description: "yunjian token add"},
					"session": {Type: "apiKey", In: "cookie", Name: "__Host-yunjian", Description: "POST /api/auth/login"},
				},
			},
		},
		OpenAPIPath:                  Prefix + "/openapi",
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{told},
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.answer(w, r, huma.NewError(http.StatusNotFound, auth.ErrNotFound.Error()))
	})
	a.session()
	a.advice()
	a.cases()
	a.exemptions()
	a.notices()
	a.links()
	a.ledger()
	a.owners()
	a.accounts()
	a.journal()
	a.system()
	nullable(registry)
	return a
}

// handler is the routes, in front of which links are slowed down: they are all that a
// stranger can try.
func (a *api) handler() http.Handler {
	routes := a.huma.Adapter()
	slow := a.gate.LimitLinks(routes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if strings.HasPrefix(r.URL.Path, Prefix+"/links/") || r.URL.Path == Prefix+"/verify" {
			slow.ServeHTTP(w, r)
			return
		}
		routes.ServeHTTP(w, r)
	})
}

// schemaName tells types of the same name in two packages apart: NoticeEvidence.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	pkg := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
	if t == reflect.TypeFor[huma.ErrorModel]() {
		return "Problem"
	}
	if t.Name() == "" || pkg == "" || pkg == "api" || pkg == "v2" {
		return name
	}
	if before := strings.ToUpper(pkg[:1]) + pkg[1:]; !strings.HasPrefix(name, before) {
		return before + name
	}
	return name
}

// nullable lets the document say null of what is a pointer and not left out, which huma
// does for scalars only.
func nullable(registry huma.Registry) {
	for name, s := range registry.Map() {
		t := registry.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(t) {
			tag := f.Tag.Get("json")
			key, options, _ := strings.Cut(tag, ",")
			p := s.Properties[key]
			if f.Type.Kind() == reflect.Pointer && p != nil && p.Ref != "" && !strings.Contains(options, "omit") {
				s.Properties[key] = &huma.Schema{AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}}
			}
		}
	}
}

// scope is how far an operation reaches.
type scope string

const (
	global scope = "global" // what belongs to no department, or to all at once
	listed scope = "listed" // leaves out what the caller does not reach
	object scope = "object" // one department's; another's is not there
	signed scope = "signed-in"
	public scope = "public"
)

// spec describes an operation.
type spec struct {
	id, method, path string
	zh, en           string
	tag              string
	any              []auth.Permission // one of them takes the caller in; how far is for the Person to say
	scope            scope
	status           int // 0: 200
	uploads          bool
	fields           []string // of an upload's form, beside the file
	files            []string // media types that it answers instead of JSON
	doc              string   // more than the summary says
}

// call is one request.
type call struct {
	context.Context
	r      *http.Request
	w      http.ResponseWriter
	p      auth.Principal
	person pipeline.Person
	object bool // the operation is about one: what the caller does not reach is not there
}

type callKey struct{}

// reply is what an operation answers.
type reply[B any] struct{ Body B }

// add registers an operation.
func add[I, B any](a *api, s spec, h func(c call, in *I) (B, error)) {
	op := a.operation(s)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*reply[B], error) {
		body, err := h(callOf(ctx), in)
		if err != nil {
			return nil, a.failed(callOf(ctx), err)
		}
		return &reply[B]{body}, nil
	})
}

// none is the input or the answer of an operation that has none.
type none struct{}

// act registers an operation that answers nothing.
func act[I any](a *api, s spec, h func(c call, in *I) error) {
	s.status = http.StatusNoContent
	op := a.operation(s)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*none, error) {
		if err := h(callOf(ctx), in); err != nil {
			return nil, a.failed(callOf(ctx), err)
		}
		return &none{}, nil
	})
}

// file is what is answered as it stands.
type file struct {
	media, name string
	text        []byte
}

// addFile registers an operation that answers a file.
func addFile[I any](a *api, s spec, h func(c call, in *I) (file, error)) {
	op := a.operation(s)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		f, err := h(callOf(ctx), in)
		if err != nil {
			return nil, a.failed(callOf(ctx), err)
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			ctx.SetHeader("Content-Type", f.media)
			ctx.SetHeader("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
			if f.name != "" {
				ctx.SetHeader("Content-Disposition", disposition(f.name))
			}
			_, _ = ctx.BodyWriter().Write(f.text) // the client has gone
		}}, nil
	})
}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	c.Context = ctx
	return c
}

// uploadLimit bounds an upload: a document and the rest of its form.
const uploadLimit = 11 << 20

func (a *api) operation(s spec) huma.Operation {
	op := huma.Operation{
		OperationID: s.id, Method: s.method, Path: Prefix + s.path, Summary: s.zh + " | " + s.en, Description: s.doc, Tags: []string{s.tag},
		DefaultStatus: s.status, MaxBodyBytes: 1 << 20, Extensions: map[string]any{"x-scope": string(s.scope)},
		Middlewares: huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) { a.admit(s, ctx, next) }},
	}
	if s.scope != public {
		op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	}
	var names []string
	for _, p := range s.any {
		names = append(names, p.String())
	}
	if names != nil {
		op.Extensions["x-permission"] = names
	} else {
		op.Extensions["x-permission"] = string(s.scope)
	}
	if s.uploads {
		op.SkipValidateBody = true // it is no JSON: Form.files reads it
		op.MaxBodyBytes, op.BodyReadTimeout, op.RequestBody = uploadLimit, time.Minute, formBody(s.fields...)
	}
	if s.files != nil {
		content := map[string]*huma.MediaType{}
		for _, media := range s.files {
			content[media] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
		}
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: content}}
	}
	return op
}

// admit turns away who may not do what an operation does to anything at all, and hands the
// handler who calls.
func (a *api) admit(s spec, ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	p := auth.From(ctx.Context())
	c := call{r: r, w: w, p: p, person: a.data.For(p)}
	c.Context = journal.As(ctx.Context(), pipeline.Who(p, a.gate.Address(r)))
	if s.scope != public {
		var err error
		switch {
		case p.Name == "":
			err = &auth.Refusal{Reason: auth.NotSignedIn}
			if len(s.any) > 0 {
				err = &auth.Refusal{Permission: s.any[0], Reason: auth.NotSignedIn}
			}
		case s.scope == global: // of all departments at once
			err = auth.AllowedOne(p, s.any, "")
		case len(s.any) > 0:
			err = auth.AllowedAny(p, s.any)
		}
		if err != nil {
			a.answer(w, r, a.turnedAway(c, err))
			return
		}
	}
	c.object = s.scope == object
	next(huma.WithValue(huma.WithContext(ctx, c.Context), callKey{}, c))
}
