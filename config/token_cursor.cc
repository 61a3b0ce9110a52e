#include "config/token_cursor.h"

#include <algorithm>

namespace happy::config {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

size_t past(std::string_view text, std::string_view what, size_t from) {
  const size_t found = text.find(what, from);
  return found == text.npos ? text.size() : found + what.size();
}

// The first offset from `at` on that is neither white space nor comment.
size_t skip_blanks(std::string_view text, size_t at) {
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    if (kBlanks.find(rest[0]) != kBlanks.npos) {
      ++at;
    } else if (rest.starts_with("//")) {
      at = std::min(text.find_first_of("\r\n", at), text.size());
    } else if (rest.starts_with("/*")) {
      at = past(text, "*/", at + 2);
    } else {
      break;
    }
  }
  return at;
}

size_t string_end(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

// One past the token at `at`; always moves on.
size_t token_end(std::string_view text, size_t at) {
  const char first = text[at];
  if (first == '"') return string_end(text, at);
  if (first == 't' || first == 'n') return std::min(at + 4, text.size());
  if (first == 'f') return std::min(at + 5, text.size());
  const size_t end = text.find_first_not_of("+-.0123456789eE", at);
  return std::max(at + 1, std::min(end, text.size()));
}

}  // namespace

Position TokenCursor::next() {
  const size_t before = start_;
  start_ = skip_blanks(text_, at_);
  while (start_ < text_.size() &&
         (text_[start_] == ',' || text_[start_] == ':')) {
    start_ = skip_blanks(text_, start_ + 1);
  }
  at_ = start_ < text_.size() ? token_end(text_, start_) : start_;
  for (size_t i = before; i < start_; ++i) {
    if (text_[i] != '\n') continue;
    ++line_;
    line_start_ = i + 1;
  }
  return {line_, static_cast<int>(start_ - line_start_) + 1};
}

Position TokenCursor::token_reaching(size_t end) const {
  size_t at = skip_blanks(text_, at_);
  while (at < text_.size()) {
    const size_t stop = token_end(text_, at);
    if (stop >= end) break;
    at = skip_blanks(text_, stop);
  }
  return locate(text_, at);
}

Position locate(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  // npos + 1 is 0: the first line begins at the text's first octet.
  const size_t line_start = before.rfind('\n') + 1;
  return {static_cast<int>(lines) + 1,
          static_cast<int>(before.size() - line_start) + 1};
}

}  // namespace happy::config
