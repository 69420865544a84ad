package demo

import (
	"math/rand/v2"
	"strings"
)

// Most is the largest number of readers: one for every pair of names.
const Most = len(givenNames) * len(surnames)

type name struct{ given, surname string }

func (n name) full() string { return n.given + " " + n.surname }

func (n name) email() string {
	return strings.ToLower(n.given+"."+n.surname) + "@readers.example"
}

// names returns all pairs in a fixed random order.
func names(rng *rand.Rand) []name {
	all := make([]name, 0, Most)
	for _, g := range givenNames {
		for _, s := range surnames {
			all = append(all, name{given: g, surname: s})
		}
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// The names are plainly invented, and ASCII because they are part of an address.
var givenNames = [...]string{
	"Odo", "Peregra", "Tansy", "Wilfrik", "Maribelle", "Osmund", "Lunetta", "Barnabo", "Ysolda", "Quentilla", "Fabrizia",
	"Thistle", "Ambrosine", "Cosmo", "Ludovina", "Hepzi", "Marigold", "Rufino", "Isaura", "Gawain", "Nerissa", "Tobiah",
	"Celandine", "Orsino", "Philippa", "Zephyra", "Leopolda", "Jasperine", "Eudora", "Corin", "Mirabeau", "Sunniva",
}

var surnames = [...]string{
	"Quillfeather", "Inkwellington", "Foxingham", "Pagemarch", "Vellumby", "Marginsea", "Dogearing", "Ribbonmark",
	"Folioway", "Lampwick-Reade", "Bindergast", "Spinecrackle", "Octavoson", "Quartobello", "Colophonte", "Endpaperly",
	"Gilttop", "Ampersandra", "Semicolby", "Footnotely", "Indexter", "Prefaceby", "Chapterlain", "Bookwyther",
	"Shelfordine", "Duskjacket", "Uncutter", "Papermoth", "Longparagraph", "Errataway",
}

var zones = [...]string{
	"Europe/London", "Europe/Lisbon", "Europe/Berlin", "Europe/Paris", "Europe/Helsinki", "Europe/Warsaw", "Europe/Rome",
	"America/New_York", "America/Chicago", "America/Los_Angeles", "America/Sao_Paulo", "America/Mexico_City",
	"Africa/Lagos", "Africa/Johannesburg", "Africa/Cairo", "Asia/Kolkata", "Asia/Tokyo", "Asia/Manila", "Asia/Tehran",
	"Australia/Sydney", "Pacific/Auckland", "UTC",
}
