#include "tools/happyctl/trace_json.h"

#include "tools/happyctl/output.h"
#include "tools/happyctl/trace_text.h"

namespace happyctl {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kPage =
#include "trace_page.inc"
    ;

const char* word_of(AttemptEnd end) {
  switch (end) {
    case AttemptEnd::kOpen:
      return "open";
    case AttemptEnd::kFailed:
      return "failed";
    case AttemptEnd::kCancelled:
      return "cancelled";
    case AttemptEnd::kWon:
      break;
  }
  return "won";
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json json_of(const TraceLookUp& look_up) {
  ordered_json answers = ordered_json::array();
  for (const TraceAnswer& answer : look_up.answers)
    answers.push_back({{"type", text_or_null(answer.type)},
                       {"addresses", answer.addresses},
                       {"resolver", text_or_null(answer.resolver)},
                       {"source", answer.source}});
  return {{"name", look_up.name},
          {"start_us", look_up.start_us},
          {"end_us", look_up.end_us},
          {"result", text_or_null(look_up.result)},
          {"answers", answers}};
}

ordered_json json_of(const TraceRace& race) {
  ordered_json attempts = ordered_json::array();
  for (const TraceAttempt& attempt : race.attempts)
    attempts.push_back({{"attempt", attempt.number},
                        {"address", attempt.address},
                        {"port", attempt.port},
                        {"start_us", attempt.start_us},
                        {"end_us", attempt.end_us},
                        {"end", word_of(attempt.end)},
                        {"errno", text_or_null(attempt.error)}});
  const SavedTime saved = saved_time(race);
  return {{"race", race.number},
          {"name", race.name},
          {"candidates", race.candidates},
          {"start_us", race.start_us},
          {"end_us", race.end_us},
          {"result", text_or_null(race.result)},
          {"attempts", attempts},
          {"saved_at_least_us", saved.at_least_us},
          {"still_waiting_for", text_or_null(saved.still_waiting_for)}};
}

// What the page filters by.
const char* outcome_of(const TraceEntry& entry) {
  if (entry.passed) return "no race";
  if (!entry.race) return entry.look_up->failed() ? "failed" : "no race";
  if (entry.race->winner() != nullptr) return "connected";
  const std::string& result = entry.race->result;
  return result == "failed" || result == "timed out" ? "failed" : "given up";
}

ordered_json chart_json(const TraceEntry& entry, int64_t zero_us) {
  const Chart chart = chart_of(entry);
  ordered_json bars = ordered_json::array();
  for (const Bar& bar : chart.bars)
    bars.push_back(
        {word_of(bar.kind), bar.label, bar.from_us, bar.to_us, bar.outcome});
  return {{"at", entry.start_us() - zero_us},
          {"pid", entry.pid},
          {"title", chart.title},
          {"summary", chart.summary},
          {"outcome", outcome_of(entry)},
          {"length", chart.length_us},
          {"remark", chart.remark},
          {"bars", bars}};
}

// Within a script nothing may look like its end, or like a comment's begin.
std::string for_a_script(std::string text) {
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos; ++at)
    text.replace(at, 1, "\\u003c");
  return text;
}

}  // namespace

ordered_json json_of(const TraceEntry& entry) {
  ordered_json out = {{"pid", entry.pid}};
  if (entry.look_up) out["look_up"] = json_of(*entry.look_up);
  if (entry.race) out["race"] = json_of(*entry.race);
  if (entry.passed)
    out["passed"] = {{"address", entry.passed->address},
                     {"port", entry.passed->port},
                     {"at_us", entry.passed->at_us},
                     {"why", entry.passed->why}};
  return out;
}

std::string page(const std::string& heading,
                 const std::vector<TraceEntry>& entries) {
  ordered_json charts = ordered_json::array();
  for (const TraceEntry& entry : entries)
    charts.push_back(chart_json(entry, entries.front().start_us()));
  const ordered_json data = {{"heading", heading}, {"charts", charts}};
  constexpr std::string_view kPlace = "/*data*/ null";
  std::string out(kPage);
  return out.replace(out.find(kPlace), kPlace.size(),
                     for_a_script(dumped(data)));
}

}  // namespace happyctl
