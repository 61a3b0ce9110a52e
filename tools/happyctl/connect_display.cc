#include "tools/happyctl/connect_display.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/net/clock.h"
#include "include/happy.h"
#include "tools/happyctl/output.h"
#include "tools/happyctl/trace_json.h"

namespace happyctl {
namespace {

// Often enough to look alive.
constexpr std::chrono::milliseconds kFrame{50};

// Escape sequences that draw in place are for terminals that know them.
bool can_draw_in_place() {
  const char* const term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && term != nullptr &&
         std::string_view(term) != "dumb";
}

int64_t now_us() {
  return happy::net::monotonic_now().time_since_epoch().count();
}

// What is under way lasts until now.
void extend(TraceEntry* entry) {
  const int64_t now = now_us();
  if (!entry->race) {
    entry->look_up->end_us = now;
    return;
  }
  entry->race->end_us = now;
  for (TraceAttempt& attempt : entry->race->attempts)
    if (attempt.end == AttemptEnd::kOpen) attempt.end_us = now;
}

}  // namespace

ConnectDisplay::ConnectDisplay(const Settings& settings)
    : settings_(settings),
      style_(style_for(stdout, settings.ascii)),
      reader_([this](const TraceEntry& entry) { ended_.push_back(entry); }) {
  if (!settings_.shown) return;
  happy_set_trace(
      [](const char* json, size_t length, void* self) {
        static_cast<ConnectDisplay*>(self)->take({json, length});
      },
      this);
  if (!settings_.json && can_draw_in_place())
    live_ = std::thread([this] { draw_live(); });
}

void ConnectDisplay::take(std::string_view line) {
  const std::lock_guard lock(mutex_);
  reader_.read(line);
  changed_.notify_one();
}

void ConnectDisplay::draw_live() {
  std::unique_lock lock(mutex_);
  while (!finished_) {
    redraw();
    changed_.wait_for(lock, kFrame);
  }
  clear();
}

void ConnectDisplay::clear() {
  if (drawn_lines_ != 0) std::printf("\x1b[%dA\x1b[J", drawn_lines_);
  drawn_lines_ = 0;
}

void ConnectDisplay::redraw() {
  std::string text;
  for (const TraceEntry& entry : ended_)
    text += waterfall(chart_of(entry), style_);
  for (TraceEntry& entry : reader_.open()) {
    extend(&entry);
    text += waterfall(chart_of(entry), style_);
  }
  clear();
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  drawn_lines_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

void ConnectDisplay::finish() {
  if (finished_ || !settings_.shown) return;
  happy_set_trace(nullptr, nullptr);
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    changed_.notify_one();
  }
  if (live_.joinable()) live_.join();
  reader_.finish();
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const TraceEntry& entry : ended_) {
    if (settings_.json)
      all.push_back(json_of(entry));
    else
      show(waterfall(chart_of(entry), style_));
  }
  if (settings_.json) show_json(all);
}

}  // namespace happyctl
