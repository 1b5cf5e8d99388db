package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/rds"
)

// twice is a world in which the next run deletes two sets of an instance: the
// oldest, which expires, and one that was taken a second time.
type twice struct {
	*world
	web     dr.Ref
	file    policy.File
	expired dr.Snapshot
	// first and second are of one slot, and the first is to go.
	first, second dr.Snapshot
}

// duplicate takes what the last run took once more, as a run beside it does.
func (s *twice) duplicate() {
	s.Helper()
	p := s.fleet(s.file)
	end := s.fault(p, "DescribeSnapshots", sandbox.Fault{Kind: sandbox.Stale, StaleBy: 2 * time.Minute})
	s.clean(p.RunOnce(s.Context()))
	end()
}

func setsOfTwo(w *world) *twice {
	w.Helper()
	s := &twice{world: w, web: w.web(), file: parseAll(w, ebsPolicies)}
	for hour := range 5 {
		w.once(s.file)
		w.sleep(time.Minute)
		if hour == 4 {
			s.duplicate()
		}
		w.sleep(59 * time.Minute)
	}
	all := goodOf(w.sight(s.file), s.file, s.web)
	if len(all) != 6 {
		w.Fatalf("%d sets, want 6", len(all))
	}
	i := slices.IndexFunc(all, func(x dr.Snapshot) bool { return strings.HasSuffix(x.Ref.ID, "~2") })
	if i < 0 {
		w.Fatalf("there is no duplicate among %+v", all)
	}
	s.second, s.expired = all[i], all[5]
	s.first = all[slices.IndexFunc(all, func(x dr.Snapshot) bool { return x.Ref.ID+"~2" == s.second.Ref.ID })]
	return s
}

// strike deletes snapshots, as somebody else does.
func (s *twice) strike(ids ...string) {
	s.Helper()
	for _, id := range ids {
		_, err := s.ec2().DeleteSnapshot(s.Context(), &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)})
		s.must(err)
	}
}

func (s *twice) tag(id, key, value string) {
	s.Helper()
	_, err := s.ec2().CreateTags(s.Context(), &ec2.CreateTagsInput{
		Resources: []string{id}, Tags: []types.Tag{{Key: aws.String(key), Value: aws.String(value)}},
	})
	s.must(err)
}

// there is how many of a set's members are left.
func (s *twice) there(x dr.Snapshot) int {
	n := 0
	for _, raw := range s.rawSnapshots() {
		if slices.Contains(x.Members, aws.ToString(raw.SnapshotId)) {
			n++
		}
	}
	return n
}

// Between the plan and its deletes somebody changes sets that are about to go. Their
// members are deleted as the last look saw them, so it has to notice all of it.
func TestLastLookAtSets(t *testing.T) {
	const changed = "it has changed since the plan was made; the next run looks at it anew"
	for _, tc := range []struct {
		name           string
		act            func(s *twice)
		expired, first string // why it is left
		// members that are there afterwards
		ofExpired, ofFirst int
	}{
		{name: "nothing happens", act: func(*twice) {}},
		{
			name: "somebody holds one member", act: func(s *twice) { s.tag(s.expired.Members[1], dr.TagKeep, "no") },
			expired: "a person holds it", ofExpired: 2,
		},
		{
			name: "one member is taken over", act: func(s *twice) { s.tag(s.expired.Members[0], dr.TagOwner, "other") },
			expired: changed, ofExpired: 2,
		},
		{
			name: "the claim of one is damaged", act: func(s *twice) { s.tag(s.first.Members[1], dr.TagSlot, "noon") },
			first: `it is not ours (owner "")`, ofFirst: 2,
		},
		{
			name: "one member vanishes", act: func(s *twice) { s.strike(s.expired.Members[0]) },
		},
		{
			name: "all vanish", act: func(s *twice) { s.strike(s.expired.Members...) },
			expired: "it is gone already",
		},
		{
			// Its name is the second's by then, of which nothing may go.
			name: "another run retires the first", act: func(s *twice) { s.strike(s.first.Members...) },
			first: "it is gone already",
		},
		{
			// With what came a minute later it looks like one whole set.
			name: "a member of the first vanishes", act: func(s *twice) { s.strike(s.first.Members[0]) },
			first: changed, ofFirst: 1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				s := setsOfTwo(w)
				p := w.fleet(s.file)
				p.when(engine.Planned, func() { tc.act(s) })
				r := w.clean(p.RunOnce(w.Context()))
				left := map[dr.Ref]string{}
				for _, o := range r.Outcomes {
					if o.Action.Verb == plan.Delete {
						left[o.Action.From] = o.Left
					}
				}
				if len(left) != 2 || left[s.expired.Ref] != tc.expired || left[s.first.Ref] != tc.first {
					w.Errorf("left are %q, want %q and %q", left, tc.expired, tc.first)
				}
				if n := s.there(s.second); n != 2 {
					w.Errorf("of the one that stays %d members are left", n)
				}
				if e, d := s.there(s.expired), s.there(s.first); e != tc.ofExpired || d != tc.ofFirst {
					w.Errorf("%d and %d members are left, want %d and %d", e, d, tc.ofExpired, tc.ofFirst)
				}
			})
		})
	}
}

// retold is a driver of which the last look shows what a test makes of it.
type retold struct {
	store.Driver
	tell func(x *dr.Snapshot)
}

func (r retold) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	all, err := r.Driver.Snapshots(ctx, site)
	for i := range all {
		r.tell(&all[i])
	}
	return all, err
}

// What the simulated AWS does not bring about by itself.
func TestLastLookIsNotDeceived(t *testing.T) {
	for _, tc := range []struct {
		name string
		tell func(x *dr.Snapshot)
		want string
	}{
		{"pending again", func(x *dr.Snapshot) { x.State = dr.Pending }, "it is pending"},
		{"another of the same name", func(x *dr.Snapshot) { x.Taken = x.Taken.Add(time.Second) }, "another one has its name by now"},
		{"now it has members", func(x *dr.Snapshot) { x.Members = []string{"snap-1"} }, "another one has its name by now"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.gold(prod, "orders")
				for ago := range 5 {
					w.taken(prod, "orders", "hourly", w.slot(ago))
				}
				p := w.process(parse(w, keepThree))
				sessions := session.New(session.Options{
					EndpointURL: "http://sandbox.invalid", HTTPClient: p.client, Credentials: session.Static(prod), Version: "test",
				}, p.File.Sites)
				p.Stores = []*store.Store{store.New(retold{rds.New(sessions), tc.tell})}
				r := w.clean(p.RunOnce(w.Context()))
				for _, o := range r.Outcomes {
					if o.Action.Verb != plan.Delete || o.Left != tc.want {
						w.Errorf("%s: left because %q, want %q", o.Action.Name, o.Left, tc.want)
					}
				}
				if n := w.changing(); n > 0 || len(r.Outcomes) != 2 {
					w.Errorf("%d changes and %d outcomes", n, len(r.Outcomes))
				}
			})
		})
	}
}
