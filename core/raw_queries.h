// One question of any type about a strict name, answered with the message that
// the resolver sent: for res_query(3) and its relatives.
#pragma once

#include <memory>
#include <vector>

#include "core/dns/message.h"
#include "core/dns/search.h"
#include "core/engine.h"

namespace happy {

// The C struct is what the caller sees; `self` is the caller's reference.
struct RawQuery : happy_query {
  std::shared_ptr<RawQuery> self;
  dns::SearchList list;       // in the order to try them
  std::vector<size_t> rules;  // of each
  dns::Type type = dns::Type::kA;
  bool wants_names = false;  // of an address, in place of the message
  size_t current = 0;
  // Of the names before the current one.
  bool met_no_data = false, met_server_failure = false;
  std::vector<uint8_t> storage;  // what `message` points to
};

}  // namespace happy
