package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// batching is a driver that looks once for many: begin says what comes of the look,
// and the error of broken what comes of each action.
type batching struct {
	broken
	begin error
}

func (b batching) Begin(context.Context, dr.Site, []plan.Action) (store.Doer, error) {
	return b.Apply, b.begin
}

func TestBegin(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	for _, c := range []struct {
		name    string
		driver  store.Driver
		batches bool
		want    string // of what the error ends with
		fault   store.Fault
	}{
		{name: "fine", driver: batching{}, batches: true},
		{name: "no batches", driver: broken{}},
		{"the look fails", batching{begin: denied}, true, ": AccessDenied: no", store.Denied},
		{"the look fails otherwise", batching{begin: errors.New("it broke")}, true, ": look what is there before taking 2: it broke", store.Unknown},
		{"one fails", batching{broken: broken{denied}}, true, ": AccessDenied: no", store.Denied},
		{"one fails without batches", broken{denied}, false, ": AccessDenied: no", store.Denied},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := store.New(c.driver)
			if s.Batches() != c.batches {
				t.Errorf("it batches: %v", s.Batches())
			}
			var actions []plan.Action
			for _, name := range []string{"orders", "carts"} {
				actions = append(actions, plan.Action{Verb: plan.Create, Name: name + "-1", From: dr.Ref{Kind: "rds", Site: site, ID: name}, To: site})
			}
			do := s.Begin(t.Context(), site, actions)
			for _, a := range actions {
				ref, err := do(t.Context(), a)
				if c.want == "" {
					if err != nil || ref.ID != "x" {
						t.Errorf("%s: %v, %v", a.Name, ref, err)
					}
					continue
				}
				begins := "take snapshot " + a.Name + " of rds " + a.From.ID + " at prod (111111111111 us-east-1)"
				if err == nil || err.Error() != begins+c.want || store.FaultOf(err) != c.fault || ref != (dr.Ref{}) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v, %v (%s)", ref, err, store.FaultOf(err))
				}
			}
		})
	}
}
