#include "shim/socket_options.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <atomic>

#include "shim/option_numbers.h"
#include "shim/option_table.h"
#include "shim/option_values.h"
#include "shim/real.h"

namespace happy::shim::socket_options {
namespace {

using option_table::kRowCount;
using option_table::kRows;
using option_table::Reading;
using option_table::Row;
using option_table::Travel;
using option_values::Fresh;
using option_values::network_of;
using option_values::read;
using option_values::Value;

constexpr const char* kUncopyable = "an option that cannot be copied";

bool is(const Row& row, int level, int name) {
  return row.level == level && row.name == name;
}

bool set(int fd, int level, int name, const Changed& value) {
  return real::setsockopt(fd, level, name,
                          static_cast<const void*>(value.bytes),
                          socklen_t{value.length}) == 0;
}

// Rows that were set on any socket of this process.
constinit std::atomic<bool> once_set[option_table::kMostRows];

Changed* find(int row, Snapshot* in) {
  for (int i = 0; i < in->count; ++i) {
    if (in->changed[i].row == row) return &in->changed[i];
  }
  return nullptr;
}
bool has(const Snapshot& in, int row) {
  return find(row, const_cast<Snapshot*>(&in)) != nullptr;
}
bool has(const Snapshot& in, int level, int name) {
  return has(in, option_table::find(level, name));
}

// The slot of the last option to be set. nullptr: too many.
Changed* append(int row, Snapshot* out) {
  Changed* const old = find(row, out);
  if (old != nullptr) {  // what came in between may depend on the order
    const Changed* const end = out->changed + out->count--;
    memmove(old, old + 1, static_cast<size_t>(end - (old + 1)) * sizeof *old);
  }
  if (out->count == kMaxChanged) return nullptr;
  Changed* const slot = &out->changed[out->count++];
  slot->row = static_cast<uint8_t>(row);
  return slot;
}

bool is_read(int row, int family) {
  if (kRows[row].level == IPPROTO_IPV6 && family != AF_INET6) return false;
  switch (kRows[row].reading) {
    case Reading::kNever:
      return false;
    case Reading::kOnceSet:
      return once_set[row].load(std::memory_order_relaxed);
    case Reading::kAlways:
      return kRows[row].travel != Travel::kSame;
  }
  return false;
}

// What setting another option of the snapshot changes as well: to be set even
// where it is as on a fresh socket.
bool follows(const Row& row, const Snapshot& taken) {
  if (is(row, SOL_SOCKET, SO_PRIORITY)) return has(taken, IPPROTO_IP, IP_TOS);
  return is(row, SOL_SOCKET, SO_BUF_LOCK) &&
         (has(taken, SOL_SOCKET, SO_SNDBUF) ||
          has(taken, SOL_SOCKET, SO_RCVBUF));
}

void halve(Changed* value) {
  int doubled;
  memcpy(&doubled, value->bytes, sizeof doubled);
  doubled /= 2;
  memcpy(value->bytes, &doubled, sizeof doubled);
}

bool may_fail(Travel travel) {
  return travel == Travel::kCopied || travel == Travel::kDoubled;
}

const char* add(int row, const Value& value, Snapshot* out) {
  const Travel travel = kRows[row].travel;
  if (travel == Travel::kForbids) return kUncopyable;
  // For one, the device that the socket is bound to does not exist any more.
  if (value.error != 0) return may_fail(travel) ? nullptr : kUncopyable;
  Changed* const slot = append(row, out);
  if (slot == nullptr) return "too many options to copy";
  slot->length = value.length;
  slot->during_race = false;
  memcpy(slot->bytes, value.bytes, sizeof slot->bytes);
  if (travel == Travel::kDoubled) halve(slot);
  return nullptr;
}

const char* take_options(int fd, Snapshot* out, Fresh* fresh) {
  bool knows_device = false;
  for (int i = 0; i < kRowCount; ++i) {
    if (!is_read(i, out->family)) continue;
    Value usual;
    if (!fresh->usual(i, &usual)) {
      return "no descriptor to compare with";
    }
    // By number or by name, not both: who may bind a socket to a device once
    // may not do it twice.
    if (is(kRows[i], SOL_SOCKET, SO_BINDTOIFINDEX)) {
      knows_device = usual.error == 0;
    }
    if (is(kRows[i], SOL_SOCKET, SO_BINDTODEVICE) && knows_device) continue;
    const Value value = read(fd, kRows[i]);
    if (option_values::same(value, usual) && !follows(kRows[i], *out)) continue;
    const char* const why = add(i, value, out);
    if (why != nullptr) return why;
  }
  return nullptr;
}

uint32_t owner_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? status.st_uid : Snapshot::kNone;
}

// Rules by user (`ip rule uidrange`) look at the socket's owner, who may have
// been another when the caller made it.
bool give_owner(const Snapshot& snapshot, int fd) {
  if (snapshot.owner == Snapshot::kNone) return true;
  return owner_of(fd) == snapshot.owner ||
         fchown(fd, snapshot.owner, static_cast<gid_t>(-1)) == 0;
}

bool take_bound_address(int fd, Snapshot* out) {
  out->local_length = sizeof out->local;
  if (real::getsockname(fd, reinterpret_cast<sockaddr*>(&out->local),
                        &out->local_length) != 0) {
    return false;
  }
  static constexpr uint8_t kAny[16] = {};
  if (out->family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&out->local);
    out->bound = in->sin_addr.s_addr != INADDR_ANY;
  } else {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&out->local);
    out->bound = memcmp(&in6->sin6_addr, kAny, sizeof kAny) != 0;
  }
  return true;
}

