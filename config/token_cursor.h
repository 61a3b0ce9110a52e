// Finds where the tokens of a JSON text begin. nlohmann/json's SAX interface
// reports each token but not its place, and its lexer has read an unknown
// number of octets beyond it; so this cursor follows the events token by
// token. It never judges: each token it passes has been accepted before.
#pragma once

#include <string_view>

#include "config/json_document.h"

namespace happy::config {

class TokenCursor {
 public:
  // `text` must outlive the cursor.
  explicit TokenCursor(std::string_view text) : text_(text) {}

  // Passes the next token other than "," and ":" and says where it begins.
  Position next();
  // What next() passed last, as it is written.
  std::string_view last() const { return text_.substr(start_, at_ - start_); }
  // Where the token that ends at or beyond offset `end` begins; the end of the
  // text if there is none. Looks ahead of what next() has passed only.
  Position token_reaching(size_t end) const;

 private:
  std::string_view text_;
  size_t start_ = 0;
  size_t at_ = 0;
  // Where the line of start_ begins, and its number.
  size_t line_start_ = 0;
  int line_ = 1;
};

// The place of the octet at `offset`, or of the end of the text.
Position locate(std::string_view text, size_t offset);

}  // namespace happy::config
