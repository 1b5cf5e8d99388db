package sandbox_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func clusterOf(t *testing.T, c *rds.Client, name string) types.DBCluster {
	t.Helper()
	out, err := c.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{DBClusterIdentifier: &name})
	wantCode(t, err, "")
	return out.DBClusters[0]
}

func TestClusterSnapshotPages(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, clusterSeed)
		for i := range 45 {
			wantCode(t, a.PutDBClusterSnapshot(prod, east, sandbox.SeedDBClusterSnapshot{Of: "empty", Name: fmt.Sprintf("n-%02d", i)}), "")
		}
		count := func(c *rds.Client, in rds.DescribeDBClusterSnapshotsInput) (n, calls int) {
			in.MaxRecords = aws.Int32(20)
			for p := rds.NewDescribeDBClusterSnapshotsPaginator(c, &in); p.HasMorePages(); calls++ {
				page, err := p.NextPage(t.Context())
				wantCode(t, err, "")
				n += len(page.DBClusterSnapshots)
			}
			return n, calls
		}
		for _, tc := range []struct {
			account  string
			in       rds.DescribeDBClusterSnapshotsInput
			n, calls int
		}{
			{prod, rds.DescribeDBClusterSnapshotsInput{}, 53, 3},
			{prod, rds.DescribeDBClusterSnapshotsInput{SnapshotType: aws.String("manual")}, 52, 3},
			{prod, rds.DescribeDBClusterSnapshotsInput{SnapshotType: aws.String("automated")}, 1, 1},
			{prod, rds.DescribeDBClusterSnapshotsInput{DBClusterIdentifier: aws.String("ledger")}, 7, 1},
			{prod, rds.DescribeDBClusterSnapshotsInput{Filters: []types.Filter{{Name: aws.String("engine"), Values: []string{"postgres"}}}}, 1, 1},
			{recovery, rds.DescribeDBClusterSnapshotsInput{}, 0, 1},
			{recovery, rds.DescribeDBClusterSnapshotsInput{IncludeShared: aws.Bool(true)}, 3, 1},
			{recovery, rds.DescribeDBClusterSnapshotsInput{SnapshotType: aws.String("shared")}, 3, 1},
		} {
			if n, calls := count(rdsAt(a, tc.account, east), tc.in); n != tc.n || calls != tc.calls {
				t.Errorf("%s %+v: %d in %d calls, want %d in %d", tc.account, tc.in, n, calls, tc.n, tc.calls)
			}
		}
	})
}
