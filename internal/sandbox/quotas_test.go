package sandbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func TestServiceQuotas(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		ctx := t.Context()
		c := servicequotas.NewFromConfig(config(a.Client(), prod, east))
		wantCode(t, a.SetQuota(prod, east, sandbox.QuotaManualSnapshots, 250), "")
		get := func(service, code string) (float64, error) {
			out, err := c.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
			if err != nil {
				return 0, err
			}
			if q := out.Quota; *q.QuotaArn != "arn:aws:servicequotas:us-east-1:111111111111:"+service+"/"+code || !q.Adjustable || q.GlobalQuota {
				t.Errorf("%s: %+v", code, q)
			}
			return *out.Quota.Value, nil
		}
		for _, tc := range []struct {
			service, code, refusal string
			want                   float64
		}{
			{"rds", "L-272F1212", "", 250},
			{"rds", "L-9B510759", "", 100},
			{"redshift", "L-2E428669", "", 20},
			{"ebs", "L-309BACF6", "", 100_000},
			{"elasticache", "L-DFE45DF3", "", 300},
			{"rds", "L-00000000", "NoSuchResourceException", 0},
			{"RDS", "L-272F1212", "NoSuchResourceException", 0},
			{"redshift", "L-A3830BB3", "NoSuchResourceException", 0}, // It has a default only.
		} {
			got, err := get(tc.service, tc.code)
			wantCode(t, err, tc.refusal)
			if got != tc.want {
				t.Errorf("%s %s is %v, want %v", tc.service, tc.code, got, tc.want)
			}
		}
		first, err := c.GetAWSDefaultServiceQuota(ctx, &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: aws.String("rds"), QuotaCode: aws.String("L-272F1212")})
		wantCode(t, err, "")
		if *first.Quota.Value != 100 || *first.Quota.QuotaArn != "arn:aws:servicequotas:us-east-1::rds/L-272F1212" {
			t.Errorf("the default: %+v", first.Quota)
		}
		found := map[string]float64{}
		pages := servicequotas.NewListServiceQuotasPaginator(c, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("rds"), MaxResults: aws.Int32(4)})
		n := 0
		for ; pages.HasMorePages(); n++ {
			page, err := pages.NextPage(ctx)
			wantCode(t, err, "")
			for _, q := range page.Quotas {
				found[*q.QuotaCode] = *q.Value
			}
		}
		if n != 3 || found["L-272F1212"] != 250 || found["L-7B6409FD"] != 40 {
			t.Errorf("%d pages: %v", n, found)
		}
		defaults, err := c.ListAWSDefaultServiceQuotas(ctx, &servicequotas.ListAWSDefaultServiceQuotasInput{ServiceCode: aws.String("redshift")})
		wantCode(t, err, "")
		applied, err := c.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("redshift")})
		wantCode(t, err, "")
		if len(defaults.Quotas) != len(applied.Quotas)+1 {
			t.Errorf("%d defaults, %d applied", len(defaults.Quotas), len(applied.Quotas))
		}
		_, err = c.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("rds"), MaxResults: aws.Int32(101)})
		wantCode(t, err, "IllegalArgumentException")
		_, err = c.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("rds"), NextToken: aws.String("%")})
		wantCode(t, err, "InvalidPaginationTokenException")
		_, err = c.ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("nothing")})
		wantCode(t, err, "NoSuchResourceException")
		_, err = c.ListServices(ctx, &servicequotas.ListServicesInput{})
		wantCode(t, err, "")
		a.SetDenied(prod, "servicequotas:GetServiceQuota")
		_, err = get("rds", "L-272F1212")
		wantCode(t, err, "AccessDeniedException")
	})
}
