// Package policy is the language in which the owner of a data store states how
// it is to be kept recoverable: which resources, how often, how long, copied
// where, and with which objective.
//
// It reads the policy file and refuses an invalid one whole, naming every
// problem with line, column and a hint. It answers three questions for the
// planner: does this policy mean that resource ([Selector.Matches]), in which
// slot of the schedule are we ([Schedule.Slot]), and which recovery points does
// the retention still keep, and why ([Retention.Decide]).
//
// The package is pure: no clock, no context, no randomness, no SDK. Now is an
// argument. Time zones come from the time package: a program that may run where
// there is no zone database imports time/tzdata.
package policy
