package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// beat is that of the tests: what is three of them old may be swept up.
const beat = 200 * time.Millisecond

// places are what vaults can be in; each gives a place of its own that is empty, and
// opens vaults in it.
func places() map[string]func(t testing.TB) func(Options) *Vault {
	return map[string]func(t testing.TB) func(Options) *Vault{
		"directory": inDirectory, "memory": inMemoryOf, "sandbox": inSandbox, "gateway": inGateway, "moto": inMoto,
	}
}

// everywhere runs a test in each place.
func everywhere(t *testing.T, run func(t *testing.T, open func(Options) *Vault)) {
	t.Helper()
	for name, place := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, place(t))
		})
	}
}

func at(t testing.TB, where string) func(Options) *Vault {
	return func(o Options) *Vault {
		t.Helper()
		if o.Beat == 0 {
			o.Beat = beat
		}
		v, err := Open(t.Context(), where, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.Close() })
		return v
	}
}

func inDirectory(t testing.TB) func(Options) *Vault { return at(t, t.TempDir()) }

func inMemoryOf(t testing.TB) func(Options) *Vault {
	m := &memory{count: map[string]int{}}
	b := memblob.OpenBucket(nil)
	return func(o Options) *Vault {
		if o.Beat == 0 {
			o.Beat = beat
		}
		v := newVault(&memoryBucket{blobBucket{blob.PrefixedBucket(b, "a/prefix/"), "mem://a/prefix", m}, m}, o)
		var err1, err2 error
		v.recipients, err1 = readRecipients(o.Recipients)
		v.identities, err2 = readIdentities(o.Identities)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return v
	}
}

// memoryBucket gives memory what it lacks: writes over one version.
type memoryBucket struct {
	blobBucket
	memory *memory
}

type memory struct {
	mu    sync.Mutex
	count map[string]int
}

func (m *memory) of(*blob.Reader) string { return "" }

func (m *memory) listed(*blob.ListObject) string { return "" }

func (m *memory) only(string) func(func(any) bool) error { return nil }

func (b *memoryBucket) read(ctx context.Context, key string) ([]byte, string, error) {
	body, _, err := b.blobBucket.read(ctx, key)
	return body, version(body), err
}

func (b *memoryBucket) put(ctx context.Context, key string, body []byte, was string) (string, error) {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	if was != "" {
		if _, v, err := b.read(ctx, key); err != nil || v != was {
			return "", &Error{Doing: "write", Vault: b.url, Object: key, Class: ErrConflict}
		}
	}
	_, err := b.blobBucket.put(ctx, key, body, was)
	return version(body), err
}

const bucketName = "snapshots"

func config(key, secret string, client aws.HTTPClient) aws.Config {
	return aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), HTTPClient: client,
		Retryer: func() aws.Retryer { return retry.NewStandard() },
		// As in the configuration that the SDK loads by itself.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
}

func inS3(t testing.TB, where string, c aws.Config) func(Options) *Vault {
	open := at(t, where)
	return func(o Options) *Vault {
		if o.AWS.Credentials == nil {
			o.AWS = c
		}
		return open(o)
	}
}

const sandboxVault = "s3://" + bucketName + "/some/prefix?endpoint=http://sandbox.local"

func newSandbox(t testing.TB) *sandbox.AWS {
	t.Helper()
	a := sandbox.New(sandbox.Options{})
	seed, err := sandbox.Builtin("small")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Seed(seed); err != nil {
		t.Fatal(err)
	}
	if err := a.PutBucket("111111111111", "us-east-1", bucketName); err != nil {
		t.Fatal(err)
	}
	return a
}

func inSandbox(t testing.TB) func(Options) *Vault {
	return inS3(t, sandboxVault, config("111111111111", "secret", newSandbox(t).Client()))
}

func inGateway(t testing.TB) func(Options) *Vault {
	endpoint, _ := outside.Gateway(t, bucketName)
	return inS3(t, "s3://"+bucketName+"/some/prefix?endpoint="+url.QueryEscape(endpoint), config(outside.GatewayKey, outside.GatewaySecret, nil))
}

func inMoto(t testing.TB) func(Options) *Vault {
	endpoint := outside.Moto(t)
	c := config("111111111111", "secret", nil)
	client := s3.NewFromConfig(c, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &endpoint, true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		t.Fatal(err)
	}
	return inS3(t, "s3://"+bucketName+"/some/prefix?endpoint="+url.QueryEscape(endpoint), c)
}

