// Package sandbox simulates AWS: one http.Handler that answers the wire
// protocols which the AWS SDKs and the aws command line speak.
//
// Plugged into the SDK as its HTTP client (see Client) it needs no network, so
// that months of virtual time pass in milliseconds under testing/synctest;
// served on loopback it is what demonstrations run on. It means to be as strict
// as AWS and never kinder: what it does not simulate it refuses with a typed
// error, and does not pass over in silence.
//
// State is a function of records and time. A record keeps what happened to it
// and when, the future included ("available from 12:04 on"), and every answer is
// computed for one moment. So nothing runs in the background, and a stale read
// is the view of a moment that has passed.
//
// The core is routing, identities, faults, throttling, the call log and the
// rendering of answers. Each service is a group of files (sts_*.go, rds_*.go)
// that hands the core a table of operations.
package sandbox

import (
	"net/http"
	"sync"
	"time"
)

// DefaultAccount is the account of the access keys "test" and "sandbox".
const DefaultAccount = "111111111111"

// Options says how the simulated AWS behaves.
type Options struct {
	// Now tells the time; the default is time.Now.
	Now func() time.Time
	// Latency is how long every call takes. Half of it passes before the call
	// takes effect and half after, so that a caller who gives up in between
	// cannot know what happened, as in life.
	Latency time.Duration
	// Durations says how long AWS's own work takes.
	Durations Durations
	// Throttle limits the rate of calls to services that have no bucket of their
	// own in Buckets, by a guess: RDS publishes no limits.
	Throttle bool
	// Buckets limits the rate of calls per account and Region. A key is a service
	// ("rds") or one of its actions ("rds:DescribeDBSnapshots"); an action's own
	// bucket counts instead of its service's.
	Buckets map[string]Bucket
}

// AWS is a simulated AWS with all its accounts and Regions. It is safe for
// concurrent use.
type AWS struct {
	options  Options
	services map[string]*service

	mu         sync.Mutex
	offset     time.Duration
	accounts   map[string]*account
	sessions   map[string]session
	keys       *keyring
	faults     []*faultState
	limiters   limiters
	calls      []Call
	serial     int
	clients    int
	rds        *rdsState
	redshift   *redshiftState
	serverless *serverlessState
	ec2        *ec2State

	elasticache *cacheState
	s3          *s3State
	route53     *route53State
	secrets     *secretsState
	ssm         *ssmState
}

// New gives a simulated AWS in which nothing exists yet. Accounts come into
// being when they are first used.
func New(o Options) *AWS {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Durations = o.Durations.withDefaults()
	a := &AWS{
		options:  o,
		accounts: map[string]*account{},
		sessions: map[string]session{},
		limiters: limiters{},
	}
	a.keys = newKeyring(a)
	a.rds = newRDS(a)
	a.redshift, a.serverless = newRedshift(a), newServerless(a)
	a.ec2 = newEC2(a)
	a.elasticache = newElastiCache(a)
	a.s3 = newS3(a)
	a.route53, a.secrets, a.ssm = newRoute53(a), newSecrets(a), newSSM(a)
	a.services = map[string]*service{}
	for _, s := range []*service{stsService(a), rdsService(a.rds), redshiftService(a.redshift), serverlessService(a.serverless), ec2Service(a.ec2), elasticacheService(a.elasticache), kmsService(a.keys), s3Service(a.s3), quotasService(a), taggingService(a), route53Service(a.route53), secretsService(a.secrets), ssmService(a.ssm)} {
		a.services[s.name] = s
	}
	return a
}

// Now is the simulated time.
func (a *AWS) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now()
}

// now is Now for those who hold the lock. Times are kept in UTC and in
// milliseconds, which is how fine the services answer.
func (a *AWS) now() time.Time {
	return a.options.Now().Add(a.offset).UTC().Truncate(time.Millisecond)
}

// Advance moves the simulated clock ahead of Options.Now by d more. A negative d
// is ignored: time does not run backwards.
func (a *AWS) Advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.offset += max(d, 0)
}

// ServeHTTP answers calls and, under /_sandbox/, the control surface.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.control(w, r) {
		return
	}
	got, err := a.exchange(nil, r)
	if err != nil {
		// The caller sees the connection break off without an answer, which is
		// what a lost answer and a crash look like from outside.
		panic(http.ErrAbortHandler)
	}
	got.write(w)
}
