package aurora

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// What is captured of members is what is read back, through a snapshot's tags.
func TestMembersSurviveTags(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z][a-z0-9-]{0,20}`)
		value := rapid.SampledFrom([]string{"db.r6g.large", "db.serverless", "0", "1", "a b,c+d=e@f", "sun:05:00-sun:05:30"})
		var want []member
		for range rapid.IntRange(0, 16).Draw(t, "members") {
			want = append(want, member{
				id:       name.Draw(t, "id"),
				settings: rapid.MapOfN(rapid.SampledFrom([]string{"class", "tier", "zone", "parameters"}), value, 0, 4).Draw(t, "settings"),
			})
		}
		claim := dr.Claim{Owner: "o", Policy: "p", Source: "s", Config: dr.NewConfig(encodeMembers(want))}
		read, err := dr.ParseClaim(claim.Tags())
		if err != nil {
			t.Fatal(err)
		}
		settings, err := read.Config.Settings()
		if err != nil {
			t.Fatal(err)
		}
		if _, left := settings["omitted"]; left {
			t.Skip("it did not fit")
		}
		if diff := cmp.Diff(want, decodeMembers(settings), cmp.AllowUnexported(member{})); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
	})
}

// Sixteen members with long names fit beside all that there is of the cluster.
func TestTheLargestClusterFits(t *testing.T) {
	c, _ := full()
	c.DBClusterMembers = nil
	instances := map[string]*types.DBInstance{}
	for i := range 16 {
		id := fmt.Sprintf("%s-%02d", strings.Repeat("m", 60), i)
		in := fullInstance(id)
		in.AvailabilityZone = aws.String("us-east-1" + string(rune('a'+i%3)))
		instances[id] = in
		c.DBClusterMembers = append(c.DBClusterMembers, types.DBClusterMember{
			DBInstanceIdentifier: &id, IsClusterWriter: aws.Bool(i == 5), PromotionTier: aws.Int32(int32(i)),
		})
	}
	got, err := dr.NewConfig(settings(c, instances)).Settings()
	if err != nil {
		t.Fatal(err)
	}
	if left, ok := got["omitted"]; ok {
		t.Errorf("it does not fit without %s", left)
	}
	list := decodeMembers(got)
	if len(list) != 16 || !strings.HasSuffix(list[0].id, "-05") || list[0].settings["tier"] != "5" || list[15].settings["class"] != "db.r6g.2xlarge" {
		t.Errorf("members read back: %v", list)
	}
}

// Of a member that came after the instances were listed, what is known is kept.
func TestMemberThatIsNotListed(t *testing.T) {
	c := &types.DBCluster{DBClusterMembers: []types.DBClusterMember{
		{DBInstanceIdentifier: aws.String("b"), PromotionTier: aws.Int32(0)},
		{DBInstanceIdentifier: aws.String("c"), IsClusterWriter: aws.Bool(true), PromotionTier: aws.Int32(1)},
	}}
	want := []member{{"c", map[string]string{"tier": "1"}}, {"b", map[string]string{"tier": "0"}}}
	if diff := cmp.Diff(want, membersOf(c, nil), cmp.AllowUnexported(member{})); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}
