package aurora

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// later says which fields of the calls that restore are left empty, and why.
var later = map[string]string{
	"PreferredBackupWindow":         "with the maintenance window, which the call does not take",
	"OptionGroupName":               "a cluster has a default one that cannot be changed",
	"KmsKeyId":                      "that of the snapshot",
	"ScalingConfiguration":          "Serverless v1 is refused",
	"TagSpecifications":             "automated backups have the tags of their cluster",
	"RdsCustomClusterConfiguration": "reserved for future use",
	"DBClusterInstanceClass":        "of Multi-AZ DB clusters",
	"Iops":                          "of Multi-AZ DB clusters",
}

func emptyFields(in any) []string {
	var out []string
	v := reflect.ValueOf(in).Elem()
	for f := range v.Type().Fields() {
		if f.IsExported() && v.FieldByIndex(f.Index).IsZero() {
			out = append(out, f.Name)
		}
	}
	return out
}

// All that the call takes is said, for either sort of cluster.
func TestRestoreSaysAllThatItTakes(t *testing.T) {
	_, m := full()
	st := saga.Step{Args: map[string]string{"name": "orders-new-r1", "snapshot": "s"}}
	tags := []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
	for _, field := range emptyFields(restoreInput(st, m, tags)) {
		if later[field] == "" {
			t.Errorf("of an Aurora cluster %s is not said", field)
		}
	}
	m["engine"] = "mysql"
	in := restoreInput(st, m, tags)
	if *in.DBClusterInstanceClass != "db.m6gd.large" || *in.Iops != 3000 || !*in.PubliclyAccessible || in.EngineMode != nil || in.AvailabilityZones != nil || in.ServerlessV2ScalingConfiguration != nil {
		t.Errorf("of a Multi-AZ DB cluster: %+v", in)
	}
	delete(m, "db")
	if in := restoreInput(st, m, tags); in.DatabaseName != nil {
		t.Errorf("a cluster without a database name is given %q", *in.DatabaseName)
	}
}

// All that is captured of a member is said when it is made, but what it has from its
// cluster.
func TestMemberIsMadeAsItWas(t *testing.T) {
	_, m := full()
	member := decodeMembers(m)[0].settings
	member["engine"] = "aurora-mysql"
	in := memberInput(saga.Step{Args: map[string]string{"name": "n", "cluster": "c"}}, member, nil)
	said := map[string]bool{}
	v := reflect.ValueOf(in).Elem()
	for f := range v.Type().Fields() {
		said[f.Name] = !v.FieldByIndex(f.Index).IsZero()
	}
	for _, field := range []string{
		"DBInstanceIdentifier", "DBClusterIdentifier", "Engine", "DBInstanceClass", "AvailabilityZone", "DBParameterGroupName", "PubliclyAccessible",
		"CACertificateIdentifier", "PreferredMaintenanceWindow", "AutoMinorVersionUpgrade", "PromotionTier", "MonitoringInterval", "MonitoringRoleArn",
		"EnablePerformanceInsights", "PerformanceInsightsRetentionPeriod", "PerformanceInsightsKMSKeyId",
	} {
		if !said[field] {
			t.Errorf("%s is not said", field)
		}
	}
	if got := textTags(member["tags"]); got["env"] != "prod" || got["team"] != "shop" || len(got) != 2 {
		t.Errorf("its tags are %v", got)
	}
}

func TestWhatIsSettled(t *testing.T) {
	c, m := full()
	if in, changed := differences(c, m); changed {
		t.Errorf("of one that has all: %+v", in)
	}
	bare := &types.DBCluster{Engine: aws.String("aurora-mysql"), AutoMinorVersionUpgrade: aws.Bool(false)}
	in, changed := differences(bare, m)
	for _, field := range []string{
		"PreferredMaintenanceWindow", "PreferredBackupWindow", "AutoMinorVersionUpgrade", "DatabaseInsightsMode", "EnablePerformanceInsights",
		"PerformanceInsightsRetentionPeriod", "ManageMasterUserPassword", "MasterUserSecretKmsKeyId", "ApplyImmediately",
	} {
		if slices.Contains(emptyFields(in), field) || !changed {
			t.Errorf("%s is not changed", field)
		}
	}
	if in.CACertificateIdentifier != nil {
		t.Error("Aurora's certificates are its instances'")
	}
	m["engine"] = "postgres"
	if in, _ := differences(bare, m); aws.ToString(in.CACertificateIdentifier) != "rds-ca-rsa2048-g1" {
		t.Errorf("the certificate of a Multi-AZ DB cluster is %v", in.CACertificateIdentifier)
	}
}

func TestWhatCannotBeRestored(t *testing.T) {
	for name, tc := range map[string]struct {
		settings map[string]string
		as       bool
		want     string
	}{
		"serverless v1":            {settings: map[string]string{"mode": "serverless"}, want: "Serverless v1"},
		"limitless":                {settings: map[string]string{"scalability": "limitless"}, want: "Limitless"},
		"members without names":    {settings: map[string]string{"omitted": "db,members"}, want: "had no room"},
		"members without, beside":  {settings: map[string]string{"omitted": "members"}, as: true},
		"another thing is omitted": {settings: map[string]string{"omitted": "member.tags"}},
		"provisioned":              {settings: map[string]string{"mode": "provisioned", "scalability": "standard"}},
	} {
		r := store.Restore{Name: "orders", InPlace: !tc.as, Settings: tc.settings}
		err := restorable(r)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || store.Remedy(err) == ""):
			t.Errorf("%s: %v (remedy %q)", name, err, store.Remedy(err))
		}
	}
}

