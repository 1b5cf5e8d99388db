package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

const (
	homeRole = "arn:aws:iam::111111111111:role/rds-monitoring"
	farRole  = "arn:aws:iam::222222222222:role/rds-monitoring"
	homeFeed = "arn:aws:iam::111111111111:role/s3"
	farFeed  = "arn:aws:iam::222222222222:role/s3"
)

// mapped says what stands at the far site for what the database at home names.
const mapped = `, restore: {
    subnets: {prod-db: dr-db}, security: {sg-0aaa: sg-0bbb, sg-0ccc: sg-0ddd}, zone: {us-east-1a: us-west-2b}, key: {"*": alias/far},
    "*": {"` + homeRole + `": "` + farRole + `", "` + homeFeed + `": "` + farFeed + `"}}`

// copying is a file that copies to the far site; restore is what that says of restores.
func copying(t testing.TB, restore string) policy.File {
	t.Helper()
	text := strings.Replace(toFar, "key: alias/far}", "key: alias/far"+restore+"}", 1)
	return parseAll(t, strings.Replace(text, "sites:", "kinds: [rds]\nsites:", 1)+`
  daily: {match: {tags: {backup: gold}}, every: 1d, keep: {last: 3}, copies: [{to: far, keep: {last: 3}}]}
`)
}

// furnished puts in keys, a database with all that names something of its account and
// Region, what stands for that at the far site, and a copy there.
func (w *world) furnished() {
	w.Helper()
	w.keyed()
	w.groups(home(), "prod-db", "tuned")
	w.groups(farSite(), "dr-db", "tuned")
	w.must(w.PutDBInstance(prod, region, "orders", sandbox.SeedDatabase{
		Age: sandbox.Age(1000 * 24 * time.Hour), Tags: map[string]string{"backup": "gold", "team": "shop", "bare": "", dr.TagPrefix + "every": "2d"},
		Class: "db.r6g.xlarge", Size: 100, MaxSize: 500, CopyTags: true, IAM: true, Protected: true, Key: wayKey, Insights: true,
		SubnetGroup: "prod-db", ParameterGroup: "tuned", SecurityGroups: []string{"sg-0aaa", "sg-0ccc"}, MonitoringInterval: 60, MonitoringRole: homeRole,
		MaintenanceWindow: "sun:04:00-sun:05:00", BackupWindow: "02:00-03:00", Logs: []string{"postgresql"},
	}))
	_, err := sdk.NewFromConfig(w.hands(home())).AddRoleToDBInstance(w.Context(), &sdk.AddRoleToDBInstanceInput{
		DBInstanceIdentifier: aws.String("orders"), RoleArn: aws.String(homeFeed), FeatureName: aws.String("s3Import"),
	})
	w.must(err)
	w.sleep(10 * time.Minute)
	w.rest(copying(w, ""))
}

// groups puts in a subnet group and a parameter group.
func (w *world) groups(at dr.Site, subnets, parameters string) {
	w.Helper()
	c := sdk.NewFromConfig(w.hands(at))
	_, err := c.CreateDBSubnetGroup(w.Context(), &sdk.CreateDBSubnetGroupInput{
		DBSubnetGroupName: &subnets, DBSubnetGroupDescription: aws.String("test"), SubnetIds: []string{"subnet-1", "subnet-2"},
	})
	w.must(err)
	_, err = c.CreateDBParameterGroup(w.Context(), &sdk.CreateDBParameterGroupInput{
		DBParameterGroupName: &parameters, DBParameterGroupFamily: aws.String("postgres16"), Description: aws.String("test"),
	})
	w.must(err)
}

func asOrders() engine.RestoreWish {
	return engine.RestoreWish{Resource: "orders", From: "latest", Site: "far", As: "orders"}
}

