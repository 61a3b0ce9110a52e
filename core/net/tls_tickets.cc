#include "core/net/tls_tickets.h"

#include <unistd.h>

#include <deque>
#include <utility>

namespace happy::tls {
namespace {

constexpr size_t kMostTickets = 32;  // of all resolvers; 8 addresses each
constexpr size_t kMostOfOneKey = 2;
constexpr size_t kMostOctets = 16384;

using Tickets = std::deque<std::pair<std::string, std::string>>;

// Never freed: hosts call in during exit.
Tickets& tickets() {
  static auto& all = *new Tickets;
  static pid_t owner = getpid();
  if (owner != getpid()) {
    all.clear();
    owner = getpid();
  }
  return all;
}

}  // namespace

std::string ticket_key(const Authenticators& wanted, std::string_view peer) {
  if (peer.empty()) return {};
  std::string out(peer);
  out += wanted.unauthenticated ? 'u' : 'a';
  out += wanted.auth_name + '\0' + wanted.ca_file + '\0';
  for (const happy_tls_pin& pin : wanted.pins) {
    out += pin.whole_certificate != 0 ? 'c' : 'k';
    out.append(reinterpret_cast<const char*>(pin.sha256), sizeof pin.sha256);
  }
  return out;
}

void keep_ticket(const std::string& key, std::string data,
                 const happy_tls_tickets* store) {
  if (key.empty()) return;
  if (store != nullptr && data.size() <= kMostOctets &&
      store->keep(store->context, key.data(), key.size(), data.data(),
                  data.size()) != 0)
    return;
  Tickets& all = tickets();
  size_t of_key = 0;
  for (const auto& [other, ticket] : all) of_key += other == key;
  for (auto one = all.begin(); of_key >= kMostOfOneKey && one != all.end();) {
    if (one->first == key) {
      one = all.erase(one);
      --of_key;
    } else {
      ++one;
    }
  }
  if (all.size() >= kMostTickets) all.pop_front();
  all.emplace_back(key, std::move(data));
}

std::string take_ticket(const std::string& key,
                        const happy_tls_tickets* store) {
  if (key.empty()) return {};
  Tickets& all = tickets();
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    if (one->first != key) continue;
    std::string out = std::move(one->second);
    all.erase(std::next(one).base());
    return out;
  }
  if (store == nullptr) return {};
  std::string out(kMostOctets, '\0');
  out.resize(store->take(store->context, key.data(), key.size(), out.data(),
                         out.size()));
  return out;
}

}  // namespace happy::tls