// A size beyond the administrator's limit, which its own option gives to the
// privileged.
void give_forced_size(const Changed& changed, const Row& row, int fd) {
  int wanted = 0, given = 0;
  const Value now = read(fd, row);
  memcpy(&wanted, changed.bytes, sizeof wanted);
  memcpy(&given, now.bytes, sizeof given);
  if (now.error != 0 || given / 2 >= wanted) return;
  set(fd, SOL_SOCKET, row.name == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE,
      changed);
}

// Only before the local address is bound; also where the system's default is 1.
void allow_ipv4(int fd) {
  const int off = 0;
  real::setsockopt(fd, int{IPPROTO_IPV6}, int{IPV6_V6ONLY},
                   static_cast<const void*>(&off), socklen_t{sizeof off});
}

bool apply(const Changed& changed, int fd) {
  const Row& row = kRows[changed.row];
  const bool done = set(fd, row.level, row.name, changed);
  if (row.travel == Travel::kDoubled && !changed.during_race) {
    give_forced_size(changed, row, fd);
  }
  return done || may_fail(row.travel);
}

// The attempt speaks the other IP than the caller's would: what counts there
// is the twin of what the caller has set, unless it has set that too.
bool apply_twin(const Snapshot& snapshot, const Changed& changed, int fd) {
  const int twin = option_table::twin_of(changed.row);
  const bool callers_form = kRows[changed.row].level ==
                            (snapshot.speaks_ipv4 ? IPPROTO_IP : IPPROTO_IPV6);
  if (twin < 0 || !callers_form || has(snapshot, twin)) return true;
  return set(fd, kRows[twin].level, kRows[twin].name, changed) ||
         may_fail(kRows[twin].travel);
}

}  // namespace

const char* take(int fd, int family, int protocol, Snapshot* out) {
  out->family = family;
  out->protocol = protocol;
  out->speaks_ipv4 = family == AF_INET;
  out->count = 0;
  out->network = network_of(fd);
  out->owner = owner_of(fd);
  Fresh fresh(family, protocol);
  if (!fresh.is_home(out->network)) return "another network namespace";
  const char* const why = take_options(fd, out, &fresh);
  if (why != nullptr) return why;
  return take_bound_address(fd, out) ? nullptr : "no local address";
}

