package redshift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// makingName is what a cluster is called while a restore makes it (see
// store.Restore.Beside); it ends with the restore's ID.
var makingName = regexp.MustCompile(`-new-(r[0-9]{4}t[0-9]{4}-[0-9a-f]{4})$`)

// seen is a cluster as it was found.
type seen struct{ *types.Cluster }

// Noun is what AWS calls one.
func (warehouses) Noun() string { return "cluster" }

// Find looks for the cluster that has a name.
func (w warehouses) Find(ctx context.Context, name string) (*seen, bool, error) {
	out, err := w.api.DescribeClusters(ctx, &redshift.DescribeClustersInput{ClusterIdentifier: aws.String(name)})
	_, missing := errors.AsType[*types.ClusterNotFoundFault](err)
	switch {
	case missing, err == nil && len(out.Clusters) == 0:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	return &seen{&out.Clusters[0]}, true, nil
}

// Facts are what a restore has to know of a cluster.
func (warehouses) Facts(c *seen) swap.Facts {
	status := aws.ToString(c.ClusterStatus)
	f := swap.Facts{
		Name: aws.ToString(c.ClusterIdentifier), ID: namespaceID(c.Cluster), Status: status, Tags: c.marks(),
		Deleting: readiness(status) == dr.Leaving, Stopped: status == "paused",
	}
	switch status {
	case "available":
		f.Serves, f.Changeable = true, true
	case "available, prep-for-resize", "available, resize-cleanup":
		f.Serves = true
	case "renaming":
		f.RenamingTo = swap.Somewhere
	}
	if p := c.PendingModifiedValues; p != nil && aws.ToString(p.ClusterIdentifier) != "" {
		f.RenamingTo = aws.ToString(p.ClusterIdentifier)
	}
	if readiness(status) == dr.Blocked && status != "paused" {
		f.Broken = fmt.Errorf("cluster %s is %s", f.Name, status)
	}
	return f
}

// marks gives the tags of a cluster, with the mark that one in the making does not bear
// yet, or bears in the wrong words because its snapshot had them: the call that makes a
// cluster takes no tags. Its name holds the ID of the restore, no other cluster of the
// Region can have the name meanwhile, and Redshift says that it was made by a restore.
func (c *seen) marks() dr.Tags {
	tags := plainTags(c.Tags)
	name := makingName.FindStringSubmatch(aws.ToString(c.ClusterIdentifier))
	if name == nil || c.RestoreStatus == nil || tags[dr.TagRestore] == name[1] && tags[dr.TagRole] == dr.RoleNew {
		return tags
	}
	out := dr.Tags{}
	maps.Copy(out, tags)
	out[dr.TagRestore], out[dr.TagRole] = name[1], dr.RoleNew
	return out
}

func (w warehouses) arn(c *types.Cluster) *string {
	return aws.String("arn:" + w.site.Partition() + ":redshift:" + w.site.Region + ":" + w.site.Account + ":cluster:" + aws.ToString(c.ClusterIdentifier))
}

// Tag puts tags on a cluster.
func (w warehouses) Tag(ctx context.Context, c *seen, tags dr.Tags) error {
	_, err := w.api.CreateTags(ctx, &redshift.CreateTagsInput{ResourceName: w.arn(c.Cluster), Tags: allTags(tags)})
	return err
}

// Untag takes them off.
func (w warehouses) Untag(ctx context.Context, c *seen, keys []string) error {
	_, err := w.api.DeleteTags(ctx, &redshift.DeleteTagsInput{ResourceName: w.arn(c.Cluster), TagKeys: keys})
	return err
}

// Rename gives a cluster another name. Nothing else is changed by the same call.
func (w warehouses) Rename(ctx context.Context, c *seen, to string) error {
	_, err := w.api.ModifyCluster(ctx, &redshift.ModifyClusterInput{ClusterIdentifier: c.ClusterIdentifier, NewClusterIdentifier: aws.String(to)})
	return err
}

// Protect does nothing: Redshift has no protection from deletion.
func (warehouses) Protect(context.Context, *seen, bool) error { return nil }

// Delete begins to delete a cluster. Redshift refuses that while it is being made or
// changed; who undoes a restore asks again until it is gone.
func (w warehouses) Delete(ctx context.Context, c *seen) error {
	if readiness(aws.ToString(c.ClusterStatus)) == dr.Leaving {
		return nil
	}
	_, err := w.api.DeleteCluster(ctx, &redshift.DeleteClusterInput{ClusterIdentifier: c.ClusterIdentifier, SkipFinalClusterSnapshot: aws.Bool(true)})
	return err
}

// snapshotting reports whether a snapshot of a cluster is being taken.
func (w warehouses) snapshotting(ctx context.Context, name string) (bool, error) {
	pages := redshift.NewDescribeClusterSnapshotsPaginator(w.api, &redshift.DescribeClusterSnapshotsInput{
		ClusterIdentifier: aws.String(name), MaxRecords: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if _, missing := errors.AsType[*types.ClusterNotFoundFault](err); missing {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look whether a snapshot of cluster %s is being taken: %w", name, err)
		}
		for _, s := range page.Snapshots {
			if aws.ToString(s.Status) == "creating" {
				return true, nil
			}
		}
	}
	return false, nil
}
