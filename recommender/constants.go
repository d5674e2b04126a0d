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
	// LeastRange is what a machine's own range, ln(maximum / median), is widened by: of
	// one that stood still all along, a tenth above its maximum is one range. MostRanges
	// are told apart on either side; beyond it is far away, whatever its range. Both are
	// proposed: no agent's noise makes a tenth of a level, and e^(16 × 0.1) is fivefold.
	LeastRange, MostRanges float64
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
	// Where a policy accepts more, it is GravestShare times its budget, and beyond it
	// a chance is taken, too, but counts (chance / limit)^Aversion times: proposed, so
	// that twice the limit counts sixteen times.
	Gravest, GravestShare, Aversion float64
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
		Instants: 10, LevelFloor: 1, LeastRange: 0.1, MostRanges: 16, MinCompared: 59, Ridge: 1, Rounds: 20, FirstWake: 0.01, Taken: 0.5, Confidence: 0.95,
		Gravest: 0.25, GravestShare: 5, Aversion: 4, KinShare: 2, KinFloor: 2,
	}
}

// deviations is how many standard deviations above the mean the bound of a
// normal distribution lies.
func (k Constants) deviations() float64 { return math.Sqrt2 * math.Erfinv(2*k.Confidence-1) }

// Limits is what choosing keeps to.
type Limits struct {
	Harm     float64 // machines that may come to harm
	Gravest  float64 // chance of harm that one machine may run, 0 to 1
	Aversion float64 // power with which a graver one counts more; infinite: it is not taken
	Kin      int     // machines of one kin that may be touched
}

// Limits of a fleet of n machines, a share of which may come to harm.
func (k Constants) Limits(share float64, n int) Limits {
	harm := share * float64(n)
	l := Limits{Harm: harm, Gravest: k.Gravest, Aversion: math.Inf(1), Kin: k.KinFloor + int(k.KinShare*harm)}
	if more := k.GravestShare * share; more > k.Gravest {
		l.Gravest, l.Aversion = min(1, more), k.Aversion
	}
	return l
}

// counted is what an option counts towards the harm that a fleet may come to.
func (l Limits) counted(o Option) float64 {
	if o.Gravest <= l.Gravest {
		return o.Harm
	}
	return o.Harm * math.Pow(o.Gravest/l.Gravest, l.Aversion)
}