bool give(const Snapshot& snapshot, int fd, bool speaks_ipv4,
          uint64_t network) {
  if ((network != 0 ? network : network_of(fd)) != snapshot.network) {
    errno = EXDEV;
    return false;
  }
  if (!give_owner(snapshot, fd)) return false;
  if (speaks_ipv4 && snapshot.v6_only) allow_ipv4(fd);
  const bool crosses = speaks_ipv4 != snapshot.speaks_ipv4;
  for (int i = 0; i < snapshot.count; ++i) {
    const Changed& changed = snapshot.changed[i];
    if (speaks_ipv4 && is(kRows[changed.row], IPPROTO_IPV6, IPV6_V6ONLY))
      continue;
    if (!apply(changed, fd)) return false;
    if (crosses && !apply_twin(snapshot, changed, fd)) return false;
  }
  if (!snapshot.bound) return true;
  return bind(fd, reinterpret_cast<const sockaddr*>(&snapshot.local),
              snapshot.local_length) == 0;
}

bool speaks_ipv4(int fd, bool otherwise) {
  sockaddr_in6 peer{};
  socklen_t length = sizeof peer;
  if (real::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) {
    return otherwise;
  }
  return peer.sin6_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr);
}

bool note_change(int level, int name, const void* value, socklen_t length,
                 Snapshot* snapshot) {
  const int row = option_table::find(level, name);
  if (row < 0) return true;
  Changed* const slot = append(row, snapshot);
  if (slot == nullptr) return false;
  slot->length = static_cast<uint8_t>(length < kMaxValue ? length : kMaxValue);
  slot->during_race = true;
  if (slot->length != 0) memcpy(slot->bytes, value, slot->length);
  return true;
}

void give_changed(const Snapshot& snapshot, int fd) {
  const bool crosses =
      speaks_ipv4(fd, !snapshot.speaks_ipv4) != snapshot.speaks_ipv4;
  for (int i = 0; i < snapshot.count; ++i) {
    const Changed& changed = snapshot.changed[i];
    if (!changed.during_race) continue;
    apply(changed, fd);
    if (crosses) apply_twin(snapshot, changed, fd);
  }
}

Effect effect_of(int level, int name) {
  const int row = option_table::find(level, name);
  if (row < 0) {  // of a later kernel: nobody knows what it decides
    return option_table::is_known_level(level) ? Effect::kForbids
                                               : Effect::kNone;
  }
  switch (kRows[row].travel) {
    case Travel::kCopied:
    case Travel::kDoubled:
    case Travel::kRequired:
    case Travel::kOtherForm:
      return Effect::kTravels;
    case Travel::kSteers:
    case Travel::kForbids:
      return Effect::kEndsRace;
    case Travel::kHidden:
      return Effect::kForbids;
    case Travel::kSame:
    case Travel::kReadOnly:
    case Travel::kState:
    case Travel::kCommand:
    case Travel::kListening:
    case Travel::kOtherSockets:
    case Travel::kAbsent:
      break;
  }
  return Effect::kNone;
}

void mark_set(int level, int name) {
  const int row = option_table::find(level, name);
  if (row < 0 || once_set[row].load(std::memory_order_relaxed)) return;
  once_set[row].store(true, std::memory_order_relaxed);
}

void copy_file_status(int from, int to) {
  const int flags = real::fcntl(from, F_GETFL);
  if (flags < 0) return;
  // Also without O_ASYNC: SIGURG goes to the owner too (socket(7)).
  f_owner_ex owner{};
  if (real::fcntl(from, F_GETOWN_EX, &owner) == 0) {
    real::fcntl(to, F_SETOWN_EX, &owner);
  }
  real::fcntl(to, F_SETSIG, real::fcntl(from, F_GETSIG));
  real::fcntl(to, F_SETFL, flags);
}

}  // namespace happy::shim::socket_options