// The account of the source is gone: from the copy alone the database stands up with
// every captured setting, translated, and with its own tags.
func TestRestoreFromTheCopyAlone(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.furnished()
		defer w.blackout(prod, region)()
		p := w.carrier(copying(w, mapped))
		inv := p.Observe(w.Context())
		if len(inv.Gaps) == 0 {
			w.Fatal("the source's account can be seen")
		}
		r, err := p.PlanRestore(w.Context(), inv, asOrders())
		w.must(err)
		w.wantSettings(r)
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		if res.Outcome != saga.Finished {
			w.Fatalf("%+v", res)
		}
		captured, own, _, err := r.Request.From.Claim.Config.Recall()
		w.must(err)
		made := w.farOrders(p)
		is, err := made.Config.Settings()
		w.must(err)
		moved := map[string]string{
			"subnets": "dr-db", "security": "sg-0bbb,sg-0ddd", "monitor-role": farRole, "roles": "s3Import " + farFeed, "zone": "us-west-2b",
			"key": r.Request.From.Key, "insights-key": r.Request.Settings["insights-key"],
		}
		for name, was := range captured { // Field by field.
			want := was
			if to, ok := moved[name]; ok {
				want = to
			}
			if name != "resource-id" && is[name] != want && !slices.ContainsFunc(r.Losses, func(l string) bool { return strings.HasPrefix(l, name+" ") }) {
				w.Errorf("%s is %q, was %q, want %q", name, is[name], was, want)
			}
		}
		for k, v := range own {
			if got, ok := made.Tags[k]; !ok || got != v {
				w.Errorf("tag %s is %q, want %q", k, got, v)
			}
		}
		if len(own) != 4 {
			w.Errorf("captured tags: %v", own)
		}
	})
}

// wantSettings looks at what the plan says.
func (w *world) wantSettings(r engine.Restoring) {
	w.Helper()
	w.wantWords(strings.Join(r.Notes, "\n"), "taken as it is: parameters tuned", "it is encrypted under the snapshot's key arn:aws:kms:us-west-2:222222222222:key/")
	if key := r.Request.Settings["insights-key"]; key != "" && !strings.HasPrefix(key, "arn:aws:kms:us-west-2:222222222222:") {
		w.Errorf("insights-key %s", key)
	}
}

// farOrders is what stands at the far site.
func (w *world) farOrders(p *process) dr.Resource {
	w.Helper()
	for _, r := range p.Observe(context.WithoutCancel(w.Context())).Resources {
		if r.Ref.ID == "orders" && r.Ref.Site.Name == "far" {
			return r
		}
	}
	w.Fatal("nothing stands at the far site")
	return dr.Resource{}
}

// Of other kinds too: Aurora with its members, and the volumes of an instance by the
// name that people gave it.
func TestRestoreOtherKindsFromTheCopyAlone(t *testing.T) {
	for _, c := range []struct {
		kind dr.Kind
		wish engine.RestoreWish
		file string
	}{
		{"aurora", engine.RestoreWish{Resource: "books", Site: "far", As: "books"}, `, restore: {security: {"*": sg-0bbb}}`},
		{"ebs", engine.RestoreWish{Resource: "books", Site: "far", As: "books"}, `, restore: {zone: {"*": us-west-2b}}`},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.keyed()
				w.secret(c.kind, home(), "books", wayKey, dr.Tags{"backup": "gold", "team": "shop"})
				w.sleep(10 * time.Minute)
				file := func(restore string) policy.File {
					text := strings.Replace(toFar, "key: alias/far}", "key: alias/far"+restore+"}", 1)
					return parseAll(w, strings.Replace(text, "sites:", "kinds: ["+string(c.kind)+"]\nsites:", 1)+`
  daily: {match: {tags: {backup: gold}}, every: 1d, keep: {last: 3}, copies: [{to: far, keep: {last: 3}}]}
`)
				}
				w.rest(file(""))
				defer w.blackout(prod, region)()
				p := w.carrier(file(c.file))
				r := w.planRestore(p, c.wish)
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				if res.Outcome != saga.Finished {
					w.Fatalf("%+v", res)
				}
				found := false
				for _, made := range p.Observe(w.Context()).Resources {
					// Only the volumes of an instance are made, and the plan says that it had more.
					found = found || made.Ref.Site.Name == "far" && (made.Tags["team"] == "shop" || c.kind == "ebs")
				}
				if !found {
					w.Errorf("nothing with its tags stands at the far site: losses %q, notes %q", r.Losses, r.Notes)
				}
			})
		})
	}
}

