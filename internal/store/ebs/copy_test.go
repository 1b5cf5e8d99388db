package ebs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/ebs"
)

// managedKey is the key that AWS manages for EBS.
const managedKey = "alias/aws/ebs"

// convoy is a simulated AWS with an instance at home whose recovery points a policy
// copies to another site.
type convoy struct {
	*world
	file policy.File
	to   dr.Site
	drv  *store.Store
	web  string
	// managed are the keys that AWS manages, as snapshots name them.
	managed map[string]bool
}

const convoyFile = `namespace: ns
sites:
  home: {account: "111111111111", region: us-east-1, key: alias/to-share}
  abroad: {account: "111111111111", region: us-west-2%[1]s}
  away: {account: "222222222222", region: us-east-1%[1]s}
  away-abroad: {account: "222222222222", region: us-west-2%[1]s}
policies:
  gold:
    match: {kinds: [ebs], tags: {backup: gold}}
    every: 4w
    keep: {last: 2}
    volumes: {exclude: {tags: {scratch: "*"}}}
    copies:
      - {to: %[2]s, keep: {last: 2}}
`

// voyage is what a convoy starts from.
type voyage struct {
	to func(*world) dr.Site
	// keys are those of the volumes, the boot volume first; the last is left out.
	keys []string
	// toKey is the key of the destination, or "".
	toKey string
}

func toAbroad(w *world) dr.Site     { return w.Abroad() }
func toAway(w *world) dr.Site       { return w.Away() }
func toAwayAbroad(w *world) dr.Site { return w.AwayAbroad() }

// inConvoy runs a test in a bubble, a year after the instance was made.
func inConvoy(t *testing.T, v voyage, run func(c *convoy)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := &convoy{world: w, to: v.to(w), drv: store.New(w.Driver()), managed: map[string]bool{}}
		line := ""
		if v.toKey != "" {
			line = ", key: " + v.toKey
			_, err := w.PutKey(c.to, v.toKey)
			w.must(err)
		}
		_, err := w.PutKey(w.Home(), "alias/to-share", w.Away().Account)
		w.must(err)
		c.file, _, err = policy.Parse("test.yaml", fmt.Appendf(nil, convoyFile, line, c.to.Name), policy.Options{Kinds: []dr.Kind{ebs.Kind}})
		w.must(err)
		in := sandbox.SeedInstance{Tags: map[string]string{"backup": "gold", "team": "shop"}}
		for i, key := range v.keys {
			in.Volumes = append(in.Volumes, sandbox.SeedVolume{Device: fmt.Sprintf("/dev/sd%c", 'f'+i), Size: 10 + i, Key: key, Boot: i == 0})
		}
		last := &in.Volumes[len(in.Volumes)-1]
		last.Tags = map[string]string{"scratch": "yes"}
		c.web, err = w.AWS.PutInstance(w.Home().Account, w.Home().Region, "web", in)
		w.must(err)
		time.Sleep(365 * 24 * time.Hour)
		c.noteManaged(v.keys)
		run(c)
	})
}

// noteManaged learns how the volumes name the key that AWS manages.
func (c *convoy) noteManaged(keys []string) {
	c.t.Helper()
	out, err := c.client(c.Home()).DescribeVolumes(c.t.Context(), &ec2.DescribeVolumesInput{})
	c.must(err)
	for i := range out.Volumes {
		v := &out.Volumes[i]
		at := aws.ToString(v.Attachments[0].Device)
		if keys[at[len(at)-1]-'f'] == managedKey {
			c.managed[aws.ToString(v.KmsKeyId)] = true
		}
	}
}

// sight is what a run sees.
func (c *convoy) sight(st *store.Store) dr.Inventory {
	inv := dr.Inventory{Keys: map[dr.KeyRef]dr.Key{}}
	for _, site := range []dr.Site{c.Home(), c.to} {
		inv.Add(st.Observe(c.t.Context(), site))
		inv.Sites = append(inv.Sites, site)
	}
	for _, x := range inv.Snapshots {
		if x.Ref.Site == c.Home() && x.Key != "" {
			inv.Keys[dr.KeyRef{Site: c.Home(), Name: x.Key}] = dr.Key{ARN: x.Key, Managed: c.managed[x.Key]}
		}
	}
	return inv
}

