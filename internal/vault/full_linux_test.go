package vault

import (
	"errors"
	"syscall"
	"testing"
)

// TestFullDisk: a clear error, nothing wrong seen, nothing left, and the next run does it
// once there is room.
func TestFullDisk(t *testing.T) {
	home := t.TempDir()
	if err := syscall.Mount("tmpfs", home, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(home, syscall.MNT_DETACH) })
	v := at(t, home)(Options{})
	publish(t, v, ID{"orders", "before"}, map[string][]byte{"a": noise(2 << 20)})
	before := keys(t, v)

	err := take(t.Context(), v, noise(3<<20))
	if !errors.Is(err, ErrFull) {
		t.Fatalf("on a full disk: %v", err)
	}
	mustFit(t, err, "no space left on device: make room there")
	wantKeys(t, v, before...)
	if all := list(t, v); len(all) != 1 || all[0].Damage != "" {
		t.Errorf("seen is %+v", all)
	}

	ok(t, v.Delete(t.Context(), ID{"orders", "before"}, claimOf("orders")))
	ok(t, take(t.Context(), v, noise(3<<20)))
	all := list(t, v)
	ok(t, v.Verify(t.Context(), all[0].Manifest))
}
