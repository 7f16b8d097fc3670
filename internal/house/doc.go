// Package house has only a test: it keeps the packages' arrows as
// ARCHITECTURE.md draws them.
package house
