// Package bookui holds the storefront's pieces: covers, book cards, walls of
// books, stars and shelves. It sets the general ones of views/ui.
package bookui
