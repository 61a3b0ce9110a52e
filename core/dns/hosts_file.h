// The hosts file (hosts(5)) as glibc's nss "files" source reads it for
// getaddrinfo(3). Text in, look-ups out; the caller reads the file, and again
// when it changes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/ip.h"

namespace happy::dns {

struct HostsEntry {
  // The first name on the first line that matched.
  std::string canonical;
  // The other names on the lines that matched, as gethostbyname(3) gives them.
  std::vector<std::string> aliases = {};
  std::vector<IpAddress> addresses;  // in the file's order, without duplicates

  bool operator==(const HostsEntry&) const = default;
};

class HostsFile {
 public:
  HostsFile() = default;  // no hosts
  // Lines whose first word is no IPv4 or IPv6 address are skipped, `#` begins
  // a comment.
  explicit HostsFile(std::string_view text);

  // The addresses of `name` in `family`; both without one. nullopt where the
  // file has none of them. `name` is compared without case, but a final dot
  // counts: "host." is not "host", as in glibc.
  std::optional<HostsEntry> find(std::string_view name,
                                 std::optional<Family> family = {}) const;
  // The names on the first line with the address, the canonical one first;
  // none: there is no such line.
  std::vector<std::string> names_of(const IpAddress& address) const;

 private:
  struct Line {
    IpAddress address;
    std::vector<std::string> names;  // the canonical one first
  };
  void read_line(std::string_view line);

  std::vector<Line> lines_;
  // Lower-case name or alias -> indices of lines_, ascending.
  std::unordered_map<std::string, std::vector<size_t>> by_name_;
};

}  // namespace happy::dns
