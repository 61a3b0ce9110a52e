#include "tests/support/dot_server.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "core/base/ip.h"
#include "tests/support/dot_server_connection.h"

namespace happy::test {
namespace {

constexpr int kTickMs = 10;  // how soon a stop is seen

void reset(int descriptor) {
  const linger now{1, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(descriptor);
}

std::runtime_error failed(const char* what) {
  return std::runtime_error(std::string(what) + ": " + strerror(errno));
}

void must(int result) {
  if (result < 0) throw std::runtime_error(gnutls_strerror(result));
}

// gnutls_certificate_set_x509_key() would sort the chain and drop what does not
// fit; this call sends what it is given. It takes the certificates and the key.
void present(gnutls_certificate_credentials_t credentials,
             const std::vector<Identity>& chain) {
  auto* certificates = static_cast<gnutls_pcert_st*>(
      gnutls_calloc(chain.size(), sizeof(gnutls_pcert_st)));
  for (size_t i = 0; i < chain.size(); ++i)
    must(gnutls_pcert_import_x509(&certificates[i], chain[i].certificate(), 0));
  gnutls_privkey_t key = nullptr;
  must(gnutls_privkey_init(&key));
  must(gnutls_privkey_import_x509(key, chain.front().key(),
                                  GNUTLS_PRIVKEY_IMPORT_COPY));
  must(gnutls_certificate_set_key(credentials, nullptr, 0, certificates,
                                  static_cast<int>(chain.size()), key));
  gnutls_free(certificates);  // the array; its members were taken
}

}  // namespace

DotServer::DotServer(DotScript script) : script_(std::move(script)) {
  gnutls_certificate_credentials_t raw = nullptr;
  if (gnutls_certificate_allocate_credentials(&raw) != 0)
    throw std::runtime_error("no credentials");
  credentials_.reset(raw, gnutls_certificate_free_credentials);
  if (!script_.chain.empty()) present(raw, script_.chain);
  must(gnutls_session_ticket_key_generate(&ticket_key_));
  must(gnutls_anti_replay_init(&replays_));
  gnutls_anti_replay_set_add_function(replays_, note_early);
  gnutls_anti_replay_set_ptr(replays_, this);
  if (script_.answers_early) early_context_ = make_early_context(script_);
  listen_on();
  acceptor_ = std::thread([this] { accept_loop(); });
}

DotServer::~DotServer() {
  stopping_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  close(listener_);
  gnutls_free(ticket_key_.data);
  gnutls_anti_replay_deinit(replays_);
}

int DotServer::note_early(void* self, time_t /*expires*/,
                          const gnutls_datum_t* key,
                          const gnutls_datum_t* /*data*/) {
  auto* const server = static_cast<DotServer*>(self);
  const std::lock_guard lock(server->mutex_);
  const std::string text(reinterpret_cast<const char*>(key->data), key->size);
  return server->early_.insert(text).second ? 0 : GNUTLS_E_DB_ENTRY_EXISTS;
}

void DotServer::listen_on() {
  const auto address = IpAddress::parse(script_.address);
  if (!address) throw std::runtime_error("not an address: " + script_.address);
  sockaddr_storage place;
  socklen_t size = Endpoint{*address, script_.port}.to_sockaddr(&place);
  listener_ =
      socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int backlog = 1024;
  if (script_.tcp_fast_open)
    setsockopt(listener_, IPPROTO_TCP, TCP_FASTOPEN, &backlog, sizeof backlog);
  if (listener_ < 0 ||
      bind(listener_, reinterpret_cast<sockaddr*>(&place), size) != 0 ||
      listen(listener_, backlog) != 0)
    throw failed("listen");
  size = sizeof place;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&place), &size);
  port_ =
      Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&place), size)->port;
}

void DotServer::accept_loop() {
  int accepted = 0;
  while (!stopping_) {
    pollfd wait{listener_, POLLIN, 0};
    if (poll(&wait, 1, kTickMs) <= 0) continue;
    const int descriptor =
        accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) continue;
    const int number = ++accepted;
    note([](DotStatistics& it) { ++it.connections; });
    if (number <= script_.reset_first) {
      reset(descriptor);
      continue;
    }
    connections_.emplace_back([this, descriptor, number] {
      note([](DotStatistics& it) { ++it.open; });
      if (script_.answers_early)
        serve_early_connection(this, descriptor);
      else
        serve_dot_connection(this, descriptor, number - script_.reset_first);
      note([](DotStatistics& it) { --it.open; });
    });
  }
}

DotStatistics DotServer::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

bool DotServer::wait_until(
    const std::function<bool(const DotStatistics&)>& holds) const {
  for (int turn = 0; turn < 1000; ++turn) {
    if (holds(statistics())) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

Zone DotServer::zone() const {
  const std::lock_guard lock(mutex_);
  return script_.zone;
}

void DotServer::set_zone(Zone zone) {
  const std::lock_guard lock(mutex_);
  script_.zone = std::move(zone);
}

}  // namespace happy::test
