// Checks a JSON tree against the key table: which keys, which types, which
// bounds. What the strings mean, and how keys depend on each other, is for the
// readers to check. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/diagnostics.h"
#include "config/json_document.h"
#include "config/key_table.h"

namespace happy::config {

// Adds every fault of `root` and of all that is in it.
void check_schema(const Value& root, Diagnostics* out);

// The value of a key if it is there, supported and free of faults of its own;
// elements of an array may still have some. So a reader needs no checks that
// check_schema has made, and no fault is reported twice.
const Value* usable(const Value& object, Scope scope, std::string_view key);

// "587" as a port: 1 to 65535, written as JSON would write the number.
std::optional<uint16_t> to_port(std::string_view text);

// A string without control characters.
bool is_usable_string(const Value& value);

}  // namespace happy::config
