package recommender

import "math"

// logistic fits the chance that a row's outcome is true: the weights that the
// features have in its logarithm of odds, the last feature being the constant 1.
// Features are standardized first, and each weight but the constant's is held
// back by ridge (S. le Cessie, J. C. van Houwelingen, "Ridge Estimators in
// Logistic Regression", Applied Statistics 41, 1992). It is found by Newton's
// method, from zero, so that the same rows give the same weights.
func logistic(rows [][]float64, outcome []bool, weight []float64, ridge float64) []float64 {
	if len(rows) == 0 {
		return nil
	}
	n := len(rows[0])
	mean, scale := standard(rows)
	w := make([]float64, n)
	z := make([]float64, n)
	for range 50 {
		gradient, hessian := make([]float64, n), make([][]float64, n)
		for i := range hessian {
			hessian[i] = make([]float64, n)
		}
		for k, row := range rows {
			for i := range z {
				z[i] = (row[i] - mean[i]) / scale[i]
			}
			p := sigmoid(dot(w, z))
			d, v := p, weight[k]*p*(1-p)
			if outcome[k] {
				d--
			}
			d *= weight[k]
			for i := range z {
				gradient[i] += d * z[i]
				for j := range i + 1 {
					hessian[i][j] += v * z[i] * z[j]
				}
			}
		}
		for i := range n - 1 {
			gradient[i] += ridge * w[i]
			hessian[i][i] += ridge
		}
		step := cholesky(hessian, gradient)
		longest := 0.0
		for i := range w {
			w[i] -= step[i]
			longest = max(longest, math.Abs(step[i]))
		}
		if longest < 1e-8 {
			break
		}
	}
	out := make([]float64, n)
	for i := range n - 1 {
		out[i] = w[i] / scale[i]
		out[n-1] -= out[i] * mean[i]
	}
	out[n-1] += w[n-1]
	return out
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
		if scale[i] = deviation(column); scale[i] < 1e-12 || i == n-1 {
			scale[i] = 1
		}
	}
	mean[n-1] = 0
	return mean, scale
}

// cholesky solves a×x = b for a positive definite a, of which the lower triangle
// is given and used up.
func cholesky(a [][]float64, b []float64) []float64 {
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
	x := make([]float64, n)
	for i := range n {
		x[i] = b[i]
		for k := range i {
			x[i] -= a[i][k] * x[k]
		}
		x[i] /= a[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= a[k][i] * x[k]
		}
		x[i] /= a[i][i]
	}
	return x
}
