// One connection of the scriptable DoT server. Not for tests to use directly.
#pragma once

namespace happy::test {

class DotServer;

// Serves until the peer, the script or the server ends it; closes `descriptor`.
// `number` counts the served connections from 1.
void serve_dot_connection(DotServer* server, int descriptor, int number);

}  // namespace happy::test
