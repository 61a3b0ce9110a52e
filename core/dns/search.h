// Which names a program's input stands for, in the order to try them: the
// search list of resolv.conf(5) as glibc's res_search(3) walks it. Reads no
// file and asks nothing.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/dns/name.h"
#include "core/dns/resolv_conf.h"

namespace happy::dns {

struct SearchList {
  std::vector<Name> names;  // without duplicates
  // Which of `names` is the input itself, as it is written.
  std::optional<size_t> as_is;

  bool operator==(const SearchList&) const = default;
};

// A final dot: the name alone. At least `ndots` dots: the name, then the search
// list; fewer: the search list, then the name. An expansion over the limits of
// names ends the list. Empty where the input is no domain name at all.
SearchList expand(std::string_view input, const ResolvConf& conf);

}  // namespace happy::dns
