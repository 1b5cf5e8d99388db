package sandbox

import (
	"time"

	"golang.org/x/time/rate"
)

// Bucket is a token bucket: Burst calls at once, refilled at Rate per second.
type Bucket struct {
	Rate  float64
	Burst int
}

// guessedBucket stands for the limits that RDS, Redshift and ElastiCache have but
// do not publish.
func guessedBucket() Bucket { return Bucket{Rate: 10, Burst: 40} }

type limiterKey struct {
	place
	bucket string
}

type limiters map[limiterKey]*rate.Limiter

// throttle takes a token for a call, or refuses it.
func (a *AWS) throttle(r *request) error {
	name := r.service + ":" + r.action
	bucket, ok := a.options.Buckets[name]
	if !ok {
		name = r.service
		bucket, ok = a.options.Buckets[name]
	}
	if !ok {
		if !a.options.Throttle {
			return nil
		}
		bucket = guessedBucket()
		if r.service == "ec2" {
			name, bucket = ec2Bucket(r)
		}
	}
	key := limiterKey{r.place(), name}
	l, ok := a.limiters[key]
	if !ok {
		l = rate.NewLimiter(rate.Limit(bucket.Rate), bucket.Burst)
		a.limiters[key] = l
	}
	if !l.AllowN(r.now.Truncate(time.Millisecond), 1) {
		if r.service == "ec2" {
			return ec2Throttled()
		}
		return refuse("Throttling", "Rate exceeded")
	}
	return nil
}
