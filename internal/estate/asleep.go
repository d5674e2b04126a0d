package estate

// Asleep is an office machine that does nothing outside office hours: a system for
// training, testing or the counter of an office that closes. Its virus scan on Sunday
// nights is all that stirs it.
const Asleep Class = "asleep"

// rest puts one office machine of five to sleep at night and on weekends, but none
// of a pair: all others stay as they were drawn.
func (e *Estate) rest() {
	for i := range e.machines {
		if m := &e.machines[i]; m.class == Office && m.haGroup == "" && hash(m.seed, 'r')%5 == 0 {
			m.class = Asleep
			m.shape.night, m.shape.weekend, m.shape.burst = 0, 0, 0
		}
	}
}

// awake cuts the early and late trickle off an activity: what is left is office
// hours, from about a quarter past eight to a quarter past six.
func awake(activity float64) float64 { return max(0, (activity-0.3)/0.7) }
