package vault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The pieces of an upload. S3 takes 10,000 of 5 MiB to 5 GiB (Amazon S3 User Guide,
// "Amazon S3 multipart upload limits"), and how long a stream will be nobody knows. So
// they grow, for more than 5 TiB in all. Small ones wait in memory: an upload has one of
// its own, and three more are for all of a vault, 32 MiB for one upload and 8 for each
// further one. Large ones wait in files, two at most.
const (
	mib         = 1 << 20
	smallPiece  = 8 * mib
	smallPieces = 2000
	shared      = 3
	inFiles     = 2
	mostPieces  = 10_000
	// uploadLimit is the largest object that is written.
	uploadLimit = 5 << 40
	// givingUp is how long it may take to give up an upload, whatever became of the context
	// of the caller.
	givingUp = 30 * time.Second
)

// pieceSize gives the size of the n-th piece, from 1 on.
func pieceSize(n int) int64 {
	switch {
	case n <= smallPieces: // Up to 16 GiB.
		return smallPiece
	case n <= 4000: // Up to 140 GiB.
		return 64 * mib
	case n <= 6000: // Up to 640 GiB.
		return 256 * mib
	}
	return 1280 * mib
}

// piece is a part of an upload, as S3 calls it, that waits to be sent.
type piece struct {
	number int
	size   int64
	buf    []byte   // Where it waits in memory.
	file   *os.File // Where it waits in a file.
	home   chan *piece
}

// pieces gives places for some pieces in memory.
func pieces(n int) chan *piece {
	c := make(chan *piece, n)
	for range n {
		c <- &piece{home: c}
	}
	return c
}

// Write takes in bytes.
func (p *piece) Write(b []byte) (n int, err error) {
	if p.file != nil {
		n, err = p.file.Write(b)
	} else {
		if p.buf == nil {
			p.buf = make([]byte, 0, smallPiece)
		}
		p.buf, n = append(p.buf, b...), len(b)
	}
	p.size += int64(n)
	return n, err
}

func (p *piece) body() (io.ReadSeeker, error) {
	if p.file == nil {
		return bytes.NewReader(p.buf), nil
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return p.file, err
}

// release gives the place to the next piece.
func (p *piece) release() {
	if p.file != nil {
		_ = p.file.Close()
		_ = os.Remove(p.file.Name()) // Where it could not be while it was open.
		p.file, p.buf = nil, nil
	}
	p.home <- p
}

// s3Upload sends pieces while it takes in the next one.
type s3Upload struct {
	ctx context.Context //nolint:containedctx // It is a call that takes long.
	b   *s3Bucket
	key string
	id  string // Empty until the first piece is full.

	now        *piece // What is being gathered.
	count      int
	size       int64
	own, files chan *piece
	sends      sync.WaitGroup

	mu   sync.Mutex
	done []types.CompletedPart
	err  error
}

func (b *s3Bucket) create(ctx context.Context, key string) (upload, error) {
	return &s3Upload{ctx: ctx, b: b, key: key, own: pieces(1), files: pieces(inFiles)}, nil
}

// Write takes in bytes, and waits while too many are on their way.
func (u *s3Upload) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		if err := u.trouble(); err != nil {
			return written, err
		}
		if u.now == nil {
			if err := u.gather(); err != nil {
				return written, err
			}
		}
		room := pieceSize(u.now.number) - u.now.size
		n, err := u.now.Write(p[:min(int64(len(p)), room)])
		written, p, u.size = written+n, p[n:], u.size+int64(n)
		if err != nil {
			return written, u.spoolFailed(err)
		}
		if u.now.size == pieceSize(u.now.number) {
			if err := u.send(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

func (u *s3Upload) trouble() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

func (u *s3Upload) spoolFailed(err error) error {
	return &Error{
		Doing: "gather a piece for the upload of", Vault: u.b.name(), Object: u.key, Err: err,
		Remedy: "have TMPDIR name a folder of this machine with room for 3 GiB",
	}
}

// gather waits for a place to gather the next piece in.
func (u *s3Upload) gather() error {
	u.count++
	if u.count > mostPieces || u.size >= uploadLimit {
		return &Error{Doing: "write", Vault: u.b.name(), Object: u.key, Class: ErrFull, Remedy: "a file may have 5 TiB here: spread the data over more shards"}
	}
	own, extra, files := u.own, u.b.pieces, u.files
	if u.count <= smallPieces {
		files = nil
	} else {
		own, extra = nil, nil
	}
	select {
	case u.now = <-own:
	case u.now = <-extra:
	case u.now = <-files:
		f, err := os.CreateTemp(u.b.spool, "holdfast-upload-*")
		if err != nil {
			u.now.release()
			u.now = nil
			return u.spoolFailed(err)
		}
		_ = os.Remove(f.Name()) // So it goes with the process.
		u.now.file = f
	case <-u.ctx.Done():
		return u.b.fail("write", u.key, context.Cause(u.ctx))
	}
	u.now.number, u.now.size, u.now.buf = u.count, 0, u.now.buf[:0]
	return nil
}

// send sends the piece that was gathered, while the next one is.
func (u *s3Upload) send() error {
	if u.id == "" {
		out, err := u.b.CreateMultipartUpload(u.ctx, &s3.CreateMultipartUploadInput{Bucket: &u.b.bucket, Key: u.b.key(u.key)})
		if err != nil {
			return u.b.fail("begin the upload of", u.key, err)
		}
		u.id = aws.ToString(out.UploadId)
	}
	p := u.now
	u.now = nil
	u.sends.Go(func() {
		defer p.release()
		done, err := u.sendPiece(p)
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.done = append(u.done, done); err != nil && u.err == nil {
			u.err = u.b.fail("write", u.key, err)
		}
	})
	return nil
}

func (u *s3Upload) sendPiece(p *piece) (types.CompletedPart, error) {
	body, err := p.body()
	if err != nil {
		return types.CompletedPart{}, err
	}
	out, err := u.b.UploadPart(u.ctx, &s3.UploadPartInput{
		Bucket: &u.b.bucket, Key: u.b.key(u.key), UploadId: &u.id, PartNumber: aws.Int32(int32(p.number)), Body: body, ContentLength: &p.size,
	})
	if err != nil {
		return types.CompletedPart{}, err
	}
	// Checksums that went along are left out here: an upload that was begun without one
	// has that of S3's own choice.
	return types.CompletedPart{PartNumber: aws.Int32(int32(p.number)), ETag: out.ETag}, nil
}

func (u *s3Upload) commit() error {
	err := u.trouble()
	switch {
	case err != nil:
	case u.id == "":
		err = u.putWhole()
	default:
		if u.now != nil {
			err = u.send()
		}
		u.sends.Wait()
		if err == nil {
			err = u.trouble()
		}
		if err == nil {
			err = u.b.complete(u.ctx, u.key, u.id, u.done, u.size)
		}
	}
	if err != nil {
		return also(err, u.abort())
	}
	return nil
}

// putWhole writes what fits into one piece.
func (u *s3Upload) putWhole() error {
	var body io.ReadSeeker = bytes.NewReader(nil)
	if u.now != nil {
		defer func() { u.now.release(); u.now = nil }()
		body = bytes.NewReader(u.now.buf)
	}
	if _, err := u.b.PutObject(u.ctx, &s3.PutObjectInput{Bucket: &u.b.bucket, Key: u.b.key(u.key), Body: body}); err != nil {
		return u.b.fail("write", u.key, err)
	}
	return nil
}

// complete puts an upload together. Where the call took effect and its answer got lost,
// the SDK makes it again, and S3 may not know the upload any more: then the object tells.
func (b *s3Bucket) complete(ctx context.Context, key, id string, done []types.CompletedPart, size int64) error {
	slices.SortFunc(done, func(a, b types.CompletedPart) int { return int(*a.PartNumber - *b.PartNumber) })
	_, err := b.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.bucket, Key: b.key(key), UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	})
	if err == nil {
		return nil
	}
	if inS3Class(err, ErrNotFound) {
		if there, headErr := b.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: b.key(key)}); headErr == nil && aws.ToInt64(there.ContentLength) == size {
			return nil
		}
	}
	return b.fail("end the upload of", key, err)
}

// abort gives the upload up. A piece that is on its way may still come in after S3 has
// dropped those that it had, so all have to be over before.
func (u *s3Upload) abort() error {
	u.mu.Lock()
	if u.err == nil {
		u.err = errors.New("the upload was given up")
	}
	u.mu.Unlock()
	if u.now != nil {
		u.now.release()
		u.now = nil
	}
	u.sends.Wait()
	if u.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), givingUp)
	defer cancel()
	return u.b.abortUpload(ctx, u.key, u.id)
}
