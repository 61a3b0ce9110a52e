#include "core/dns/search.h"

#include <algorithm>

namespace happy::dns {
namespace {

bool has_final_dot(std::string_view text) {
  if (!text.ends_with('.')) return false;
  // "a\." ends in a label's own dot; "a\\." does not.
  const size_t last_other = text.find_last_not_of('\\', text.size() - 2);
  const size_t escapes = text.size() - 2 - last_other;
  return escapes % 2 == 0;
}

void add(SearchList& list, Name name) {
  if (std::find(list.names.begin(), list.names.end(), name) ==
      list.names.end()) {
    list.names.push_back(std::move(name));
  }
}

}  // namespace

SearchList expand(std::string_view input, const ResolvConf& conf) {
  SearchList out;
  const auto name = Name::parse(input);
  if (!name || name->is_root()) return out;
  const auto dots = std::count(input.begin(), input.end(), '.');
  const bool absolute = has_final_dot(input);
  if (absolute || dots >= conf.ndots) add(out, *name);
  if (!absolute) {
    for (const Name& suffix : conf.search) {
      auto joined = name->joined(suffix);
      if (!joined) break;  // as res_search(3), which gives up the list here
      add(out, std::move(*joined));
    }
    add(out, *name);
  }
  const auto found = std::find(out.names.begin(), out.names.end(), *name);
  out.as_is = static_cast<size_t>(found - out.names.begin());
  return out;
}

}  // namespace happy::dns
