package policy

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// What stands in the file arrives whole, and the rest is as the documentation says.
func TestEndpoints(t *testing.T) {
	data, err := os.ReadFile("testdata/good/redis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, warnings, err := Parse("holdfast.yaml", data, known)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	want := []Endpoint{
		{Name: "sessions", Addresses: []string{"redis-1.internal:6379"}, Vault: "shelf", Tags: dr.Tags{"backup": "gold", "tier": "1"}},
		{
			Name: "carts", Addresses: []string{"redis-2.internal", "[2001:db8::1]:6380", "10.0.0.3"}, Cluster: true,
			User: "holdfast", Password: Password{From: FromEnv, Name: "CARTS_PASSWORD"},
			TLS:     EndpointTLS{Mode: TLSVerify, CA: "/etc/ssl/redis.pem", Cert: "/etc/ssl/me.pem", Key: "/etc/ssl/me.key", ServerName: "carts.internal"},
			Primary: true, Vault: "lake", Forks: 2,
		},
		{
			Name: "watched", Addresses: []string{"sentinel-1:26379", "sentinel-2:26379"}, Sentinel: "mymaster",
			SentinelUser: "watcher", SentinelPassword: Password{From: FromSecret, Name: "redis/sentinel", Key: "password"},
			TLS: EndpointTLS{Mode: TLSRequire}, PSync: "SECRET-PSYNC", Fuzzy: true, Vault: "minio",
		},
	}
	for i := range f.Endpoints {
		f.Endpoints[i].Pos = Pos{}
	}
	if diff := cmp.Diff(want, f.Endpoints); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	lake, _ := f.Site("lake")
	if lake.Site != (dr.Site{Name: "lake", Vault: "s3://acme-rdb/prod"}) || lake.Depot.Region != "eu-central-1" || lake.Depot.Identity.Name != "/etc/holdfast/age.key" {
		t.Errorf("lake is %+v", lake)
	}
	if here := f.Of(lake.Site); len(here) != 1 || here[0].Name != "carts" {
		t.Errorf("at lake: %+v", here)
	}
}
