package vault

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azblobs "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// openAzure opens a container of Azure, with the account and credentials that the
// environment names (AZURE_STORAGE_ACCOUNT and so on).
func openAzure(ctx context.Context, name, prefix string) (bucket, error) {
	where := strings.TrimSuffix("azblob://"+name+"/"+prefix, "/")
	opener := azureblob.URLOpener{MakeClient: azureblob.NewDefaultClient, ServiceURLOptions: *azureblob.NewDefaultServiceURLOptions()}
	b, err := opener.OpenBucketURL(ctx, &url.URL{Scheme: azureblob.Scheme, Host: name})
	if err != nil {
		return nil, fmt.Errorf("open vault %s: %w: set AZURE_STORAGE_ACCOUNT, and AZURE_STORAGE_KEY or what else Azure's tools take", where, err)
	}
	return &blobBucket{blob.PrefixedBucket(b, withSlash(prefix)), where, etags{}}, nil
}

// etags: Azure has them for each object.
type etags struct{}

func (etags) of(r *blob.Reader) string {
	var got azblobs.DownloadStreamResponse
	if !r.As(&got) || got.ETag == nil {
		return ""
	}
	return string(*got.ETag)
}

func (etags) listed(o *blob.ListObject) string {
	var item container.BlobItem
	if !o.As(&item) || item.Properties == nil || item.Properties.ETag == nil {
		return ""
	}
	return string(*item.Properties.ETag)
}

func (etags) only(version string) func(as func(any) bool) error {
	return func(as func(any) bool) error {
		var options *blockblob.UploadStreamOptions
		if !as(&options) {
			return fmt.Errorf("write only over version %q: the client does not let it", version)
		}
		etag := azcore.ETag(version)
		options.AccessConditions = &azblobs.AccessConditions{ModifiedAccessConditions: &azblobs.ModifiedAccessConditions{IfMatch: &etag}}
		return nil
	}
}
