package sandbox

import (
	"slices"
	"time"
)

// rootTask is the replacement of the root volume of an instance.
type rootTask struct {
	id, instance, snapshot string
	started                time.Time
	state                  timeline[string]
	tags                   tagSet
	drop                   bool
}

// ends is when the task is done, be it failed.
func (t *rootTask) ends() time.Time { return t.state[len(t.state)-1].at }

type (
	rootTaskXML struct {
		ID       string        `xml:"replaceRootVolumeTaskId"`
		Instance string        `xml:"instanceId"`
		State    string        `xml:"taskState"`
		Started  string        `xml:"startTime"`
		Complete string        `xml:"completeTime,omitempty"`
		Snapshot string        `xml:"snapshotId,omitempty"`
		Drop     bool          `xml:"deleteReplacedRootVolume"`
		Tags     items[ec2Tag] `xml:"tagSet"`
	}
	rootTaskResult struct {
		Task rootTaskXML `xml:"replaceRootVolumeTask"`
	}
	rootTasksXML struct {
		Tasks     items[rootTaskXML] `xml:"replaceRootVolumeTaskSet"`
		NextToken string             `xml:"nextToken,omitempty"`
	}
)

const (
	taskInProgress = "in-progress"
	taskSucceeded  = "succeeded"
	taskFailing    = "failing"
	taskFailed     = "failed"
)

// createReplaceRootVolumeTask replaces the root volume of an instance that runs, which
// restarts it.
//
// Amazon EC2 API Reference, CreateReplaceRootVolumeTask; Amazon EC2 User Guide, "Replace
// the root volume for an Amazon EC2 instance without stopping it". AMIs are not
// simulated, and so neither is going back to the launch state. The codes of the
// refusals are inferred.
func (s *ec2State) createReplaceRootVolumeTask(r *request) (any, error) {
	p := r.params
	id, snapshot, volume, drop := p.need("InstanceId"), p.str("SnapshotId"), p.str("VolumeId"), p.isSet("DeleteReplacedRootVolume")
	specs, err := s.readTagSpecs(r, "replace-root-volume-task")
	made, tokenErr := s.token(r)
	if err := firstError(p.check(), err, tokenErr); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	if made != "" {
		if i := slices.IndexFunc(g.rootTasks, func(t *rootTask) bool { return t.id == made }); i >= 0 {
			return rootTaskResult{showRootTask(g.rootTasks[i], r.now)}, nil
		}
	}
	in, root, err := g.replaceable(id, r.now)
	if err != nil {
		return nil, err
	}
	next, err := s.replacement(g, root, snapshot, volume, r)
	if err != nil {
		return nil, err
	}
	t := &rootTask{id: s.newID("replacevol", g.place), instance: id, snapshot: snapshot, started: r.now, tags: specs["replace-root-volume-task"], drop: drop}
	s.replaceRoot(t, in, root, next, r.now)
	g.rootTasks = append(g.rootTasks, t)
	s.keepToken(r, t.id)
	return rootTaskResult{showRootTask(t, r.now)}, nil
}

// replaceable finds an instance and its root volume, if that can be replaced now.
func (g *ec2Region) replaceable(id string, now time.Time) (*ec2Instance, *ec2Volume, error) {
	in, err := g.instance(id, now)
	if err != nil {
		return nil, nil, err
	}
	root, ok := g.deviceOf(in, in.rootDevice, now)
	busy := slices.ContainsFunc(g.rootTasks, func(t *rootTask) bool { return t.instance == id && now.Before(t.ends()) })
	switch {
	case !in.state.in(now, stateRunning):
		return nil, nil, refuse("IncorrectInstanceState", "The instance '%s' is not in the 'running' state.", id)
	case busy:
		return nil, nil, refuse("IncorrectState", "The root volume of '%s' is being replaced already.", id)
	case !ok:
		return nil, nil, refuse("IncorrectState", "The instance '%s' has no root volume.", id)
	}
	return in, root, nil
}

