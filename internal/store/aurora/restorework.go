package aurora

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// The arguments of steps that only this driver knows.
const (
	whatArg   = "what" // theMember where a step is about a member; else it is about the cluster.
	theMember = "member"
	goOnArg   = "go-on" // A member that need not serve before the next step.
)

// worker does the steps: those about clusters, and those about members.
type worker struct {
	api      restoreAPI
	clusters swap.Worker[*seen]
	// whole looks at the members too.
	whole   swap.Worker[*seen]
	members swap.Worker[*types.DBInstance]
}

func newWorker(api restoreAPI) worker {
	return worker{
		api:      api,
		clusters: swap.Worker[*seen]{Cloud: clusters{api: api}},
		whole:    swap.Worker[*seen]{Cloud: clusters{api: api, whole: true}},
		members:  swap.Worker[*types.DBInstance]{Cloud: members{rdsapi.Instances{API: api}, api}},
	}
}

func ofMember(st saga.Step) bool { return st.Args[whatArg] == theMember }

// of gives who does a step. A cluster is renamed only when its members are at rest.
func (w worker) of(st saga.Step) saga.Worker {
	switch {
	case ofMember(st):
		return w.members
	case st.Op == swap.OpRename, st.Op == swap.OpReady:
		return w.whole
	default:
		return w.clusters
	}
}

// Probe looks how far a step has come.
func (w worker) Probe(ctx context.Context, st saga.Step) (saga.Progress, error) {
	p, err := w.of(st).Probe(ctx, st)
	if err != nil || !ofMember(st) {
		return p, err
	}
	switch {
	case st.Op == swap.OpRestore && p.State == saga.Underway && st.Args[goOnArg] != "":
		p.State = saga.Done // The others are made side by side, and waited for later.
	case st.Op == swap.OpRestore && p.State == saga.NotBegun:
		return w.clusterReady(ctx, st.Args["cluster"], p)
	case st.Op == swap.OpRename && p.State == saga.NotBegun:
		in, found, err := rdsapi.Instances{API: w.api}.Find(ctx, st.Args["from"])
		if err != nil || !found {
			return p, err
		}
		return w.clusterReady(ctx, aws.ToString(in.DBClusterIdentifier), p)
	}
	return p, nil
}

// clusterReady says "not yet" of what cannot be done to a member because its cluster is
// being changed.
func (w worker) clusterReady(ctx context.Context, name string, p saga.Progress) (saga.Progress, error) {
	c, found, err := clusters{api: w.api}.Find(ctx, name)
	if err != nil || !found {
		return p, err
	}
	if f := (clusters{}).Facts(c); !f.Changeable {
		p = saga.Progress{State: saga.NotYet, Note: "its cluster is " + f.Status}
	}
	return p, nil
}

// Do begins a step.
func (w worker) Do(ctx context.Context, st saga.Step) error { return w.of(st).Do(ctx, st) }

// Undo begins to take a step back.
func (w worker) Undo(ctx context.Context, st saga.Step) error { return w.of(st).Undo(ctx, st) }

// Undone looks whether a step is taken back. A member that is on its way out is: its
// cluster goes only after it, and that is waited for.
func (w worker) Undone(ctx context.Context, st saga.Step) (bool, error) {
	if ofMember(st) && st.Op == swap.OpRestore {
		in, found, err := rdsapi.Instances{API: w.api}.Find(ctx, st.Args["name"])
		if err != nil {
			return false, err
		}
		if found && rdsapi.PlainTags(in.TagList)[dr.TagRestore] == st.Args["id"] && (members{}).Facts(in).Deleting {
			return true, nil
		}
	}
	return w.of(st).Undone(ctx, st)
}
