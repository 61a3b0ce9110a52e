#include "config/schema_check.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "config/edit_distance.h"

namespace happy::config {
namespace {

using Kind = Value::Kind;

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x20 || octet == 0x7f;
  });
}

std::string range_of(const KeySpec& spec) {
  if (spec.min == spec.max) return std::to_string(spec.min);
  return "between " + std::to_string(spec.min) + " and " +
         std::to_string(spec.max);
}

// `"strict" or "opportunistic"`; empty if any string will do.
std::string words_of(const KeySpec& spec) {
  std::string out;
  for (const std::string_view word : spec.words) {
    if (word.empty()) continue;
    if (!out.empty()) out += " or ";
    out += quote(word);
  }
  return out;
}

// The fault_in_* functions return a message, or an empty string.
std::string fault_in_integer(const KeySpec& spec, const Value& value) {
  if (value.kind == Kind::kInteger) {
    if (value.integer >= spec.min && value.integer <= spec.max) return {};
    return "must be " + range_of(spec) + ", not " + describe(value);
  }
  const bool one_value = spec.min == spec.max;
  return (one_value ? "must be the whole number " : "must be a whole number ") +
         range_of(spec) + ", not " + describe(value);
}

std::string fault_in_word(const KeySpec& spec, const Value& value) {
  const std::string words = words_of(spec);
  if (value.kind != Kind::kString) {
    return "must be " + (words.empty() ? "a string" : words) + ", not " +
           describe(value);
  }
  if (has_control_character(value.text)) {
    return "must not contain control characters";
  }
  if (words.empty()) return {};
  const auto& all = spec.words;
  if (std::find(all.begin(), all.end(), value.text) != all.end() &&
      !value.text.empty()) {
    return {};
  }
  return "must be " + words + ", not " + quote(value.text);
}

std::string fault_in_string(const KeySpec& spec, const Value& value) {
  std::string fault = fault_in_word(spec, value);
  if (!fault.empty() || !words_of(spec).empty()) return fault;
  const auto length = static_cast<int64_t>(value.text.size());
  if (length < spec.min) return "must not be empty";
  if (length > spec.max) {
    return "must have at most " + std::to_string(spec.max) + " octets";
  }
  return {};
}

std::string fault_in_count(const KeySpec& spec, const Value& value) {
  const auto count = static_cast<int64_t>(value.elements.size());
  if (count >= spec.min && count <= spec.max) return {};
  if (spec.max == kUnbounded) return "must not be empty";
  return "must have " + std::to_string(spec.min) + " to " +
         std::to_string(spec.max) + " entries, not " + std::to_string(count);
}

// The fault of the value itself, not of what is in it.
std::string fault_in(const KeySpec& spec, const Value& value) {
  switch (spec.shape) {
    case Shape::kBoolean:
      if (value.kind == Kind::kBoolean) return {};
      return "must be true or false, not " + describe(value);
    case Shape::kInteger:
      return fault_in_integer(spec, value);
    case Shape::kString:
      return fault_in_string(spec, value);
    case Shape::kStrings:
      if (value.kind == Kind::kArray) return fault_in_count(spec, value);
      return "must be an array of strings, not " + describe(value);
    case Shape::kObjects:
      if (value.kind == Kind::kArray) return {};
      return "must be an array of objects, not " + describe(value);
    case Shape::kObject:
    case Shape::kNamed:
    case Shape::kPorts:
      if (value.kind == Kind::kObject) return {};
      return "must be an object, not " + describe(value);
  }
  return {};
}

// What to say after `unknown key "..."`: the nearest key here, or else where
// in a policy that very key belongs, or else the keys that there are.
std::string hint_for(Scope scope, std::string_view key) {
  if (scope == Scope::kSettings && find_key(Scope::kRule, key)) {
    return "; it belongs in a rule, not in \"defaults\"";
  }
  std::vector<std::string_view> names;
  for (const KeySpec* spec : keys_of(scope)) names.push_back(spec->name);
  std::string hint = suggestion(key, names);
  if (!hint.empty()) return hint;
  for (const KeySpec& spec : key_table()) {
    if (spec.name == key) return "; did you mean " + path_of(spec) + "?";
  }
  for (const std::string_view name : names)
    hint += (hint.empty() ? "; known here: " : ", ") + std::string(name);
  return hint;
}

class SchemaCheck {
 public:
  explicit SchemaCheck(Diagnostics* out) : out_(*out) {}

  void object(const Value& value, Scope scope, const std::string& path);

 private:
  void member(const Member& member, Scope scope, const std::string& path);
  void inside(const KeySpec& spec, const Value& value, const std::string& path);
  void strings(const KeySpec& spec, const Value& value,
               const std::string& path);
  void named(const KeySpec& spec, const Value& value, const std::string& path);
  void ports(const KeySpec& spec, const Value& value, const std::string& path);
  void port(const Value& value, const std::string& path,
            std::set<int64_t>* seen);
  // False, with a fault added, if the object has the key already.
  bool first(const Member& member, const std::string& path);

  Diagnostics& out_;
};

