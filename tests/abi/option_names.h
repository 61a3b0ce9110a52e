// The table of socket options with the names and notes of its rows, which the
// library itself does without.
#pragma once

#include <span>
#include <string>

#include "shim/option_numbers.h"
#include "shim/option_table.h"

namespace happy::shim {

struct NamedRow {
  const char* level;
  const char* name;
  const char* note;
  option_table::Row row;
};

inline std::span<const NamedRow> named_rows() {
#define OPTION(level, name, travel, reading, note)              \
  {#level, #name, note,                                         \
   option_table::Row{level, name, option_table::Travel::travel, \
                     option_table::Reading::reading}},
  static constexpr NamedRow kRows[] = {
#include "shim/option_rows.inc"
  };
#undef OPTION
  return kRows;
}

inline std::string name_of(int row) {
  return named_rows()[static_cast<size_t>(row)].name;
}

}  // namespace happy::shim
