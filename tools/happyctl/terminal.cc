#include "tools/happyctl/terminal.h"

#include <unistd.h>

#include <cstdlib>

namespace happyctl {

bool use_color(FILE* stream) {
  const char* const no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* const term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb") return false;
  return isatty(fileno(stream)) == 1;
}

std::string painted(std::string_view text, fmt::text_style style,
                    FILE* stream) {
  if (!use_color(stream)) return std::string(text);
  return fmt::format(style, "{}", text);
}

}  // namespace happyctl
