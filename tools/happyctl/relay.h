// Joins a connection to a pair of descriptors, as netcat does.
#pragma once

namespace happyctl {

// Copies `in` to `socket` and `socket` to `out` until the peer has sent all;
// the end of `in` is told to the peer, which may go on. A reader of `out` that
// has gone ends it by SIGPIPE, as usual. Returns 0 or an errno.
int relay(int in, int out, int socket);

}  // namespace happyctl
