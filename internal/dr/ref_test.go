package dr_test

import (
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

func TestReadSource(t *testing.T) {
	for _, r := range []dr.Ref{
		{Kind: "rds", Site: dr.Site{Account: "111111111111", Region: "us-east-1"}, ID: "orders"},
		{Kind: "redshift", Site: dr.Site{Account: "111111111111", Region: "us-east-1"}, ID: "serverless:orders"},
		{Kind: "rds", Site: dr.Site{Region: "us-east-1"}, ID: "o rders"},
		{Kind: "redis", Site: dr.Site{Vault: "s3://acme-rdb/prod"}, ID: "cache"},
		{Kind: "redis", Site: dr.Site{Vault: "/var/backups"}, ID: "cache"},
	} {
		if got, ok := dr.ReadSource(r.Source()); !ok || got != r {
			t.Errorf("%s reads %+v, %v", r.Source(), got, ok)
		}
	}
	for _, text := range []string{"", "rds", "rds/", "rds/orders", "rds/1/2/", "rds/1/2/@4", "/1/2/orders"} {
		if got, ok := dr.ReadSource(text); ok {
			t.Errorf("%q reads %+v", text, got)
		}
	}
}
