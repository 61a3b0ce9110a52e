// One connection of the scriptable DoT server. Not for tests to use directly.
#pragma once

#include <memory>

namespace happy::test {

class DotServer;
struct DotScript;

// Serves until the peer, the script or the server ends it; closes `descriptor`.
// `number` counts the served connections from 1.
void serve_dot_connection(DotServer* server, int descriptor, int number);

// The same for DotScript::answers_early, with what make_early_context() gave.
// The latter throws std::exception where it cannot.
std::shared_ptr<void> make_early_context(const DotScript& script);
void serve_early_connection(DotServer* server, int descriptor);

}  // namespace happy::test
