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

// startInstances starts instances. One whose volumes cannot be decrypted stops again.
//
// Amazon EBS User Guide, "How unusable KMS keys affect data keys". That an instance is
// not started without a root volume: Amazon EBS User Guide, "Detach an Amazon EBS volume
// from an Amazon EC2 instance" (the code of the refusal is inferred).
func (s *ec2State) startInstances(r *request) (any, error) {
	g := s.region(r.place())
	may := func(in *ec2Instance) error {
		if _, ok := g.deviceOf(in, in.rootDevice, r.now); !ok && !in.rootless {
			return invalidValue("Invalid value '%s' for instanceId. Instance does not have a volume attached at root (%s)", in.id, in.rootDevice)
		}
		return nil
	}
	return s.power(r, []string{statusStopped}, may, func(in *ec2Instance) {
		up := r.now.Add(s.aws.options.Durations.EBS.Boot.Base)
		in.state.set(r.now, statePending)
		for _, v := range g.attachedTo(in.id, r.now) {
			if !s.decrypts(v, r.who, r.now) {
				in.state.then(up, statusStopped)
				in.reason.set(up, "Client.InternalError: Client error on launch")
				return
			}
		}
		in.state.then(up, stateRunning)
		in.launched, in.booted = r.now, up
	})
}

func (s *ec2State) stopInstances(r *request) (any, error) {
	r.params.ignore("Force", "Hibernate", "SkipOsShutdown")
	may := func(in *ec2Instance) error { return in.unprotected("stopped", "disableApiStop", &in.noStop, r.now) }
	return s.power(r, []string{stateRunning}, may, func(in *ec2Instance) {
		in.state.set(r.now, statusStopping)
		in.state.then(r.now.Add(s.aws.options.Durations.EBS.Halt.Base), statusStopped)
		in.reason.set(r.now, "Client.UserInitiatedShutdown: User initiated shutdown")
	})
}

// unprotected says why an instance must not be stopped or terminated (Amazon EC2 User
// Guide, "Enable stop protection" and "Change instance termination protection").
func (in *ec2Instance) unprotected(done, attribute string, by *timeline[bool], now time.Time) error {
	if by.get(now) {
		return refuse("OperationNotPermitted", "The instance '%s' may not be %s. Modify its '%s' instance attribute and try again.", in.id, done, attribute)
	}
	return nil
}

// terminateInstances ends instances: volumes go with them or stay, as each says.
func (s *ec2State) terminateInstances(r *request) (any, error) {
	r.params.ignore("Force", "SkipOsShutdown")
	may := func(in *ec2Instance) error {
		return in.unprotected("terminated", "disableApiTermination", &in.noEnd, r.now)
	}
	return s.power(r, []string{statePending, stateRunning, statusStopping, statusStopped}, may, func(in *ec2Instance) {
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

// power changes the state of the instances that a call names, if all are in one of
// these states and may be. Those that are already where it leads stay as they are.
func (s *ec2State) power(r *request, from []string, may func(*ec2Instance) error, do func(*ec2Instance)) (any, error) {
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
		if err := may(in); err != nil && !led(r.action, in.state.get(r.now)) {
			return nil, err
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
