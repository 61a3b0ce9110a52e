// happyctl trace: draws what HAPPY_TRACE has recorded, in the terminal, as SVG
// or as a page.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "tools/happyctl/output.h"
#include "tools/happyctl/trace_json.h"
#include "tools/happyctl/trace_reader.h"
#include "tools/happyctl/trace_summary.h"
#include "tools/happyctl/trace_svg.h"
#include "tools/happyctl/trace_waterfall.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

// What a picture or page holds: the last ones of a longer trace.
constexpr size_t kMostInSvg = 200;
constexpr size_t kMostInPage = 20000;

struct Options {
  std::string file;
  std::optional<std::string> svg, html;
  bool ascii = false;
  bool json = false;

  bool makes_files() const { return svg || html; }
};

Outcome fail(const std::string& text) {
  complain("happyctl trace: " + text + "\n");
  return Outcome::kFailed;
}

// The entries of a trace of any length, as far as they are asked for.
class Entries {
 public:
  explicit Entries(size_t most) : most_(most) {}

  void add(const TraceEntry& entry) {
    ++count_;
    if (most_ == 0) return;
    kept_.push_back(entry);
    if (kept_.size() > most_) kept_.pop_front();
  }
  std::vector<TraceEntry> last(size_t most) const {
    const size_t count = std::min(most, kept_.size());
    return {kept_.end() - static_cast<ptrdiff_t>(count), kept_.end()};
  }
  // "; the last 200 of 1,234 are shown"; empty where all are.
  std::string left_out(size_t most) const {
    if (count_ <= most) return "";
    return fmt::format("; the last {} of {} are shown", most, count_);
  }

 private:
  const size_t most_;
  std::deque<TraceEntry> kept_;
  size_t count_ = 0;
};

Outcome write_file(const std::string& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail(path + ": " + std::strerror(errno));
  const bool written = std::fputs(text.c_str(), file) >= 0;
  if (std::fclose(file) == 0 && written) return Outcome::kGood;
  return fail(path + ": " + std::strerror(errno));
}

// Each entry as it is complete; nothing is kept.
class Terminal {
 public:
  explicit Terminal(const Options& options)
      : json_(options.json), style_(style_for(stdout, options.ascii)) {}

  void add(const TraceEntry& entry) {
    if (!json_) return show(waterfall(chart_of(entry), style_) + "\n");
    show((count_++ == 0 ? "[" : ",\n ") + dumped(json_of(entry)));
  }
  void finish(const TraceSummary& summary) const {
    if (!json_) return show(summary.text() + "\n");
    show(count_ == 0 ? "[]\n" : "]\n");
  }

 private:
  const bool json_;
  const WaterfallStyle style_;
  size_t count_ = 0;
};

Outcome write_files(const Options& options, const Entries& entries,
                    const std::string& heading) {
  Outcome out = Outcome::kGood;
  if (options.svg) {
    std::vector<Chart> charts;
    for (const TraceEntry& entry : entries.last(kMostInSvg))
      charts.push_back(chart_of(entry));
    out = write_file(*options.svg,
                     svg(heading + entries.left_out(kMostInSvg), charts));
  }
  if (options.html && out == Outcome::kGood)
    out =
        write_file(*options.html, page(heading + entries.left_out(kMostInPage),
                                       entries.last(kMostInPage)));
  return out;
}

Outcome draw(const Options& options, std::istream& lines) {
  Terminal terminal(options);
  Entries entries(options.html ? kMostInPage : options.svg ? kMostInSvg : 0);
  TraceSummary summary;
  TraceReader reader([&](const TraceEntry& entry) {
    summary.add(entry);
    entries.add(entry);
    if (!options.makes_files()) terminal.add(entry);
  });
  reader.read(lines);
  reader.finish();
  if (reader.events() == 0 && reader.lines() != 0)
    return fail(fmt::format("{}: no trace: none of its {} lines is an event",
                            options.file, reader.lines()));
  if (options.makes_files())
    return write_files(options, entries, summary.text());
  terminal.finish(summary);
  return Outcome::kGood;
}

Outcome trace(const Options& options) {
  if (options.file == "-") return draw(options, std::cin);
  std::error_code error;
  if (std::filesystem::is_directory(options.file, error))
    return fail(options.file + ": " + std::strerror(EISDIR));
  std::ifstream file(options.file, std::ios::binary);
  if (!file) return fail(options.file + ": " + std::strerror(errno));
  return draw(options, file);
}

}  // namespace

void add_trace(CLI::App& app, Outcome* outcome) {
  CLI::App* const verb =
      app.add_subcommand("trace", "Draws what a trace has recorded");
  const auto options = std::make_shared<Options>();
  verb->add_option("FILE", options->file,
                   "a file of HAPPY_TRACE or `run --trace`; - for stdin")
      ->required();
  verb->add_option("--svg", options->svg, "write a picture instead")
      ->type_name("OUT");
  verb->add_option("--html", options->html,
                   "write a page instead, with filters")
      ->type_name("OUT");
  verb->add_flag("--ascii", options->ascii,
                 "draw with ASCII alone; without it, as the locale has it");
  verb->add_flag("--json", options->json, "print JSON");
  verb->footer(
      "Example:\n  happyctl run --trace t.json -- curl -s "
      "https://www.example.com/\n  happyctl trace t.json --html t.html");
  verb->callback([options, outcome] { *outcome = trace(*options); });
}

}  // namespace happyctl
