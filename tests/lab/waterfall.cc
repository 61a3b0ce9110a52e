#include "tests/lab/waterfall.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

namespace happy::lab {
namespace {

using nlohmann::json;

constexpr int kWidth = 40;

struct Bar {
  std::string label, ending;
  int64_t from_us = 0;
  std::optional<int64_t> to_us;  // none: went on until the race's end
};

int64_t time_of(const json& event) { return event.value("t_us", int64_t{0}); }

std::string attempt_label(const json& start) {
  const std::string address = start.value("address", "?");
  const std::string port = std::to_string(start.value("port", 0));
  return address.find(':') == std::string::npos ? address + ":" + port
                                                : "[" + address + "]:" + port;
}

std::string failure_text(const json& failed) {
  const auto error = failed.find("errno");
  if (error == failed.end() || !error->is_number_integer()) return "failed";
  return strerror(error->get<int>());
}

// Steps of one race by its number, in order of their starts.
std::vector<Bar> attempts_of(const std::vector<json>& trace, const json& race,
                             const json& end) {
  std::vector<Bar> bars;
  std::vector<json> ids;
  for (const auto& event : trace) {
    if (event.value("race", json()) != race) continue;
    const std::string kind = event.value("event", "");
    const json id = event.value("attempt", json());
    if (kind == "attempt_start") {
      bars.push_back({attempt_label(event), "", time_of(event), {}});
      ids.push_back(id);
      continue;
    }
    const auto known = std::find(ids.begin(), ids.end(), id);
    if (known == ids.end()) continue;
    Bar& bar = bars[static_cast<size_t>(known - ids.begin())];
    if (kind != "attempt_failed" && kind != "attempt_cancelled") continue;
    bar.to_us = time_of(event);
    bar.ending = kind == "attempt_failed" ? failure_text(event) : "cancelled";
  }
  const auto won =
      std::find(ids.begin(), ids.end(), end.value("winner", json()));
  if (won != ids.end())
    bars[static_cast<size_t>(won - ids.begin())].ending = "connected";
  return bars;
}

// The look-up that the race stands on: its last one before the race.
void add_look_up(const std::vector<json>& trace, const std::string& name,
                 int64_t before_us, std::vector<Bar>* bars) {
  std::optional<int64_t> from_us, to_us;
  for (const auto& event : trace) {
    if (event.value("name", "") != name || time_of(event) > before_us) continue;
    if (event.value("event", "") == "resolve_start") from_us = time_of(event);
    if (event.value("event", "") == "resolve_end") to_us = time_of(event);
  }
  if (from_us && to_us && *from_us <= *to_us)
    bars->insert(bars->begin(),
                 {"look-up over DoT", "answered", *from_us, to_us});
}

std::string draw(const std::vector<Bar>& bars, int64_t end_us) {
  const int64_t start_us = bars.front().from_us;
  const double scale =
      static_cast<double>(kWidth) /
      static_cast<double>(std::max<int64_t>(end_us - start_us, 1));
  const auto column = [&](int64_t at_us) {
    return static_cast<int>(static_cast<double>(at_us - start_us) * scale);
  };
  std::string text;
  for (const auto& bar : bars) {
    const int64_t to_us = std::min(bar.to_us.value_or(end_us), end_us);
    const int from = std::min(column(bar.from_us), kWidth - 1);
    const int length = std::max(column(to_us) - from, 1);
    std::string line(static_cast<size_t>(from), ' ');
    for (int i = 0; i < length; ++i)
      line += bar.ending == "connected" ? '#' : '=';
    line.resize(kWidth, ' ');
    char row[256];
    std::snprintf(row, sizeof row, "  %-22s |%s| %7.1f .. %7.1f ms  %s\n",
                  bar.label.c_str(), line.c_str(),
                  static_cast<double>(bar.from_us - start_us) / 1000,
                  static_cast<double>(to_us - start_us) / 1000,
                  bar.ending.c_str());
    text += row;
  }
  return text;
}

}  // namespace

std::string draw_race(const std::vector<json>& trace, const std::string& name) {
  const json *start = nullptr, *end = nullptr;
  for (const auto& event : trace) {
    if (event.value("event", "") == "race_start" &&
        event.value("name", "") == name)
      start = &event, end = nullptr;
    if (start != nullptr && event.value("event", "") == "race_end" &&
        event.value("race", json()) == start->value("race", json(-1)))
      end = &event;
  }
  if (start == nullptr || end == nullptr) return "";
  auto bars = attempts_of(trace, start->value("race", json()), *end);
  add_look_up(trace, name, time_of(*start), &bars);
  return bars.empty() ? "" : draw(bars, time_of(*end));
}

}  // namespace happy::lab