var slot = time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)

// claimOf gives a claim of owner prod.
func claimOf(resource string) dr.Claim {
	return dr.Claim{Owner: "prod", Policy: "gold", Slot: slot, Source: "redis///" + resource, Config: "engine=redis+version=7.2"}
}

var orders = ID{"orders", "holdfast-orders-gold-20261120t140000z-3f8a1c2b"}

// noise gives bytes that cannot be compressed, always the same.
func noise(n int) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte{byte(n)})).Read(out)
	return out
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin begins a snapshot, which is given up at the end of the test if it is not before.
func begin(t testing.TB, v *Vault, id ID, claim dr.Claim) *Draft {
	t.Helper()
	d, err := v.Begin(t.Context(), id, claim)
	ok(t, err)
	return d
}

func writePart(t testing.TB, d *Draft, name string, body []byte) Part {
	t.Helper()
	w, err := d.NewPart(t.Context(), name)
	ok(t, err)
	for chunk := range slices.Chunk(body, 1<<20) {
		n, err := w.Write(chunk)
		ok(t, err)
		if n != len(chunk) {
			t.Fatalf("took %d bytes of %d", n, len(chunk))
		}
	}
	stored, err := w.Commit()
	ok(t, err)
	return Part{Name: name, Stored: stored, Keys: uint64(len(body))}
}

// publish writes a snapshot whole.
func publish(t testing.TB, v *Vault, id ID, parts map[string][]byte) Manifest {
	t.Helper()
	d := begin(t, v, id, claimOf(id.Resource))
	m := Manifest{Kind: "redis", Taken: slot, Consistency: PointInTime}
	for name, body := range parts {
		m.Parts = append(m.Parts, writePart(t, d, name, body))
	}
	m, err := d.Publish(t.Context(), m)
	ok(t, err)
	return m
}

func list(t testing.TB, v *Vault) []Snapshot {
	t.Helper()
	all, err := v.List(t.Context(), "")
	ok(t, err)
	return all
}

// keys gives all objects that there are, and all that is on the way.
func keys(t testing.TB, v *Vault) []string {
	t.Helper()
	var out []string
	for o, err := range v.bucket.list(t.Context(), "") {
		ok(t, err)
		out = append(out, o.key)
	}
	left, err := v.bucket.leftovers(t.Context())
	ok(t, err)
	for _, l := range left {
		out = append(out, "on the way: "+l.nonce)
	}
	slices.Sort(out)
	return out
}

func wantKeys(t testing.TB, v *Vault, want ...string) {
	t.Helper()
	if got := keys(t, v); !slices.Equal(got, want) {
		t.Errorf("there is\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func readPart(t testing.TB, v *Vault, m Manifest, part string) []byte {
	t.Helper()
	r, err := v.OpenPart(t.Context(), m, part)
	ok(t, err)
	defer r.Close()
	body, err := io.ReadAll(r)
	ok(t, err)
	return body
}

func wantPart(t testing.TB, v *Vault, m Manifest, part string, want []byte) {
	t.Helper()
	if got := readPart(t, v, m, part); !bytes.Equal(got, want) {
		t.Errorf("part %s has %d bytes that are not the %d that were written", part, len(got), len(want))
	}
}

// write puts an object there as somebody else might.
func write(t testing.TB, v *Vault, key string, body []byte) {
	t.Helper()
	if d, isDir := v.bucket.(*dir); isDir {
		path := filepath.Join(d.path, key)
		ok(t, os.MkdirAll(filepath.Dir(path), 0o700))
		ok(t, os.WriteFile(path, body, 0o600))
		return
	}
	up, err := v.bucket.create(t.Context(), key)
	ok(t, err)
	_, err = up.Write(body)
	ok(t, err)
	ok(t, up.commit())
}

// abandon has a draft end as if its process had been killed.
func abandon(d *Draft) { d.settle() }

func grow() { time.Sleep(3*beat + 1100*time.Millisecond) } // S3 tells times in whole seconds.

func mustFit(t testing.TB, got any, want string) {
	t.Helper()
	if s := fmt.Sprint(got); !strings.Contains(s, want) {
		t.Errorf("%s\nwant it to say %q", s, want)
	}
}
