#include "tools/happyctl/trace_svg.h"

#include <fmt/format.h>

#include <algorithm>

namespace happyctl {
namespace {

// In pixels.
constexpr int kWidth = 960, kMargin = 20, kRow = 24, kBar = 14;
constexpr int kBarsFrom = 250, kBarsWidth = 520, kOutcomeFrom = 782;

constexpr const char* kStyle = R"(
  svg { --ground: #ffffff; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0;
    --lookup: #0a7ea4; --won: #1a7f37; --failed: #cf222e; --none: #9aa4ae; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --text: #f0f6fc; --quiet: #9198a1; --line: #3d444d;
      --lookup: #58b4d8; --won: #3fb950; --failed: #f85149; --none: #656c76; } }
  .ground { fill: var(--ground); }
  text { fill: var(--text); font: 13px ui-monospace, "DejaVu Sans Mono", monospace; }
  .heading { font: 600 15px system-ui, "DejaVu Sans", sans-serif; }
  .title { font-weight: 700; }
  .quiet { fill: var(--quiet); }
  .line { stroke: var(--line); }
  .lookup { fill: var(--lookup); } .won { fill: var(--won); }
  .failed { fill: var(--failed); } .none { fill: var(--none); }
)";

std::string escaped(const std::string& text) {
  std::string out;
  for (const char octet : text) {
    switch (octet) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML has no other control characters.
        out += static_cast<unsigned char>(octet) < 0x20 ? '?' : octet;
    }
  }
  return out;
}

// What does not fit ends in an ellipsis; the whole is in the tool tip.
std::string shortened(const std::string& text, size_t most) {
  if (text.size() <= most) return escaped(text);
  return escaped(beginning_of(text, most - 1)) + "…";
}

class Picture {
 public:
  // Its parts, which semicolons divide, a line each.
  void heading(const std::string& text) {
    for (size_t from = 0; from < text.size();) {
      const size_t end = std::min(text.find("; ", from), text.size());
      put(kMargin, "heading", escaped(text.substr(from, end - from)));
      y_ += kRow;
      from = end + 2;
    }
    y_ += kRow / 2;
  }

  void add(const Chart& chart) {
    out_ += fmt::format(
        "<text x='{}' y='{}'><tspan class='title'>{}</tspan>"
        "<tspan class='quiet' dx='12'>{}</tspan></text>\n",
        kMargin, y_, shortened(chart.title, 60), escaped(chart.summary));
    y_ += kRow;
    for (const Bar& bar : chart.bars) add(bar, chart.length_us);
    if (!chart.bars.empty()) axis(chart.length_us);
    if (!chart.remark.empty()) {
      put(kMargin, "quiet", escaped(chart.remark));
      y_ += kRow;
    }
    y_ += kRow / 2;
  }

  std::string text() const {
    return fmt::format(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' "
        "viewBox='0 0 {0} {1}'>\n<style>{2}</style>\n"
        "<rect class='ground' width='{0}' height='{1}'/>\n{3}</svg>\n",
        kWidth, y_, kStyle, out_);
  }

 private:
  void put(int x, const char* name, const std::string& text) {
    out_ += fmt::format("<text class='{}' x='{}' y='{}'>{}</text>\n", name, x,
                        y_, text);
  }

  static double across(int64_t us, int64_t length_us) {
    return static_cast<double>(kBarsWidth) * static_cast<double>(us) /
           static_cast<double>(length_us);
  }

  void add(const Bar& bar, int64_t length_us) {
    put(kMargin, "quiet", shortened(bar.label, 28));
    const double from = across(bar.from_us, length_us);
    const double to = std::max(from + 2, across(bar.to_us, length_us));
    out_ += fmt::format(
        "<rect class='{}' x='{:.1f}' y='{}' width='{:.1f}' height='{}' rx='2'>"
        "<title>{}: {} to {}, {}</title></rect>\n",
        word_of(bar.kind), kBarsFrom + from, y_ - kBar + 3, to - from, kBar,
        escaped(bar.label), milliseconds_text(bar.from_us),
        milliseconds_text(bar.to_us), escaped(bar.outcome));
    // The grey of a bar is too faint for words.
    const bool faint = bar.kind == BarKind::kUnanswered;
    put(kOutcomeFrom, faint ? "quiet" : word_of(bar.kind),
        shortened(bar.outcome, 20));
    y_ += kRow;
  }

  void axis(int64_t length_us) {
    const int line = y_ - kRow + 12;
    out_ += fmt::format(
        "<line class='line' x1='{0}' y1='{2}' x2='{1}' y2='{2}'/>\n"
        "<text class='quiet' x='{0}' y='{3}'>0</text>\n"
        "<text class='quiet' x='{1}' y='{3}' text-anchor='end'>{4}</text>\n",
        kBarsFrom, kBarsFrom + kBarsWidth, line, line + 16,
        milliseconds_text(length_us));
    y_ += kRow;
  }

  std::string out_;
  int y_ = kMargin + 12;
};

}  // namespace

std::string svg(const std::string& heading, const std::vector<Chart>& charts) {
  Picture picture;
  picture.heading(heading);
  for (const Chart& chart : charts) picture.add(chart);
  return picture.text();
}

}  // namespace happyctl