// Without a mapping nothing is begun: all that is missing is said at once, with the
// lines to write.
func TestRestoreElsewhereWantsAMapping(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.furnished()
		p := w.carrier(copying(w, ""))
		inv := p.Observe(w.Context())
		_, err := p.PlanRestore(w.Context(), inv, asOrders())
		if err == nil {
			w.Fatal("it is planned")
		}
		w.wantWords(err.Error(), "security sg-0aaa, sg-0ccc", "monitor-role "+homeRole, "roles "+homeFeed)
		w.wantWords(store.Remedy(err), "security: {sg-0aaa: …, sg-0ccc: …}", `monitor-role: {"`+homeRole+`": …}`, "--drop")
		wish := asOrders()
		wish.Drop = []string{"security", "monitor-role", "roles", "subnets"}
		r, err := p.PlanRestore(w.Context(), inv, wish)
		w.must(err)
		w.wantWords(strings.Join(r.Losses, "\n"), "security sg-0aaa,sg-0ccc (left out as you say)", "monitor 60 (goes with monitor-role)", "zone us-east-1")
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		if res.Outcome != saga.Finished {
			w.Fatalf("%+v", res)
		}
		if made := w.farOrders(p); made.Tags["team"] != "shop" {
			w.Errorf("its tags are %v", made.Tags)
		}
	})
}

// A restore elsewhere that was stopped goes on with the same settings on another
// machine, and can be taken back by one whose file maps nothing any more.
func TestRestoreElsewhereResumed(t *testing.T) {
	for _, abort := range []bool{false, true} {
		bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
			w.furnished()
			p := w.carrier(copying(w, mapped))
			wish := asOrders()
			wish.Drop = []string{"monitor-role"}
			r := w.planRestore(p, wish)
			ctx, cancel := context.WithCancel(w.Context())
			defer cancel()
			_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
				if ev.Kind == saga.Began && ev.Step.Name == "settle" {
					cancel()
				}
			})
			w.must(err)
			bare := w.carrier(copying(w, ""))
			found, err := bare.Restores(w.Context(), bare.Observe(w.Context()))
			w.must(err)
			if len(found) != 1 {
				w.Fatalf("%d restores under way", len(found))
			}
			if _, err := bare.RunRestore(w.Context(), found[0], restorePoll, nil); err == nil {
				w.Error("it goes on without the mapping")
			}
			if abort {
				res, err := bare.AbortRestore(w.Context(), found[0], restorePoll, nil)
				w.must(err)
				if res.Outcome != saga.RolledBack || res.Err != nil {
					w.Errorf("%+v", res)
				}
				return
			}
			q := w.carrier(copying(w, mapped))
			found, err = q.Restores(w.Context(), q.Observe(w.Context()))
			w.must(err)
			res, err := q.RunRestore(w.Context(), found[0], restorePoll, nil)
			w.must(err)
			is, err := w.farOrders(q).Config.Settings()
			w.must(err)
			if res.Outcome != saga.Finished || is["security"] != "sg-0bbb,sg-0ddd" || is["monitor"] != "" || is["max-gib"] != "500" {
				w.Errorf("%+v: %v", res, is)
			}
		})
	}
}

// In place at another site: what bears the name there is replaced, and kept.
func TestRestoreInPlaceElsewhere(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.furnished()
		p := w.carrier(copying(w, mapped))
		wish := asOrders()
		wish.As, wish.KeepOld = "", 24*time.Hour
		if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), wish); err == nil {
			w.Error("it is planned in place of nothing")
		}
		w.must(w.PutDBInstance(second, farRegion, "orders", sandbox.SeedDatabase{Age: sandbox.Age(24 * time.Hour), Tags: map[string]string{"stage": "dr"}}))
		r := w.planRestore(p, wish)
		w.wantWords(strings.Join(r.Notes, "\n"), "this is the data of rds/111111111111/us-east-1/orders")
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		made := w.farOrders(p)
		data, err := w.DBInstanceData(second, farRegion, "orders")
		w.must(err)
		if res.Outcome != saga.Finished || made.Tags["team"] != "shop" || !strings.Contains(data.Snapshot, r.Request.From.Ref.ID) {
			w.Errorf("%+v: tags %v, data of %s", res, made.Tags, data.Snapshot)
		}
	})
}
