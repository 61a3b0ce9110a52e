#include "tools/happyctl/trace_reader.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace happyctl {
namespace {

using nlohmann::json;

// The library's own lines are shorter than a page.
constexpr size_t kLongestLine = 65536;
// Look-ups without a connect, beyond which the oldest is handed on alone.
constexpr size_t kMostPending = 4096;

constexpr int64_t kLatestUs = int64_t{1} << 53;

template <typename Value>
Value number(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number_integer() ? at->get<Value>()
                                                       : Value{};
}

// Empty where there is no such text, or null.
std::string text(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

std::vector<std::string> texts(const json& object, const char* key) {
  std::vector<std::string> out;
  const auto at = object.find(key);
  if (at == object.end() || !at->is_array()) return out;
  for (const json& one : *at)
    if (one.is_string()) out.push_back(one.get<std::string>());
  return out;
}

// The next line, without more of it than is of use. False: there is none.
bool next_line(std::istream& lines, std::string* line) {
  line->clear();
  std::streambuf* const buffer = lines.rdbuf();
  int octet = buffer->sbumpc();
  if (octet == std::streambuf::traits_type::eof()) return false;
  for (; octet != std::streambuf::traits_type::eof() && octet != '\n';
       octet = buffer->sbumpc())
    if (line->size() < kLongestLine) line->push_back(static_cast<char>(octet));
  return true;
}

}  // namespace

struct TraceReader::Event {
  const json& fields;
  const std::string kind = text(fields, "event");
  const long pid = number<long>(fields, "pid");
  // Within what can be subtracted; no clock gets there.
  const int64_t at_us =
      std::clamp<int64_t>(number<int64_t>(fields, "t_us"), 0, kLatestUs);

