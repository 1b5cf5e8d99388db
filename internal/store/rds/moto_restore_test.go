package rds

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// wall is the time of the world: moto knows no other.
type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// grouped makes a database with groups of its own.
func (m *moto) grouped(t *testing.T, name string) dr.Resource {
	t.Helper()
	cfg, err := m.sessions.Config(t.Context(), m.home)
	check(t, err)
	net, api := ec2.NewFromConfig(cfg), m.client(t, m.home)
	nets, err := net.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	check(t, err)
	ids := make([]string, 0, len(nets.Subnets))
	for _, s := range nets.Subnets {
		ids = append(ids, aws.ToString(s.SubnetId))
	}
	group, err := net.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
		GroupName: aws.String(name), Description: aws.String(name), VpcId: nets.Subnets[0].VpcId,
	})
	check(t, err)
	_, err = api.CreateDBSubnetGroup(t.Context(), &awsrds.CreateDBSubnetGroupInput{
		DBSubnetGroupName: aws.String(name + "-subnets"), DBSubnetGroupDescription: aws.String(name), SubnetIds: ids,
	})
	check(t, err)
	_, err = api.CreateDBParameterGroup(t.Context(), &awsrds.CreateDBParameterGroupInput{
		DBParameterGroupName: aws.String(name + "-pg16"), DBParameterGroupFamily: aws.String("postgres16"), Description: aws.String(name),
	})
	check(t, err)
	return m.db(t, m.home, name, func(in *awsrds.CreateDBInstanceInput) {
		in.DBSubnetGroupName, in.DBParameterGroupName = aws.String(name+"-subnets"), aws.String(name+"-pg16")
		in.VpcSecurityGroupIds = []string{aws.ToString(group.GroupId)}
	})
}

// request is a restore of a database from a fresh snapshot of it.
func (m *moto) request(t *testing.T, of dr.Resource, r store.Restore) store.Restore {
	t.Helper()
	s := m.made(t, creation(of))
	settings, err := of.Config.Settings()
	check(t, err)
	r.From, r.Settings, r.Owner, r.Tags = s, settings, "moto", dr.Tags{"made": "anew"}
	r.Begun = time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	if r.InPlace {
		r.Old = settings["resource-id"]
	}
	return r
}

func (m *moto) runner(t *testing.T) *saga.Runner {
	t.Helper()
	w, err := m.drv.Worker(t.Context(), m.home)
	check(t, err)
	return &saga.Runner{Worker: w, Clock: wall{}, Poll: 20 * time.Millisecond}
}

// restoreAsNew: the new one has the groups and the tags that no snapshot carries.
func (m *moto) restoreAsNew(t *testing.T) {
	of := m.grouped(t, "grouped")
	r := m.request(t, of, store.Restore{ID: "r-moto-1", Name: "grouped-copy"})
	made, err := m.drv.Restore(t.Context(), r)
	check(t, err)
	if res := m.runner(t).Run(t.Context(), made.Saga); res.Outcome != saga.Finished {
		t.Fatalf("%+v", res)
	}
	got := m.seen(t, "grouped-copy")
	want, err := of.Config.Settings()
	check(t, err)
	is, err := got.Config.Settings()
	check(t, err)
	for _, m := range []map[string]string{want, is} {
		maps.DeleteFunc(m, func(k, _ string) bool { return k == "resource-id" })
	}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Errorf("its configuration (-was +is):\n%s", diff)
	}
	if diff := cmp.Diff(dr.Tags{"made": "anew", dr.TagRestored: "r-moto-1"}, got.Tags); diff != "" {
		t.Errorf("its tags (-want +got):\n%s", diff)
	}
}

// seen gives a database as the driver sees it.
func (m *moto) seen(t *testing.T, name string) dr.Resource {
	t.Helper()
	inv, err := m.drv.Observe(t.Context(), m.home)
	check(t, err)
	i := slices.IndexFunc(inv.Resources, func(r dr.Resource) bool { return r.Ref.ID == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return inv.Resources[i]
}

// restoreInPlace: the two change names; taken back halfway, the old one has its name
// again and nothing is left of the new one; and what was replaced goes in the end.
func (m *moto) restoreInPlace(t *testing.T) {
	of := m.db(t, m.home, "swapped")
	r := m.request(t, of, store.Restore{ID: "r-moto-2", Name: "swapped", InPlace: true, KeepOld: time.Hour})
	made, err := m.drv.Restore(t.Context(), r)
	check(t, err)

	half := made.Saga
	half.Steps = half.Steps[:slices.IndexFunc(half.Steps, func(s saga.Step) bool { return s.Pivot })]
	if res := m.runner(t).Run(t.Context(), half); res.Outcome != saga.Finished {
		t.Fatalf("up to the swap: %+v", res)
	}
	if !m.anew(t, "swapped") || m.anew(t, r.Away(rdsapi.InstanceNameLimit)) {
		t.Fatal("they have not changed names")
	}
	if res := m.runner(t).Abort(t.Context(), made.Saga); res.Outcome != saga.RolledBack {
		t.Fatalf("taken back: %+v", res)
	}
	if m.anew(t, "swapped") {
		t.Error("the old one has not got its name again")
	}
	m.gone(t, r.Beside(rdsapi.InstanceNameLimit), r.Away(rdsapi.InstanceNameLimit))

	if res := m.runner(t).Run(t.Context(), made.Saga); res.Outcome != saga.Finished {
		t.Fatalf("again, to the end: %+v", res)
	}
	old := m.seen(t, r.Away(rdsapi.InstanceNameLimit))
	if !m.anew(t, "swapped") || old.Tags[dr.TagReplaced] != "swapped" {
		t.Errorf("the old one bears %v", old.Tags)
	}
	_, err = m.store.Apply(t.Context(), plan.Action{Verb: plan.Retire, From: old.Ref, To: m.home, Name: old.Ref.ID, Tags: old.Tags})
	check(t, err)
	m.gone(t, r.Away(rdsapi.InstanceNameLimit))
}

// anew reports whether a database is the restored one. Moto gives all of them the same
// resource id, so it is told by a tag.
func (m *moto) anew(t *testing.T, name string) bool {
	t.Helper()
	return m.seen(t, name).Tags["made"] == "anew"
}

func (m *moto) gone(t *testing.T, gone ...string) {
	t.Helper()
	inv, err := m.drv.Observe(t.Context(), m.home)
	check(t, err)
	for _, r := range inv.Resources {
		if slices.Contains(gone, r.Ref.ID) {
			t.Errorf("%s is still there", r.Ref.ID)
		}
	}
}
