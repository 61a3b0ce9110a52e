#include "tools/happyctl/trace_waterfall.h"

#include <fmt/color.h>
#include <fmt/format.h>
#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "tools/happyctl/terminal.h"

namespace happyctl {
namespace {

using fmt::terminal_color;

constexpr int kNarrowest = 40;
constexpr int kLongestLabel = 32;

// How a bar is filled: a cell of the middle, and how its end is drawn.
struct Look {
  const char* unicode;
  char ascii;
  terminal_color color;
};

Look look_of(BarKind kind) {
  switch (kind) {
    case BarKind::kLookUp:
      return {"▒", '-', terminal_color::cyan};
    case BarKind::kWon:
      return {"█", '#', terminal_color::green};
    case BarKind::kFailed:
      return {"▓", 'x', terminal_color::red};
    case BarKind::kUnanswered:
      break;
  }
  return {"░", '.', terminal_color::bright_black};
}

// Control characters of a hostile name must not reach the terminal: those of
// ASCII, and U+0080 to U+009F, which are C2 80 to C2 9F in UTF-8.
std::string harmless(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const auto next =
        static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool c1 = octet == 0xc2 && next >= 0x80 && next < 0xa0;
    if (c1) ++i;
    out += c1 || octet < 0x20 || octet == 0x7f ? '?' : text[i];
  }
  return out;
}

std::string fitted(const std::string& text, size_t width) {
  const std::string plain = harmless(text);
  if (plain.size() <= width) return fmt::format("{:<{}}", plain, width);
  return beginning_of(plain, width - 1) + "~";
}

class Drawing {
 public:
  Drawing(const Chart& chart, const WaterfallStyle& style)
      : chart_(chart), style_(style) {
    for (const Bar& bar : chart.bars) {
      label_ = std::max(label_, bar.label.size());
      outcome_ = std::max(outcome_, bar.outcome.size());
    }
    label_ = std::min<size_t>(label_, kLongestLabel);
    const int width = std::max(style.width, kNarrowest);
    // Two blanks before, and between the columns.
    const int left = width - static_cast<int>(label_ + outcome_) - 6;
    if (left < kLeastBars) {
      label_ = static_cast<size_t>(
          std::max(8, static_cast<int>(label_) - (kLeastBars - left)));
    }
    cells_ = std::max(kLeastBars, left);
  }

  std::string text() const {
    std::string out = fmt::format(
        "{}  {}\n", styled(harmless(chart_.title), fmt::emphasis::bold),
        harmless(chart_.summary));
    for (const Bar& bar : chart_.bars) out += line(bar);
    if (!chart_.bars.empty()) out += axis();
    if (!chart_.remark.empty())
      out += fmt::format("  {}\n", harmless(chart_.remark));
    return out;
  }

 private:
  static constexpr int kLeastBars = 10;

  std::string styled(const std::string& text, fmt::text_style how) const {
    return style_.color ? fmt::format(how, "{}", text) : text;
  }

  int cell(int64_t us) const {
    const double share =
        static_cast<double>(us) / static_cast<double>(chart_.length_us);
    return std::clamp(static_cast<int>(std::lround(share * cells_)), 0, cells_);
  }

  std::string line(const Bar& bar) const {
    int from = cell(bar.from_us), to = cell(bar.to_us);
    from = std::min(from, cells_ - 1);
    to = std::max(to, from + 1);  // what has happened is seen
    const Look look = look_of(bar.kind);
    std::string filled;
    for (int i = from; i < to; ++i) {
      if (style_.unicode)
        filled += look.unicode;
      else
        filled += look.ascii;
    }
    return fmt::format("  {}  {:{}}{}{:{}}  {}\n", fitted(bar.label, label_),
                       "", from, styled(filled, fmt::fg(look.color)), "",
                       cells_ - to,
                       styled(harmless(bar.outcome), fmt::fg(look.color)));
  }

  std::string axis() const {
    const std::string end = milliseconds_text(chart_.length_us);
    const std::string text =
        fmt::format("0{:>{}}", end, std::max(1, cells_ - 1));
    return fmt::format("  {:{}}  {}\n", "", label_,
                       styled(text, fmt::fg(terminal_color::bright_black)));
  }

  const Chart& chart_;
  const WaterfallStyle& style_;
  size_t label_ = 8;
  size_t outcome_ = 0;
  int cells_ = 0;
};

int width_of(FILE* stream) {
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    const int width = std::atoi(columns);
    if (width > 0) return std::min(width, 1000);
  }
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

}  // namespace

std::string waterfall(const Chart& chart, const WaterfallStyle& style) {
  return Drawing(chart, style).text();
}

WaterfallStyle style_for(FILE* stream, bool ascii_wanted) {
  const locale_t here = newlocale(LC_CTYPE_MASK, "", nullptr);
  const bool utf8 = here != nullptr &&
                    std::strcmp(nl_langinfo_l(CODESET, here), "UTF-8") == 0;
  if (here != nullptr) freelocale(here);
  return {.width = width_of(stream),
          .unicode = utf8 && !ascii_wanted,
          .color = use_color(stream)};
}

}  // namespace happyctl
