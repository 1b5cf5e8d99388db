package engine_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

// shop puts in an instance with four volumes, of which one is left out of its
// snapshots, and a good recovery point of it.
func (w *world) shop() { w.shopIn("running") }

func (w *world) shopIn(state string) {
	w.Helper()
	_, err := w.PutInstance(prod, region, "shop", sandbox.SeedInstance{
		Age: sandbox.Age(100 * 24 * time.Hour), Tags: map[string]string{"backup": "gold"}, State: state, Class: "m7g.large",
		Volumes: []sandbox.SeedVolume{
			{Device: "/dev/xvda", Boot: true, Size: 8, Tags: map[string]string{"Name": "shop-root"}},
			{Device: "/dev/sdf", Type: "io2", Size: 100, Iops: 4000, Key: "alias/data", Tags: map[string]string{"team": "shop"}},
			{Device: "/dev/sdg", Size: 200, Iops: 4000, Throughput: 250},
			{Device: "/dev/sdh", Size: 500, Tags: map[string]string{"scratch": "yes"}},
		},
	})
	w.must(err)
	f := parseAll(w, ebsPolicies)
	w.once(f)
	w.sleep(40 * time.Minute)
}

func shopScene() restoreScene {
	return restoreScene{
		file: ebsPolicies, seed: (*world).shop, judge: (*world).shopEndsWell,
		wish: engine.RestoreWish{Resource: "shop", From: "latest", KeepOld: 24 * time.Hour},
		open: func(w *world, file string) *process { return w.fleet(parseAll(w, file)) },
	}
}

// shopNow gives the instance, its volumes by their devices, and those that are attached
// to nothing.
func (w *world) shopNow() (in types.Instance, on map[string]types.Volume, off []types.Volume) {
	w.Helper()
	ctx := context.WithoutCancel(w.Context())
	got, err := w.ec2().DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	w.must(err)
	all, err := w.ec2().DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	w.must(err)
	on = map[string]types.Volume{}
	for _, v := range all.Volumes {
		switch {
		case v.State == types.VolumeStateDeleting:
		case len(v.Attachments) == 0:
			off = append(off, v)
		default:
			on[aws.ToString(v.Attachments[0].Device)] = v
		}
	}
	return got.Reservations[0].Instances[0], on, off
}