bool SchemaCheck::first(const Member& member, const std::string& path) {
  if (!member.first_at) return true;
  out_.add(member.at, path,
           "duplicate key " + quote(member.key) + "; the first is at " +
               std::to_string(member.first_at->line) + ":" +
               std::to_string(member.first_at->column));
  return false;
}

void SchemaCheck::object(const Value& value, Scope scope,
                         const std::string& path) {
  if (value.kind != Kind::kObject) {
    out_.add(value.at, path, "must be an object, not " + describe(value));
    return;
  }
  for (const Member& m : value.members) member(m, scope, child(path, m.key));
  for (const KeySpec* spec : keys_of(scope)) {
    if (!spec->required || value.find(spec->name) != nullptr) continue;
    out_.add(value.at, child(path, spec->name), "is required but missing");
  }
}

void SchemaCheck::member(const Member& member, Scope scope,
                         const std::string& path) {
  if (!first(member, path)) return;
  const KeySpec* const spec = find_key(scope, member.key);
  if (spec == nullptr) {
    out_.add(member.at, path,
             "unknown key " + quote(member.key) + hint_for(scope, member.key));
    return;
  }
  std::string fault = fault_in(*spec, member.value);
  if (fault.empty()) return inside(*spec, member.value, path);
  out_.add(member.value.at, path, std::move(fault));
}

void SchemaCheck::inside(const KeySpec& spec, const Value& value,
                         const std::string& path) {
  switch (spec.shape) {
    case Shape::kStrings:
      return strings(spec, value, path);
    case Shape::kObject:
      return object(value, spec.inner, path);
    case Shape::kNamed:
      return named(spec, value, path);
    case Shape::kPorts:
      return ports(spec, value, path);
    case Shape::kObjects:
      for (size_t i = 0; i < value.elements.size(); ++i) {
        object(value.elements[i], spec.inner, child(path, i));
      }
      return;
    case Shape::kBoolean:
    case Shape::kInteger:
    case Shape::kString:
      return;
  }
}

void SchemaCheck::strings(const KeySpec& spec, const Value& value,
                          const std::string& path) {
  std::set<std::string_view> seen;
  for (size_t i = 0; i < value.elements.size(); ++i) {
    const Value& element = value.elements[i];
    std::string fault = fault_in_word(spec, element);
    if (fault.empty() && !seen.insert(element.text).second) {
      fault = quote(element.text) + " is listed twice";
    }
    if (!fault.empty()) out_.add(element.at, child(path, i), std::move(fault));
  }
}

void SchemaCheck::named(const KeySpec& spec, const Value& value,
                        const std::string& path) {
  for (const Member& member : value.members) {
    const std::string name = child(path, member.key);
    if (!first(member, name)) continue;
    if (member.value.kind == Kind::kString) {  // the reader understands it
      if (has_control_character(member.value.text)) {
        out_.add(member.value.at, name, "must not contain control characters");
      }
      continue;
    }
    object(member.value, spec.inner, name);
  }
}

void SchemaCheck::ports(const KeySpec& spec, const Value& value,
                        const std::string& path) {
  for (const Member& member : value.members) {
    const std::string name = child(path, member.key);
    if (!first(member, name)) continue;
    if (!to_port(member.key)) {
      out_.add(member.at, name,
               "must be named by a port, \"1\" to \"65535\", not " +
                   quote(member.key));
      continue;
    }
    if (member.value.kind != Kind::kArray) {
      out_.add(member.value.at, name,
               "must be an array of ports, not " + describe(member.value));
      continue;
    }
    if (std::string fault = fault_in_count(spec, member.value);
        !fault.empty()) {
      out_.add(member.value.at, name, std::move(fault));
      continue;
    }
    std::set<int64_t> seen;
    for (size_t i = 0; i < member.value.elements.size(); ++i) {
      port(member.value.elements[i], child(name, i), &seen);
    }
  }
}

void SchemaCheck::port(const Value& value, const std::string& path,
                       std::set<int64_t>* seen) {
  static constexpr KeySpec kPort = {.scope = Scope::kSettings,
                                    .name = "port",
                                    .shape = Shape::kInteger,
                                    .min = 1,
                                    .max = 65535};
  std::string fault = fault_in_integer(kPort, value);
  if (fault.empty() && !seen->insert(value.integer).second) {
    fault = std::to_string(value.integer) + " is listed twice";
  }
  if (!fault.empty()) out_.add(value.at, path, std::move(fault));
}

}  // namespace

void check_schema(const Value& root, Diagnostics* out) {
  SchemaCheck(out).object(root, Scope::kPolicy, "");
}

const Value* usable(const Value& object, Scope scope, std::string_view key) {
  const Member* const member = object.find(key);
  const KeySpec* const spec = find_key(scope, key);
  if (member == nullptr || spec == nullptr) return nullptr;
  return fault_in(*spec, member->value).empty() ? &member->value : nullptr;
}

std::optional<uint16_t> to_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || port == 0 || text.front() == '0') return std::nullopt;
  return port;
}

bool is_usable_string(const Value& value) {
  return value.kind == Kind::kString && !has_control_character(value.text);
}

}  // namespace happy::config
