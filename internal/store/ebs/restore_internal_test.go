package ebs

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func host(state types.InstanceStateName, change func(*types.Instance)) types.Instance {
	in := types.Instance{InstanceId: aws.String("i-1"), RootDeviceType: types.DeviceTypeEbs, State: &types.InstanceState{Name: state}}
	if change != nil {
		change(&in)
	}
	return in
}

func TestHindrances(t *testing.T) {
	spot := func(in *types.Instance) { in.InstanceLifecycle = types.InstanceLifecycleTypeSpot }
	group := func(in *types.Instance) {
		in.Tags = []types.Tag{{Key: aws.String("aws:autoscaling:groupName"), Value: aws.String("web")}}
	}
	hibernated := func(in *types.Instance) {
		in.StateReason = &types.StateReason{Code: aws.String("Client.UserInitiatedHibernate")}
	}
	for name, tc := range map[string]struct {
		in   types.Instance
		want string
	}{
		"running":        {host("running", nil), ""},
		"stopped":        {host("stopped", nil), ""},
		"stopping":       {host("stopping", nil), "is stopping"},
		"instance store": {host("running", func(in *types.Instance) { in.RootDeviceType = types.DeviceTypeInstanceStore }), "instance store"},
		"managed":        {host("running", func(in *types.Instance) { in.Operator = &types.OperatorResponse{Managed: aws.Bool(true)} }), "managed"},
		"spot":           {host("running", spot), "Spot Instance"},
		"spot, stopped":  {host("stopped", spot), ""},
		"group":          {host("running", group), "Auto Scaling group web"},
		"group, stopped": {host("stopped", group), ""},
		"hibernated":     {host("stopped", hibernated), "hibernated"},
		"was hibernated": {host("running", hibernated), ""},
		"stopped by a user": {host("stopped", func(in *types.Instance) {
			in.StateReason = &types.StateReason{Code: aws.String("Client.UserInitiatedShutdown")}
		}), ""},
	} {
		remedy, why := hindrance(tc.in)
		if (why == "") != (tc.want == "") || !strings.Contains(why, tc.want) || why != "" && remedy == "" {
			t.Errorf("%s: %q (%s), want %q", name, why, remedy, tc.want)
		}
	}
}

func TestPublicAddressIsNoted(t *testing.T) {
	for owner, want := range map[string]bool{"amazon": true, "111111111111": false} {
		p := planning{job: job{instance: "i-1", ran: true}, instance: host("running", func(in *types.Instance) {
			in.NetworkInterfaces = []types.InstanceNetworkInterface{{Association: &types.InstanceNetworkInterfaceAssociation{
				IpOwnerId: &owner, PublicIp: aws.String("192.0.2.7"),
			}}}
		})}
		p.noteStop()
		if got := strings.Contains(strings.Join(p.notes, "\n"), "192.0.2.7"); got != want {
			t.Errorf("an address of %s: %q", owner, p.notes)
		}
	}
}

func TestVolumeInput(t *testing.T) {
	settings := map[string]string{
		"1-type": "gp2", "1-gib": "8", "2-type": "io2", "2-gib": "100", "2-iops": "4000", "2-throughput": "9", "2-key": "k", "2-multi": "yes",
		"3-type": "gp3", "3-gib": "20", "3-iops": "3000", "3-throughput": "250", "4-type": "st1", "4-gib": "500", "4-iops": "7",
	}
	text := aws.ToInt32
	for _, tc := range []struct {
		number                 string
		same                   bool
		kind                   types.VolumeType
		gib, iops, throughput  int32
		encrypted, multiAttach bool
	}{
		{"1", true, "gp2", 8, 0, 0, false, false},
		{"2", true, "io2", 100, 4000, 0, true, true},
		{"2", false, "io2", 100, 4000, 0, false, true},
		{"3", true, "gp3", 20, 3000, 250, false, false},
		{"4", true, "st1", 500, 0, 0, false, false},
		{noNumber + "snap-1", true, "gp3", 0, 0, 0, false, false},
	} {
		in := volumeInput(job{id: "r1", zone: "us-east-1a"}, swapped{number: tc.number, snapshot: "snap-1"}, settings, tc.same, dr.Tags{"a": "b"})
		if in.VolumeType != tc.kind || text(in.Size) != tc.gib || text(in.Iops) != tc.iops || text(in.Throughput) != tc.throughput ||
			aws.ToBool(in.Encrypted) != tc.encrypted || (in.KmsKeyId != nil) != tc.encrypted || aws.ToBool(in.MultiAttachEnabled) != tc.multiAttach {
			t.Errorf("%s: %+v", tc.number, in)
		}
		if len(aws.ToString(in.ClientToken)) > 64 {
			t.Errorf("the token %s is too long", *in.ClientToken)
		}
	}
}

