package api

import (
	"cmp"
)

// Paging says which part of a list is wanted.
type Paging struct {
	Offset int `query:"offset" minimum:"0" maximum:"10000000" default:"0" doc:"跳过多少项 | how many to pass over"`
	Limit  int `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"至多多少项 | how many at most"`
}

// Page is a part of a list. Total is of what the caller may see.
type Page[T any] struct {
	Items  []T `json:"items" nullable:"false"`
	Total  int `json:"total" doc:"可见的全部项数 | of all that the caller may see"`
	Offset int `json:"offset"`
	Next   int `json:"next,omitempty" doc:"下一页的 offset；没有即到末尾 | offset of the next page; absent at the end"`
}

// page is the part of all that p asks for.
func page[T any](all []T, p Paging) Page[T] {
	limit := cmp.Or(p.Limit, 50)
	from := min(p.Offset, len(all))
	to := min(from+limit, len(all))
	out := Page[T]{Items: append([]T{}, all[from:to]...), Total: len(all), Offset: p.Offset}
	if to < len(all) {
		out.Next = to
	}
	return out
}

// paged is page of what show makes of the items.
func paged[T, V any](all []T, p Paging, show func(T) V) Page[V] {
	part := page(all, p)
	out := Page[V]{Items: make([]V, len(part.Items)), Total: part.Total, Offset: part.Offset, Next: part.Next}
	for i, x := range part.Items {
		out.Items[i] = show(x)
	}
	return out
}

// oneOf is a mistake where a word is none of those allowed; an empty one is none.
func oneOf[T ~string](at, word string, allowed []T) error {
	if word == "" {
		return nil
	}
	for _, a := range allowed {
		if string(a) == word {
			return nil
		}
	}
	return mistaken(at, "found "+quoted(word)+", want one of "+joined(allowed))
}
