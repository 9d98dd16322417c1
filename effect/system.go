package effect

import (
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// smallShare is the share of a month that one service may have for the system without it
// to be near that with it: what is neglected then is its cube.
const smallShare = 0.02

// system is a symmetric positive system of the size of the months.
type system struct {
	n int
	// rows has the upper half, factor what solves it, and inverse is whole, once it is
	// needed. weight is what was added to the diagonal by months.
	rows, factor, inverse, weight []float64
	triangle                      blas64.Triangular
}

func (y *system) reset(n int) {
	y.n, y.rows, y.weight, y.inverse = n, zeros(y.rows, n*n), zeros(y.weight, n), y.inverse[:0]
}

func (y *system) copy() *system {
	return &system{n: y.n, rows: slices.Clone(y.rows), weight: slices.Clone(y.weight)}
}

// addProduct adds factor times the product of a list with itself. What the list lacks at
// its end is 0.
func (y *system) addProduct(list []float64, factor float64) {
	for i, v := range list {
		if v != 0 {
			at := i * y.n
			floats.AddScaled(y.rows[at+i:at+len(list)], factor*v, list[i:])
		}
	}
}

// addDiagonal adds factor times a list to the diagonal.
func (y *system) addDiagonal(list []float64, factor float64) {
	for i, v := range list {
		y.rows[i*y.n+i] += factor * v
		y.weight[i] += factor * v
	}
}

// scale multiplies rows and columns by a list.
func (y *system) scale(by []float64) {
	for i, v := range by {
		at := y.rows[i*y.n+i : (i+1)*y.n]
		floats.Mul(at, by[i:])
		floats.Scale(v, at)
	}
}

// share is the largest that a list has of the diagonals that were added.
func (y *system) share(of []float64) float64 {
	largest := 0.0
	for i, v := range of {
		largest = max(largest, v/y.weight[i])
	}
	return largest
}

// factorize prepares solve, and reports whether there is a solution.
func (y *system) factorize() (ok bool) {
	if y.n == 0 {
		return false
	}
	y.factor = append(y.factor[:0], y.rows...)
	y.triangle, ok = lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: y.n, Data: y.factor, Stride: y.n})
	return ok
}

// solve returns the solution for a right side, in the memory of a list.
func (y *system) solve(list, right []float64) []float64 {
	list = append(list[:0], right...)
	lapack64.Potrs(y.triangle, blas64.General{Rows: y.n, Cols: 1, Data: list, Stride: 1})
	return list
}

// multiply is solve by the inverse, which is quicker for many right sides.
func (y *system) multiply(list, right []float64) {
	if len(y.inverse) == 0 {
		y.inverse = zeros(y.inverse, y.n*y.n)
		for i := range y.n {
			y.inverse[i*y.n+i] = 1
		}
		lapack64.Potrs(y.triangle, blas64.General{Rows: y.n, Cols: y.n, Data: y.inverse, Stride: y.n})
	}
	for i := range list {
		list[i] = floats.Dot(y.inverse[i*y.n:(i+1)*y.n], right)
	}
}

// zeros is a list of a length of zeros, in the memory of another if that is enough.
func zeros(list []float64, n int) []float64 {
	list = slices.Grow(list[:0], n)[:n]
	clear(list)
	return list
}
