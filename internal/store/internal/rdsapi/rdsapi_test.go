package rdsapi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func TestSDKTagsKeepTheClaim(t *testing.T) {
	claim, own := dr.Tags{"holdfast:owner": "prod", "holdfast:policy": "gold"}, dr.Tags{}
	for i := range 60 {
		own[string(rune('A'+i))] = "x"
	}
	got := SDKTags(claim, own)
	if len(got) != MaxTags-spare || *got[0].Key != "holdfast:owner" || *got[1].Key != "holdfast:policy" {
		t.Fatalf("%d tags, the first %s and %s", len(got), *got[0].Key, *got[1].Key)
	}
	if !slices.IsSortedFunc(got[2:], func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) }) {
		t.Error("which of its own tags a snapshot carries does not follow from their keys")
	}
}

func api(code string) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }

// What a call that made a snapshot says when it is made again, and what that means.
func TestMade(t *testing.T) {
	claim := dr.Claim{Owner: "prod", Policy: "gold", Source: "aurora/1/r/orders"}
	other := claim
	other.Owner = "somebody-else"
	absent := api("DBClusterSnapshotNotFoundFault")
	for name, c := range map[string]struct {
		err   error
		there dr.Snapshot
		look  error
		want  store.Fault // Empty: a success.
	}{
		"made":                        {nil, dr.Snapshot{}, absent, ""},
		"there already":               {api("DBClusterSnapshotAlreadyExistsFault"), dr.Snapshot{Claim: claim, State: dr.Good}, nil, ""},
		"source busy with it":         {api("InvalidDBClusterStateFault"), dr.Snapshot{Claim: claim, State: dr.Pending}, nil, ""},
		"instance busy with it":       {api("InvalidDBInstanceState"), dr.Snapshot{Claim: claim, State: dr.Pending}, nil, ""},
		"the last of the quota":       {api("SnapshotQuotaExceeded"), dr.Snapshot{Claim: claim, State: dr.Good}, nil, ""},
		"source busy with other work": {api("InvalidDBClusterStateFault"), dr.Snapshot{}, absent, store.Busy},
		"quota used up by others":     {api("SnapshotQuotaExceeded"), dr.Snapshot{}, absent, store.Quota},
		"somebody else's":             {api("DBSnapshotAlreadyExists"), dr.Snapshot{Claim: other, State: dr.Good}, nil, store.Conflict},
		"failed before":               {api("DBSnapshotAlreadyExists"), dr.Snapshot{Claim: claim, State: dr.Failed}, nil, store.Busy},
		"on its way out":              {api("DBSnapshotAlreadyExists"), dr.Snapshot{Claim: claim, State: dr.Going}, nil, store.Busy},
		"not to be seen yet":          {api("DBSnapshotAlreadyExists"), dr.Snapshot{}, absent, store.Busy},
		"cannot be looked at":         {api("DBSnapshotAlreadyExists"), dr.Snapshot{}, api("AccessDenied"), store.Denied},
		"no source":                   {api("DBClusterNotFoundFault"), dr.Snapshot{}, nil, store.NotFound},
		"stopped":                     {context.Canceled, dr.Snapshot{}, nil, store.Stopped},
	} {
		err := made(c.err, claim, func() (dr.Snapshot, error) { return c.there, c.look })
		if c.want == "" && err != nil || c.want != "" && (err == nil || Classify(err) != c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestRemoved(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		there dr.Snapshot
		look  error
		gone  bool
	}{
		"deleted":         {nil, dr.Snapshot{}, nil, true},
		"not there":       {api("DBClusterSnapshotNotFoundFault"), dr.Snapshot{}, nil, true},
		"on its way out":  {api("InvalidDBClusterSnapshotStateFault"), dr.Snapshot{State: dr.Going}, nil, true},
		"gone meanwhile":  {api("InvalidDBSnapshotState"), dr.Snapshot{}, api("DBSnapshotNotFound"), true},
		"in the making":   {api("InvalidDBClusterSnapshotStateFault"), dr.Snapshot{State: dr.Pending}, nil, false},
		"nobody can look": {api("InvalidDBClusterSnapshotStateFault"), dr.Snapshot{}, errors.New("no answer"), false},
		"denied":          {api("AccessDenied"), dr.Snapshot{State: dr.Going}, nil, false},
	} {
		err := removed(c.err, func() (dr.Snapshot, error) { return c.there, c.look })
		if (err == nil) != c.gone {
			t.Errorf("%s: %v, want gone: %t", name, err, c.gone)
		}
	}
}
