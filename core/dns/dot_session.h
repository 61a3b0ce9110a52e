// What to do, and when, to get queries answered by one resolver over reused,
// pipelined streams (RFC 7766, RFC 7858): opens connections to its addresses,
// staggered; sends; matches replies; sends once more where a connection broke;
// retires idle ones. A pure machine: events and the time in, actions out. It
// knows no sockets, TLS or texts.
//
//             query                     one is established
//   no stream -----> race of addresses ------------------> ready
//       ^                  | all failed, or no query waits    |
//       |------------------+                                  |
//       |---- idle, lost, or drained after keepalive 0 -------+
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "core/base/time.h"
#include "core/dns/message.h"

namespace happy::dot {

enum class ConnectionId : uint32_t {};
enum class QueryId : uint64_t {};

// Events. Late ones, about connections that were closed, are ignored.
struct Ask {
  QueryId query;
  dns::Question question;
  Time deadline;
};
struct Established {  // ready for queries: connected and authenticated
  ConnectionId connection;
};
struct Received {
  ConnectionId connection;
  std::vector<uint8_t> message;
};
struct Lost {  // could not be established, or ended; its socket is closed
  ConnectionId connection;
};
struct DotTick {};  // the time of WakeAt may have come
using DotEvent = std::variant<Ask, Established, Received, Lost, DotTick>;

// Actions, in the order to perform them.
struct OpenConnection {
  ConnectionId connection;
  size_t address;  // index
  bool first;      // of a race: what failed before is history
  bool operator==(const OpenConnection&) const = default;
};
struct CloseConnection {
  ConnectionId connection;
  bool operator==(const CloseConnection&) const = default;
};
struct Send {  // those for one connection in a step belong into one write
  ConnectionId connection;
  std::vector<uint8_t> octets;  // with the length prefix
  bool operator==(const Send&) const = default;
};
struct Answered {
  QueryId query;
  ConnectionId connection;
  std::vector<uint8_t> message;
  Duration waited;  // from sending to the reply
  bool reused;      // the connection stood before the query was asked
  bool operator==(const Answered&) const = default;
};
enum class GaveUp : uint8_t {
  kNoConnection,        // every address failed
  kNoConnectionInTime,  // deadline while connections were being opened
  kNoReply,             // deadline after the query was sent
  kBroken,              // its connection ended, twice
  kNotDns               // the reply could not be decoded
};
struct Failed {
  QueryId query;
  GaveUp why;
  std::optional<ConnectionId> connection;  // the one it was sent on, if any
  Duration waited;                         // since it was asked
  bool operator==(const Failed&) const = default;
};
// Replaces the previous one; none is pending where a step gives none.
struct WakeAt {
  Time time;
  bool operator==(const WakeAt&) const = default;
};
using DotAction = std::variant<OpenConnection, CloseConnection, Send, Answered,
                               Failed, WakeAt>;

struct DotSettings {
  size_t addresses = 1;
  Duration stagger{250'000};
  // After this long without a query a connection is closed, so that an idle
  // process holds no descriptor; earlier if the server says so (RFC 7828).
  Duration idle_limit{10'000'000};
  size_t max_outstanding = 100;
};

class DotSession {
 public:
  // `random_id` gives unpredictable 16-bit numbers.
  DotSession(DotSettings settings, std::function<uint16_t()> random_id);

  [[nodiscard]] std::vector<DotAction> step(const DotEvent& event, Time now);

 private:
  struct Query {
    QueryId id;
    dns::Question question;
    Time asked, deadline, sent;
    uint16_t wire_id = 0;
    std::optional<ConnectionId> connection;  // none: waits to be sent
    std::optional<ConnectionId> last_connection;
    int sends = 0;
  };
  struct Connection {
    enum class Phase : uint8_t { kOpening, kReady, kDraining };
    ConnectionId id;
    size_t address;
    Phase phase = Phase::kOpening;
    Time established, last_used, last_heard;
    Duration idle_limit{};
  };

  void on(const Ask& event);
  void on(const Established& event);
  void on(const Received& event);
  void on(const Lost& event);
  void on(const DotTick&) {}

  void expire();
  void pump();
  void send_waiting(Connection* connection);
  void send(Query* query, Connection* connection);
  void race();
  void begin_race();
  void retire();
  void plan_wake();

  // Takes the queries off a connection that is gone: to be sent once more, or
  // failed with `why` if they were already.
  void abandon(ConnectionId id, GaveUp why);
  static void honour_keepalive(Connection* connection,
                               const dns::Message& reply);
  // Index of the query that `reply` answers on this connection.
  std::optional<size_t> find_answered(ConnectionId connection, uint16_t id,
                                      const dns::Message* reply) const;
  void fail(size_t index, GaveUp why);
  void close(ConnectionId id);
  Connection* find(ConnectionId id);
  Connection* ready();
  size_t outstanding(ConnectionId id) const;
  bool anything_waits() const;
  size_t opening() const;
  uint16_t unused_id();

  const DotSettings settings_;
  const std::function<uint16_t()> random_id_;
  std::vector<Query> queries_;  // in the order asked
  std::vector<Connection> connections_;
  std::vector<size_t> untried_;  // addresses, next one first
  bool racing_ = false;
  Time next_start_{};
  size_t preferred_ = 0;  // the address that was established last
  uint32_t next_connection_ = 1;
  Time now_{};
  std::vector<DotAction> out_;
};

}  // namespace happy::dot
