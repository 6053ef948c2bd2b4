module pinisi.dev/conformance/keda

go 1.26.0

// Its source files are taken from here; what they import from the rest of KEDA decides nothing and
// stands in _standin.
require github.com/kedacore/keda/v2 v2.21.0
