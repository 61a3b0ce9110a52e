#include "tools/happyctl/tls_probe.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "config/host_pattern.h"
#include "core/net/clock.h"
#include "core/net/load_tls.h"
#include "tools/happyctl/installation.h"

namespace happyctl {
namespace {

using happy::config::Pin;
using happy::net::DotError;
using happy::net::DotFailure;

// A connected socket and a session on it, both closed at the end.
class Look {
 public:
  Look(const happy_tls& tls, const LookWish& wish)
      : tls_(tls),
        wish_(wish),
        deadline_(happy::net::monotonic_now() + wish.patience) {}
  ~Look() {
    if (session_ != nullptr) tls_.close(session_);
    if (descriptor_ >= 0) close(descriptor_);
  }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;

  tl::expected<void, DotError> connect_to(const happy::Endpoint& place);
  tl::expected<void, DotError> shake_hands();
  void describe(SeenServer* out) const;

 private:
  // False: the deadline has passed.
  bool wait_for(short events) const;
  DotError silent(const char* where) const {
    return {DotFailure::kSilent, std::string("silent: no ") + where +
                                     " within " +
                                     happy::net::duration_text(wish_.patience)};
  }
  bool holds(const Pin& pin) const;
  static void keep(void* out, const happy_tls_certificate* certificate);

  const happy_tls& tls_;
  const LookWish& wish_;
  const happy::Time deadline_;
  int descriptor_ = -1;
  happy_tls_session* session_ = nullptr;
};

bool Look::wait_for(short events) const {
  pollfd waiting{descriptor_, events, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline_ - happy::net::monotonic_now());
    if (left.count() <= 0) return false;
    const int ready = poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

tl::expected<void, DotError> Look::connect_to(const happy::Endpoint& place) {
  sockaddr_storage address;
  const socklen_t size = place.to_sockaddr(&address);
  descriptor_ = socket(address.ss_family,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (descriptor_ < 0) return tl::unexpected(happy::net::connect_error(errno));
  int error = 0;
  if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), size) != 0)
    error = errno;
  if (error == EINPROGRESS) {
    if (!wait_for(POLLOUT)) return tl::unexpected(silent("answer to connect"));
    socklen_t length = sizeof error;
    getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length);
  }
  if (error != 0) return tl::unexpected(happy::net::connect_error(error));
  return {};
}

tl::expected<void, DotError> Look::shake_hands() {
  happy_tls_config config{};
  if (!wish_.name.empty()) config.auth_name = wish_.name.c_str();
  config.unauthenticated = 1;
  session_ = tls_.open(&config, descriptor_);
  if (session_ == nullptr)
    return tl::unexpected(
        DotError{DotFailure::kLocal, "a TLS session cannot be made"});
  for (;;) {
    const int state = tls_.handshake(session_);
    if (state == HAPPY_TLS_READY) return {};
    if (state != HAPPY_TLS_WANT_READ && state != HAPPY_TLS_WANT_WRITE)
      return tl::unexpected(happy::net::tls_error(tls_, session_));
    if (!wait_for(state == HAPPY_TLS_WANT_READ ? POLLIN : POLLOUT))
      return tl::unexpected(silent("TLS handshake"));
  }
}

bool Look::holds(const Pin& pin) const {
  happy_tls_pin wanted{};
  wanted.whole_certificate = pin.kind == Pin::Kind::kCertificate ? 1 : 0;
  std::copy(pin.sha256.begin(), pin.sha256.end(), wanted.sha256);
  happy_tls_config config{};
  config.pins = &wanted;
  config.pin_count = 1;
  return tls_.judge(session_, &config, nullptr, 0) == HAPPY_TLS_OK;
}

void Look::keep(void* out, const happy_tls_certificate* certificate) {
  SeenCertificate seen;
  Pin pin{.kind = Pin::Kind::kCertificate};
  std::copy_n(certificate->certificate_sha256, pin.sha256.size(),
              pin.sha256.begin());
  seen.certificate = pin;
  if (certificate->has_key_sha256 != 0) {
    pin.kind = Pin::Kind::kKey;
    std::copy_n(certificate->key_sha256, pin.sha256.size(), pin.sha256.begin());
    seen.key = pin;
  }
  seen.subject = certificate->subject;
  seen.issuer = certificate->issuer;
  for (size_t i = 0; i < certificate->dns_name_count; ++i)
    seen.dns_names.emplace_back(certificate->dns_names[i]);
  seen.valid_from = certificate->valid_from;
  seen.valid_until = certificate->valid_until;
  static_cast<SeenServer*>(out)->chain.push_back(std::move(seen));
}

void Look::describe(SeenServer* out) const {
  happy_tls_info info{};
  tls_.info(session_, &info);
  out->tls_version = info.version;
  out->cipher = info.cipher;
  tls_.certificates(session_, out, &Look::keep);
  for (SeenCertificate& seen : out->chain)
    seen.key_holds = seen.key && holds(*seen.key);
  out->name = wish_.name;
  if (out->name.empty() && !out->chain.empty()) {
    for (const std::string& offered : out->chain[0].dns_names) {
      const auto host = happy::config::parse_host_name(offered);
      if (!host) continue;  // a wildcard
      out->name = *host;
      break;
    }
  }
  if (out->name.empty()) return;
  happy_tls_config config{};
  config.auth_name = out->name.c_str();
  if (!wish_.ca_file.empty()) config.ca_file = wish_.ca_file.c_str();
  char why[512];
  if (tls_.judge(session_, &config, why, sizeof why) != HAPPY_TLS_OK)
    out->why_not_by_ca = why;
}

}  // namespace

tl::expected<SeenServer, DotError> look_at(const happy::Endpoint& place,
                                           const LookWish& wish) {
  const auto tls = happy::net::load_tls(library_folder(), RTLD_NOW);
  if (!tls) return tl::unexpected(DotError{DotFailure::kLocal, tls.error()});
  Look look(**tls, wish);
  SeenServer out;
  const auto begun = happy::net::monotonic_now();
  if (auto done = look.connect_to(place); !done)
    return tl::unexpected(done.error());
  const auto connected = happy::net::monotonic_now();
  if (auto done = look.shake_hands(); !done)
    return tl::unexpected(done.error());
  out.connect = connected - begun;
  out.handshake = happy::net::monotonic_now() - connected;
  look.describe(&out);
  if (!out.chain.empty()) return out;
  return tl::unexpected(
      DotError{DotFailure::kTls, "the server sent no usable certificate"});
}

}  // namespace happyctl