// run plans and does what is planned, as the engine does, with one look for all.
func (c *convoy) run(st *store.Store) (plan.Plan, error) {
	c.t.Helper()
	inv := c.sight(st)
	routing, _ := st.Routing()
	p := plan.Build(time.Now(), c.file, inv, plan.Limits{
		MaxDelete: plan.MaxDelete{Count: 100, IsSet: true}, Routes: map[dr.Kind]plan.Routing{ebs.Kind: routing},
	})
	var failed []error
	for _, verbs := range [][]plan.Verb{{plan.Create}, {plan.Share, plan.Withdraw}, {plan.Copy}, {plan.Delete}} {
		for _, site := range []dr.Site{c.Home(), c.to} {
			var mine []plan.Action
			for _, a := range p.Actions {
				if slices.Contains(verbs, a.Verb) && a.To == site {
					mine = append(mine, a)
				}
			}
			do := st.Begin(c.t.Context(), site, mine)
			for _, a := range mine {
				if _, err := do(c.t.Context(), a); err != nil {
					failed = append(failed, err)
				}
			}
		}
	}
	return p, errors.Join(failed...)
}

// arrive runs every quarter of an hour until there is nothing to do, and gives how
// often something failed.
func (c *convoy) arrive() (failures int) {
	c.t.Helper()
	for range 200 {
		p, err := c.run(c.drv)
		if err != nil {
			failures++
		}
		if len(p.Actions)+len(p.Waiting)+len(p.Refused) == 0 && err == nil {
			return failures
		}
		time.Sleep(15 * time.Minute)
	}
	p, err := c.run(c.drv)
	c.t.Fatalf("after two days there is still to do: %+v, %v", p, err)
	return 0
}

// raw gives all snapshots at a site as EC2 tells.
func (c *convoy) raw(site dr.Site) []types.Snapshot {
	c.t.Helper()
	out, err := c.client(site).DescribeSnapshots(c.t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	c.must(err)
	return out.Snapshots
}

// at gives the one recovery point at a site.
func (c *convoy) at(site dr.Site) dr.Snapshot {
	c.t.Helper()
	all, err := c.Driver().Snapshots(c.t.Context(), site)
	c.must(err)
	if len(all) != 1 {
		c.t.Fatalf("at %s there are %d recovery points: %+v", site, len(all), all)
	}
	return all[0]
}

// arrived holds that there is one complete copy and nothing else: no other try, no
// stage, no share.
func (c *convoy) arrived(members int) dr.Snapshot {
	c.t.Helper()
	home, got := c.at(c.Home()), c.at(c.to)
	if got.State != dr.Good || len(got.Members) != members || len(home.Members) != members {
		c.t.Errorf("the copy is %+v", got)
	}
	if len(c.raw(c.to)) != members || len(c.raw(c.Home())) != members {
		c.t.Errorf("there are %d snapshots there and %d at home, want %d", len(c.raw(c.to)), len(c.raw(c.Home())), members)
	}
	if len(home.Shared) > 0 || len(c.SharedWith(home)) > 0 {
		c.t.Errorf("the original is still shared with %v, marked %v", c.SharedWith(home), home.Shared)
	}
	if got.Claim.Origin != home.Ref.Origin() || !got.Taken.Equal(home.Taken.Truncate(time.Second)) || got.Claim.Config != home.Claim.Config ||
		got.Of.ID != c.web || got.CopyOf == "" || got.Made.Before(home.Taken) {
		c.t.Errorf("the copy of %+v is %+v", home, got)
	}
	return got
}

// Every way, with volumes under one sort of key, or with plain ones among those that
// are encrypted: one set of copies arrives, each under the key of its site.
func TestSetsTravel(t *testing.T) {
	plain, customer, managed := []string{"", "", ""}, []string{"alias/to-share", "alias/to-share", ""}, []string{managedKey, managedKey, ""}
	mixed, mixedManaged := []string{"", "alias/to-share", ""}, []string{"", managedKey, ""}
	for name, to := range map[string]func(*world) dr.Site{"abroad": toAbroad, "away": toAway, "away and abroad": toAwayAbroad} {
		for sort, keys := range map[string][]string{"plain": plain, "customer": customer, "managed": managed, "mixed": mixed, "mixed, managed": mixedManaged} {
			for _, toKey := range []string{"", "alias/there"} {
				t.Run(fmt.Sprintf("%s, %s, %q", name, sort, toKey), func(t *testing.T) {
					inConvoy(t, voyage{to, keys, toKey}, func(c *convoy) {
						if n := c.arrive(); n > 0 {
							t.Errorf("%d runs had failures", n)
						}
						c.arrived(2)
						for _, x := range c.raw(c.to) {
							key := aws.ToString(x.KmsKeyId)
							if want := sort != "plain" || toKey != ""; (key != "") != want || want && dr.KeyAccount(key) != c.to.Account {
								t.Errorf("a copy is under %q", key)
							}
							if toKey != "" {
								want, err := c.PutKey(c.to, toKey)
								c.must(err)
								if key != want {
									t.Errorf("a copy is under %q, want %q", key, want)
								}
							}
						}
					})
				})
			}
		}
	}
}

// A copied set tells by its own tags which member is which volume, and where that was
// attached, though all name a volume that does not exist.
func TestCopiesTellTheirVolumes(t *testing.T) {
	for name, to := range map[string]func(*world) dr.Site{"abroad": toAbroad, "rekeyed": toAwayAbroad} {
		t.Run(name, func(t *testing.T) {
			inConvoy(t, voyage{to, []string{managedKey, managedKey, managedKey, ""}, "alias/there"}, func(c *convoy) {
				c.arrive()
				got := c.arrived(3)
				settings, err := got.Claim.Config.Settings()
				c.must(err)
				devices := map[string]string{}
				for n := range 4 {
					devices[settings[fmt.Sprintf("%d-volume", n+1)]] = settings[fmt.Sprintf("%d-device", n+1)]
				}
				sizes := map[int32]string{}
				for _, x := range c.raw(c.to) {
					i := slices.IndexFunc(x.Tags, func(t types.Tag) bool { return *t.Key == dr.TagMember })
					if i < 0 || aws.ToString(x.VolumeId) != "vol-ffffffff" {
						t.Fatalf("a member is %+v", x)
					}
					volume := *x.Tags[i].Value
					sizes[*x.VolumeSize] = devices[volume]
					if d := *x.Description; !strings.HasPrefix(d, "web ("+c.web+") - "+volume+" ("+devices[volume]+"), copied from snap-") {
						t.Errorf("it is described as %q", d)
					}
				}
				if want := fmt.Sprint(map[int32]string{10: "/dev/sdf", 11: "/dev/sdg", 12: "/dev/sdh"}); fmt.Sprint(sizes) != want {
					t.Errorf("members of these sizes were at %v, want %s", sizes, want)
				}
			})
		})
	}
}

// Whatever call of a run is the last, is lost or fails, on the longest way there is:
// runs that follow end in one complete copy and nothing else.
func TestCopyKilledAnywhere(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Timeout, sandbox.Fail} {
		calls := 0
		for run := range 4 { // The snapshots, what is between, the copies, the clearing up.
			for struck := true; struck; calls++ {
				inConvoy(t, voyage{toAwayAbroad, []string{managedKey, managedKey, managedKey, ""}, "alias/there"}, func(c *convoy) {
					struck = c.killed(kind, run, calls)
				})
			}
			t.Logf("%s: after run %d it was struck %d times", kind, run+1, calls)
			calls = 0
		}
	}
}

