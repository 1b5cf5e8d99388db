package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// client gives a vault in the simulated AWS, over a connection of its own.
func client(t testing.TB, a *sandbox.AWS) (*Vault, *sandbox.Client) {
	t.Helper()
	c := a.Client()
	return at(t, sandboxVault)(Options{AWS: config("111111111111", "secret", c), Beat: time.Minute}), c
}

// take writes a snapshot as a run does: whoever was faster has done it.
func take(ctx context.Context, v *Vault, body []byte) (err error) {
	d, err := v.Begin(ctx, orders, claimOf("orders"))
	if err != nil {
		return already(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(already(err), d.Discard(ctx))
		}
	}()
	m := Manifest{Kind: "redis", Taken: slot}
	for i, b := range [][]byte{body, []byte("small")} {
		w, err := d.NewPart(ctx, fmt.Sprint(i))
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return errors.Join(err, w.Abort())
		}
		stored, err := w.Commit()
		if err != nil {
			return err
		}
		m.Parts = append(m.Parts, Part{Name: fmt.Sprint(i), Stored: stored})
	}
	_, err = d.Publish(ctx, m)
	return err
}

func already(err error) error {
	var there *ConflictError
	if errors.As(err, &there) && there.There.Claim.Is(claimOf("orders")) && !there.There.Leaving {
		return nil
	}
	return err
}

// life is all that happens to a snapshot.
func life(ctx context.Context, v *Vault, body []byte) error {
	if err := take(ctx, v, body); err != nil {
		return err
	}
	as, claim := ID{"orders", "copy"}, claimOf("orders")
	if _, failed := Copy(ctx, v, orders, v, as, claim); failed != nil {
		if err := already(failed); err != nil {
			return err
		}
	}
	return errors.Join(v.Hold(ctx, orders, claim, true), v.Hold(ctx, orders, claim, false), v.Delete(ctx, as, claim))
}

// TestEveryCallCanGoWrong has each call of a snapshot's life fail, get no answer though it
// took effect, and be the last one before the process dies. Nothing is ever seen that is
// not whole; what is left is swept up; and the next run does it all.
func TestEveryCallCanGoWrong(t *testing.T) {
	body := noise(smallPiece + 1)
	for _, kind := range []sandbox.FaultKind{sandbox.Fail, sandbox.Timeout, sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Deny} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			if kind == sandbox.Deny && testing.Short() {
				t.Skip("it is much as Fail")
			}
			for n := 0; ; n++ {
				if !oneCallGoesWrong(t, kind, n, body) {
					if n < 20 {
						t.Errorf("there were just %d calls", n)
					}
					return
				}
			}
		})
	}
}

func oneCallGoesWrong(t *testing.T, kind sandbox.FaultKind, n int, body []byte) (struck bool) {
	synctest.Test(t, func(t *testing.T) {
		ctx, a := t.Context(), newSandbox(t)
		v, c := client(t, a)
		remove := a.Inject(sandbox.Fault{Match: sandbox.Match{Client: c, Service: "s3"}, Kind: kind, Skip: n, Times: 1})
		err := life(ctx, v, body)
		remove()
		for _, call := range a.Calls() {
			struck = struck || call.Code != "" && call.Code != "NoSuchKey"
		}
		if err != nil && kind == sandbox.Timeout {
			t.Errorf("call %d got no answer, and was made again: %v", n, err)
		}
		next, _ := client(t, a)
		for _, s := range list(t, next) {
			if s.Flaw != "" || s.Damage != "" {
				t.Errorf("call %d: seen is %+v", n, s)
			}
			if !s.Manifest.Leaving {
				ok(t, next.Verify(ctx, s.Manifest))
			}
		}
		time.Sleep(time.Hour)
		_, err = next.Sweep(ctx, "prod", time.Hour/2)
		ok(t, err)
		ok(t, life(ctx, next, body))
		m, err := next.Get(ctx, orders)
		ok(t, err)
		want := []string{orders.folder() + manifestName, orders.folder() + m.Parts[0].File, orders.folder() + m.Parts[1].File}
		slices.Sort(want)
		if got := keys(t, next); !slices.Equal(got, want) {
			t.Errorf("call %d: left is\n%q\nwant\n%q", n, got, want)
		}
	})
	return struck
}

// TestListingCosts: a call for each thousand objects, and one for each manifest that is new
// or has changed.
func TestListingCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSandbox(t)
		v, _ := client(t, a)
		const n = 600
		for i := range n {
			publish(t, v, ID{"orders", fmt.Sprint(i)}, map[string][]byte{"a": nil})
		}
		calls := func(what string, want map[string]int) {
			t.Helper()
			a.ResetCalls()
			if got := len(list(t, v)); got != n {
				t.Errorf("%s: %d snapshots", what, got)
			}
			got := map[string]int{}
			for _, c := range a.Calls() {
				got[c.Action]++
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		calls("first", map[string]int{"ListObjectsV2": 2, "GetObject": n})
		calls("again", map[string]int{"ListObjectsV2": 2})
		other, _ := client(t, a)
		ok(t, other.Hold(t.Context(), ID{"orders", "7"}, claimOf("orders"), true))
		calls("after a change", map[string]int{"ListObjectsV2": 2, "GetObject": 1})
	})
}

