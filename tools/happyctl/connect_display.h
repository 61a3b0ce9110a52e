// The race of `happyctl connect` as it goes: drawn anew in place on a terminal,
// once at its end elsewhere.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tools/happyctl/trace_reader.h"
#include "tools/happyctl/trace_waterfall.h"

namespace happyctl {

class ConnectDisplay {
 public:
  struct Settings {
    bool ascii = false;
    bool json = false;  // the entries, once at the end
    bool shown = true;  // else nothing is
  };

  // Takes the library's trace (happy_set_trace) until finish().
  explicit ConnectDisplay(const Settings& settings);
  ~ConnectDisplay() = default;  // after finish()
  ConnectDisplay(const ConnectDisplay&) = delete;
  ConnectDisplay& operator=(const ConnectDisplay&) = delete;

  void finish();

 private:
  void take(std::string_view line);
  void draw_live();
  void redraw();
  void clear();

  const Settings settings_;
  const WaterfallStyle style_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TraceEntry> ended_;  // under mutex_, as all that follows
  TraceReader reader_;
  int drawn_lines_ = 0;
  bool finished_ = false;
  std::thread live_;
};

}  // namespace happyctl
