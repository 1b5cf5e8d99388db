package policy

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const schemaFile = "../../docs/policy.schema.json"

func TestSchemaIsFresh(t *testing.T) {
	s, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(schemaFile), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, schemaFile, string(s))
}

// The tables of fields and the schema must know the same keys.
func TestSchemaKnowsTheKeys(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	d := &decoder{}
	dig := func(path ...any) map[string]any {
		var at any = root
		for _, step := range path {
			switch step := step.(type) {
			case string:
				at = at.(map[string]any)[step]
			case int:
				at = at.([]any)[step]
			}
		}
		return at.(map[string]any)
	}
	policy := []any{"properties", "policies", "additionalProperties", "properties"}
	under := func(path ...any) map[string]any { return dig(append(slices.Clone(policy), path...)...) }
	tests := []struct {
		name   string
		fields []field
		schema map[string]any
		extra  []string
	}{
		{"file", d.topFields(), dig("properties"), nil},
		{"site", d.siteFields(&Site{}), dig("properties", "sites", "additionalProperties", "properties"), nil},
		{"endpoint", d.endpointFields(&Endpoint{}), dig("properties", "redis", "additionalProperties", "properties"), nil},
		{"endpoint.tls", d.endpointTLSFields(&EndpointTLS{}), dig("properties", "redis", "additionalProperties", "properties", "tls", "oneOf", 0, "properties"), nil},
		{"notify", d.notifyFields(&Notify{}), dig("properties", "notify", "items", "properties"), nil},
		{"policy", d.policyFields(&draft{}), under(), nil},
		{"match", d.selectorFields(&Selector{}), under("match", "properties"), []string{"exclude"}},
		{"exclude", d.selectorFields(&Selector{}), under("match", "properties", "exclude", "properties"), nil},
		{"keep", d.keepFields(&Retention{}), under("keep", "oneOf", 0, "properties"), nil},
		{"volumes", d.volumeFields(&Volumes{}), under("volumes", "properties"), nil},
		{"volumes.exclude", d.partFields(&Volumes{}), under("volumes", "properties", "exclude", "properties"), nil},
		{"copies", d.copyFields(&copyDraft{}, &draft{}), under("copies", "items", "properties"), nil},
		{"objective", d.objectiveFields(&draft{}), under("objective", "properties"), nil},
		{"checks", d.checkFields(&Check{}), under("checks", "items", "properties"), nil},
		{"checks.redis", d.keysFields(&Check{}), under("checks", "items", "properties", "redis", "properties"), nil},
		{"checks.password", d.passwordFields(&Password{}), under("checks", "items", "properties", "password", "properties"), nil},
	}
	for _, tt := range tests {
		want := slices.Clone(tt.extra)
		for _, f := range tt.fields {
			want = append(want, f.key)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(tt.schema))); diff != "" {
			t.Errorf("%s (-decoder +schema):\n%s", tt.name, diff)
		}
	}
}
