package recommender

import (
	"math"
	"sync"
)

// regression fits the chance that a row's outcome is true: the weights that the
// features have in its logarithm of odds, the last feature being the constant 1.
// Features are standardized first, and each weight but the constant's is held
// back by a ridge (S. le Cessie, J. C. van Houwelingen, "Ridge Estimators in
// Logistic Regression", Applied Statistics 41, 1992). It is found by Newton's
// method, from zero, so that the same rows give the same weights.
type regression struct {
	rows        [][]float64 // standardized
	outcome     []bool
	mean, scale []float64   // of the features as they were
	w           []float64   // of the standardized ones
	factor      [][]float64 // lower triangle: × its transpose is the information that the rows gave of w
}

// newRegression uses up rows, of which there must be one at least.
func newRegression(rows [][]float64, outcome []bool) *regression {
	r := &regression{rows: rows, outcome: outcome, w: make([]float64, len(rows[0]))}
	r.mean, r.scale = standard(rows)
	for _, row := range rows {
		for i := range row {
			row[i] = (row[i] - r.mean[i]) / r.scale[i]
		}
	}
	return r
}

// fit goes on from the weights found before to those for rows of the given weights.
// taken is the weight of what is taken for granted of either outcome, of the mean of
// all rows: without it, where no row came true, nothing would hold the constant.
// It stops after steps, or before where they no longer matter.
func (r *regression) fit(weight []float64, ridge, taken float64, steps int) {
	n := len(r.w)
	parts := make([]slopes, fitParts)
	for i := range parts {
		parts[i] = newSlopes(n)
	}
	gradient, hessian := parts[0].gradient, parts[0].hessian
	r.factor = hessian
	for range steps {
		var running sync.WaitGroup
		for i := range parts {
			running.Go(func() {
				first, last := i*len(r.rows)/fitParts, (i+1)*len(r.rows)/fitParts
				parts[i].of(r, weight, first, last)
			})
		}
		running.Wait()
		for _, p := range parts[1:] {
			parts[0].add(p)
		}
		for i := range n - 1 {
			gradient[i] += ridge * r.w[i]
			hessian[i][i] += ridge
		}
		p := sigmoid(r.w[n-1])
		gradient[n-1] += taken * (2*p - 1)
		hessian[n-1][n-1] += 2 * taken * p * (1 - p)
		longest := 0.0
		solve(hessian, gradient)
		for i, step := range gradient {
			r.w[i] -= step
			longest = max(longest, math.Abs(step))
		}
		if longest < 1e-7 {
			return
		}
	}
}

// fitParts is how many parts the rows are summed up in, side by side: always as many,
// however many cores there are, so that the same rows give the same weights.
const fitParts = 8

// slopes is the first and, in its lower triangle, the second derivative of what the
// regression makes least.
type slopes struct {
	gradient []float64
	hessian  [][]float64
}

func newSlopes(n int) slopes {
	s := slopes{make([]float64, n), make([][]float64, n)}
	for i := range s.hessian {
		s.hessian[i] = make([]float64, i+1)
	}
	return s
}

// of sums up rows from first to before last.
func (s slopes) of(r *regression, weight []float64, first, last int) {
	clear(s.gradient)
	for _, h := range s.hessian {
		clear(h)
	}
	for k := first; k < last; k++ {
		row := r.rows[k]
		p := sigmoid(dot(r.w, row))
		d, v := weight[k]*p, weight[k]*p*(1-p)
		if r.outcome[k] {
			d -= weight[k]
		}
		for i, x := range row {
			s.gradient[i] += d * x
			vx, h := v*x, s.hessian[i]
			for j, y := range row[:len(h)] {
				h[j] += vx * y
			}
		}
	}
}

func (s slopes) add(other slopes) {
	for i, g := range other.gradient {
		s.gradient[i] += g
		for j, h := range other.hessian[i] {
			s.hessian[i][j] += h
		}
	}
}

// chance is that of the k-th row.
func (r *regression) chance(k int) float64 { return sigmoid(dot(r.w, r.rows[k])) }

// odds is the logarithm of the odds that features have, and its variance, which
// the rows left: greater, the less the features are like any row's.
func (r *regression) odds(features []float64) (mean, variance float64) {
	x := make([]float64, len(features))
	for i, v := range features {
		x[i] = (v - r.mean[i]) / r.scale[i]
	}
	mean = dot(r.w, x)
	forward(r.factor, x)
	return mean, dot(x, x)
}

// standard is each feature's mean and deviation; 0 and 1 of the constant, and a
// deviation of 1 of what does not vary.
func standard(rows [][]float64) (mean, scale []float64) {
	n := len(rows[0])
	mean, scale = make([]float64, n), make([]float64, n)
	for i := range n {
		column := make([]float64, len(rows))
		for k, row := range rows {
			column[k] = row[i]
			mean[i] += row[i] / float64(len(rows))
		}
		// What remains of a constant after rounding is no deviation.
		if scale[i] = deviation(column); scale[i] < 1e-9*math.Abs(mean[i]) || scale[i] < 1e-12 || i == n-1 {
			scale[i] = 1
		}
	}
	mean[n-1] = 0
	return mean, scale
}

// solve solves a×x = b for a positive definite a, of which the lower triangle is
// given: it leaves x in b, and in a the lower factor of a (A. L. Cholesky; C. Benoît,
// Bulletin géodésique 2, 1924).
func solve(a [][]float64, b []float64) {
	n := len(b)
	for j := range n {
		for k := range j {
			a[j][j] -= a[j][k] * a[j][k]
		}
		a[j][j] = math.Sqrt(max(a[j][j], 1e-12))
		for i := j + 1; i < n; i++ {
			for k := range j {
				a[i][j] -= a[i][k] * a[j][k]
			}
			a[i][j] /= a[j][j]
		}
	}
	forward(a, b)
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= a[k][i] * b[k]
		}
		b[i] /= a[i][i]
	}
}

// forward leaves in b what the lower factor turns into it.
func forward(factor [][]float64, b []float64) {
	for i := range b {
		for k := range i {
			b[i] -= factor[i][k] * b[k]
		}
		b[i] /= factor[i][i]
	}
}
