// Package redistest has servers that are not there, for tests under virtual time, where
// no real connection can be waited for.
package redistest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-dr/holdfast/internal/replica"
)

// Fleet is the servers that there are. It may be used from several goroutines at once.
type Fleet struct {
	mu      sync.Mutex
	servers map[string]Server
	taken   int
}

// Server is one of them.
type Server struct {
	// Keys are its data.
	Keys map[string]string
	// Loading and Err are how it answers; with Err it does not.
	Loading bool
	Err     error
	// Broken ends its file after half of it, with this error.
	Broken error
	// Takes is how long its file takes to come.
	Takes time.Duration
}

// NewFleet makes one without servers.
func NewFleet() *Fleet { return &Fleet{servers: map[string]Server{}} }

// Put sets a server at an address.
func (f *Fleet) Put(address string, s Server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers[address] = s
}

// Taken says how many files have been asked for.
func (f *Fleet) Taken() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken
}

func (f *Fleet) server(address string) (Server, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.servers[address]
	switch {
	case !ok:
		return s, &replica.Error{Reason: replica.Unreachable, Address: address, Doing: "connecting", Err: errors.New("connection refused"), Remedy: "check address, port, firewall and whether the server runs"}
	case s.Err != nil:
		return s, s.Err
	}
	return s, nil
}

// Discover does what that of package replica does.
func (f *Fleet) Discover(ctx context.Context, at replica.Endpoint) (replica.Topology, error) {
	if err := ctx.Err(); err != nil {
		return replica.Topology{}, err
	}
	t := replica.Topology{Cluster: at.Cluster}
	for i, address := range at.Addresses {
		s, err := f.server(address)
		if err != nil {
			return replica.Topology{}, err
		}
		shard := replica.Shard{Primary: replica.Node{
			Address: address, Server: replica.Server{Program: "Redis", Version: "7.4.1"}, Loading: s.Loading, UsedMemory: 1 << 20,
			Info: map[string]string{"maxmemory": "0", "maxmemory_policy": "noeviction", "aof_enabled": "1"},
		}}
		if !at.Cluster {
			return replica.Topology{Shards: []replica.Shard{shard}}, nil
		}
		shard.Slots = []replica.Slots{{First: i * 100, Last: i*100 + 99}}
		t.Shards = append(t.Shards, shard)
	}
	return t, nil
}

// Take does what that of package replica does, one shard after the other.
func (f *Fleet) Take(ctx context.Context, at replica.Endpoint, open func(context.Context, int, replica.Shard) (replica.Target, error), _ replica.Options) (replica.Point, error) {
	t, err := f.Discover(ctx, at)
	if err != nil {
		return replica.Point{}, err
	}
	point := replica.Point{Taken: time.Now()}
	for i, shard := range t.Shards {
		to, err := open(ctx, i, shard)
		if err != nil {
			return point, fmt.Errorf("opening what takes the snapshot of shard %d: %w", i, err)
		}
		r, err := f.send(ctx, shard.Primary.Address, to)
		if err != nil {
			if w, ok := to.To.(interface{ CloseWithError(err error) error }); ok {
				_ = w.CloseWithError(err) // It is to be thrown away.
			}
			return point, err
		}
		point.Shards = append(point.Shards, replica.ShardResult{Slots: shard.Slots, Result: r})
	}
	return point, nil
}

// send gives a server's file.
func (f *Fleet) send(ctx context.Context, address string, to replica.Target) (replica.Result, error) {
	s, err := f.server(address)
	if err != nil {
		return replica.Result{}, err
	}
	f.mu.Lock()
	f.taken++
	f.mu.Unlock()
	file := File(s.Keys)
	r := replica.Result{
		Address: address, Server: replica.Server{Program: "Redis", Version: "7.4.1"}, Bytes: int64(len(file)), Taken: time.Now(),
		Checksum: binary.LittleEndian.Uint64(file[len(file)-8:]), ReplicationID: "0123456789012345678901234567890123456789", Offset: 4711,
	}
	half := len(file) / 2
	for n, piece := range [][]byte{file[:half], file[half:]} {
		if n == 1 && s.Broken != nil {
			return r, s.Broken
		}
		if _, _, err := to.Scan.Push(piece); err != nil {
			return r, err
		}
		if _, err := to.To.Write(piece); err != nil {
			return r, fmt.Errorf("writing the snapshot of %s: %w", address, err)
		}
		if err := pause(ctx, s.Takes/2); err != nil {
			return r, err
		}
	}
	return r, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// Polynomial of the checksum that ends a file (crc64.c), as the standard library writes it.
const jones = 0x95ac9329ac4bc9b5

// File is what a server with these keys would write.
func File(keys map[string]string) []byte {
	b := []byte("REDIS0011\xfe\x00\xfb")
	b = append(b, byte(len(keys)), 0)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		b = appendText(appendText(append(b, 0), k), keys[k])
	}
	b = append(b, 0xff)
	return binary.LittleEndian.AppendUint64(b, ^crc64.Update(^uint64(0), crc64.MakeTable(jones), b))
}

// appendText writes a short text with its length.
func appendText(b []byte, s string) []byte {
	if len(s) > 63 {
		panic(io.ErrShortBuffer) // A test wants too much.
	}
	return append(append(b, byte(len(s))), s...)
}
