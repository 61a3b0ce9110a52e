// Where and how a policy's faults are said: collected during the checks, put
// in order of place at the end. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/json_document.h"
#include "config/policy.h"

namespace happy::config {

class Diagnostics {
 public:
  void add(Position at, std::string path, std::string message);
  bool empty() const { return errors_.empty(); }
  // Ordered by place; the same fault of a setting that several rules inherit
  // is said once; at most kMaxErrors.
  std::vector<PolicyError> take();

  static constexpr size_t kMaxErrors = 100;

 private:
  std::vector<PolicyError> errors_;
};

// Paths: "rules[0].race.enabled"; a key that is no plain word is quoted, as in
// `resolvers["my own"]`. The root's path is empty.
std::string child(std::string_view path, std::string_view key);
std::string child(std::string_view path, size_t index);

// In double quotes, with control characters escaped and shortened to fit into
// a message.
std::string quote(std::string_view text);

// What a value is, for "..., not %s": `the string "250"`, `250.5`, `true`.
std::string describe(const Value& value);

}  // namespace happy::config
