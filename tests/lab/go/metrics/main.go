// Command metrics is one binary for metrics-server and for the lab's adapter,
// which serves custom.metrics.k8s.io and external.metrics.k8s.io: the name it is
// called by says which one it is.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/logs"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app"
)

func main() {
	logs.InitLogs()
	defer logs.FlushLogs()
	var err error
	switch name := filepath.Base(os.Args[0]); name {
	case "metrics-server":
		err = app.NewMetricsServerCommand(genericapiserver.SetupSignalHandler()).Execute()
	case "metrics-adapter":
		err = runAdapter(genericapiserver.SetupSignalContext(), os.Args[1:])
	default:
		err = fmt.Errorf("called as %q; call it as metrics-server or metrics-adapter", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
