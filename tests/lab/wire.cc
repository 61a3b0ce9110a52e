#include "tests/lab/wire.h"

#include <netinet/in.h>

#include <algorithm>

namespace happy::lab {

void Wire::take(Raw raw, bool from_client, Time now) {
  auto packet = parse_packet(raw);
  if (!packet) return;
  apply_changes(now);
  packet->from_client = from_client;
  packet->sent = now;
  if (from_client)
    take_from_client(std::move(raw), *packet);
  else
    take_from_server(std::move(raw), *packet);
}

void Wire::take_from_client(Raw raw, const Packet& packet) {
  const IpAddress& far = packet.destination.address;
  const Path& path = path_of(far);
  const size_t number = log_.add(packet);
  const bool is_lost = lost(far, true);
  if (path.black_hole) return log_.fate(number, Fate::kSwallowed);
  if (is_lost) return log_.fate(number, Fate::kLost);
  if (path.refusal) {
    log_.fate(number, Fate::kRefused);
    return refuse(raw, packet, *path.refusal);
  }
  const Time due = due_after(far, true, packet.sent, raw.size());
  if (wish_.nat64 && is_nat64(far)) {
    nat64_client_ = packet.source.address;
    auto translated = translate_to_ipv4(raw, wish_.nat64_source);
    if (!translated) return log_.fate(number, Fate::kSwallowed);
    raw = std::move(*translated);
  }
  const Packet seen = parse_packet(raw).value();
  const ConnectionKey key{seen.source, seen.destination};
  if (seen.syn) connections_.erase(key);
  if (const auto known = connections_.find(key);
      known != connections_.end() && known->second.cut)
    return log_.fate(number, Fate::kSwallowed);
  waiting_.push({due, number, false, std::move(raw)});
}

void Wire::take_from_server(Raw raw, const Packet& packet) {
  const bool translated =
      wish_.nat64 && packet.destination.address == wish_.nat64_source;
  const IpAddress far =
      translated ? to_nat64(packet.source.address) : packet.source.address;
  const Path& path = path_of(far);
  const bool is_lost = lost(far, false);
  const bool swallowed = path.black_hole || path.refusal.has_value();
  if (!swallowed && !is_lost) {
    if (path.reset_after && !cut(&raw, packet, *path.reset_after)) return;
    const Time due = due_after(far, false, packet.sent, raw.size());
    return push_to_client(std::move(raw), packet.sent, due, false);
  }
  auto seen = as_client_sees(std::move(raw), packet.destination.address);
  if (!seen) return;
  Packet logged = parse_packet(*seen).value();
  logged.sent = packet.sent;
  log_.fate(log_.add(logged), swallowed ? Fate::kSwallowed : Fate::kLost);
}

// The answer comes back after the same way, so after one RTT.
void Wire::refuse(const Raw& raw, const Packet& packet, Refusal why) {
  const IpAddress& far = packet.destination.address;
  const bool is_tcp = packet.protocol == IPPROTO_TCP;
  if (why == Refusal::kReset && (!is_tcp || packet.rst)) return;
  const IpAddress& router =
      far.family == Family::kIpv4 ? wish_.router4 : wish_.router6;
  Raw answer = why == Refusal::kReset ? make_reset_for(packet)
                                      : make_unreachable(raw, why, router);
  const Time there = due_after(far, true, packet.sent, raw.size());
  const Time back = due_after(far, false, there, answer.size());
  push_to_client(std::move(answer), there, back, true);
}

bool Wire::cut(Raw* raw, const Packet& packet, uint64_t after) {
  Connection& known = connections_[{packet.destination, packet.source}];
  if (packet.syn) known = {.first = packet.sequence + 1};
  if (known.cut) return false;
  const uint64_t offset = packet.sequence - known.first;
  if (packet.syn || packet.payload == 0 || offset + packet.payload <= after)
    return true;
  known.cut = true;
  const IpAddress far = packet.destination.address == wish_.nat64_source
                            ? to_nat64(packet.source.address)
                            : packet.source.address;
  const size_t keep = after > offset ? after - offset : 0;
  if (keep > 0) {
    Raw kept = shorten(*raw, keep);
    const Time due = due_after(far, false, packet.sent, kept.size());
    push_to_client(std::move(kept), packet.sent, due, false);
  }
  const auto last = static_cast<uint32_t>(known.first + offset + keep);
  const Time due = due_after(far, false, packet.sent, 40);
  push_to_client(make_reset(packet.source, packet.destination, last),
                 packet.sent, due, true);
  Raw to_server =
      make_reset(packet.destination, packet.source, packet.acknowledgment);
  Packet logged = parse_packet(to_server).value();
  logged.from_client = logged.by_wire = true;
  logged.sent = packet.sent;
  waiting_.push({packet.sent, log_.add(logged), false, std::move(to_server)});
  return false;
}

void Wire::push_to_client(Raw raw, Time sent, Time due, bool by_wire) {
  const IpAddress to = parse_packet(raw).value().destination.address;
  auto seen = as_client_sees(std::move(raw), to);
  if (!seen) return;
  Packet packet = parse_packet(*seen).value();
  packet.sent = sent;
  packet.by_wire = by_wire;
  waiting_.push({due, log_.add(packet), true, std::move(*seen)});
}

std::optional<Raw> Wire::as_client_sees(Raw raw, const IpAddress& to) const {
  if (!wish_.nat64 || to != wish_.nat64_source) return raw;
  if (!nat64_client_) return std::nullopt;
  return translate_to_ipv6(raw, *nat64_client_);
}

std::optional<Time> Wire::next() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.top().due;
}

