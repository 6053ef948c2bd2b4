package podautoscaler

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// shimNow is the clock of upstream's code and of ours.
var shimNow = time.Now

// Who answers when a function is called by upstream's own name.
const (
	modeUpstream = ""      // upstream
	modeParts    = "parts" // hpa-oracle, function by function
	modeWhole    = "whole" // hpa-oracle, a whole sync at once
)

var shimMode = os.Getenv("PINISI_CONFORMANCE_MODE")

// An answer of hpa-oracle.
type answer struct {
	OK      json.RawMessage `json:"ok"`
	Message string          `json:"message"`
	Error   *struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
	} `json:"error"`
}

type oracleProcess struct {
	lock   sync.Mutex
	in     io.WriteCloser
	out    *bufio.Reader
	asked  int
	broken error
}

var theOracle = sync.OnceValue(func() *oracleProcess {
	o := &oracleProcess{}
	command := exec.Command(os.Getenv("PINISI_ORACLE"))
	command.Stderr = os.Stderr
	var out io.Reader
	if o.in, o.broken = command.StdinPipe(); o.broken == nil {
		if out, o.broken = command.StdoutPipe(); o.broken == nil {
			o.out = bufio.NewReaderSize(out, 1<<20)
			o.broken = command.Start()
		}
	}
	return o
})

// ask puts a question to hpa-oracle and decodes its answer. The error is the HPA's own, in its
// words. It panics where the oracle does not understand: then the comparison itself is wrong.
func ask(question any, into any) error {
	line, err := json.Marshal(question)
	if err != nil {
		panic(err)
	}
	o := theOracle()
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.broken != nil {
		panic(fmt.Sprintf("the oracle (PINISI_ORACLE=%q): %v", os.Getenv("PINISI_ORACLE"), o.broken))
	}
	o.asked++
	if shimMode != modeUpstream {
		// Read by verdicts.rs: the test that runs now is one that we answer in.
		fmt.Println("hpa-oracle asked")
	}
	var text []byte
	if _, err = o.in.Write(append(line, '\n')); err == nil {
		text, err = o.out.ReadBytes('\n')
	}
	if err != nil {
		o.broken = err
		panic(fmt.Sprintf("the oracle ended: %v", err))
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		panic(fmt.Sprintf("the oracle said %s: %v", text, err))
	}
	switch {
	case a.Error != nil:
		panic(fmt.Sprintf("the oracle refused (%s: %s) %s", a.Error.Kind, a.Error.Message, line))
	case a.OK == nil:
		return errors.New(a.Message)
	}
	if err := json.Unmarshal(a.OK, into); err != nil {
		panic(fmt.Sprintf("the oracle said %s: %v", text, err))
	}
	return nil
}
