// A scriptable DNS-over-TLS server inside the test's process: a thread that
// accepts and one for each connection, on GnuTLS. It does on purpose what
// servers do by accident. For tests only.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/dot_certificates.h"
#include "tests/support/dot_zone.h"

namespace happy::test {

// How far a connection gets before the script halts it.
enum class Stage : uint8_t {
  kAccept,       // TCP is up
  kClientHello,  // the client's first octets have come and are not answered
  kHandshake,    // both Finished messages have passed
  kQuery         // the first query has come and is not answered
};
enum class Ending : uint8_t {
  kSilence,  // the connection stays open, and nothing more is said
  kClose,    // FIN, in TLS after a close_notify unless the script says no
  kReset     // RST
};
struct Halt {
  Stage after;
  Ending how;
  int connections = 0;  // only the first so many; 0: each
};

// TLS 1.3 session tickets: with the handshake, or only after the first reply.
enum class Tickets : uint8_t { kNone, kAtOnce, kLate };

struct DotScript {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  // Sent in this order; the first one's key is the server's.
  std::vector<Identity> chain = {};
  Zone zone = {};
  std::optional<Halt> halt = {};
  Tickets tickets = Tickets::kNone;
  // Takes so many octets of early data, as its tickets say; 0: refuses them.
  // GnuTLS hands them out with the client's Finished.
  uint32_t early_data = 0;
  // ... and answers them before that, by OpenSSL (dot_server_early.cc).
  bool answers_early = false;
  bool tcp_fast_open = false;
  std::string priorities = {};  // of GnuTLS; empty: "NORMAL"
  bool offer_alpn = true;
  bool plain = false;         // speaks no TLS at all: sends text and closes
  bool split_prefix = false;  // each half of the length in its own segment
  bool coalesce = false;      // replies due together in one record
  bool no_delay = true;       // TCP_NODELAY
  bool key_update = false;    // a TLS 1.3 KeyUpdate before every reply
  // Closes a connection that was idle this long, with or without close_notify.
  std::optional<std::chrono::milliseconds> idle_close = {};
  bool close_notify = true;
  // Accepts this many connections, resets each at once, then serves.
  int reset_first = 0;
  // Closes each of the first connections at its first query, unanswered and
  // without close_notify.
  int close_on_query_first = 0;
  // The first connections answer one query and then nothing any more, though
  // they stay open: a session that a firewall forgot.
  int mute_first = 0;
};

struct DotStatistics {
  int connections = 0;
  int handshakes = 0;
  int resumed = 0;  // of them
  int early = 0;    // connections whose early data was taken
  int queries = 0;
  int most_outstanding = 0;  // on one connection
  int open = 0;
  std::string alpn, server_name;  // of the last handshake
  std::vector<Question> asked;
};

class DotServer {
 public:
  // Listens when it returns. Throws std::exception where it cannot.
  explicit DotServer(DotScript script);
  ~DotServer();  // ends every connection and joins its threads
  DotServer(const DotServer&) = delete;
  DotServer& operator=(const DotServer&) = delete;

  uint16_t port() const { return port_; }
  const std::string& address() const { return script_.address; }
  DotStatistics statistics() const;
  // False if it does not come to hold within 10 s.
  bool wait_until(const std::function<bool(const DotStatistics&)>& holds) const;
  // Replaces the zone; queries under way keep what they found.
  void set_zone(Zone zone);

  // What follows is for the connections' threads.
  const DotScript& script() const { return script_; }
  Zone zone() const;
  bool stopping() const { return stopping_; }
  const gnutls_datum_t& ticket_key() const { return ticket_key_; }
  gnutls_anti_replay_t replays() const { return replays_; }
  const std::shared_ptr<void>& early_context() const { return early_context_; }
  gnutls_certificate_credentials_t credentials() const {
    return credentials_.get();
  }
  template <typename Change>
  void note(Change change) {
    const std::lock_guard lock(mutex_);
    change(statistics_);
  }

 private:
  static int note_early(void* self, time_t expires, const gnutls_datum_t* key,
                        const gnutls_datum_t* data);
  void listen_on();
  void accept_loop();

  DotScript script_;
  std::shared_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>>
      credentials_;
  gnutls_datum_t ticket_key_{};
  gnutls_anti_replay_t replays_ = nullptr;
  std::set<std::string> early_;  // what came as early data, under mutex_
  std::shared_ptr<void> early_context_;  // OpenSSL's
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  DotStatistics statistics_;
  std::list<std::thread> connections_;  // of the accepting thread
  std::thread acceptor_;
};

}  // namespace happy::test
