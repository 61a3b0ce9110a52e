#include "core/dns/hosts_file.h"

#include <algorithm>

namespace happy::dns {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const auto word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// What a line with `address` offers to a look-up in `family`. As glibc does, an
// IPv4 look-up takes v4-mapped addresses and reads ::1 as 127.0.0.1.
std::optional<IpAddress> seen_as(const IpAddress& address,
                                 std::optional<Family> family) {
  if (!family || *family == address.family) return address;
  if (*family == Family::kIpv6) return std::nullopt;
  if (address.is_v4_mapped()) return address.unmapped();
  if (address.is_loopback()) return IpAddress::v4(127, 0, 0, 1);
  return std::nullopt;
}

}  // namespace

HostsFile::HostsFile(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    read_line(line.substr(0, line.find('#')));
  }
}

void HostsFile::read_line(std::string_view line) {
  const auto address = IpAddress::parse(take_word(line));
  if (!address) return;
  std::string_view word = take_word(line);
  if (word.empty()) return;
  lines_.push_back({*address, {}});
  for (; !word.empty(); word = take_word(line)) {
    lines_.back().names.emplace_back(word);
    auto& indices = by_name_[lowered(word)];
    const size_t index = lines_.size() - 1;
    if (indices.empty() || indices.back() != index) indices.push_back(index);
  }
}

std::optional<HostsEntry> HostsFile::find(std::string_view name,
                                          std::optional<Family> family) const {
  const auto found = by_name_.find(lowered(name));
  if (found == by_name_.end()) return std::nullopt;
  HostsEntry out;
  for (const size_t index : found->second) {
    const auto address = seen_as(lines_[index].address, family);
    if (!address) continue;
    const auto& names = lines_[index].names;
    if (out.canonical.empty()) out.canonical = names.front();
    out.aliases.insert(out.aliases.end(), names.begin() + 1, names.end());
    if (names.front() != out.canonical) out.aliases.push_back(names.front());
    if (std::find(out.addresses.begin(), out.addresses.end(), *address) ==
        out.addresses.end()) {
      out.addresses.push_back(*address);
    }
  }
  if (out.addresses.empty()) return std::nullopt;
  return out;
}

std::vector<std::string> HostsFile::names_of(const IpAddress& address) const {
  const auto line =
      std::find_if(lines_.begin(), lines_.end(), [&](const Line& one) {
        return seen_as(one.address, address.family) == address;
      });
  return line == lines_.end() ? std::vector<std::string>{} : line->names;
}

}  // namespace happy::dns
