package lab

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
)

// Code is a function of this package that a page shows, from the source that the program was built from.
type Code struct {
	Title string
	File  string
	Func  string // as in inline, or site.inline for a method
}

//go:embed call.go commit_write.go inline_site.go jobs.go kill.go no_worker.go retry_job.go split.go split_job.go
var source embed.FS

// Path returns the file's path in the repository.
func (c Code) Path() string { return "internal/lab/" + c.File }

// Text returns the function with its comment; "" if there is none.
func (c Code) Text() string {
	text, err := source.ReadFile(c.File)
	if err != nil {
		return ""
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, c.File, text, parser.ParseComments)
	if err != nil {
		return ""
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && name(f) == c.Func {
			begin := f.Pos()
			if f.Doc != nil {
				begin = f.Doc.Pos()
			}
			return string(text[files.Position(begin).Offset:files.Position(f.End()).Offset])
		}
	}
	return ""
}

// name returns a function's name, after that of its receiver's type.
func name(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	if ident, ok := receiver.(*ast.Ident); ok {
		return ident.Name + "." + f.Name.Name
	}
	return f.Name.Name
}