func ec2Tag(tags []types.Tag, key string) string {
	for _, t := range tags {
		if aws.ToString(t.Key) == key {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

func (w *world) settingsOf(p *process, id string) map[string]string {
	w.Helper()
	inv := p.Observe(context.WithoutCancel(w.Context()))
	for i := range inv.Resources {
		if inv.Resources[i].Ref.ID == id {
			s, err := inv.Resources[i].Config.Settings()
			w.must(err)
			return s
		}
	}
	w.Fatalf("%s is not seen", id)
	return nil
}

// shopEndsWell: the instance is as it was, runs or not, with either all old volumes and
// nothing else, or all new ones beside the old ones that are kept.
func (w *world) shopEndsWell(r engine.Restoring, res saga.Result) {
	w.Helper()
	in, on, off := w.shopNow()
	if in.State.Name != types.InstanceStateNameRunning || len(on) != 4 || ec2Tag(in.Tags, dr.TagRestore) != "" {
		w.Fatalf("it is %s with %d volumes and the mark %q (%+v)", in.State.Name, len(on), ec2Tag(in.Tags, dr.TagRestore), res)
	}
	news := 0
	for device, v := range on {
		data, err := w.VolumeData(prod, region, aws.ToString(v.VolumeId))
		w.must(err)
		if slices.Contains(r.Request.From.Members, data.Snapshot) {
			news++
		}
		at := v.Attachments[0]
		if at.State != types.VolumeAttachmentStateAttached || aws.ToBool(at.DeleteOnTermination) != (device == "/dev/xvda") {
			w.Errorf("%s is %s and ends with the instance: %v", device, at.State, aws.ToBool(at.DeleteOnTermination))
		}
		if mark := ec2Tag(v.Tags, dr.TagRestore) + ec2Tag(v.Tags, dr.TagExpires); mark != "" {
			w.Errorf("%s bears the mark %s (%+v)", device, mark, res)
		}
	}
	for _, v := range off {
		if ec2Tag(v.Tags, dr.TagExpires) == "" || ec2Tag(v.Tags, dr.TagRestore) != "" {
			w.Errorf("%s is left over: %v (%+v)", aws.ToString(v.VolumeId), v.Tags, res)
		}
	}
	if whole := news == 3 && len(off) == 3; !whole && news+len(off) != 0 {
		w.Errorf("%d new volumes, %d kept (%+v)", news, len(off), res)
	}
}

// In place: the data of the snapshots is where it was, the configuration is what was
// captured, the volume that is left out of snapshots stays, and the old ones are kept.
func TestRestoreInPlaceEBS(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		sc := shopScene()
		sc.seed(w)
		p := sc.process(w)
		in, before, _ := w.shopNow()
		was := w.settingsOf(p, aws.ToString(in.InstanceId))
		r := w.planRestore(p, sc.wish)
		for _, want := range []string{"stays as it is", "is stopped while"} {
			if !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, want) }) {
				t.Errorf("no note %q in %q", want, r.Notes)
			}
		}
		if len(r.Losses) > 0 {
			t.Errorf("it loses %q", r.Losses)
		}
		var down time.Time
		res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
			if ev.Kind == saga.Began && ev.Step.Name == "stop" {
				down = time.Now()
			}
		})
		w.must(err)
		w.shopEndsWell(r, res)
		t.Logf("down for %s", time.Since(down).Round(time.Second))
		_, after, off := w.shopNow()
		if len(off) != 3 || aws.ToString(after["/dev/sdh"].VolumeId) != aws.ToString(before["/dev/sdh"].VolumeId) {
			t.Fatalf("%+v: %d are kept", res, len(off))
		}
		for device, v := range after {
			if device != "/dev/sdh" && aws.ToString(v.VolumeId) == aws.ToString(before[device].VolumeId) {
				t.Errorf("%s is still the old one", device)
			}
		}
		if ec2Tag(after["/dev/sdf"].Tags, "team") != "shop" || ec2Tag(after["/dev/xvda"].Tags, "Name") != "shop-root" {
			t.Errorf("tags: %v", after)
		}
		is := w.settingsOf(p, aws.ToString(in.InstanceId))
		for _, k := range slices.Sorted(maps.Keys(was)) {
			if is[k] != was[k] && !strings.HasSuffix(k, "-volume") {
				t.Errorf("%s is %q, was %q", k, is[k], was[k])
			}
		}
	})
}

// An instance that is stopped stays so.
func TestRestoreInPlaceEBSStopped(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.shopIn("stopped")
		p := w.fleet(parseAll(w, ebsPolicies))
		r := w.planRestore(p, shopScene().wish)
		w.ResetCalls()
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		in, on, off := w.shopNow()
		if res.Outcome != saga.Finished || in.State.Name != types.InstanceStateNameStopped || len(on) != 4 || len(off) != 3 {
			t.Errorf("%+v: %s, %d, %d", res, in.State.Name, len(on), len(off))
		}
		for _, c := range w.Calls() {
			if c.Action == "StopInstances" || c.Action == "StartInstances" {
				t.Errorf("%s is called", c.Action)
			}
		}
	})
}

// A volume that is attached is replaced by itself.
func TestRestoreInPlaceEBSVolume(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		id, err := w.PutInstance(prod, region, "app", sandbox.SeedInstance{
			Age: sandbox.Age(time.Hour), Volumes: []sandbox.SeedVolume{
				{Device: "/dev/xvda", Boot: true, Size: 8},
				{Device: "/dev/sdf", Size: 20, Tags: map[string]string{"holdfast:policy": "hourly", "Name": "data"}},
			},
		})
		w.must(err)
		f := parseAll(w, ebsPolicies)
		w.once(f)
		w.sleep(30 * time.Minute)
		_, before, _ := w.shopNow()
		p := w.fleet(f)
		r := w.planRestore(p, engine.RestoreWish{Resource: "data", From: "latest", KeepOld: time.Hour})
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		_, on, off := w.shopNow()
		if res.Outcome != saga.Finished || len(on) != 2 || len(off) != 1 {
			t.Fatalf("%+v of %s: %d, %d", res, id, len(on), len(off))
		}
		if aws.ToString(off[0].VolumeId) != aws.ToString(before["/dev/sdf"].VolumeId) || ec2Tag(on["/dev/sdf"].Tags, "holdfast:policy") != "hourly" {
			t.Errorf("%+v", on["/dev/sdf"])
		}
		if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), engine.RestoreWish{Resource: "data", From: r.Request.From.Ref.ID}); err == nil ||
			!strings.Contains(err.Error(), "attached to 0 instances") {
			t.Errorf("in place of a volume that is attached to nothing: %v", err)
		}
	})
}

