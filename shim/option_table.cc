#include "shim/option_table.h"

#include "shim/option_numbers.h"

namespace happy::shim::option_table {

#define OPTION(level, name, travel, reading, note) \
  {level, name, Travel::travel, Reading::reading},
constexpr Row kRows[] = {
#include "shim/option_rows.inc"
};
#undef OPTION
constexpr int kRowCount = static_cast<int>(sizeof kRows / sizeof kRows[0]);
static_assert(kRowCount <= kMostRows);

namespace {

constexpr int kLevels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP,
                           SOL_MPTCP};
constexpr int kLevelCount =
    static_cast<int>(sizeof kLevels / sizeof kLevels[0]);
constexpr int kNames = 128;

constexpr int level_index(int level) {
  for (int i = 0; i < kLevelCount; ++i) {
    if (kLevels[i] == level) return i;
  }
  return -1;
}

// Row number + 1 by level and name; 0: none.
struct Index {
  uint8_t row[kLevelCount][kNames] = {};

  constexpr Index() {
    for (int i = 0; i < kRowCount; ++i) {
      row[level_index(kRows[i].level)][kRows[i].name] =
          static_cast<uint8_t>(i + 1);
    }
  }
};
constexpr Index kIndex;

constexpr bool is_each_number_named_once() {
  for (int i = 0; i < kRowCount; ++i) {
    if (kIndex.row[level_index(kRows[i].level)][kRows[i].name] != i + 1) {
      return false;
    }
  }
  return true;
}
static_assert(is_each_number_named_once());

// An IPv4 socket, and an IPv6 one that speaks IPv4, obeys the left ones; an
// IPv6 one that speaks IPv6 the right ones.
struct Pair {
  int ipv4, ipv6;
};
constexpr Pair kPairs[] = {{IP_TOS, IPV6_TCLASS},
                           {IP_TTL, IPV6_UNICAST_HOPS},
                           {IP_MTU_DISCOVER, IPV6_MTU_DISCOVER},
                           {IP_RECVERR, IPV6_RECVERR},
                           {IP_RECVERR_RFC4884, IPV6_RECVERR_RFC4884},
                           {IP_MINTTL, IPV6_MINHOPCOUNT},
                           {IP_UNICAST_IF, IPV6_UNICAST_IF}};

}  // namespace

int find(int level, int name) {
  const int index = level_index(level);
  if (index < 0 || name < 0 || name >= kNames) return -1;
  return kIndex.row[index][name] - 1;
}

bool is_known_level(int level) { return level_index(level) >= 0; }

int twin_of(int row) {
  const Row& own = kRows[row];
  for (const Pair& pair : kPairs) {
    if (own.level == IPPROTO_IP && own.name == pair.ipv4) {
      return find(IPPROTO_IPV6, pair.ipv6);
    }
    if (own.level == IPPROTO_IPV6 && own.name == pair.ipv6) {
      return find(IPPROTO_IP, pair.ipv4);
    }
  }
  return -1;
}

}  // namespace happy::shim::option_table
