package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
)

// extract is a file with only the declarations named, each with the group that it stands in, and the
// imports that these need. A method is named Type.Method. It fails where a name is not there.
func extract(name string, text []byte, parts []string) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, part := range parts {
		wanted[part] = true
	}
	source := func(from, to token.Pos) []byte {
		return text[files.Position(from).Offset:files.Position(to).Offset]
	}
	used := map[string]bool{}
	var body bytes.Buffer
	for _, decl := range file.Decls {
		take := false
		for _, declared := range names(decl) {
			if wanted[declared] {
				take = true
				delete(wanted, declared)
			}
		}
		if !take {
			continue
		}
		fmt.Fprintf(&body, "\n%s\n", source(decl.Pos(), decl.End()))
		ast.Inspect(decl, func(node ast.Node) bool {
			if s, ok := node.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok {
					used[x.Name] = true
				}
			}
			return true
		})
	}
	for part := range wanted {
		return nil, fmt.Errorf("%s declares no %s: upstream has changed, and prepare must follow", name, part)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "package %s\n", file.Name.Name)
	for _, spec := range file.Imports {
		from, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		called := path.Base(from)
		if spec.Name != nil {
			called = spec.Name.Name
		}
		if used[called] {
			fmt.Fprintf(&out, "\nimport %s\n", source(spec.Pos(), spec.End()))
		}
	}
	out.Write(body.Bytes())
	return out.Bytes(), nil
}

// names are those that a declaration declares.
func names(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if of, ok := of.(*ast.Ident); ok {
			return []string{of.Name + "." + d.Name.Name}
		}
	case *ast.GenDecl:
		var all []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				all = append(all, s.Name.Name)
			case *ast.ValueSpec:
				for _, name := range s.Names {
					all = append(all, name.Name)
				}
			}
		}
		return all
	}
	return nil
}