// replacement gives the volume that is to become the root.
func (s *ec2State) replacement(g *ec2Region, root *ec2Volume, snapshot, volume string, r *request) (*ec2Volume, error) {
	switch {
	case snapshot != "" && volume != "":
		return nil, invalidCombination("SnapshotId and VolumeId cannot be specified together.")
	case snapshot == "" && volume == "":
		return nil, notSimulated("root volumes as they were at launch")
	case volume != "":
		return g.rootFrom(root, volume, r.now)
	}
	from, err := g.snapshot(snapshot, r.now)
	if err != nil {
		return nil, err
	}
	if !g.descends(root, from.volume) {
		return nil, invalidValue("The snapshot '%s' was not created from the root volume of the instance.", snapshot)
	}
	return s.newVolume(g, volumeRequest{
		kind: root.kind, zone: root.zone, snapshot: snapshot, size: max(root.size, from.size), throughput: root.throughput,
		iops: map[bool]int{true: root.iops}[volumeKinds()[root.kind].iops[1] > 0], encrypted: root.key != "",
	}, r)
}

// descends reports whether a root volume is, or was restored from, a volume. Copies of
// snapshots name none, and so do not do.
func (g *ec2Region) descends(root *ec2Volume, id string) bool {
	for range len(g.volumes) + 1 {
		if root.id == id || root.data.Volume == id {
			return true
		}
		i := slices.IndexFunc(g.volumes, func(v *ec2Volume) bool { return v.id == root.data.Volume })
		if i < 0 {
			return false
		}
		root = g.volumes[i]
	}
	return false
}

func (g *ec2Region) rootFrom(root *ec2Volume, id string, now time.Time) (*ec2Volume, error) {
	v, err := g.volume(id, now)
	switch {
	case err != nil:
		return nil, err
	case v.shown(now) != statusAvailable:
		return nil, refuse("IncorrectState", "The volume '%s' is not 'available'.", id)
	case v.zone != root.zone:
		return nil, refuse("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as the instance", id)
	case root.key != "" && v.key == "":
		return nil, invalidValue("The original root volume is encrypted; the volume '%s' is not.", id)
	}
	return v, nil
}

// replaceRoot puts down what happens. A volume that does not come to be leaves the
// original one in place.
func (s *ec2State) replaceRoot(t *rootTask, in *ec2Instance, root, next *ec2Volume, now time.Time) {
	d := s.aws.options.Durations.EBS
	t.state.set(now, statePending)
	ready, done := now.Add(d.FromSnapshot.of(next.size)), now.Add(d.FromSnapshot.of(next.size)+d.ReplaceRoot.Base)
	if next.state.last() == "" {
		t.state.set(ready, taskFailing)
		t.state.set(done, taskFailed)
		return
	}
	t.state.set(ready, taskInProgress)
	t.state.set(done, taskSucceeded)
	a, _ := root.on(in.id, now)
	root.attached.set(ready, nil)
	next.attached.set(ready, []attachment{{instance: in.id, device: a.device, since: ready, ready: done, deleteWithIt: a.deleteWithIt}})
	if t.drop {
		root.state.set(done, "")
	}
	in.booted = done
}

func (s *ec2State) describeReplaceRootVolumeTasks(r *request) (any, error) {
	ids := r.params.texts("ReplaceRootVolumeTaskId")
	filters, err := readEC2Filters(r.params, "instance-id")
	pg, pageErr := s.readEC2Page(r.params, ids)
	if err := firstError(r.params.check(), err, pageErr); err != nil {
		return nil, err
	}
	var found []*rootTask
	for _, t := range s.region(r.place()).rootTasks {
		if !t.started.After(r.view) && (len(ids) == 0 || slices.Contains(ids, t.id)) &&
			filters.allow(t.tags, func(string) []string { return []string{t.instance} }) {
			found = append(found, t)
		}
	}
	if len(found) < len(ids) {
		return nil, refuse("InvalidReplaceRootVolumeTaskID.NotFound", "A replace root volume task of %v does not exist", ids)
	}
	var out rootTasksXML
	found, out.NextToken = cutEC2(found, func(t *rootTask) string { return t.id }, pg)
	for _, t := range found {
		out.Tasks.Item = append(out.Tasks.Item, showRootTask(t, r.view))
	}
	return out, nil
}

func showRootTask(t *rootTask, when time.Time) rootTaskXML {
	x := rootTaskXML{
		ID: t.id, Instance: t.instance, State: t.state.get(when), Started: stamp(t.started), Snapshot: t.snapshot, Drop: t.drop,
		Tags: showEC2Tags(t.tags),
	}
	if !when.Before(t.ends()) {
		x.Complete = stamp(t.ends())
	}
	return x
}
