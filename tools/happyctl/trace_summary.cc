#include "tools/happyctl/trace_summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace happyctl {
namespace {

using nlohmann::json;

// Empty where the event has no such text, or null.
std::string text_of(const json& event, const char* key) {
  const auto at = event.find(key);
  return at != event.end() && at->is_string() ? at->get<std::string>() : "";
}

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos &&
         !address.starts_with("::ffff:");  // IPv4, mapped
}

std::string listed(
    std::initializer_list<std::pair<int, std::string_view>> counts) {
  std::vector<std::string> out;
  for (const auto& [count, what] : counts) {
    if (count != 0) out.push_back(fmt::format("{} {}", count, what));
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace

TraceSummary::TraceSummary(std::istream& trace) {
  for (std::string line; std::getline(trace, line);) {
    const json event = json::parse(line, nullptr, false);
    if (!event.is_object()) continue;
    const std::string kind = text_of(event, "event");
    const std::string result = text_of(event, "result");
    if (kind == "resolve_end") ++(result == "ok" ? resolved_ : unresolved_);
    if (kind != "race_end") continue;
    ++races_;
    if (result == "won") {
      ++(is_ipv6(text_of(event, "address")) ? won_by_ipv6_ : won_by_ipv4_);
    } else {
      const bool failed = result == "failed" || result == "timed out";
      ++(failed ? failed_ : given_up_);
    }
  }
}

std::string TraceSummary::text() const {
  std::string names =
      listed({{resolved_, resolved_ == 1 ? "name resolved" : "names resolved"},
              {unresolved_, "not"}});
  if (resolved_ == 0 && unresolved_ != 0) {
    names = fmt::format("{} name{} not resolved", unresolved_,
                        unresolved_ == 1 ? "" : "s");
  }
  if (!names.empty()) names += "; ";
  if (races_ == 0) return names + "no connection was raced";
  return fmt::format("{}{} race{}: {}", names, races_, races_ == 1 ? "" : "s",
                     listed({{won_by_ipv6_, "won by IPv6"},
                             {won_by_ipv4_, "won by IPv4"},
                             {failed_, "failed"},
                             {given_up_, "given up by the program"}}));
}

}  // namespace happyctl
