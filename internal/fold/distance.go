package fold

// Distance returns the number of letters to delete, insert, change or swap with their neighbour to turn a into b (the
// optimal string alignment distance), or limit+1 if it is more than limit.
func Distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if gap := len(x) - len(y); gap > limit || -gap > limit {
		return limit + 1
	}
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i := range x {
		row[0] = i + 1
		least := row[0]
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, above[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			least = min(least, row[j+1])
		}
		// No later cell can be less, not even after a swap: a cell two rows up is at most one less, and a swap costs
		// one.
		if least > limit {
			return limit + 1
		}
		before, above, row = above, row, before
	}
	return min(above[len(y)], limit+1)
}
