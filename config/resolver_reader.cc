#include "config/resolver_reader.h"

#include <algorithm>

#include "config/host_pattern.h"
#include "config/pin.h"
#include "config/resolver_text.h"
#include "config/schema_check.h"

namespace happy::config {
namespace {

constexpr size_t kMaxResolverName = 64;

class ResolverReader {
 public:
  ResolverReader(const Member& member, Diagnostics* out)
      : member_(member),
        value_(member.value),
        path_(child("resolvers", member.key)),
        out_(*out) {}

  Resolver read() {
    check_name();
    if (value_.kind == Value::Kind::kString) return read_text();
    if (value_.kind != Value::Kind::kObject) return {.name = member_.key};
    check_authentication();
    Resolver out{.name = member_.key};
    read_addresses(&out);
    if (const Value* port = usable("port")) {
      out.port = static_cast<uint16_t>(port->integer);
    }
    read_auth_name(&out);
    read_pins(&out);
    read_ca_file(&out);
    out.tcp_fast_open = is_true("tcp_fast_open");
    out.early_data = is_true("early_data");
    return out;
  }

 private:
  const Value* usable(std::string_view key) const {
    return config::usable(value_, Scope::kResolver, key);
  }
  bool is_true(std::string_view key) const {
    const Value* const value = usable(key);
    return value != nullptr && value->boolean;
  }
  Resolver read_text();
  void check_name();
  void check_authentication();
  void read_addresses(Resolver* resolver);
  void read_auth_name(Resolver* resolver);
  void read_pins(Resolver* resolver);
  void read_ca_file(Resolver* resolver);

  const Member& member_;
  const Value& value_;
  const std::string path_;
  Diagnostics& out_;
};

void ResolverReader::check_name() {
  const std::string& name = member_.key;
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
  if (name == "system") {
    out_.add(member_.at, path_,
             "the name \"system\" is reserved for libc's own resolver");
  } else if (name.empty() || name.size() > kMaxResolverName || !printable) {
    out_.add(member_.at, path_,
             "a resolver's name must have 1 to 64 octets and no control "
             "characters");
  }
}

Resolver ResolverReader::read_text() {
  Resolver out;
  if (is_usable_string(value_)) {
    auto resolver = parse_resolver_text(value_.text);
    if (resolver) {
      out = *std::move(resolver);
    } else {
      out_.add(value_.at, path_, resolver.error());
    }
  }
  out.name = member_.key;
  return out;
}

void ResolverReader::check_authentication() {
  const bool by_name = value_.find("auth_name") != nullptr;
  const bool by_pin = value_.find("pins") != nullptr;
  if (!by_name && !by_pin) {
    out_.add(value_.at, path_,
             "needs \"auth_name\" or \"pins\": without either the resolver "
             "cannot be authenticated");
  }
  const Member* const ca_file = value_.find("ca_file");
  if (ca_file != nullptr && by_pin && !by_name) {
    out_.add(ca_file->at, child(path_, "ca_file"),
             "has no effect without \"auth_name\"; pins alone ask no "
             "certificate authority");
  }
}

void ResolverReader::read_addresses(Resolver* resolver) {
  const Value* const list = usable("addresses");
  if (list == nullptr) return;
  for (size_t i = 0; i < list->elements.size(); ++i) {
    const Value& element = list->elements[i];
    if (!is_usable_string(element)) continue;
    if (const auto address = IpAddress::parse(element.text)) {
      resolver->addresses.push_back(*address);
      continue;
    }
    out_.add(element.at, child(child(path_, "addresses"), i),
             "must be an IPv4 or IPv6 address, not " + quote(element.text));
  }
}

void ResolverReader::read_auth_name(Resolver* resolver) {
  const Value* const value = usable("auth_name");
  if (value == nullptr) return;
  auto name = parse_host_name(value->text);
  if (name) {
    resolver->auth_name = *std::move(name);
  } else {
    out_.add(value->at, child(path_, "auth_name"), name.error());
  }
}

void ResolverReader::read_pins(Resolver* resolver) {
  resolver->pins =
      read_strings<Pin>(usable("pins"), child(path_, "pins"), parse_pin, &out_);
}

void ResolverReader::read_ca_file(Resolver* resolver) {
  const Value* const value = usable("ca_file");
  if (value == nullptr) return;
  // It is opened long after the policy is read, by then perhaps elsewhere.
  if (value->text.front() != '/') {
    out_.add(value->at, child(path_, "ca_file"),
             "must be an absolute path, not " + quote(value->text));
  }
  resolver->ca_file = value->text;
}

}  // namespace

std::vector<Resolver> read_resolvers(const Value& policy, Diagnostics* out) {
  std::vector<Resolver> resolvers;
  const Value* const named = usable(policy, Scope::kPolicy, "resolvers");
  if (named == nullptr) return resolvers;
  for (const Member& member : named->members) {
    if (member.first_at) continue;
    resolvers.push_back(ResolverReader(member, out).read());
  }
  return resolvers;
}

}  // namespace happy::config
