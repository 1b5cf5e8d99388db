package ebs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// The operations of a restore's steps.
const (
	opMark    = "mark"
	opCreate  = "create"
	opStop    = "stop"
	opDetach  = "detach"
	opAttach  = "attach"
	opEnds    = "ends"
	opStart   = "start"
	opHealthy = "healthy"
	opKeep    = "keep"
	opFinish  = "finish"
)

// saga gives the steps: the new volumes are whole before the instance is stopped, and
// it has come up with them before the old ones are let go.
func (j job) saga(r store.Restore) saga.Saga {
	s := saga.Saga{ID: j.id, Title: fmt.Sprintf("restore %s as %s", r.From.Ref.ID, j.name)}
	add := func(op, title string, expect, deadline time.Duration) {
		s.Steps = append(s.Steps, saga.Step{
			Name: op, Title: title, Op: op, Expect: expect, Deadline: deadline,
			Args: map[string]string{"id": j.id, "request": j.request, "name": j.name},
		})
	}
	if j.inPlace {
		s.Title = fmt.Sprintf("restore %s in place from %s", j.name, r.From.Ref.ID)
		add(opMark, "mark "+strings.Join(j.marked(), ", "), 5*time.Second, 10*time.Minute)
	}
	add(opCreate, fmt.Sprintf("make %s from %s", volumes(len(j.swaps)), r.From.Ref.ID), time.Minute, 6*time.Hour)
	create := s.Steps[len(s.Steps)-1].Args
	create["settings"], create["tags"] = string(dr.WholeConfig(r.Settings)), string(dr.WholeConfig(r.Tags))
	if r.From.Claim.Origin != "" {
		create["copy"] = "yes"
	}
	if j.inPlace {
		j.exchange(add)
	}
	add(opFinish, "take the marks off "+j.name, 5*time.Second, 10*time.Minute)
	for i := range s.Steps {
		s.Steps[i].Pivot = s.Steps[i].Op == opKeep
	}
	return s
}

// exchange adds the steps that change the volumes. Stopping takes as long as what runs
// there takes to shut down.
func (j job) exchange(add func(op, title string, expect, deadline time.Duration)) {
	olds := j.olds()
	if j.ran {
		add(opStop, "stop "+j.instance, 2*time.Minute, 2*time.Hour)
	}
	if len(olds) > 0 {
		add(opDetach, "detach "+strings.Join(olds, ", "), 15*time.Second, 2*time.Hour)
	}
	add(opAttach, "attach the new ones as "+devices(j.swaps), 15*time.Second, time.Hour)
	if len(j.ending()) > 0 {
		add(opEnds, "have "+devices(j.ending())+" go when the instance is terminated, as the old did", 5*time.Second, 10*time.Minute)
	}
	if j.ran {
		add(opStart, "start "+j.instance, time.Minute, time.Hour)
		add(opHealthy, "wait for its status checks", 3*time.Minute, time.Hour)
	}
	if len(olds) > 0 {
		add(opKeep, "keep "+strings.Join(olds, ", ")+" until "+j.until, 5*time.Second, 10*time.Minute)
	}
}

func volumes(n int) string {
	if n == 1 {
		return "a volume"
	}
	return strconv.Itoa(n) + " volumes"
}

func devices(swaps []swapped) string {
	var out []string
	for _, s := range swaps {
		out = append(out, s.device)
	}
	return strings.Join(out, ", ")
}

// ending are the volumes that are to go when the instance is terminated; one that is
// attached stays by itself.
func (j job) ending() []swapped {
	var out []swapped
	for _, s := range j.swaps {
		if s.newEnds {
			out = append(out, s)
		}
	}
	return out
}
