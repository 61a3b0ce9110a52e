#include "core/net/dot_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/net/clock.h"

namespace happy::net {

DotConnection::DotConnection(Peer peer, const Endpoint& endpoint,
                             Listener listener)
    : peer_(std::move(peer)),
      endpoint_(endpoint),
      listener_(std::move(listener)) {}

DotConnection::~DotConnection() {
  if (session_) {
    if (phase_ == Phase::kReady) tls_->bye(session_);
    tls_->close(session_);
  }
  // libuv forgets the descriptor as the closing begins, so it may go next.
  poll_.reset();
  if (descriptor_ >= 0) peer_.descriptors->close(descriptor_);
}

tl::expected<void, DotError> DotConnection::start() {
  started_ = monotonic_now();
  if (const int error = open_socket())
    return tl::unexpected(connect_error(error));
  auto poll = std::make_unique<uv_poll_t>();
  if (const int error = uv_poll_init(peer_.loop, poll.get(), descriptor_))
    return tl::unexpected(connect_error(-error));
  poll_.reset(poll.release());
  poll_->data = this;

  sockaddr_storage place;
  const socklen_t size = endpoint_.to_sockaddr(&place);
  int result;
  do {
    result = connect(descriptor_, reinterpret_cast<sockaddr*>(&place), size);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EINPROGRESS)
    return tl::unexpected(connect_error(errno));
  watch(UV_WRITABLE);
  return open_session(reinterpret_cast<sockaddr*>(&place), size);
}

int DotConnection::open_socket() {
  const int family =
      endpoint_.address.family == Family::kIpv6 ? AF_INET6 : AF_INET;
  const int made =
      socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (made < 0) return errno;
  descriptor_ = peer_.descriptors->own(made);
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // connect() then returns at once, and the SYN goes with the first octets.
  if (peer_.resolver->tcp_fast_open)
    setsockopt(descriptor_, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
  return 0;
}

void DotConnection::on_poll(uv_poll_t* poll, int status, int events) {
  auto* const self = static_cast<DotConnection*>(poll->data);
  self->advance(status, events);
  const auto settled = self->listener_.settled;  // it may destroy `self`
  settled();
}

void DotConnection::advance(int status, int events) {
  if (phase_ == Phase::kConnecting) return connected();
  // EPOLLERR: libuv has stopped the handle and says EBADF whatever it was; the
  // true errno comes out of the next read.
  const bool broken = status < 0;
  if (broken) watched_ = 0;
  if (phase_ == Phase::kHandshake) {
    handshake();
  } else {
    if (phase_ == Phase::kReady && (events & UV_WRITABLE)) send_queued();
    if (phase_ == Phase::kReady) receive();
  }
  if (broken && phase_ != Phase::kEnded) lose(connect_error(ECONNRESET));
}

void DotConnection::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) return lose(connect_error(error));
  connected_ = monotonic_now();
  phase_ = Phase::kHandshake;
  if (!begun_) begin_handshake();
  handshake();
}

// While the SYN is on its way: what can be loaded, read and computed before the
// server has said anything costs no time then.
tl::expected<void, DotError> DotConnection::open_session(const sockaddr* peer,
                                                         socklen_t size) {
  tls_ = peer_.load_tls();
  if (tls_ == nullptr)
    return tl::unexpected(
        DotError{DotFailure::kLocal, "libhappy-tls.so could not be loaded"});
  const config::Resolver& resolver = *peer_.resolver;
  std::vector<happy_tls_pin> pins;
  for (const config::Pin& pin : resolver.pins) {
    happy_tls_pin copy{};
    copy.whole_certificate = pin.kind == config::Pin::Kind::kCertificate;
    std::copy(pin.sha256.begin(), pin.sha256.end(), copy.sha256);
    pins.push_back(copy);
  }
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  };
  const happy_tls_config config{or_null(resolver.auth_name),
                                or_null(resolver.ca_file),
                                pins.data(),
                                pins.size(),
                                resolver.authenticated ? 0 : 1,
                                peer,
                                size,
                                peer_.tickets};
  session_ = tls_->open(&config, descriptor_);
  if (session_ == nullptr)
    return tl::unexpected(
        DotError{DotFailure::kLocal, "a TLS session cannot be made"});
  if (resolver.early_data) early_room_ = tls_->early_room(session_);
  if (early_room_ == 0) begin_handshake();
  if (config.auth_name != nullptr && config.unauthenticated == 0)
    tls_->warm(&config, nullptr, 0);
  return {};
}

