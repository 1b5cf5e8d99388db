package vault

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// readKeeping reads an object into a struct, and what the struct has no field for into
// more.
func readKeeping(body []byte, into any, more *unknown) error {
	if err := json.Unmarshal(body, into); err != nil {
		return err
	}
	var all unknown
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	known := members(reflect.TypeOf(into).Elem())
	for name := range all {
		// The package json takes fields in whatever case they are spelled.
		if known[strings.ToLower(name)] {
			delete(all, name)
		}
	}
	if *more = nil; len(all) > 0 {
		*more = all
	}
	return nil
}

// writeKeeping writes a struct with more members, which win.
func writeKeeping(from any, more unknown) ([]byte, error) {
	body, err := json.Marshal(from)
	if err != nil || len(more) == 0 {
		return body, err
	}
	var all unknown
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, more)
	body, err = json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("put back what was not known: %w", err)
	}
	return body, nil
}

// members gives the names that a struct's fields have in JSON, in lower case.
func members(t reflect.Type) map[string]bool {
	out := map[string]bool{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for inner := range members(f.Type) {
				out[inner] = true
			}
		case f.IsExported() && name != "-":
			if name == "" {
				name = f.Name
			}
			out[strings.ToLower(name)] = true
		}
	}
	return out
}
