package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"yunjian/internal/journal"
	"yunjian/internal/sheet"
	"yunjian/internal/store"
)

// documents are the media types of what is handed in.
var documents = []string{"application/pdf", "image/jpeg", "image/png"}

// uploaded is a file of a form, and the form's other fields.
type uploaded struct {
	name   string
	text   []byte
	fields map[string]string
}

// Form is the input of an operation that takes a file. It is read from memory, within the
// operation's limit: a form on disk would outlive the request.
type Form struct {
	Type    string `header:"Content-Type" hidden:"true"`
	RawBody []byte `contentType:"multipart/form-data"`
}

// formBody is what the document says of a form with one file.
func formBody(fields ...string) *huma.RequestBody {
	properties := map[string]*huma.Schema{"file": {Type: "string", Format: "binary"}}
	for _, f := range fields {
		properties[f] = &huma.Schema{Type: "string"}
	}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"multipart/form-data": {Schema: &huma.Schema{Type: "object", Properties: properties, Required: []string{"file"}}},
	}}
}

const (
	maxField  = 16 << 10
	maxFields = 10
)

// read takes a form with one file apart.
func (f Form) read() (uploaded, error) {
	all, err := f.files(1)
	if err != nil {
		return uploaded{}, err
	}
	return all[0], nil
}

// files takes a form apart: parts named file, at least one, the rest short texts.
func (f Form) files(most int) (out []uploaded, err error) {
	media, params, err := mime.ParseMediaType(f.Type)
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		return nil, huma.NewError(http.StatusUnsupportedMediaType, "want multipart/form-data with a part named file")
	}
	fields := map[string]string{}
	parts := multipart.NewReader(bytes.NewReader(f.RawBody), params["boundary"])
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && len(out) == 0:
			return nil, mistaken("body.file", "found none, want a part named file")
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil || n > maxFields:
			return nil, huma.NewError(http.StatusBadRequest, "the form is cut off, or has too many parts")
		}
		text, err := io.ReadAll(part)
		switch {
		case err != nil:
			return nil, huma.NewError(http.StatusBadRequest, "the form is cut off")
		case part.FormName() != "file" && len(text) > maxField:
			return nil, mistaken("body."+fileName(part.FormName()), fmt.Sprintf("want at most %d bytes", maxField))
		case part.FormName() != "file":
			fields[part.FormName()] = string(text)
		case len(out) == most:
			return nil, mistaken("body.file", fmt.Sprintf("found more, want at most %d", most))
		default:
			out = append(out, uploaded{name: fileName(part.FileName()), text: text, fields: fields})
		}
	}
}

// fileName is the last part of a name that a browser or program gave, on one line.
func fileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if r := []rune(name); len(r) > 80 { // the end says what it is
		name = string(r[len(r)-80:])
	}
	if name == "" || name == "." || name == ".." {
		return "file"
	}
	return name
}

// asTables has read read uploaded tables, which are on no disk.
func asTables(files []uploaded, read func(from sheet.Reader, names []string) error) error {
	var names []string
	for _, u := range files {
		if ext := strings.ToLower(path.Ext(u.name)); ext != ".csv" && ext != ".xlsx" {
			return mistaken("body.file", "found "+quoted(u.name)+", want a table whose name ends in .csv or .xlsx")
		}
		if slices.Contains(names, u.name) {
			return mistaken("body.file", "found "+quoted(u.name)+" twice")
		}
		names = append(names, u.name)
	}
	err := read(func(name string) ([]byte, error) {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fmt.Errorf("read %s: no such file was uploaded", name)
		}
		return files[i].text, nil
	}, names)
	var sheets *sheet.Mistakes
	if err == nil || errors.As(err, &sheets) {
		return err
	}
	return mistaken("body.file", err.Error()) // whatever is wrong is wrong with the file
}

// handIn registers an operation that keeps a document for the object of an id.
func (a *api) handIn(s spec, keep func(c call, id string, f uploaded) (string, error)) {
	s.method, s.status, s.uploads = http.MethodPost, http.StatusCreated, true
	add(a, s, func(c call, in *struct {
		ID string `path:"id" maxLength:"256"`
		Form
	}) (Kept, error) {
		f, err := in.read()
		if err != nil {
			return Kept{}, err
		}
		sum, err := keep(c, in.ID, f)
		if err != nil {
			return Kept{}, err
		}
		return Kept{SHA256: sum, Name: f.name, Bytes: len(f.text)}, nil
	})
}

// document answers a document, which is a copy that leaves the house.
func (c call) document(a *api, text []byte, sum string, of journal.Object, err error) (file, error) {
	if err != nil {
		return file{}, err
	}
	media := store.MediaType(text)
	if err := a.data.Record(c, journal.DocumentRead, of, journal.DetailSHA256, sum); err != nil {
		return file{}, err
	}
	ext := map[string]string{"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}[media]
	return file{media: media, name: sum[:min(len(sum), 12)] + ext, text: text}, nil
}
