// What resolv.conf(5) says about names: the search list and ndots, with glibc's
// rules. Name servers and all other options are libc's business. Texts in,
// values out; the caller reads file and environment.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/dns/name.h"

namespace happy::dns {

struct ResolvConf {
  std::vector<Name> search;
  int ndots = 1;  // 0 to 15

  bool operator==(const ResolvConf&) const = default;
};

struct ResolvConfSources {
  std::string_view text;       // of /etc/resolv.conf; empty if unreadable
  std::string_view host_name;  // of gethostname(2)
  std::optional<std::string_view> local_domain;  // LOCALDOMAIN
  std::optional<std::string_view> res_options;   // RES_OPTIONS
};

// The last `search` or `domain` line wins; LOCALDOMAIN overrides both; with
// none of them the list is the domain part of the host's name. RES_OPTIONS is
// read after the file's `options`. Never fails: lines that glibc skips are
// skipped; a list ends before an element that is no domain name.
ResolvConf parse_resolv_conf(const ResolvConfSources& sources);

}  // namespace happy::dns