std::optional<Delivery> Wire::deliver(Time now) {
  if (waiting_.empty() || waiting_.top().due > now) return std::nullopt;
  Delivery next = waiting_.top();
  waiting_.pop();
  log_.delivered(next.number, now);
  return next;
}

void Wire::change(const IpAddress& far, const Path& path, Time from) {
  const std::lock_guard lock(changes_mutex_);
  changes_.push_back({from, far, path});
  std::ranges::stable_sort(changes_, {}, &Change::from);
}

void Wire::apply_changes(Time now) {
  const std::lock_guard lock(changes_mutex_);
  while (!changes_.empty() && changes_.front().from <= now) {
    paths_[changes_.front().far] = changes_.front().path;
    changes_.erase(changes_.begin());
  }
}

const Path& Wire::path_of(const IpAddress& far) const {
  static const Path kAtOnce;
  auto found = paths_.find(far);
  if (found == paths_.end() && wish_.nat64 && is_nat64(far))
    found = paths_.find(from_nat64(far));
  return found == paths_.end() ? kAtOnce : found->second;
}

Wire::Lane& Wire::lane(const IpAddress& far, bool from_client) {
  const auto [place, is_new] = lanes_.try_emplace({far, from_client});
  if (is_new) {
    std::vector<uint32_t> seed(far.bytes.begin(), far.bytes.end());
    seed.insert(seed.end(), {wish_.seed, from_client ? 1U : 0U});
    std::seed_seq sequence(seed.begin(), seed.end());
    place->second.random.seed(sequence);
  }
  return place->second;
}

bool Wire::lost(const IpAddress& far, bool from_client) {
  std::uniform_real_distribution<double> chance(0, 1);
  return chance(lane(far, from_client).random) < path_of(far).loss;
}

Time Wire::due_after(const IpAddress& far, bool from_client, Time sent,
                     size_t size) {
  const Path& path = path_of(far);
  Lane& way = lane(far, from_client);
  Time out = sent;
  if (path.octets_per_second) {
    const auto takes = Duration(size * 1'000'000 / *path.octets_per_second);
    out = way.free = std::max(sent, way.free) + takes;
  }
  std::uniform_int_distribution<Duration::rep> extra(0, path.jitter.count());
  const Time due = out + path.rtt / 2 + Duration(extra(way.random));
  way.last_due = std::max(due, way.last_due);
  return way.last_due;
}

}  // namespace happy::lab
