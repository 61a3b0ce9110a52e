// Domain names as values (RFC 1035 section 3.1): text <-> wire form, compared
// without case (RFC 4343: ASCII only). Limits hold by construction: labels of 1
// to 63 octets, 255 octets in all. No look-ups, no search lists, no IDNA: names
// in other scripts come as A-labels.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/cursor.h"

namespace happy::dns {

class Name {
 public:
  static constexpr size_t kMaxLabel = 63;
  static constexpr size_t kMaxWire = 255;  // with the root's zero octet

  Name() = default;  // the root

  // Presentation form, with or without the final dot; \. and \DDD escapes (RFC
  // 1035 section 5.1) are understood; "." is the root. nullopt for an empty
  // text, an empty label, a bad escape or a length over the limits.
  [[nodiscard]] static std::optional<Name> parse(std::string_view text);

  // Wire form at the reader's position, which ends behind the name.
  // Compression pointers (RFC 1035 section 4.1.4) must point strictly
  // backwards, before every label read so far, so that no bytes can make a
  // loop. nullopt, position undefined, for anything malformed.
  [[nodiscard]] static std::optional<Name> read(Reader& reader);

  // Uncompressed wire form, with the root's zero octet.
  void write(Writer& writer) const;
  size_t wire_size() const { return labels_.size() + 1; }

  // Presentation form without the final dot, octets that are not printable or
  // are special escaped; "." for the root.
  std::string to_string() const;

  // `this` with `suffix` behind it; nullopt if that is too long.
  [[nodiscard]] std::optional<Name> joined(const Name& suffix) const;
  // Without its first label; the root's parent is the root.
  Name parent() const;
  // In ASCII lower case: the form to use where octets are compared.
  Name lowered() const;
  bool is_root() const { return labels_.empty(); }
  size_t label_count() const;
  // Equal to `ancestor` or below it. Everything is within the root.
  bool is_within(const Name& ancestor) const;

  bool operator==(const Name& other) const;
  std::weak_ordering operator<=>(const Name& other) const;
  size_t hash() const;  // equal for names that compare equal

 private:
  bool append_label(std::string_view label);

  // Length-prefixed labels without the final zero octet, case as given. Length
  // octets (at most 63) are below 'A', so folding the case of the whole string
  // touches label octets only.
  std::string labels_;
};

// Whether `text` is a name of a host as programs may look up: RFC 952 and 1123
// letters, digits and hyphens, and the underscore that glibc allows too; no
// leading hyphen (res_hnok(3)); lengths as Name; final dot allowed, not the
// root.
bool is_host_name(std::string_view text);

// A name of one label: no dot but perhaps the final one.
bool is_single_label(std::string_view text);

}  // namespace happy::dns

template <>
struct std::hash<happy::dns::Name> {
  size_t operator()(const happy::dns::Name& name) const { return name.hash(); }
};
