package sandbox

import (
	"sort"
	"time"
)

// timeline is a value that changes over time. It may hold changes of the future
// that are already certain, such as a snapshot's becoming available.
type timeline[T any] []change[T]

type change[T any] struct {
	at    time.Time
	value T
}

// at gives the value at a moment, and whether there was one yet.
func (l timeline[T]) at(when time.Time) (T, bool) {
	i := sort.Search(len(l), func(i int) bool { return l[i].at.After(when) })
	if i == 0 {
		var none T
		return none, false
	}
	return l[i-1].value, true
}

// get is at for those to whom "not yet" and the zero value are the same.
func (l timeline[T]) get(when time.Time) T {
	v, _ := l.at(when)
	return v
}

// next gives the first change after a moment.
func (l timeline[T]) next(when time.Time) (change[T], bool) {
	i := sort.Search(len(l), func(i int) bool { return l[i].at.After(when) })
	if i == len(l) {
		return change[T]{}, false
	}
	return l[i], true
}

// last gives the value after all changes, those of the future included.
func (l timeline[T]) last() T {
	var v T
	if len(l) > 0 {
		v = l[len(l)-1].value
	}
	return v
}

// set changes the value from a moment on and drops the changes that were to come
// at or after it.
func (l *timeline[T]) set(when time.Time, v T) {
	i := sort.Search(len(*l), func(i int) bool { return !(*l)[i].at.Before(when) })
	*l = append((*l)[:i:i], change[T]{when, v})
}
