// Times as the wire of the namespace lab tells them.
#pragma once

#include <optional>
#include <string>

#include "tests/lab/namespace_lab.h"

namespace happy::bench {

// Milliseconds of the last program: from the resolver's last answer, or from
// the first SYN, to the connection with that address. Nothing where one of them
// did not come.
std::optional<double> to_connection(lab::NamespaceLab& lab,
                                    const std::string& address,
                                    bool from_answer);

}  // namespace happy::bench