// killed has some runs pass and strikes a call of the next, and gives whether the run
// had so many calls.
func (c *convoy) killed(kind sandbox.FaultKind, runs, call int) (struck bool) {
	c.t.Helper()
	for range runs {
		_, err := c.run(c.drv)
		c.must(err)
		time.Sleep(15 * time.Minute)
	}
	if kind == sandbox.CrashBefore || kind == sandbox.CrashAfter {
		sessions, died := c.Mortal(call, kind == sandbox.CrashAfter)
		_, _ = c.run(store.New(c.Over(sessions)))
		struck = died()
	} else {
		before := len(c.AWS.Calls())
		end := c.AWS.Inject(sandbox.Fault{Kind: kind, Skip: call, Times: 1})
		_, _ = c.run(c.drv)
		end()
		struck = len(c.AWS.Calls())-before > call
	}
	c.arrive()
	c.arrived(3)
	return struck
}

// A set of which only some members could be begun is completed, not made anew, however
// many runs that takes: when the process dies between them, and when there are more of
// them than copies may be on their way.
func TestInterruptedCopyIsCompleted(t *testing.T) {
	inConvoy(t, voyage{toAbroad, []string{"", "", "", ""}, ""}, func(c *convoy) {
		c.begin()
		remove := c.AWS.Inject(sandbox.Fault{Match: sandbox.Match{Action: "CopySnapshot"}, Skip: 1, Kind: sandbox.Fail, Code: "UnauthorizedOperation"})
		if _, err := c.run(c.drv); err == nil {
			t.Fatal("it did not fail")
		}
		first := c.at(c.to)
		if first.State != dr.Pending || len(first.Members) != 1 {
			t.Errorf("interrupted, it is %+v", first)
		}
		remove()
		time.Sleep(time.Hour)
		if x := c.at(c.to); x.State != dr.Failed || x.Status != "incomplete: 1 of 3 volumes" {
			t.Errorf("with one member done it is %s (%s)", x.State, x.Status)
		}
		c.arrive()
		if got := c.arrived(3); got.Ref != first.Ref || !slices.Contains(got.Members, first.Members[0]) {
			t.Errorf("it was made anew: %+v after %+v", got, first)
		}
	})
}