// Names of members are each one's own, fit, and are the same again on another machine.
func TestNamesOfMembers(t *testing.T) {
	long := strings.Repeat("long-name-", 6) // Members differ at the end alone.
	settings := map[string]string{"engine": "aurora-mysql"}
	var ids []string
	for i := range 15 {
		ids = append(ids, fmt.Sprintf("%s%c", long, 'a'+i))
	}
	settings[memberList] = strings.Join(append(ids, "reports"), ",")
	for _, r := range []store.Restore{
		{ID: "r1121t0642-abcd", Name: strings.TrimRight(long, "-"), InPlace: true, Settings: settings},
		{ID: "r1121t0642-abcd", Name: strings.TrimRight(long, "-"), InPlace: true, RenameFirst: true, Settings: settings},
		{ID: "r1121t0642-abcd", Name: "copy", Settings: settings, From: dr.Snapshot{Of: dr.Ref{ID: long[:59]}}},
		{ID: "r1121t0642-abcd", Name: long[:59] + "-x1", Settings: settings, From: dr.Snapshot{Of: dr.Ref{ID: "other"}}},
	} {
		var c cast
		if r.InPlace {
			for i, id := range ids {
				c.old = append(c.old, oldMember{name: id, id: fmt.Sprintf("db-%026d", i)})
			}
		}
		c.plan(r)
		c.giveNames(r)
		used := map[string]bool{}
		for _, m := range c.made {
			for _, name := range slices.Compact([]string{m.name, m.beside}) {
				if used[name] || len(name) > rdsapi.InstanceNameLimit || strings.HasSuffix(name, "-") || strings.Contains(name, "--") {
					t.Errorf("%s: the name %q (%d)", r.Name, name, len(name))
				}
				used[name] = true
			}
		}
		for _, m := range c.old {
			if used[m.away] || len(m.away) > rdsapi.InstanceNameLimit {
				t.Errorf("%s: the name %q", r.Name, m.away)
			}
			used[m.away] = true
		}
		again := castOfMark(c.noted(r))
		again.giveNames(r)
		if fmt.Sprint(again.old) != fmt.Sprint(c.old) || fmt.Sprint(again.made) != fmt.Sprint(c.made) {
			t.Errorf("%s: read again from the mark:\n%v\n%v", r.Name, again, c)
		}
		if keys := dr.RestoreMark(r.ID, dr.RoleOld, c.noted(r).Request()).RestoreMarkKeys(); len(keys) > 14 {
			t.Errorf("the mark takes %d tags", len(keys))
		}
	}
}

// A mark goes before the cluster's own tags, and what has no room is named.
func TestTagsOfARestore(t *testing.T) {
	r := store.Restore{ID: "r1", Name: "orders", InPlace: true, Tags: dr.Tags{}}
	for i := range 49 {
		r.Tags[fmt.Sprintf("a%02d", i)] = "x"
	}
	left := rdsapi.TagsLeft(r)
	if len(left) != 4 || left[3] != "a48" || !strings.HasPrefix(losses(r)[0], "tags a45,a46,a47,a48: ") {
		t.Errorf("left %v, losses %q", left, losses(r))
	}
	all := dr.RestoreMark(r.ID, dr.RoleNew, r.Request())
	maps.Copy(all, r.Tags)
	got := rdsapi.PlainTags(rdsapi.RestoreTags(all))
	if got[dr.TagRestore] != "r1" || got[dr.TagRole] != dr.RoleNew {
		t.Errorf("the mark is not among %v", got)
	}
}

// A status says what can be done to a cluster or a member.
func TestFactsOfARestore(t *testing.T) {
	for _, tc := range []struct {
		status, busy       string
		serves, changeable bool
		broken             bool
		renaming           string
	}{
		{status: "available", serves: true, changeable: true},
		{status: "available", busy: "m is creating", serves: true},
		{status: "backing-up", serves: true},
		{status: "modifying"},
		{status: "renaming", renaming: swap.Somewhere},
		{status: "stopped"},
		{status: "deleting", broken: true},
		{status: "incompatible-network", broken: true},
		{status: "failed", broken: true},
	} {
		f := (clusters{}).Facts(&seen{&types.DBCluster{Status: aws.String(tc.status)}, tc.busy})
		if f.Serves != tc.serves || f.Changeable != tc.changeable || (f.Broken != nil) != tc.broken || f.RenamingTo != tc.renaming {
			t.Errorf("cluster %s: %+v", tc.status, f)
		}
		if tc.busy != "" {
			continue
		}
		f = (members{}).Facts(&types.DBInstance{DBInstanceStatus: aws.String(tc.status)})
		if f.Serves != tc.serves || f.Changeable != tc.changeable || (f.Broken != nil) != tc.broken || f.RenamingTo != tc.renaming {
			t.Errorf("member %s: %+v", tc.status, f)
		}
	}
}

var _ restoreAPI = (*awsrds.Client)(nil)