  Key race() const { return {pid, number<uint64_t>(fields, "race")}; }
};

void TraceReader::read(std::istream& lines) {
  for (std::string line; next_line(lines, &line);) read(line);
}

void TraceReader::read(std::string_view line) {
  ++lines_;
  const json fields = json::parse(line, nullptr, false);
  if (!fields.is_object()) return;
  const Event event{fields};
  if (event.kind.empty() || event.at_us == 0) return;
  ++events_;
  last_us_ = std::max(last_us_, event.at_us);
  on(event);
}

void TraceReader::on(const Event& event) {
  static const std::map<std::string_view, void (TraceReader::*)(const Event&)>
      kKinds = {{"resolve_start", &TraceReader::begin_look_up},
                {"answer", &TraceReader::answer},
                {"resolve_end", &TraceReader::end_look_up},
                {"race_start", &TraceReader::begin_race},
                {"attempt_start", &TraceReader::begin_attempt},
                {"race_end", &TraceReader::end_race},
                {"passed", &TraceReader::pass}};
  if (event.kind == "attempt_failed")
    return end_attempt(event, AttemptEnd::kFailed);
  if (event.kind == "attempt_cancelled")
    return end_attempt(event, AttemptEnd::kCancelled);
  // Kinds of a later version are left out.
  if (const auto at = kKinds.find(event.kind); at != kKinds.end())
    (this->*at->second)(event);
}

void TraceReader::add_look_up(const Event& event) {
  TraceEntry entry;
  entry.pid = event.pid;
  entry.look_up = TraceLookUp{.name = text(event.fields, "name"),
                              .start_us = event.at_us,
                              .end_us = event.at_us};
  look_ups_.push_back(std::move(entry));
  if (look_ups_.size() <= kMostPending) return;
  take_(look_ups_.front());
  look_ups_.pop_front();
}

// The latest look-up of that name by that process.
TraceReader::Pending::iterator TraceReader::find(const Event& event) {
  const std::string name = text(event.fields, "name");
  const auto at =
      std::find_if(look_ups_.rbegin(), look_ups_.rend(), [&](const auto& one) {
        return one.pid == event.pid && one.look_up->name == name;
      });
  return at == look_ups_.rend() ? look_ups_.end() : std::prev(at.base());
}

void TraceReader::begin_look_up(const Event& event) { add_look_up(event); }

void TraceReader::answer(const Event& event) {
  auto at = find(event);
  // libc's answers have no beginning, nor an end.
  const bool of_system = text(event.fields, "source") == "system";
  if (at == look_ups_.end() || (of_system && at->look_up->result.empty() &&
                                !at->look_up->answers.empty())) {
    add_look_up(event);
    at = std::prev(look_ups_.end());
  }
  TraceLookUp& look_up = *at->look_up;
  look_up.end_us = std::max(look_up.end_us, event.at_us);
  look_up.answers.push_back({.type = text(event.fields, "type"),
                             .addresses = texts(event.fields, "addresses"),
                             .resolver = text(event.fields, "resolver"),
                             .source = text(event.fields, "source")});
}

void TraceReader::end_look_up(const Event& event) {
  const auto at = find(event);
  if (at == look_ups_.end()) return;
  at->look_up->end_us = event.at_us;
  at->look_up->result = text(event.fields, "result");
  if (!at->look_up->failed()) return;  // a connect may follow
  take_(*at);
  look_ups_.erase(at);
}

std::optional<TraceLookUp> TraceReader::take_look_up(
    long pid, const std::function<bool(const TraceLookUp&)>& is_it) {
  for (auto at = look_ups_.rbegin(); at != look_ups_.rend(); ++at) {
    if (at->pid != pid || !is_it(*at->look_up)) continue;
    std::optional<TraceLookUp> out = std::move(at->look_up);
    look_ups_.erase(std::prev(at.base()));
    return out;
  }
  return std::nullopt;
}

void TraceReader::begin_race(const Event& event) {
  // A number that comes again is of another process with the same id.
  if (const auto old = races_.find(event.race()); old != races_.end())
    hand_on(old);
  TraceEntry entry;
  entry.pid = event.pid;
  entry.race = TraceRace{.number = event.race().second,
                         .name = text(event.fields, "name"),
                         .candidates = texts(event.fields, "candidates"),
                         .start_us = event.at_us,
                         .end_us = event.at_us};
  entry.look_up = take_look_up(event.pid, [&](const TraceLookUp& look_up) {
    return look_up.name == entry.race->name;
  });
  races_[event.race()] = std::move(entry);
}

void TraceReader::begin_attempt(const Event& event) {
  const auto at = races_.find(event.race());
  if (at == races_.end()) return;
  at->second.race->attempts.push_back(
      {.number = number<uint64_t>(event.fields, "attempt"),
       .address = text(event.fields, "address"),
       .port = number<int>(event.fields, "port"),
       .start_us = event.at_us,
       .end_us = event.at_us});
}

void TraceReader::end_attempt(const Event& event, AttemptEnd end) {
  const auto at = races_.find(event.race());
  if (at == races_.end()) return;
  const auto number_of = number<uint64_t>(event.fields, "attempt");
  for (TraceAttempt& attempt : at->second.race->attempts) {
    if (attempt.number != number_of) continue;
    attempt.end = end;
    attempt.end_us = event.at_us;
    attempt.error = text(event.fields, "errno");
  }
}

void TraceReader::end_race(const Event& event) {
  const auto at = races_.find(event.race());
  if (at == races_.end()) return;
  TraceRace& race = *at->second.race;
  race.end_us = event.at_us;
  race.result = text(event.fields, "result");
  const auto winner = number<uint64_t>(event.fields, "winner");
  for (TraceAttempt& attempt : race.attempts) {
    if (attempt.end != AttemptEnd::kOpen) continue;
    attempt.end_us = event.at_us;
    const bool won = race.result == "won" && attempt.number == winner;
    attempt.end = won ? AttemptEnd::kWon : AttemptEnd::kCancelled;
  }
  hand_on(at);
}

void TraceReader::pass(const Event& event) {
  TraceEntry entry;
  entry.pid = event.pid;
  entry.passed = TracePassed{.address = text(event.fields, "address"),
                             .port = number<int>(event.fields, "port"),
                             .at_us = event.at_us,
                             .why = text(event.fields, "why")};
  entry.look_up = take_look_up(event.pid, [&](const TraceLookUp& look_up) {
    return std::any_of(
        look_up.answers.begin(), look_up.answers.end(), [&](const auto& one) {
          return std::count(one.addresses.begin(), one.addresses.end(),
                            entry.passed->address) != 0;
        });
  });
  take_(entry);
}

void TraceReader::hand_on(std::map<Key, TraceEntry>::iterator race) {
  const TraceEntry entry = std::move(race->second);
  races_.erase(race);
  take_(entry);
}

std::vector<TraceEntry> TraceReader::open() const {
  std::vector<TraceEntry> out;
  for (const auto& [key, entry] : races_) out.push_back(entry);
  out.insert(out.end(), look_ups_.begin(), look_ups_.end());
  return out;
}

void TraceReader::finish() {
  while (!races_.empty()) {
    TraceRace& race = *races_.begin()->second.race;
    race.end_us = last_us_;
    for (TraceAttempt& attempt : race.attempts)
      if (attempt.end == AttemptEnd::kOpen) attempt.end_us = last_us_;
    hand_on(races_.begin());
  }
  for (const TraceEntry& entry : std::exchange(look_ups_, {})) take_(entry);
}

}  // namespace happyctl