func TestMoreVolumesThanCopySlots(t *testing.T) {
	inConvoy(t, voyage{toAwayAbroad, make([]string, 26), "alias/there"}, func(c *convoy) {
		c.begin()
		_, err := c.run(c.drv)
		if store.FaultOf(err) != store.Quota || !strings.Contains(store.Remedy(err), "copies the rest") {
			t.Errorf("it ended with %v (%s)", err, store.Remedy(err))
		}
		if x := c.at(c.to); x.State != dr.Pending || len(x.Members) != 20 {
			t.Errorf("there is %+v", x)
		}
		if n := c.arrive(); n > 0 {
			t.Errorf("%d runs had failures", n)
		}
		c.arrived(25)
	})
}

// begin takes the recovery point and waits until it is done.
func (c *convoy) begin() {
	c.t.Helper()
	_, err := c.run(c.drv)
	c.must(err)
	time.Sleep(time.Hour)
}

// A member that fails makes its try worth nothing; the next has another name, and the
// first goes when that is there.
func TestCopyOfAMemberFails(t *testing.T) {
	inConvoy(t, voyage{toAway, []string{"", "alias/to-share", ""}, "alias/there"}, func(c *convoy) {
		c.begin()
		c.must(c.AWS.SetKeyEnabled(c.Home().Account, c.Home().Region, "alias/to-share", false))
		p, err := c.run(c.drv)
		c.must(err)
		a := p.Actions[len(p.Actions)-1]
		time.Sleep(time.Hour)
		first := c.at(c.to)
		if first.State != dr.Failed || first.Status != "error: Given key ID is not accessible" {
			t.Errorf("under a key that is disabled it is %s (%s)", first.State, first.Status)
		}
		_, err = c.drv.Apply(c.t.Context(), a)
		if store.FaultOf(err) != store.Denied || !strings.Contains(store.Remedy(err), "alias/there of site away, "+c.at(c.Home()).Key) {
			t.Errorf("%v: the remedy is %q", err, store.Remedy(err))
		}
		c.must(c.AWS.SetKeyEnabled(c.Home().Account, c.Home().Region, "alias/to-share", true))
		c.arrive()
		if got := c.arrived(2); got.Ref == first.Ref {
			t.Errorf("the copy has the name of one that failed: %+v", got)
		}
	})
}

// Two processes that copy at the same time make two of each member. They show as one
// recovery point and another of the same name, which a later run retires.
func TestCopiesTwice(t *testing.T) {
	inConvoy(t, voyage{toAbroad, []string{"", "", ""}, ""}, func(c *convoy) {
		c.begin()
		p := c.planned()
		for range 2 {
			end := c.AWS.Inject(sandbox.Fault{Kind: sandbox.Stale, StaleBy: time.Minute, Match: sandbox.Match{Action: "DescribeSnapshots", Region: c.to.Region}})
			for _, a := range p.Actions {
				_, err := store.New(c.Driver()).Apply(c.t.Context(), a)
				c.must(err)
			}
			end()
			time.Sleep(time.Second)
		}
		all, err := c.Driver().Snapshots(c.t.Context(), c.to)
		c.must(err)
		if len(all) != 2 || all[1].Ref.ID != all[0].Ref.ID+"~2" || len(all[0].Members) != 2 || len(all[1].Members) != 2 {
			t.Fatalf("there are %+v", all)
		}
		c.arrive()
		if got := c.arrived(2); !slices.Equal(got.Members, all[0].Members) {
			t.Errorf("left is %+v, want the first of %+v", got, all)
		}
	})
}

// planned gives what a run would do.
func (c *convoy) planned() plan.Plan {
	routing, _ := c.drv.Routing()
	return plan.Build(time.Now(), c.file, c.sight(c.drv), plan.Limits{Routes: map[dr.Kind]plan.Routing{ebs.Kind: routing}})
}

