package utilization

import "yunjian/cloud"

// AddPoints is Add for each of points, which ascend. It finds the evenly spaced runs
// among them, which AddRun counts several times as fast.
func (a *Accumulator) AddPoints(points []cloud.Point) {
	for i := 0; i < len(points); {
		h, ok := Hundredths(points[i].V)
		if !ok {
			a.Add(points[i].T, points[i].V)
			i++
			continue
		}
		run, start, step := append(a.run[:0], h), points[i].T, int64(1)
		if i++; i < len(points) {
			step = points[i].T - start
		}
		for ; i < len(points) && points[i].T-points[i-1].T == step; i++ {
			if h, ok = Hundredths(points[i].V); !ok {
				break
			}
			run = append(run, h)
		}
		a.AddRun(start, step, run)
		a.run = run
	}
}