// As a new one: volumes of all snapshots, attached to nothing, in a zone of choice.
func TestRestoreAsNewEBS(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		sc := shopScene()
		sc.seed(w)
		p := sc.process(w)
		_, before, _ := w.shopNow()
		wish := engine.RestoreWish{Resource: "shop", From: "latest", As: "copy", With: map[string]string{"zone": region + "b"}}
		r := w.planRestore(p, wish)
		for _, want := range []string{"type m7g.large", "zone us-east-1a (it is us-east-1b)", "4-device /dev/xvda"} {
			if !slices.Contains(r.Losses, want) {
				t.Errorf("no %q in %q", want, r.Losses)
			}
		}
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		_, on, off := w.shopNow()
		if res.Outcome != saga.Finished || len(on) != 4 || len(off) != 3 {
			t.Fatalf("%+v: %d, %d", res, len(on), len(off))
		}
		for _, v := range off {
			data, err := w.VolumeData(prod, region, aws.ToString(v.VolumeId))
			w.must(err)
			i := slices.IndexFunc(slices.Collect(maps.Values(before)), func(o types.Volume) bool { return aws.ToString(o.VolumeId) == data.Volume })
			old := slices.Collect(maps.Values(before))
			if i < 0 || !slices.Contains(r.Request.From.Members, data.Snapshot) {
				t.Fatalf("it holds %+v", data)
			}
			for _, o := range old {
				if aws.ToString(o.VolumeId) == data.Volume && (o.VolumeType != v.VolumeType || *o.Size != *v.Size || aws.ToInt32(o.Iops) != aws.ToInt32(v.Iops) ||
					aws.ToInt32(o.Throughput) != aws.ToInt32(v.Throughput) || aws.ToString(o.KmsKeyId) != aws.ToString(v.KmsKeyId)) {
					t.Errorf("%+v became %+v", o, v)
				}
			}
			if ec2Tag(v.Tags, "Name") != "copy" || ec2Tag(v.Tags, dr.TagRestored) != r.Request.ID || ec2Tag(v.Tags, dr.TagRestore) != "" {
				t.Errorf("its tags are %v", v.Tags)
			}
		}
		if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), wish); err == nil || !strings.Contains(err.Error(), "there is a volume copy already") {
			t.Errorf("a name that is taken: %v", err)
		}
	})
}

func TestRestoreEveryCallEBS(t *testing.T) { shopScene().everyCall(t) }

// Of volumes beside what is there: nothing is left over, or all is there once.
func TestRestoreEveryCallEBSAsNew(t *testing.T) {
	sc := shopScene()
	sc.wish = engine.RestoreWish{Resource: "shop", From: "latest", As: "copy"}
	sc.judge = func(w *world, _ engine.Restoring, res saga.Result) {
		_, on, off := w.shopNow()
		for _, v := range off {
			if ec2Tag(v.Tags, dr.TagRestore) != "" {
				w.Errorf("%s bears a mark (%+v)", aws.ToString(v.VolumeId), res)
			}
		}
		if len(on) != 4 || len(off) != 0 && len(off) != 3 {
			w.Errorf("%d and %d volumes (%+v)", len(on), len(off), res)
		}
	}
	sc.everyCall(t)
}

// A restore that a person takes back leaves all as it was.
func TestRestoreAbortedEBS(t *testing.T) {
	for _, step := range []string{"mark", "create", "stop", "detach", "attach", "ends", "start", "healthy"} {
		t.Run(step, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				sc := shopScene()
				sc.seed(w)
				p := sc.process(w)
				_, before, _ := w.shopNow()
				r := w.planRestore(p, sc.wish)
				ctx, cancel := context.WithCancel(w.Context())
				_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
					if (ev.Kind == saga.Began || ev.Kind == saga.Went) && ev.Step.Name == step {
						cancel()
					}
				})
				w.must(err)
				q := sc.process(w)
				found, err := q.Restores(w.Context(), q.Observe(w.Context()))
				w.must(err)
				if step == "mark" && len(found) == 0 {
					return // It was told to stop before it marked anything.
				}
				if len(found) != 1 {
					w.Fatalf("%d restores under way", len(found))
				}
				res, err := q.AbortRestore(w.Context(), found[0], restorePoll, nil)
				w.must(err)
				_, after, off := w.shopNow()
				if res.Outcome != saga.RolledBack || len(off) != 0 {
					w.Errorf("%+v, and %d volumes are left over", res, len(off))
				}
				for device, v := range before {
					if aws.ToString(v.VolumeId) != aws.ToString(after[device].VolumeId) {
						w.Errorf("%s is another one", device)
					}
				}
				w.shopEndsWell(r, res)
			})
		})
	}
}

