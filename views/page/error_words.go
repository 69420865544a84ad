package page

import (
	"cmp"

	"github.com/backlist/backlist/views/ui"
)

// filled returns d with the status's words for empty texts.
func (d Error) filled() Error {
	headline, sentence, advice := errorWords(d.Status)
	d.Headline = cmp.Or(d.Headline, headline)
	d.Sentence = cmp.Or(d.Sentence, sentence)
	d.Advice = cmp.Or(d.Advice, advice)
	d.Page.Title = cmp.Or(d.Page.Title, d.Headline)
	if len(d.Links) == 0 {
		d.Links = []ui.Link{{Text: "Front page", URL: "/"}, {Text: "All books", URL: "/books"}}
	}
	return d
}

// errorWords returns the meaning of a status, what happened, and what to do.
func errorWords(status int) (headline, sentence, advice string) {
	switch status {
	case 403:
		return "That is not allowed", "The request came from another site, or is not yours to make.", "Go back to the page and send the form from there."
	case 404:
		return "No such page", "There is nothing at this address. It may have moved, or never existed.", "Check the address, or search for the book."
	case 405:
		return "That does not work here", "This address does not answer that kind of request.", "Go back and use the page’s own links and buttons."
	case 413:
		return "Too much at once", "The form or file that you sent is larger than we accept.", "Go back and send less."
	case 422:
		return "We could not read that", "Something in the form is not as it should be.", "Go back, look it over and send it again."
	case 429:
		return "A little slower, please", "There were too many tries in a short time.", "Wait a minute, then try again."
	case 503:
		return "Back in a moment", "Our database does not answer just now. Nothing that you saved is lost.", "Wait a few seconds and reload the page."
	default:
		return "Something broke on our side", "We could not finish this request. It is written down and will be looked at.", "Try again; if it stays like this, come back later."
	}
}
