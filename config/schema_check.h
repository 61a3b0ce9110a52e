// Checks a JSON tree against the key table: which keys, which types, which
// bounds. What the strings mean, and how keys depend on each other, is for the
// readers to check. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostics.h"
#include "config/json_document.h"
#include "config/key_table.h"

namespace happy::config {

// Adds every fault of `root` and of all that is in it.
void check_schema(const Value& root, Diagnostics* out);

// The value of a key if it is there and free of faults of its own;
// elements of an array may still have some. So a reader needs no checks that
// check_schema has made, and no fault is reported twice.
const Value* usable(const Value& object, Scope scope, std::string_view key);

// "587" as a port: 1 to 65535, written as JSON would write the number.
std::optional<uint16_t> to_port(std::string_view text);

// A string without control characters.
bool is_usable_string(const Value& value);

// What `parse` (text -> expected<Parsed, message>) makes of an array's strings;
// `path` is the array's. `list` may be nullptr: nothing.
template <typename Parsed, typename Parse>
std::vector<Parsed> read_strings(const Value* list, const std::string& path,
                                 Parse parse, Diagnostics* out) {
  std::vector<Parsed> all;
  if (list == nullptr) return all;
  for (size_t i = 0; i < list->elements.size(); ++i) {
    const Value& element = list->elements[i];
    if (!is_usable_string(element)) continue;
    auto parsed = parse(element.text);
    if (parsed) {
      all.push_back(*std::move(parsed));
    } else {
      out->add(element.at, child(path, i), parsed.error());
    }
  }
  return all;
}

}  // namespace happy::config