// Reads that lag behind mislead nobody.
func TestRestoreEBSStale(t *testing.T) {
	for _, fails := range []string{"", "StartInstances", "AttachVolume"} {
		t.Run("fails="+fails, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				sc := shopScene()
				sc.seed(w)
				p := sc.process(w)
				r := w.planRestore(p, sc.wish)
				if fails != "" {
					w.Inject(sandbox.Fault{Match: sandbox.Match{Action: fails}, Kind: sandbox.Fail, Code: "UnsupportedOperation", Times: 1})
				}
				n := 0.0
				half := func() float64 { n++; return float64(int(n)%2) * 0.9 }
				defer w.Inject(sandbox.Fault{Match: sandbox.Match{Service: "ec2"}, Kind: sandbox.Stale, StaleBy: 4 * time.Second, Probability: 0.5, Rand: half})()
				res, err := p.RunRestore(w.Context(), r, 3*time.Second, nil)
				w.must(err)
				if (res.Outcome == saga.Finished) != (fails == "") {
					t.Errorf("%+v", res)
				}
				w.sleep(time.Minute)
				w.shopEndsWell(r, res)
			})
		})
	}
}

// A key that is gone is a failure that says so, and leaves nothing.
func TestRestoreEBSWithoutKey(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		sc := shopScene()
		sc.seed(w)
		p := sc.process(w)
		r := w.planRestore(p, sc.wish)
		w.must(w.SetKeyEnabled(prod, region, "alias/data", false))
		begun := time.Now()
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		if res.Outcome != saga.RolledBack || !strings.Contains(res.Err.Error(), "cannot use the KMS key") || time.Since(begun) > 10*time.Minute {
			t.Errorf("%+v after %s", res, time.Since(begun))
		}
		w.shopEndsWell(r, res)
	})
}

// While volumes change no snapshot is taken of the instance, and none of what is only
// there because of the restore. In the end the old ones are deleted, each after a final
// snapshot.
func TestRestoredAsideEBS(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		sc := shopScene()
		sc.seed(w)
		f := parseAll(w, ebsPolicies+`
  all: {match: {kinds: [ebs]}, every: 1h, keep: {last: 2}}
`)
		p := w.fleet(f)
		r := w.planRestore(p, sc.wish)
		ctx, cancel := context.WithCancel(w.Context())
		_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
			if ev.Kind == saga.Began && ev.Step.Name == "attach" {
				cancel()
			}
		})
		w.must(err)
		w.sleep(time.Hour)
		if got := w.once(f).Outcomes; len(got) > 0 {
			t.Errorf("%d things are done: %+v", len(got), got[0].Action)
		}
		q := w.fleet(f)
		found, err := q.Restores(w.Context(), q.Observe(w.Context()))
		w.must(err)
		res, err := q.RunRestore(w.Context(), found[0], restorePoll, nil)
		w.must(err)
		w.sleep(time.Hour)
		for _, o := range w.once(f).Outcomes {
			if o.Action.From.ID != r.Request.Name && !slices.Contains(o.Action.Members, o.Action.From.ID) && o.Action.Verb == "create" {
				t.Errorf("%s of %s", o.Action.Verb, o.Action.From.ID)
			}
		}
		w.sleep(24 * time.Hour)
		for range 4 {
			w.once(f)
			w.sleep(time.Hour)
		}
		_, on, off := w.shopNow()
		finals := 0
		inv := w.sight(f)
		for i := range inv.Snapshots {
			if inv.Snapshots[i].Claim.Policy == dr.PolicyFinal {
				finals++
			}
		}
		if res.Outcome != saga.Finished || len(on) != 4 || len(off) != 0 || finals != 3 {
			t.Errorf("%+v: %d, %d, %d final snapshots", res, len(on), len(off), finals)
		}
	})
}

