#include "tools/happyctl/trace_summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "tools/happyctl/trace_text.h"

namespace happyctl {
namespace {

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

void TraceSummary::add(const TraceEntry& entry) {
  if (entry.look_up && entry.look_up->result == "ok") ++resolved_;
  if (entry.look_up && entry.look_up->failed()) ++unresolved_;
  if (entry.race && !entry.race->result.empty()) add(*entry.race);
}

void TraceSummary::add(const TraceRace& race) {
  ++races_;
  if (const TraceAttempt* winner = race.winner()) {
    ++(is_ipv6(winner->address) ? won_by_ipv6_ : won_by_ipv4_);
  } else {
    const bool failed = race.result == "failed" || race.result == "timed out";
    ++(failed ? failed_ : given_up_);
  }
  const SavedTime saved = saved_time(race);
  saved_us_ += saved.at_least_us;
  if (!saved.still_waiting_for.empty()) ++would_still_wait_;
}

std::string TraceSummary::names() const {
  if (resolved_ == 0 && unresolved_ != 0) {
    return fmt::format("{} name{} not resolved; ", unresolved_,
                       unresolved_ == 1 ? "" : "s");
  }
  std::string out =
      listed({{resolved_, resolved_ == 1 ? "name resolved" : "names resolved"},
              {unresolved_, "not"}});
  return out.empty() ? out : out + "; ";
}

std::string TraceSummary::saved() const {
  std::string out;
  // Less than a millisecond is the clocks' affair.
  if (saved_us_ >= 1000) {
    out = fmt::format("; saved {}{}", would_still_wait_ ? "at least " : "",
                      milliseconds_text(saved_us_));
  }
  if (would_still_wait_ != 0) {
    out += fmt::format("; {} plain connect{} would still be waiting",
                       would_still_wait_, would_still_wait_ == 1 ? "" : "s");
  }
  return out;
}

std::string TraceSummary::text() const {
  if (races_ == 0) return names() + "no connection was raced";
  return fmt::format("{}{} race{}: {}{}", names(), races_,
                     races_ == 1 ? "" : "s",
                     listed({{won_by_ipv6_, "won by IPv6"},
                             {won_by_ipv4_, "won by IPv4"},
                             {failed_, "failed"},
                             {given_up_, "given up by the program"}}),
                     saved());
}

}  // namespace happyctl
