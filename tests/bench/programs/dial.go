// dial HOST PORT: one connection by Go's own Dialer, which races two families
// (Fast Fallback, 300 ms) and asks a resolver of its own.
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	connection, err := net.Dial("tcp", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(connection.RemoteAddr())
	connection.Close()
	time.Sleep(100 * time.Millisecond) // its last packets are not the next one's
}
