package sandbox_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func TestEC2SeedErrorsTellTheLine(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"state", "instances:\n          web: {state: asleep}\n", `regions.us-east-1.instances.web: state: there is no state "asleep"`},
		{"id", "instances:\n          web: {id: web}\n", `id: "web" is not an id of EC2`},
		{"device", "instances:\n          web: {volumes: [{size: 5}]}\n", "the device of one is missing"},
		{"devices", "instances:\n          web: {volumes: [{device: a}, {device: a}]}\n", "there are two at a"},
		{"size", "volumes:\n          v: {size: -1}\n", "size: -1 is not 1 to 65536 GiB"},
		{"of", "ebs-snapshots:\n          - {of: v}\n          - {age: 3d}\n", "ebs-snapshots.[1]: of: the volume is missing"},
		{"tag", "ebs-snapshots:\n          - {of: v, tags: {\"\": x}}\n", "Tag key cannot be empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := sandbox.ParseSeed("s.yaml", []byte(region(tc.text)))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "s.yaml:") {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestEC2SeedRefusesWhatIsTaken(t *testing.T) {
	a := sandbox.New(sandbox.Options{})
	for i := range 2 {
		_, err := a.PutInstance(prod, east, "web", sandbox.SeedInstance{})
		_, volume := a.PutVolume(prod, east, "loose", sandbox.SeedVolume{})
		_, snap := a.PutEBSSnapshot(prod, east, sandbox.SeedEBSSnapshot{ID: "snap-00000001", Of: "loose"})
		if taken := i > 0; taken != (err != nil) || taken != (volume != nil) || taken != (snap != nil) {
			t.Errorf("time %d: %v, %v, %v", i+1, err, volume, snap)
		}
	}
	if a.SetVolumeState(prod, east, "vol-00000009", "error") == nil || a.SetSnapshotImages(prod, east, "snap-00000009") == nil {
		t.Error("what is not there was changed")
	}
}
