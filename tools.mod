// The tools that write and check this code, kept apart so that go.mod names only what the product runs on.
// Run one with: go tool -modfile=tools.mod NAME
module github.com/backlist/backlist

go 1.26.0
