package bookui

// palette is the colours of a cover: ground for the cloth and text for print on
// it, paper for labels and boards and ink for print on those, deep for shades of
// the cloth, foil for decoration.
type palette struct{ ground, deep, text, foil, paper, ink string }

// palettes are named after cloths. The contrast of text and ground, and of ink
// and paper, is at least 4.5 to 1.
var palettes = [...]palette{
	{ground: "#6b2326", deep: "#4a1517", text: "#f6e8d2", foil: "#d8a860", paper: "#f7eedd", ink: "#5c1c1f"}, // oxblood
	{ground: "#21443a", deep: "#152e27", text: "#f1ecd8", foil: "#cdab66", paper: "#f3efdf", ink: "#1c3a32"}, // bottle green
	{ground: "#22385a", deep: "#152540", text: "#f2ecdd", foil: "#d6b574", paper: "#f2eee2", ink: "#1e3250"}, // navy
	{ground: "#d6a13b", deep: "#a97a1f", text: "#33200c", foil: "#6d2c17", paper: "#fbf3dd", ink: "#5a3510"}, // ochre
	{ground: "#2f5a63", deep: "#1f4149", text: "#f3f0e3", foil: "#f0c886", paper: "#f1f0e4", ink: "#234850"}, // teal
	{ground: "#532e4d", deep: "#371c34", text: "#f6eaed", foil: "#dba8b2", paper: "#f6edea", ink: "#4a2745"}, // plum
	{ground: "#a8452a", deep: "#7d2f1a", text: "#fdf1e2", foil: "#f6cf8f", paper: "#faf0e1", ink: "#872f17"}, // brick
	{ground: "#9aa985", deep: "#738160", text: "#242b1b", foil: "#40341c", paper: "#f6f3e4", ink: "#3c4a2a"}, // sage
	{ground: "#33302d", deep: "#1d1b19", text: "#f1e9da", foil: "#dd7b4f", paper: "#efe8da", ink: "#2b2826"}, // charcoal
	{ground: "#d39d90", deep: "#ac7468", text: "#3a1a17", foil: "#7a2b28", paper: "#fbf0ea", ink: "#6b2a2a"}, // rose
	{ground: "#9dbcc8", deep: "#7197a6", text: "#15303b", foil: "#7a2c20", paper: "#f5f4ea", ink: "#1f4756"}, // sky
	{ground: "#dccaa2", deep: "#b59d6c", text: "#3a2a14", foil: "#812f22", paper: "#fbf7e9", ink: "#6a2a1e"}, // sand
}

// ornaments and patterns are symbols of CoverSheet.
var (
	ornaments = [...]string{"rosette", "star", "sun", "moon", "branch", "knot", "lozenge", "key", "wave", "tree", "book", "flame"}
	patterns  = [...]string{"dots", "lattice", "waves", "chevrons", "scallops", "stripes"}
)