// What stands in the way is said before anything is changed.
func TestRestoreEBSRefused(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		seed       func(*world)
		wish       func(*engine.RestoreWish)
	}{
		{"stop protection", "protected from being stopped", func(w *world) {
			in, _, _ := w.shopNow()
			_, err := w.ec2().ModifyInstanceAttribute(w.Context(), &ec2.ModifyInstanceAttributeInput{
				InstanceId: in.InstanceId, DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)},
			})
			w.must(err)
		}, nil},
		{"rename-first", "no name that could be given away", nil, func(wish *engine.RestoreWish) { wish.RenameFirst = true }},
		{"zone in place", "in the zone of the instance", nil, func(wish *engine.RestoreWish) { wish.With = map[string]string{"zone": "us-east-1b"} }},
		{"other option", "know no --table", nil, func(wish *engine.RestoreWish) { wish.With = map[string]string{"table": "x"} }},
		{"zone elsewhere", "is not in us-east-1", nil, func(wish *engine.RestoreWish) {
			wish.As, wish.With = "copy", map[string]string{"zone": "us-west-2a"}
		}},
		{"many tags", "AWS allows 50", func(w *world) {
			in, _, _ := w.shopNow()
			var tags []types.Tag
			for i := range 45 {
				tags = append(tags, types.Tag{Key: aws.String(strings.Repeat("x", i+1)), Value: aws.String("")})
			}
			_, err := w.ec2().CreateTags(w.Context(), &ec2.CreateTagsInput{Resources: []string{*in.InstanceId}, Tags: tags})
			w.must(err)
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				sc := shopScene()
				sc.seed(w)
				if tc.seed != nil {
					tc.seed(w)
				}
				wish := sc.wish
				if tc.wish != nil {
					tc.wish(&wish)
				}
				p := sc.process(w)
				_, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), wish)
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%v, want %q", err, tc.want)
				}
			})
		})
	}
}

// From copies in another Region: in a zone that is said, under the key of the copy.
func TestRestoreAtAnotherSiteEBS(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		_, err := w.PutInstance(prod, region, "shop", sandbox.SeedInstance{
			Age: sandbox.Age(time.Hour), Tags: map[string]string{"backup": "gold"}, Volumes: []sandbox.SeedVolume{
				{Device: "/dev/xvda", Boot: true, Size: 8, Tags: map[string]string{"team": "shop"}},
				{Device: "/dev/sdf", Size: 20, Iops: 4000, Key: "alias/data"},
			},
		})
		w.must(err)
		f := parseAll(w, `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1}
  far: {account: "111111111111", region: us-west-2, key: alias/far}
policies:
  gold: {match: {tags: {backup: gold}}, every: 1d, keep: {daily: 2}, copies: [{to: far, keep: {daily: 2}}]}
`)
		_, err = w.PutKey(prod, "us-west-2", sandbox.SeedKey{Name: "alias/far"})
		w.must(err)
		copier := w.fleet(f)
		copier.Limits.Routes = all.Routes()
		w.clean(copier.RunAndWait(w.Context(), time.Minute))
		p := w.fleet(f)
		wish := engine.RestoreWish{Resource: "shop", From: "latest", Site: "far", As: "copy"}
		if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), wish); err == nil || !strings.Contains(err.Error(), "us-east-1a is not in us-west-2") {
			t.Errorf("without a zone: %v", err)
		}
		wish.With = map[string]string{"zone": "us-west-2c"}
		r := w.planRestore(p, wish)
		if !slices.Contains(r.Losses, "zone us-east-1a (it is us-west-2c)") {
			t.Errorf("it loses %q", r.Losses)
		}
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		got, err := ec2.NewFromConfig(w.console("us-west-2")).DescribeVolumes(w.Context(), &ec2.DescribeVolumesInput{})
		w.must(err)
		if res.Outcome != saga.Finished || len(got.Volumes) != 2 {
			t.Fatalf("%+v: %d volumes", res, len(got.Volumes))
		}
		for _, v := range got.Volumes {
			if aws.ToString(v.AvailabilityZone) != "us-west-2c" || v.VolumeType != types.VolumeTypeGp3 || !aws.ToBool(v.Encrypted) {
				t.Errorf("%+v", v)
			}
		}
	})
}
