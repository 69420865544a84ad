package crowd

import (
	"fmt"
	"net/http"
	"net/url"
)

// importMix returns what readers do with imports. The readers who change one have an import of their own each time.
func importMix() Mix {
	of := func(v rater, rest string) string { return fmt.Sprintf("/imports/%d%s", v.imported, rest) }
	return Mix{
		{route: "GET /imports", weight: 4, make: as("/imports")},
		{route: "POST /imports", weight: 1, want: http.StatusSeeOther, upload: true, spare: true, make: func(_ *guests, n int, v rater) ask {
			file := "title,author,rating,shelf\n"
			for i := range 20 {
				file += fmt.Sprintf("Imported Book %d,Load Author%d,%d,read\n", (n+i)%500, (n+i)%50, 1+i%5)
			}
			return ask{"/imports", url.Values{"file": {file}}, v.token}
		}},
		{route: "GET /imports/{id}", weight: 4, make: func(_ *guests, _ int, v rater) ask { return ask{path: of(v, ""), token: v.token} }},
		{route: "GET /imports/{id}/events", weight: 2, stream: true, make: func(_ *guests, _ int, v rater) ask {
			return ask{path: of(v, "/events"), token: v.token}
		}},
		{route: "GET /imports/{id}/rows.csv", weight: 1, make: func(_ *guests, _ int, v rater) ask { return ask{path: of(v, "/rows.csv"), token: v.token} }},
		{route: "POST /imports/{id}/stop", weight: 1, want: http.StatusSeeOther, make: func(_ *guests, _ int, v rater) ask {
			return ask{of(v, "/stop"), url.Values{}, v.token}
		}},
		{route: "POST /imports/{id}/undo", weight: 1, want: http.StatusSeeOther, spare: true, make: func(_ *guests, _ int, v rater) ask {
			return ask{of(v, "/undo"), url.Values{}, v.token}
		}},
		{route: "POST /imports/{id}/rows/{n}", weight: 1, want: http.StatusSeeOther, spare: true, make: func(_ *guests, _ int, v rater) ask {
			return ask{of(v, "/rows/1"), url.Values{"choice": {"0"}}, v.token}
		}},
	}
}

// uploadForm returns the body of a form with a file, and its type.
func uploadForm(content string) (body, kind string) {
	const boundary = "backlist-load"
	return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"books.csv\"\r\n\r\n" + content + "\r\n--" + boundary + "--\r\n",
		"multipart/form-data; boundary=" + boundary
}