// What may go with the first flight is there by now.
void DotConnection::begin_handshake() {
  begun_ = true;
  const size_t size = std::min(output_.size(), early_room_);
  const auto end = output_.begin() + static_cast<std::ptrdiff_t>(size);
  early_.assign(output_.begin(), end);
  output_.erase(output_.begin(), end);
  if (!early_.empty())
    tls_->write_early(session_, early_.data(), early_.size());
  tls_->prepare(session_);
}

void DotConnection::handshake() {
  const int state = tls_->handshake(session_);
  acknowledge_at_once();
  switch (state) {
    case HAPPY_TLS_WANT_READ:
      return watch(UV_READABLE);
    case HAPPY_TLS_WANT_WRITE:
      return watch(UV_WRITABLE);
    case HAPPY_TLS_READY:
      break;
    default:
      return lose(tls_error(*tls_, session_));
  }
  ready_ = monotonic_now();
  phase_ = Phase::kReady;
  tls_->info(session_, &info_);
  if (!early_.empty() && tls_->early_taken(session_) == 0)
    output_.insert(output_.begin(), early_.begin(), early_.end());
  watch(UV_READABLE);
  listener_.established();
}

void DotConnection::receive() {
  uint8_t data[16384];  // the largest TLS record
  for (;;) {
    size_t moved = 0;
    const int state = tls_->read(session_, data, sizeof data, &moved);
    acknowledge_at_once();
    if (state == HAPPY_TLS_WANT_READ) return;
    if (state == HAPPY_TLS_WANT_WRITE) return watch(UV_READABLE | UV_WRITABLE);
    if (state == HAPPY_TLS_CLOSED)
      return lose({DotFailure::kReset, "the resolver closed the connection"});
    if (state != HAPPY_TLS_READY) return lose(tls_error(*tls_, session_));
    input_.append({data, moved});
    while (auto message = input_.next()) {
      listener_.received(std::move(*message));
    }
  }
}

void DotConnection::queue(std::span<const uint8_t> octets) {
  output_.insert(output_.end(), octets.begin(), octets.end());
}

void DotConnection::flush() {
  if (!begun_) begin_handshake();
  if (phase_ == Phase::kReady && !(watched_ & UV_WRITABLE)) send_queued();
}

void DotConnection::send_queued() {
  while (!output_.empty()) {
    size_t moved = 0;
    const int state =
        tls_->write(session_, output_.data(), output_.size(), &moved);
    if (state == HAPPY_TLS_WANT_WRITE) return watch(UV_READABLE | UV_WRITABLE);
    if (state != HAPPY_TLS_READY) return lose(tls_error(*tls_, session_));
    output_.erase(output_.begin(),
                  output_.begin() + static_cast<std::ptrdiff_t>(moved));
  }
  watch(UV_READABLE);
}

bool DotConnection::failed_with_ticket() const {
  return phase_ == Phase::kEnded && connected_ != Time{} && ready_ == Time{} &&
         tls_->offered_ticket(session_) != 0;
}

void DotConnection::lose(DotError error) {
  phase_ = Phase::kEnded;
  watch(0);
  listener_.lost(std::move(error));
}

void DotConnection::watch(int events) {
  if (events == watched_) return;
  watched_ = events;
  if (events == 0)
    uv_poll_stop(poll_.get());
  else
    uv_poll_start(poll_.get(), events, &DotConnection::on_poll);
}

// A server without TCP_NODELAY holds a small segment until the one before it is
// acknowledged (Nagle): the answer behind a session ticket, and the second of
// two answers. Our delayed ACK would cost 40 ms each time. The kernel forgets
// the option as it goes, so it is set after every read.
void DotConnection::acknowledge_at_once() const {
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

}  // namespace happy::net
