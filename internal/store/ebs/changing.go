package ebs

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// changing are the restores that are just changing the volumes of an instance, and the
// instances that bear their marks, where they do.
type changing map[string]string

// changing finds them: an old volume is off already, or a new one is on. A snapshot of
// such an instance would lack a volume, or hold some of then and some of now.
func (s sight) changing() changing {
	out := changing{}
	for i := range s.volumes {
		v := &s.volumes[i]
		tags := plainTags(v.Tags)
		id, under := tags[dr.TagRestore]
		if attached := len(v.Attachments) > 0; under && attached == (tags[dr.TagRole] == dr.RoleNew) {
			out[id] = ""
		}
	}
	for i := range s.instances {
		id := plainTags(s.instances[i].Tags)[dr.TagRestore]
		if _, is := out[id]; is {
			out[id] = aws.ToString(s.instances[i].InstanceId)
		}
	}
	return out
}

// home gives the instance to which a volume belongs that a restore has taken off; empty
// where there is none.
func (c changing) home(tags dr.Tags) string {
	if tags[dr.TagRole] != dr.RoleOld {
		return ""
	}
	return c[tags[dr.TagRestore]]
}

// hold makes what is being changed wait.
func (c changing) hold(r dr.Resource) dr.Resource {
	id := r.Tags[dr.TagRestore]
	if _, is := c[id]; is && r.Tags[dr.TagRole] == dr.RoleOld && r.State == dr.Ready {
		r.State, r.Status = dr.Busy, "changing volumes (restore "+id+")"
	}
	return r
}
