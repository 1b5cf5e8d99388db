package redshift

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// pageSize is the most that one answer holds (DescribeClusterSnapshots: MaxRecords
// "minimum 20, maximum 100"; ListSnapshots: maxResults 1 to 100).
const pageSize = 100

// provisioned is the part of the SDK's client for clusters that the driver uses.
type provisioned interface {
	redshift.DescribeClustersAPIClient
	redshift.DescribeClusterSnapshotsAPIClient
	DescribeLoggingStatus(context.Context, *redshift.DescribeLoggingStatusInput, ...func(*redshift.Options)) (*redshift.DescribeLoggingStatusOutput, error)
	CreateClusterSnapshot(context.Context, *redshift.CreateClusterSnapshotInput, ...func(*redshift.Options)) (*redshift.CreateClusterSnapshotOutput, error)
	CopyClusterSnapshot(context.Context, *redshift.CopyClusterSnapshotInput, ...func(*redshift.Options)) (*redshift.CopyClusterSnapshotOutput, error)
	DeleteClusterSnapshot(context.Context, *redshift.DeleteClusterSnapshotInput, ...func(*redshift.Options)) (*redshift.DeleteClusterSnapshotOutput, error)
	CreateTags(context.Context, *redshift.CreateTagsInput, ...func(*redshift.Options)) (*redshift.CreateTagsOutput, error)
	DeleteTags(context.Context, *redshift.DeleteTagsInput, ...func(*redshift.Options)) (*redshift.DeleteTagsOutput, error)
	ModifyClusterSnapshot(context.Context, *redshift.ModifyClusterSnapshotInput, ...func(*redshift.Options)) (*redshift.ModifyClusterSnapshotOutput, error)
	EnableSnapshotCopy(context.Context, *redshift.EnableSnapshotCopyInput, ...func(*redshift.Options)) (*redshift.EnableSnapshotCopyOutput, error)
	CreateSnapshotCopyGrant(context.Context, *redshift.CreateSnapshotCopyGrantInput, ...func(*redshift.Options)) (*redshift.CreateSnapshotCopyGrantOutput, error)
	DescribeSnapshotCopyGrants(context.Context, *redshift.DescribeSnapshotCopyGrantsInput, ...func(*redshift.Options)) (*redshift.DescribeSnapshotCopyGrantsOutput, error)
	AuthorizeSnapshotAccess(context.Context, *redshift.AuthorizeSnapshotAccessInput, ...func(*redshift.Options)) (*redshift.AuthorizeSnapshotAccessOutput, error)
	RevokeSnapshotAccess(context.Context, *redshift.RevokeSnapshotAccessInput, ...func(*redshift.Options)) (*redshift.RevokeSnapshotAccessOutput, error)
}

// serverlessAPI is the part of the SDK's client for namespaces that the driver
// uses.
type serverlessAPI interface {
	redshiftserverless.ListNamespacesAPIClient
	redshiftserverless.ListWorkgroupsAPIClient
	redshiftserverless.ListSnapshotsAPIClient
	redshiftserverless.ListRecoveryPointsAPIClient
	ListTagsForResource(context.Context, *redshiftserverless.ListTagsForResourceInput, ...func(*redshiftserverless.Options)) (*redshiftserverless.ListTagsForResourceOutput, error)
	GetSnapshot(context.Context, *redshiftserverless.GetSnapshotInput, ...func(*redshiftserverless.Options)) (*redshiftserverless.GetSnapshotOutput, error)
	CreateSnapshot(context.Context, *redshiftserverless.CreateSnapshotInput, ...func(*redshiftserverless.Options)) (*redshiftserverless.CreateSnapshotOutput, error)
	ConvertRecoveryPointToSnapshot(context.Context, *redshiftserverless.ConvertRecoveryPointToSnapshotInput, ...func(*redshiftserverless.Options)) (*redshiftserverless.ConvertRecoveryPointToSnapshotOutput, error)
	DeleteSnapshot(context.Context, *redshiftserverless.DeleteSnapshotInput, ...func(*redshiftserverless.Options)) (*redshiftserverless.DeleteSnapshotOutput, error)
	TagResource(context.Context, *redshiftserverless.TagResourceInput, ...func(*redshiftserverless.Options)) (*redshiftserverless.TagResourceOutput, error)
	UntagResource(context.Context, *redshiftserverless.UntagResourceInput, ...func(*redshiftserverless.Options)) (*redshiftserverless.UntagResourceOutput, error)
}

// client reaches both services at one site.
type client struct {
	prov  provisioned
	space serverlessAPI
}

func (d *Driver) client(ctx context.Context, site dr.Site) (client, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return client{}, err
	}
	return client{redshift.NewFromConfig(cfg), redshiftserverless.NewFromConfig(cfg)}, nil
}

const (
	serverlessPrefix = "serverless:"
	pointPrefix      = serverlessPrefix + "point:"
)

func isServerless(id string) bool { return strings.HasPrefix(id, serverlessPrefix) }

// notOffered reports whether an error says that there is no Redshift Serverless in
// a Region: then its host name does not exist, while that of Redshift does.
func notOffered(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}
