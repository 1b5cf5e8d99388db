package replica

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

// FuzzHandshake: whatever a server says, it ends; and what counts as a snapshot is a sound
// file.
func FuzzHandshake(f *testing.F) {
	file := sample()
	for _, s := range []string{byLength(file), byMark(file)} {
		f.Add("+PONG\r\n", bulk(info70), "+OK\r\n", []byte(s))
	}
	f.Add("-NOAUTH\r\n", "$-1\r\n", "-ERR unknown command\r\n", []byte("-ERR unknown command 'PSYNC'\r\n"))
	f.Add("+PONG\r\n", "*2\r\n*1\r\n:1\r\n$5\r\nab", ":\r\n", []byte("\n\n+FULLRESYNC \r\n"))
	f.Fuzz(func(t *testing.T, ping, info, conf string, stream []byte) {
		p := newPrimary(string(stream))
		p.replies["PING"], p.replies["INFO"], p.replies["REPLCONF"] = ping, info, conf
		sound(t, p)
	})
}

// FuzzFraming: whatever a server sends for a file, in whatever pieces, what counts as a
// snapshot is a sound file.
func FuzzFraming(f *testing.F) {
	file := sample()
	for piece, s := range []string{byLength(file), byMark(file), byMark(file) + "\n", "\n\n" + byLength(file)} {
		_, after, _ := strings.Cut(s, "4711\r\n")
		f.Add([]byte(after), uint8(piece))
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8) {
		p := newPrimary("+FULLRESYNC " + testID + " 4711\r\n" + string(stream))
		p.piece = int(piece)
		sound(t, p)
	})
}

func sound(t *testing.T, p *primary) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { // Waiting takes no time.
		r, file, err := p.dump(t, Options{})
		if err != nil {
			return
		}
		report, err := rdb.Verify(t.Context(), bytes.NewReader(file), rdb.Options{Level: rdb.Framing})
		if err != nil || report.Bytes != r.Bytes {
			t.Errorf("%d bytes of %d: %v", report.Bytes, r.Bytes, err)
		}
	})
}
