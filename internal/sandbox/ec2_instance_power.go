package sandbox

import (
	"slices"
	"time"
)

type (
	stateChangesXML struct {
		Instances items[stateChangeXML] `xml:"instancesSet"`
	}
	stateChangeXML struct {
		ID      string   `xml:"instanceId"`
		Current stateXML `xml:"currentState"`
		Before  stateXML `xml:"previousState"`
	}
	stateXML struct {
		Code int    `xml:"code"`
		Name string `xml:"name"`
	}
)

// showState gives a state with its code (Amazon EC2 API Reference, InstanceState).
func showState(name string) stateXML {
	codes := map[string]int{statePending: 0, stateRunning: 16, stateShuttingDown: 32, stateTerminated: 48, statusStopping: 64, statusStopped: 80}
	return stateXML{codes[name], name}
}

func (s *ec2State) startInstances(r *request) (any, error) {
	return s.power(r, []string{statusStopped}, func(in *ec2Instance) {
		in.state.set(r.now, statePending)
		in.state.then(r.now.Add(20*time.Second), stateRunning)
	})
}

func (s *ec2State) stopInstances(r *request) (any, error) {
	r.params.ignore("Force", "Hibernate", "SkipOsShutdown")
	return s.power(r, []string{stateRunning}, func(in *ec2Instance) {
		in.state.set(r.now, statusStopping)
		in.state.then(r.now.Add(time.Minute), statusStopped)
	})
}

// terminateInstances ends instances: volumes go with them or stay, as each says.
func (s *ec2State) terminateInstances(r *request) (any, error) {
	r.params.ignore("Force", "SkipOsShutdown")
	return s.power(r, []string{statePending, stateRunning, statusStopping, statusStopped}, func(in *ec2Instance) {
		end := r.now.Add(time.Minute)
		in.state.set(r.now, stateShuttingDown)
		in.state.then(end, stateTerminated)
		in.state.then(end.Add(stillShown), "")
		for _, v := range s.region(r.place()).attachedTo(in.id, r.now) {
			a, _ := v.on(in.id, r.now)
			left := slices.DeleteFunc(slices.Clone(v.attached.get(r.now)), func(x attachment) bool { return x == a })
			v.attached.set(end, left)
			if a.deleteWithIt {
				v.state.set(end, "")
			}
		}
	})
}

// power changes the state of the instances that a call names, if all are in one
// of these states. Those that are already where it leads stay as they are.
func (s *ec2State) power(r *request, from []string, do func(*ec2Instance)) (any, error) {
	ids := r.params.texts("InstanceId")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter InstanceId")
	}
	g := s.region(r.place())
	g.forget(r.now)
	var all []*ec2Instance
	for _, id := range ids {
		in, err := g.instance(id, r.now)
		if err != nil {
			return nil, err
		}
		if st := in.state.get(r.now); !slices.Contains(from, st) && !led(r.action, st) {
			return nil, refuse("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be changed so: it is %s.", id, st)
		}
		all = append(all, in)
	}
	var out stateChangesXML
	for _, in := range all {
		before := in.state.get(r.now)
		if !led(r.action, before) {
			do(in)
		}
		out.Instances.Item = append(out.Instances.Item, stateChangeXML{in.id, showState(in.state.get(r.now)), showState(before)})
	}
	return out, nil
}

// led reports whether an instance is already where an action leads.
func led(action, state string) bool {
	switch action {
	case "StartInstances":
		return state == stateRunning || state == statePending
	case "StopInstances":
		return state == statusStopped || state == statusStopping
	default:
		return state == stateShuttingDown || state == stateTerminated
	}
}