// TestAWriterThatTakesLong: it is never swept up while it renews its mark, and finds out if
// it could not.
func TestAWriterThatTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, a := t.Context(), newSandbox(t)
		v, c := client(t, a)
		sweeper, _ := client(t, a)
		d := begin(t, v, orders, claimOf("orders"))
		w, err := d.NewPart(ctx, "a")
		ok(t, err)
		for range 10 {
			_, err = w.Write(noise(2 * mib))
			ok(t, err)
			time.Sleep(time.Hour)
			swept, err := sweeper.Sweep(ctx, "prod", 0)
			if err != nil || swept.Drafts != 0 {
				t.Fatalf("swept %+v, %v", swept, err)
			}
		}
		remove := a.Inject(sandbox.Fault{Match: sandbox.Match{Client: c}, Kind: sandbox.Fail, Code: "SlowDown", Status: 503})
		time.Sleep(time.Hour)
		swept, err := sweeper.Sweep(ctx, "prod", 0)
		if err != nil || swept.Drafts != 1 || swept.Uploads != 1 {
			t.Fatalf("swept %+v, %v", swept, err)
		}
		remove()
		time.Sleep(10 * time.Minute)
		if _, err := w.Write([]byte("more")); err == nil {
			_, err = w.Commit()
			if !errors.Is(err, errSwept) {
				t.Errorf("committed with %v", err)
			}
		}
		_ = d.Discard(ctx)
		wantKeys(t, v)
	})
}

// TestReadingGoesOn where the connection breaks.
func TestReadingGoesOn(t *testing.T) {
	v := inMemoryOf(t)(Options{})
	body := noise(1 << 20)
	m := publish(t, v, orders, map[string][]byte{"a": body})
	v.bucket = &breaking{v.bucket, 70_000, 1000}
	wantPart(t, v, m, "a", body)
	v.bucket = &breaking{v.bucket, 0, 1000}
	r, err := v.OpenPart(t.Context(), m, "a")
	ok(t, err)
	if _, err := io.ReadAll(r); !errors.Is(err, ErrUnreachable) {
		t.Errorf("read over a connection that always breaks: %v", err)
	}
}

// breaking is a bucket whose connections break after so many bytes.
type breaking struct {
	bucket
	after int64
	left  int
}

func (b *breaking) open(ctx context.Context, key string, from, n int64) (io.ReadCloser, error) {
	r, err := b.bucket.open(ctx, key, from, n)
	if b.left--; err != nil || b.left < 0 {
		return r, err
	}
	return &breakingReader{r, b.after}, nil
}

type breakingReader struct {
	io.ReadCloser
	left int64
}

func (r *breakingReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, &Error{Doing: "read", Class: ErrUnreachable, Err: errors.New("connection reset by peer")}
	}
	n, err := r.ReadCloser.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

func TestPiecesHold5TiB(t *testing.T) {
	var all int64
	for n := 1; n <= mostPieces; n++ {
		size := pieceSize(n)
		if size < 5*mib || size > 5<<30 || n > 1 && size < pieceSize(n-1) {
			t.Fatalf("piece %d has %d bytes", n, size)
		}
		all += size
	}
	if all < uploadLimit {
		t.Errorf("%d pieces hold %d bytes", mostPieces, all)
	}
}

// TestUploadsTakeLittleMemory sends what is much larger than it may take.
func TestUploadsTakeLittleMemory(t *testing.T) {
	sink := &discarding{}
	b := &s3Bucket{objects: sink, bucket: "b", pieces: pieces(shared)}
	up, err := b.create(t.Context(), "k")
	ok(t, err)
	chunk := noise(mib)
	var before, m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 300 {
		_, err := up.Write(chunk)
		ok(t, err)
		if i%50 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			if more := int64(m.HeapAlloc) - int64(before.HeapAlloc); more > 33*mib {
				t.Fatalf("after %d MiB: %d MiB", i, more/mib)
			}
		}
	}
	ok(t, up.commit())
	if sink.n != 300*mib {
		t.Errorf("sent %d bytes", sink.n)
	}
}