// What the mark says is what the restore was planned with.
func TestJobInAMark(t *testing.T) {
	j := job{
		id: "r1", name: "i-1", owner: "prod", inPlace: true, zone: "us-east-1a", instance: "i-1", ran: true,
		swaps: []swapped{
			{number: "2", snapshot: "snap-2", old: "vol-2", device: "/dev/sdf", newEnds: true},
			{number: "1", snapshot: "snap-1", old: "", device: "/dev/xvda", oldEnds: true, newEnds: true},
		},
	}
	r := store.Restore{
		ID: "r1", From: dr.Snapshot{Ref: dr.Ref{ID: "web-1"}}, Name: "i-1", InPlace: true, KeepOld: time.Hour, Owner: "prod",
		Begun: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), With: j.with(),
	}
	made, err := jobOf(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range made.saga(r).Steps {
		got, err := jobIn(st)
		if err != nil {
			t.Fatal(err)
		}
		if !got.ran || got.instance != "i-1" || got.zone != "us-east-1a" || got.until != "2026-11-20T01:00:00Z" || len(got.swaps) != 2 {
			t.Fatalf("%s: %+v", st.Name, got)
		}
		for i := range got.swaps {
			if got.swaps[i] != j.swaps[i] {
				t.Errorf("%+v, want %+v", got.swaps[i], j.swaps[i])
			}
		}
	}
	many := planning{r: r, job: j}
	for i := range 100 {
		r.With[withVolume+strings.Repeat("9", 1+i%5)+string(rune('a'+i%26))+strings.Repeat("8", i/26)] = "snap-0123456789abcdef0:vol-0123456789abcdef0:/dev/sdf:on"
	}
	if err := many.fits(r); err == nil || !strings.Contains(err.Error(), "too many for one restore") {
		t.Errorf("100 volumes: %v", err)
	}
	if _, err := jobIn(saga.Step{Name: "x", Args: map[string]string{"id": "r1", "request": "begun=x"}}); err == nil {
		t.Error("a broken mark is read")
	}
}

func TestWhatRetires(t *testing.T) {
	tags := dr.Tags{dr.TagExpires: "2026-11-20T01:00:00Z", dr.TagKeeper: "prod", dr.TagReplaced: "vol-2"}
	a := plan.Action{Verb: plan.Retire, Tags: tags}
	if err := mayRetire(&types.Volume{Tags: sdkTags(tags)}, a); err != nil {
		t.Error(err)
	}
	if err := mayRetire(&types.Volume{Tags: sdkTags(tags), Attachments: []types.VolumeAttachment{{}}}, a); err == nil {
		t.Error("one that is attached again is deleted")
	}
	for k := range tags {
		changed := dr.Tags{dr.TagExpires: tags[dr.TagExpires], dr.TagKeeper: "prod", dr.TagReplaced: "vol-2"}
		changed[k] = "another"
		if err := mayRetire(&types.Volume{Tags: sdkTags(changed)}, a); err == nil {
			t.Errorf("with another %s it is deleted", k)
		}
		delete(changed, k)
		if err := mayRetire(&types.Volume{Tags: sdkTags(changed)}, a); err == nil {
			t.Errorf("without %s it is deleted", k)
		}
	}
}
