package vault

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
)

// openGCS opens a bucket of Google Cloud Storage, with the credentials that Google's own
// tools would find.
func openGCS(ctx context.Context, name, prefix string) (bucket, error) {
	where := strings.TrimSuffix("gs://"+name+"/"+prefix, "/")
	credentials, err := gcp.DefaultCredentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("open vault %s: find Google's credentials: %w: name a key file in GOOGLE_APPLICATION_CREDENTIALS, or run \"gcloud auth application-default login\"", where, err)
	}
	client, err := gcp.NewHTTPClient(gcp.DefaultTransport(), credentials.TokenSource)
	if err != nil {
		return nil, fmt.Errorf("open vault %s: %w", where, err)
	}
	b, err := gcsblob.OpenBucket(ctx, client, name, nil)
	if err != nil {
		return nil, fmt.Errorf("open vault %s: %w", where, err)
	}
	return &blobBucket{blob.PrefixedBucket(b, withSlash(prefix)), where, generations{}}, nil
}

// generations: Google counts them for each object.
type generations struct{}

func (generations) of(r *blob.Reader) string {
	var g *storage.Reader
	if !r.As(&g) {
		return ""
	}
	return strconv.FormatInt(g.Attrs.Generation, 10)
}

func (generations) listed(o *blob.ListObject) string {
	var attrs storage.ObjectAttrs
	if !o.As(&attrs) {
		return ""
	}
	return strconv.FormatInt(attrs.Generation, 10)
}

func (generations) only(version string) func(as func(any) bool) error {
	return func(as func(any) bool) error {
		var handle **storage.ObjectHandle
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil || !as(&handle) {
			return fmt.Errorf("write only over generation %q: the client does not let it", version)
		}
		*handle = (*handle).If(storage.Conditions{GenerationMatch: n})
		return nil
	}
}
