package demo

import (
	"slices"

	"github.com/backlist/backlist/internal/catalogue"
)

// taste is what one kind of reader likes. Tastes overlap, so that clusters are connected.
type taste struct {
	name     string
	subjects []string // the more of them a book has, the better; the first counts double
	authors  []string // liked in all their books
	from, to int      // years, 0: no limit; outside them the taste is weaker
}

var tastes = []taste{
	{"clues", []string{"detection", "crime", "spies", "law"}, []string{"arthur-conan-doyle", "agatha-christie", "dorothy-l-sayers", "wilkie-collins", "g-k-chesterton", "john-buchan"}, 1840, 0},
	{"shudders", []string{"uncanny", "gothic", "mind", "fantasy"}, []string{"edgar-allan-poe", "sheridan-le-fanu", "franz-kafka", "mary-shelley", "henry-james"}, 1760, 0},
	{"drawing rooms", []string{"manners", "love", "women", "family", "money"}, []string{"jane-austen", "anthony-trollope", "elizabeth-gaskell", "edith-wharton", "henry-james", "e-m-forster"}, 1740, 0},
	{"far shores", []string{"adventure", "sea", "travel", "frontier", "history"}, []string{"robert-louis-stevenson", "jules-verne", "alexandre-dumas", "jack-london", "h-rider-haggard", "james-fenimore-cooper", "joseph-conrad"}, 1700, 0},
	{"Russian winters", []string{"mind", "family", "faith", "country-life", "poverty"}, []string{"leo-tolstoy", "fyodor-dostoevsky", "anton-chekhov", "ivan-turgenev", "nikolai-gogol", "alexander-pushkin", "ivan-goncharov", "nikolai-leskov", "maxim-gorky", "isaac-babel"}, 1820, 0},
	{"boulevards", []string{"city-life", "money", "love", "art"}, []string{"honore-de-balzac", "emile-zola", "gustave-flaubert", "guy-de-maupassant", "stendhal", "victor-hugo", "colette", "marcel-proust"}, 1820, 0},
	{"nursery shelf", []string{"childrens", "fairy-tales", "animals", "fantasy", "childhood"}, []string{"lewis-carroll", "e-nesbit", "a-a-milne", "l-frank-baum", "rudyard-kipling", "frances-hodgson-burnett", "l-m-montgomery", "george-macdonald"}, 1690, 0},
	{"other worlds", []string{"future", "fantasy", "science", "utopia", "adventure"}, []string{"h-g-wells", "jules-verne", "edgar-rice-burroughs", "lord-dunsany", "william-morris"}, 1800, 0},
	{"first singers", []string{"epic", "myth", "poetry", "philosophy", "history"}, []string{"homer", "virgil", "ovid", "plato", "herodotus", "vyasa", "ferdowsi"}, 0, 1500},
	{"front row", []string{"drama", "tragedy", "comedy", "love"}, []string{"william-shakespeare", "henrik-ibsen", "moliere", "sophocles", "euripides", "anton-chekhov", "george-bernard-shaw", "oscar-wilde", "aristophanes"}, 0, 0},
	{"slim volumes", []string{"poetry", "nature", "love", "faith"}, []string{"john-keats", "emily-dickinson", "walt-whitman", "rainer-maria-rilke", "w-b-yeats", "william-blake", "rabindranath-tagore", "t-s-eliot"}, 0, 0},
	{"new century", []string{"mind", "city-life", "art", "family"}, []string{"virginia-woolf", "james-joyce", "franz-kafka", "marcel-proust", "d-h-lawrence", "thomas-mann", "william-faulkner", "italo-svevo", "katherine-mansfield"}, 1895, 0},
	{"good humour", []string{"comedy", "satire", "manners", "travel"}, []string{"p-g-wodehouse", "mark-twain", "charles-dickens", "jerome-k-jerome", "laurence-sterne", "oscar-wilde", "henry-fielding"}, 1600, 0},
	{"barricades", []string{"war", "revolution", "politics", "history", "friendship"}, []string{"leo-tolstoy", "victor-hugo", "ernest-hemingway", "isaac-babel", "henryk-sienkiewicz", "erich-maria-remarque"}, 0, 0},
	{"wide world", []string{"empire", "race", "exile", "travel", "women"}, []string{"machado-de-assis", "lu-xun", "natsume-soseki", "rabindranath-tagore", "jose-rizal", "taha-hussein", "thomas-mofolo", "junichiro-tanizaki", "ryunosuke-akutagawa", "kahlil-gibran"}, 0, 0},
	{"long thoughts", []string{"philosophy", "essays", "science", "life-stories", "letters"}, []string{"plato", "michel-de-montaigne", "friedrich-nietzsche", "ralph-waldo-emerson", "soren-kierkegaard", "charles-darwin", "john-stuart-mill", "marcus-aurelius"}, 0, 0},
	{"hard times", []string{"work", "poverty", "money", "politics", "city-life"}, []string{"emile-zola", "charles-dickens", "theodore-dreiser", "george-gissing", "elizabeth-gaskell", "maxim-gorky", "upton-sinclair"}, 1830, 0},
	{"green lanes", []string{"country-life", "nature", "childhood", "family", "animals"}, []string{"thomas-hardy", "george-eliot", "willa-cather", "knut-hamsun", "l-m-montgomery", "henry-david-thoreau", "selma-lagerlof"}, 1780, 0},
}

// affinity returns how well b suits the taste, from 0 (not at all) to 1.
func (t taste) affinity(b catalogue.Book) float64 {
	score := 0.0
	for i, s := range t.subjects {
		switch {
		case !slices.Contains(b.Subjects, s):
		case i == 0:
			score += 2
		default:
			score++
		}
	}
	if slices.ContainsFunc(b.Authors, func(a string) bool { return slices.Contains(t.authors, a) }) {
		score += 2
	}
	if t.from != 0 && b.Year < t.from || t.to != 0 && b.Year > t.to {
		score /= 2
	}
	return min(1, score/5)
}