// TestLargePiecesGoThroughFiles, one after the other in order.
func TestLargePiecesGoThroughFiles(t *testing.T) {
	sink := &discarding{}
	b := &s3Bucket{objects: sink, bucket: "b", pieces: pieces(shared), spool: t.TempDir()}
	made, err := b.create(t.Context(), "k")
	ok(t, err)
	up, _ := made.(*s3Upload)
	up.count = smallPieces
	for range 65 {
		_, err := up.Write(noise(mib))
		ok(t, err)
	}
	ok(t, up.commit())
	if sink.n != 65*mib || fmt.Sprint(sink.numbers) != "[2001 2002]" {
		t.Errorf("sent %d bytes in pieces %v", sink.n, sink.numbers)
	}
	b.spool = "/no/such/folder"
	again, _ := b.create(t.Context(), "k")
	up, _ = again.(*s3Upload)
	up.count = smallPieces
	_, err = up.Write([]byte("x"))
	mustFit(t, err, "have TMPDIR name a folder")
	ok(t, up.abort())
	up.count = mostPieces
	up.err = nil
	if _, err = up.Write([]byte("x")); !errors.Is(err, ErrFull) {
		t.Errorf("the 10,001st piece: %v", err)
	}
}

// discarding takes uploads and keeps nothing of them.
type discarding struct {
	objects
	n       int64
	numbers []int
}

func (d *discarding) CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	return &s3.CreateMultipartUploadOutput{UploadId: aws.String("1")}, nil
}

func (d *discarding) UploadPart(_ context.Context, in *s3.UploadPartInput, _ ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	n, err := io.Copy(io.Discard, in.Body)
	if err == nil && n != *in.ContentLength {
		err = fmt.Errorf("%d bytes and not %d", n, *in.ContentLength)
	}
	return &s3.UploadPartOutput{ETag: aws.String("e")}, err
}

func (d *discarding) CompleteMultipartUpload(_ context.Context, in *s3.CompleteMultipartUploadInput, _ ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	for _, p := range in.MultipartUpload.Parts {
		d.n += pieceSize(int(*p.PartNumber))
		d.numbers = append(d.numbers, int(*p.PartNumber))
	}
	last := d.numbers[len(d.numbers)-1]
	if last == 2002 {
		d.n -= pieceSize(last) - mib
	} else {
		d.n -= pieceSize(last) - 4*mib
	}
	return &s3.CompleteMultipartUploadOutput{}, nil
}

func TestErrorsOfS3(t *testing.T) {
	for _, c := range []struct {
		code   string
		status int
		want   error
		says   string
	}{
		{"NoSuchBucket", 404, ErrNotFound, "make the bucket"},
		{"AccessDenied", 403, ErrDenied, "let the credentials"},
		{"InvalidAccessKeyId", 403, ErrDenied, ""},
		{"SlowDown", 503, ErrUnreachable, "the next run tries again"},
		{"XMinioStorageFull", 507, ErrFull, "make room"},
		{"NotImplemented", 501, nil, "conditional writes"},
	} {
		a := newSandbox(t)
		v, _ := client(t, a)
		a.Inject(sandbox.Fault{Match: sandbox.Match{Service: "s3"}, Kind: sandbox.Fail, Code: c.code, Status: c.status})
		synctest.Test(t, func(t *testing.T) {
			_, err := v.Begin(t.Context(), orders, claimOf("orders"))
			if !errors.Is(classOf(err), c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "vault s3://snapshots/some/prefix") {
				t.Errorf("%s: %v", c.code, err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	c := config("k", "s", nil)
	c.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	v := at(t, "s3://snapshots?endpoint=http://127.0.0.1:1")(Options{AWS: c})
	if _, err := v.List(t.Context(), ""); !errors.Is(err, ErrUnreachable) {
		t.Errorf("listed with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.List(ctx, ""); errors.Is(err, ErrUnreachable) || !errors.Is(err, context.Canceled) {
		t.Errorf("when it was called off: %v", err)
	}
}

// TestCopiesOfLargeFilesStayInS3, in ranges; where the destination may not read the source,
// the bytes come through here.
func TestCopiesOfLargeFilesStayInS3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2*wholeCopy + 5
		ctx, a := t.Context(), newSandbox(t)
		v, c := client(t, a)
		ok(t, a.PutLargeObject(bucketName, "large+name", size))
		from := at(t, "s3://"+bucketName+"?endpoint=http://sandbox.local")(Options{AWS: config("111111111111", "secret", c)})
		done, err := v.bucket.take(ctx, from.bucket, "large+name", size, "orders/x/a")
		if !done || err != nil {
			t.Fatalf("copied: %t, %v", done, err)
		}
		for o := range v.bucket.list(ctx, "") {
			if o.key != "orders/x/a" || o.size != size {
				t.Errorf("there is %+v", o)
			}
		}
		for _, call := range a.Calls() {
			if call.Action == "GetObject" {
				t.Error("the bytes came here")
			}
		}

		a.Inject(sandbox.Fault{Match: sandbox.Match{Action: "CopyObject"}, Kind: sandbox.Deny})
		m := publish(t, v, orders, map[string][]byte{"a": noise(1000)})
		m, err = Copy(ctx, v, orders, v, ID{"orders", "copy"}, m.Claim)
		ok(t, err)
		wantPart(t, v, m, "a", noise(1000))
	})
}
