// Reads a trace line by line and hands on each entry when it is complete, so
// that its size does not matter: what is kept is what has begun and not ended.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <list>
#include <map>
#include <string>
#include <string_view>

#include "tools/happyctl/trace_model.h"

namespace happyctl {

class TraceReader {
 public:
  using Take = std::function<void(const TraceEntry&)>;

  explicit TraceReader(Take take) : take_(std::move(take)) {}

  // One line without its newline; one that is no event is counted, no more.
  void read(std::string_view line);
  // All lines of a stream.
  void read(std::istream& lines);
  // Hands on what the trace has left open.
  void finish();

  // What is under way, the oldest first: races, then look-ups.
  std::vector<TraceEntry> open() const;

  uint64_t lines() const { return lines_; }
  uint64_t events() const { return events_; }

 private:
  struct Event;
  using Key = std::pair<long, uint64_t>;  // process, race

  void on(const Event& event);
  void begin_look_up(const Event& event);
  void answer(const Event& event);
  void end_look_up(const Event& event);
  void begin_race(const Event& event);
  void begin_attempt(const Event& event);
  void end_attempt(const Event& event, AttemptEnd end);
  void end_race(const Event& event);
  void pass(const Event& event);

  using Pending = std::list<TraceEntry>;  // each with a look-up
  Pending::iterator find(const Event& event);
  std::optional<TraceLookUp> take_look_up(
      long pid, const std::function<bool(const TraceLookUp&)>& is_it);
  void add_look_up(const Event& event);
  void hand_on(std::map<Key, TraceEntry>::iterator race);

  const Take take_;
  Pending look_ups_;  // that no connect has come of yet
  std::map<Key, TraceEntry> races_;
  uint64_t lines_ = 0;
  uint64_t events_ = 0;
  int64_t last_us_ = 0;
};

}  // namespace happyctl
