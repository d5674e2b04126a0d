package recommender

import "math"

// Constants are the numbers that learning and choosing stand on. They are one
// value, so that a replay can show what becomes of the result when each is
// halved or doubled (docs/judgement.md).
type Constants struct {
	// Instants of the past at which the fleet is asked what could be told then.
	// Fleets shift together, so one would be one draw. Their horizons overlap, so
	// more tell little more, and all of them count as one.
	Instants int
	// LevelFloor, percent: below it machines differ by their agents' noise only, and
	// a ratio of two noises says nothing.
	LevelFloor float64
	// MinCompared machines: with fewer even a spotless past leaves the bound above 5 %
	// (1 − 0.05^(1/59) = 4.95 %), which tells less than the prior.
	MinCompared int
	// Ridge holds back the weight of each standardized feature, so that those that
	// tell nearly the same do not run away from each other: 1 is a normal
	// distribution of deviation 1 about no influence.
	Ridge float64
	// Rounds of the EM algorithm, each from the weights of the one before, and
	// FirstWake, the chance of waking that it begins with.
	Rounds    int
	FirstWake float64
	// Taken is how many comparisons on either side are taken for granted before
	// any is seen (H. Jeffreys, Proc. R. Soc. A 186, 1946).
	Taken float64
	// Confidence with which a chance lies below what is stated, 0.5 to 1.
	Confidence float64
	// Gravest is the chance of harm above which a size is not offered, however much
	// it saves: nobody can defend to a department what goes wrong one time in four.
	// Where a policy accepts more, it is GravestShare times its budget.
	Gravest, GravestShare float64
	// KinShare is how many budgets may be at stake at once in machines that are
	// much alike and may wake up together, KinFloor how many machines in any case.
	KinShare float64
	KinFloor int
	// Leave is a group of features, see Groups, that is left out: it shows
	// what the group is good for.
	Leave string
}

// Standard is the constants that audits and replays use.
func Standard() Constants {
	return Constants{
		Instants: 10, LevelFloor: 1, MinCompared: 59, Ridge: 1, Rounds: 20, FirstWake: 0.01, Taken: 0.5, Confidence: 0.95,
		Gravest: 0.25, GravestShare: 5, KinShare: 2, KinFloor: 2,
	}
}

// deviations is how many standard deviations above the mean the bound of a
// normal distribution lies.
func (k Constants) deviations() float64 { return math.Sqrt2 * math.Erfinv(2*k.Confidence-1) }

// Limits is what choosing keeps to.
type Limits struct {
	Harm    float64 // machines that may come to harm
	Gravest float64 // chance of harm that one machine may run, 0 to 1
	Kin     int     // machines of one kin that may be touched
}

// Limits of a fleet of n machines, a share of which may come to harm.
func (k Constants) Limits(share float64, n int) Limits {
	harm := share * float64(n)
	return Limits{Harm: harm, Gravest: min(1, max(k.Gravest, k.GravestShare*share)), Kin: k.KinFloor + int(k.KinShare*harm)}
}
