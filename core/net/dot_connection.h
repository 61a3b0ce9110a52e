// One connection to one address of a resolver: TCP, then TLS with
// authentication, then messages both ways. It reports what happens and decides
// nothing. Loop thread only.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/policy.h"
#include "core/base/ip.h"
#include "core/base/time.h"
#include "core/dns/stream.h"
#include "core/net/descriptor_policy.h"
#include "core/net/dot_error.h"
#include "core/net/load_tls.h"
#include "core/net/tls_abi.h"
#include "core/net/uv_owner.h"

namespace happy::net {

class DotConnection {
 public:
  // Reports are made inside the loop's callbacks and inside flush(), and may
  // not destroy the connection; `settled` comes after them and may.
  struct Listener {
    std::function<void()> established;
    std::function<void(std::vector<uint8_t>)> received;
    std::function<void(DotError)> lost;  // at most once, last
    std::function<void()> settled;
  };

  // Where and who; outlives the connection.
  struct Peer {
    uv_loop_t* loop;
    const config::Resolver* resolver;
    LoadTls load_tls;
    const DescriptorPolicy* descriptors;
    const happy_tls_tickets* tickets;  // may be nullptr
  };

  DotConnection(Peer peer, const Endpoint& endpoint, Listener listener);
  ~DotConnection();  // says close_notify if it was established
  DotConnection(const DotConnection&) = delete;
  DotConnection& operator=(const DotConnection&) = delete;

  // Begins to connect. An error needs no report; the connection is of no use.
  [[nodiscard]] tl::expected<void, DotError> start();
  // Whether what is queued before the first flush() may go with the first
  // flight.
  bool takes_early_data() const { return early_room_ > 0; }
  // Appends to what is to be sent; flush() sends it in one record.
  void queue(std::span<const uint8_t> octets);
  void flush();

  // What it waits for, for "silent in ..." messages.
  enum class Phase : uint8_t { kConnecting, kHandshake, kReady, kEnded };
  Phase phase() const { return phase_; }
  const Endpoint& endpoint() const { return endpoint_; }
  Duration connect_time() const { return connected_ - started_; }
  Duration handshake_time() const { return ready_ - connected_; }
  const happy_tls_info& info() const { return info_; }
  // It ended in a handshake that offered a ticket of an earlier session.
  bool failed_with_ticket() const;

 private:
  static void on_poll(uv_poll_t* poll, int status, int events);
  void advance(int status, int events);
  int open_socket();
  tl::expected<void, DotError> open_session(const sockaddr* peer,
                                            socklen_t size);
  void connected();
  void begin_handshake();
  void handshake();
  void receive();
  void send_queued();
  void lose(DotError error);
  void watch(int events);
  void acknowledge_at_once() const;

  const Peer peer_;
  const Endpoint endpoint_;
  const Listener listener_;
  int descriptor_ = -1;
  UvOwner<uv_poll_t> poll_;
  const happy_tls* tls_ = nullptr;
  happy_tls_session* session_ = nullptr;
  Phase phase_ = Phase::kConnecting;
  int watched_ = 0;
  Time started_{}, connected_{}, ready_{};
  happy_tls_info info_{};
  dns::StreamReader input_;
  std::vector<uint8_t> output_;
  size_t early_room_ = 0;
  std::vector<uint8_t> early_;  // sent with the first flight
  bool begun_ = false;          // the first flight is made
};

}  // namespace happy::net
