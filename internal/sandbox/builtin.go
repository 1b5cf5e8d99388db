package sandbox

import (
	_ "embed"
	"fmt"
	"time"
)

// smallSeed is an example of the format as well.
//
//go:embed seeds/small.yaml
var smallSeed []byte

// Builtin gives one of the seeds that come with the sandbox: "small", a dozen
// databases of a shop and an account for recovery; or "large", 50 databases with
// a week of daily snapshots each.
func Builtin(name string) (Seed, error) {
	switch name {
	case "small":
		return ParseSeed("small.yaml", smallSeed)
	case "large":
		return largeSeed(), nil
	default:
		return Seed{}, fmt.Errorf("there is no seed %q: there are small and large", name)
	}
}

func largeSeed() Seed {
	const databases, days, day = 50, 7, Age(24 * time.Hour)
	region := SeedRegion{
		// Others' snapshots fill the default quota of 100 more than three times.
		Quotas:    map[Quota]int{QuotaManualSnapshots: 1000, QuotaInstances: 100},
		Databases: map[string]SeedDatabase{},
	}
	themes := [...]string{"orders", "payments", "customers", "inventory", "catalog", "billing", "shipping", "reviews", "search", "ledger"}
	engine := [...]string{"postgres", "mysql", "postgres", "mariadb", "postgres"}
	tiers := [...]string{"gold", "silver", "silver", "bronze"}
	for i := range databases {
		name := fmt.Sprintf("%s-%02d", themes[i%len(themes)], i/len(themes)+1)
		region.Databases[name] = SeedDatabase{
			Engine: engine[i%len(engine)], Class: "db.r6g.large", Size: 20 * (1 + i%20), Age: 100 * day,
			Tags: map[string]string{"backup": tiers[i%len(tiers)], "env": "prod"},
		}
		for d := range days {
			region.Snapshots = append(region.Snapshots, SeedSnapshot{
				Of: name, Name: fmt.Sprintf("%s-nightly-%d", name, d+1), Age: Age(d+1) * day,
				Tags: map[string]string{"made-by": "cron"},
			})
		}
	}
	return Seed{Accounts: map[string]SeedAccount{DefaultAccount: {Regions: map[string]SeedRegion{"us-east-1": region}}}}
}
