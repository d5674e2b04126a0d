package api

import (
	"net/http"

	"yunjian/cloud"
	"yunjian/internal/registry"
	"yunjian/internal/report"
	"yunjian/internal/sheet"
	"yunjian/ownership"
)

// Changed is what became of the owners of resources.
type Changed struct {
	Departments  int            `json:"departments,omitempty"`
	Applications int            `json:"applications,omitempty"`
	Changes      []cloud.Change `json:"changes" nullable:"false"`
	Notes        []string       `json:"notes,omitempty"`
}

func (a *api) owners() {
	reads, keeps := permissions("inventory:read"), permissions("inventory:create")
	add(a, spec{
		id: "list-departments", method: http.MethodGet, path: "/departments", zh: "单位与联系人，电话隐去中段", en: "departments and contacts, telephones masked", tag: "owners", any: reads, scope: listed,
	}, func(c call, in *Paging) (Page[ownership.Department], error) {
		d, err := c.person.Directory()
		return page(report.MaskOwners(d).Departments, *in), err
	})
	add(a, spec{
		id: "list-applications", method: http.MethodGet, path: "/applications", zh: "应用与负责人，电话隐去中段", en: "applications and contacts, telephones masked", tag: "owners", any: reads, scope: listed,
	}, func(c call, in *Paging) (Page[ownership.Application], error) {
		d, err := c.person.Directory()
		return page(report.MaskOwners(d).Applications, *in), err
	})
	add(a, spec{
		id: "list-orphans", method: http.MethodGet, path: "/owners/queue", zh: "没有归属的资源，及可能是谁的", en: "resources without an owner, and whose they may be", tag: "owners", any: reads, scope: global,
	}, func(c call, in *Paging) (Page[ownership.Orphan], error) {
		all, err := c.person.Orphans()
		return page(all, *in), err
	})
	add(a, spec{
		id: "assign-owner", method: http.MethodPut, path: "/resources/{id}/owner", zh: "指定一个资源的归属", en: "assign a resource to its owner", tag: "owners", any: keeps, scope: object,
	}, func(c call, in *struct {
		ID   string `path:"id" maxLength:"256"`
		Body struct {
			Department  string `json:"department" minLength:"1" maxLength:"256"`
			Application string `json:"application,omitempty" maxLength:"256"`
		}
	}) (Changed, error) {
		changes, err := c.person.Assign(c, in.ID, in.Body.Department, in.Body.Application)
		return Changed{Changes: append([]cloud.Change{}, changes...)}, err
	})
	add(a, spec{
		id: "forget-owner", method: http.MethodDelete, path: "/resources/{id}/owner", zh: "取消指定，下次采集时恢复", en: "forget what was assigned, as of the next collection", tag: "owners", any: keeps, scope: object,
	}, func(c call, in *struct {
		ID string `path:"id" maxLength:"256"`
	}) (Changed, error) {
		changes, err := c.person.Assign(c, in.ID, "", "")
		return Changed{Changes: append([]cloud.Change{}, changes...)}, err
	})
	add(a, spec{
		id: "import-owners", method: http.MethodPost, path: "/owners", zh: "导入单位表与应用表（CSV、XLSX，可几个 file），取代以前的", en: "import tables of departments and applications, in one part file each, in place of those before", tag: "owners", any: keeps, scope: global, uploads: true,
	}, func(c call, in *Form) (Changed, error) {
		files, err := in.files(4)
		if err != nil {
			return Changed{}, err
		}
		var d ownership.Directory
		var notes []string
		if err := asTables(files, func(from sheet.Reader, names []string) (err error) {
			d, notes, err = registry.Read(from, names)
			return err
		}); err != nil {
			return Changed{}, err
		}
		if len(d.Departments) == 0 {
			return Changed{}, mistaken("body.file", "the tables hold no department; want one table with a column 单位 (department)")
		}
		changes, err := c.person.ImportDirectory(c, d)
		return Changed{Departments: len(d.Departments), Applications: len(d.Applications), Changes: append([]cloud.Change{}, changes...), Notes: notes}, err
	})
}
