package session

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// Pace bounds how fast one service at one site is called. RDS, Redshift and
// ElastiCache publish no limits; EC2's smallest bucket refills 5 times a second.
type Pace struct {
	// PerSecond is the steady rate of calls; 0 means 20.
	PerSecond float64
	// Burst is how many calls may go at once; 0 means 40.
	Burst int
}

// pacer holds one limiter for each service.
type pacer struct {
	pace Pace

	mu       sync.Mutex
	limiters map[string]*rate.Limiter
}

func newPacer(p Pace) *pacer {
	if p.PerSecond == 0 {
		p.PerSecond = 20
	}
	if p.Burst == 0 {
		p.Burst = 40
	}
	return &pacer{pace: p, limiters: map[string]*rate.Limiter{}}
}

func (p *pacer) limiter(service string) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.limiters[service]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(p.pace.PerSecond), p.pace.Burst)
		p.limiters[service] = l
	}
	return l
}

// install puts the pacer behind the retryer, so that every try waits its turn. Where
// the SDK only signs a request for somebody else to make, as for copies from another
// Region, there is no retryer and nothing to wait for.
func (p *pacer) install(stack *middleware.Stack) error {
	if _, calls := stack.Finalize.Get("Retry"); !calls {
		return nil
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("holdfast.Pace", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := p.limiter(awsmiddleware.GetServiceID(ctx)).Wait(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, gaveUp(ctx)
		}
		return next.HandleFinalize(ctx, in)
	}), "Retry", middleware.After)
}

// gaveUp says why a call did not wait for its turn, in the SDK's own words for
// it: the context ended, or its deadline comes before the turn.
func gaveUp(ctx context.Context) error {
	cause := ctx.Err()
	if cause == nil {
		cause = context.DeadlineExceeded
	}
	return &aws.RequestCanceledError{Err: cause}
}

// userAgent names holdfast in the log of calls that AWS keeps.
func (s *Sessions) userAgent(stack *middleware.Stack) error {
	return awsmiddleware.AddUserAgentKeyValue("holdfast", s.opts.Version)(stack)
}