// One look serves the copies of a batch: one page of what is at the destination, and
// one of the originals at their site. What is there already is one call.
func TestOneLookForManyCopies(t *testing.T) {
	inConvoy(t, voyage{toAwayAbroad, []string{"", "", ""}, ""}, func(c *convoy) {
		c.begin()
		share := c.planned().Actions[0]
		_, err := c.drv.Apply(c.t.Context(), share)
		c.must(err)
		one := c.planned().Actions[0]
		if share.Verb != plan.Share || one.Verb != plan.Copy {
			one = c.planned().Actions[1]
		}
		var all []plan.Action
		for i := range 5 {
			a := one
			a.Claim.Origin += fmt.Sprintf("-%d", i)
			a.Name += fmt.Sprintf("-%d", i)
			all = append(all, a)
		}
		work := func() []string {
			before := len(c.Calls())
			do := c.drv.Begin(c.t.Context(), c.to, all)
			for _, a := range all {
				_, err := do(c.t.Context(), a)
				c.must(err)
			}
			return c.Calls()[before:]
		}
		want := append([]string{"ec2:DescribeSnapshots", "ec2:DescribeSnapshots"}, slices.Repeat([]string{"ec2:CopySnapshot"}, 10)...)
		if calls := work(); !slices.Equal(calls, want) {
			t.Errorf("it took %v", calls)
		}
		time.Sleep(time.Second)
		if calls := work(); !slices.Equal(calls, want[:1]) {
			t.Errorf("again it took %v", calls)
		}
	})
}

// A share that was interrupted between members is marked on all, and is completed or
// taken back whole.
func TestShareOfSomeMembers(t *testing.T) {
	for _, verb := range []plan.Verb{plan.Share, plan.Withdraw} {
		for skip := range 3 {
			inConvoy(t, voyage{toAway, []string{"", "", "", ""}, ""}, func(c *convoy) {
				c.begin()
				x := c.at(c.Home())
				a := about(plan.Share, x)
				a.With, a.Members = c.to.Account, x.Members
				apply := func(v plan.Verb) error {
					a.Verb = v
					_, err := c.drv.Apply(c.t.Context(), a)
					return err
				}
				if verb == plan.Withdraw {
					c.must(apply(plan.Share))
				}
				remove := c.AWS.Inject(sandbox.Fault{Match: sandbox.Match{Action: "ModifySnapshotAttribute"}, Skip: skip, Kind: sandbox.Fail, Code: "UnauthorizedOperation"})
				if store.FaultOf(apply(verb)) != store.Denied {
					t.Error("it did not fail")
				}
				remove()
				if got := c.at(c.Home()); !slices.Equal(got.Shared, []string{c.to.Account}) {
					t.Errorf("%s interrupted at member %d, it is marked %v", verb, skip+1, got.Shared)
				}
				c.must(apply(verb))
				if verb == plan.Share && !c.Sees(c.to, x) {
					t.Error("not all members are shared")
				}
				c.must(apply(plan.Withdraw))
				if got := c.at(c.Home()); len(got.Shared) > 0 || len(c.SharedWith(got)) > 0 {
					t.Errorf("it is shared with %v, marked %v", c.SharedWith(got), got.Shared)
				}
			})
		}
	}
}

// Where a customer's key and the one that AWS manages are mixed, the share says which
// cannot be had and what to do.
func TestManagedKeyAmongOthers(t *testing.T) {
	inConvoy(t, voyage{toAway, []string{"alias/to-share", managedKey, ""}, ""}, func(c *convoy) {
		c.begin()
		x := c.at(c.Home())
		a := about(plan.Share, x)
		a.With = c.to.Account
		_, err := c.drv.Apply(c.t.Context(), a)
		if store.FaultOf(err) != store.Invalid || !strings.Contains(store.Remedy(err), "aws/ebs") {
			t.Errorf("%v: %s", err, store.Remedy(err))
		}
	})
}

// What others copied says what it is a copy of, as far as EC2 tells.
func TestCopiesOfOthers(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		for text, want := range map[string]string{
			"[Copied snap-0abc from eu-west-1]": "arn:aws:ec2:eu-west-1::snapshot/snap-0abc", "weekly": "copy",
		} {
			id := s.put(s.aws.PutEBSSnapshot(s.site.Account, s.site.Region, sandbox.SeedEBSSnapshot{Of: "vol-ffffffff", Description: text}))
			for _, x := range s.snapshots() {
				if x.Ref.ID == id && (x.CopyOf != want || x.Made.IsZero()) {
					t.Errorf("%q: it is %+v", text, x)
				}
			}
		}
		for _, x := range s.snapshots() {
			if x.Claim.Ours() {
				t.Errorf("%+v", x)
			}
		}
		if x := s.taken(s.web); x.CopyOf != "" || !x.Made.IsZero() {
			t.Errorf("an original is %+v", x)
		}
	})
}
