// Package bookui contains the storefront's components: covers, book cards, walls
// of books, stars and shelves. It builds on those of views/ui.
package bookui
