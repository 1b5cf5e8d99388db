package ebs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// What a restore's request holds beside what all have: the zone, the instance and
// whether it ran, and, each under its own key, what is to become of each volume. All of
// it is found out when the restore is planned: once volumes change places nobody can
// tell any more.
const (
	withZone     = "zone"
	withInstance = "instance"
	withRan      = "ran"
	withVolume   = "volume"
)

// job is a restore as the steps need it.
type job struct {
	id, name, owner, request string
	inPlace                  bool
	until                    string
	zone, instance           string
	// ran: it was running, and is to run again.
	ran   bool
	swaps []swapped
}

// swapped is what becomes of one volume.
type swapped struct {
	// number is that of the volume in the captured configuration of an instance; empty
	// where the volume is all that there is, and noNumber where it was not captured.
	number string
	// snapshot is what the new volume is made from, old the volume that it replaces,
	// empty where there is none, and device where it is attached.
	snapshot, old, device string
	// oldEnds and newEnds: the volume goes when the instance is terminated.
	oldEnds, newEnds bool
}

// noNumber begins the numbers of volumes of which nothing was captured.
const noNumber = "x"

// prefix starts the names of the volume's settings in a captured configuration.
func (s swapped) prefix() string {
	if s.number == "" {
		return ""
	}
	return s.number + "-"
}

func (s swapped) String() string {
	flags := ""
	if s.oldEnds {
		flags += "o"
	}
	if s.newEnds {
		flags += "n"
	}
	return strings.Join([]string{s.snapshot, s.old, s.device, flags}, ":")
}

func parseSwapped(number, text string) (swapped, error) {
	f := strings.Split(text, ":")
	if len(f) != 4 {
		return swapped{}, fmt.Errorf("%q does not say what becomes of a volume", text)
	}
	return swapped{
		number: number, snapshot: f[0], old: f[1], device: f[2],
		oldEnds: strings.Contains(f[3], "o"), newEnds: strings.Contains(f[3], "n"),
	}, nil
}

// with gives the request's own part.
func (j job) with() map[string]string {
	m := map[string]string{withZone: j.zone, withInstance: j.instance}
	if j.ran {
		m[withRan] = "yes"
	}
	for _, s := range j.swaps {
		m[withVolume+s.number] = s.String()
	}
	maps.DeleteFunc(m, func(_, v string) bool { return v == "" })
	return m
}

// planned reports whether a request was planned already: it was found by its mark.
func planned(r store.Restore) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(r.With)), func(k string) bool { return strings.HasPrefix(k, withVolume) })
}

// jobOf reads a job from a request that was planned.
func jobOf(r store.Restore) (job, error) {
	j := job{
		id: r.ID, name: r.Name, owner: r.Owner, request: string(r.Request()), inPlace: r.InPlace,
		until: r.Begun.Add(r.KeepOld).UTC().Format(time.RFC3339),
		zone:  r.With[withZone], instance: r.With[withInstance], ran: r.With[withRan] != "",
	}
	for _, k := range slices.Sorted(maps.Keys(r.With)) {
		number, ok := strings.CutPrefix(k, withVolume)
		if !ok {
			continue
		}
		s, err := parseSwapped(number, r.With[k])
		if err != nil {
			return job{}, err
		}
		j.swaps = append(j.swaps, s)
	}
	slices.SortFunc(j.swaps, func(x, y swapped) int { return strings.Compare(x.device+x.number, y.device+y.number) })
	if len(j.swaps) == 0 {
		return job{}, fmt.Errorf("the request of restore %s names no volumes", r.ID)
	}
	return j, nil
}

// jobIn reads the job that a step is part of.
func jobIn(st saga.Step) (job, error) {
	m, ok, err := store.ParseMark(dr.RestoreMark(st.Args["id"], dr.RoleNew, dr.Config(st.Args["request"])))
	if err == nil && !ok {
		err = fmt.Errorf("step %s belongs to no restore", st.Name)
	}
	if err != nil {
		return job{}, saga.Hopeless(err)
	}
	j, err := jobOf(m.Restore)
	if err != nil {
		return job{}, saga.Hopeless(err)
	}
	j.request = st.Args["request"]
	return j, nil
}

// olds are the volumes that are replaced.
func (j job) olds() []string {
	var out []string
	for _, s := range j.swaps {
		if s.old != "" {
			out = append(out, s.old)
		}
	}
	return out
}

// marked are all that bear the mark of the old: the instance and its volumes.
func (j job) marked() []string { return append([]string{j.instance}, j.olds()...) }

// numberOf finds the number of a volume in a captured configuration.
func numberOf(settings map[string]string, volume string) (number string, captured bool) {
	if settings["volume"] == volume {
		return "", true
	}
	count, _ := strconv.Atoi(settings["volumes"])
	for i := range count {
		if n := strconv.Itoa(i + 1); settings[n+"-volume"] == volume {
			return n, true
		}
	}
	return "", false
}
