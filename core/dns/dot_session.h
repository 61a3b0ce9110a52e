// What to do, and when, to get queries answered by one resolver over reused,
// pipelined streams (RFC 7766, RFC 7858): opens connections to its addresses,
// staggered; sends; matches replies; sends once more where a connection broke
// or fell silent; retires idle ones. A pure machine: events and the time in,
// actions out. It knows no sockets, TLS or texts.
//
//             query                       the first reply
//   no stream -----> race of addresses -------------------> one stream
//       ^              |          ^                          |      |
//       |              |          +-- silent for too long ---+      |
//       |--------------+ all failed, or no query waits              |
//       |------- idle, lost, or drained after keepalive 0 ----------+
//
// A race is won by a reply, not by a handshake: a server that accepts and then
// says nothing delays by one stagger. Whatever else was opened is then closed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "core/base/time.h"
#include "core/dns/message.h"
#include "core/dns/resolver_health.h"

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
  Duration round_trip{};  // as connecting took; 0: unknown
  // Not yet, but queries may go with its first flight; whether they arrive so
  // is the connection's business. It comes once more when it stands.
  bool early = false;
};
struct Received {
  ConnectionId connection;
  std::vector<uint8_t> message;
};
struct Lost {  // could not be established, or ended; its socket is closed
  ConnectionId connection;
  // It offered a TLS ticket of an earlier session: the same address may do
  // without.
  bool with_ticket = false;
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
  // process holds no descriptor; earlier if the server says so (RFC 7828) or is
  // known to close sooner. A little less than the 10 s of many servers.
  Duration idle_limit{9'500'000};
  size_t max_outstanding = 100;
};

class DotSession {
 public:
  // `random_id` gives unpredictable 16-bit numbers; `known` is what another
  // session's knowledge() gave of the same addresses.
  DotSession(DotSettings settings, std::function<uint16_t()> random_id,
             const dns::ResolverKnowledge& known = {});

  // Of its addresses; the health of the whole is not its business.
  dns::ResolverKnowledge knowledge() const;

  [[nodiscard]] std::vector<DotAction> step(const DotEvent& event, Time now);

 private:
  // A query on its way on one connection.
  struct Flight {
    ConnectionId connection;
    uint16_t wire_id;
    Time sent;
    Time patient_from = sent;
    bool early = false;  // with the connection's first flight
  };
  struct Query {
    QueryId id;
    dns::Question question;
    Time asked, deadline;
    std::vector<Flight> flights = {};  // none: waits to be sent
    std::optional<ConnectionId> last_connection = {};
    size_t sends = 0;
  };
  struct Connection {
    enum class Phase : uint8_t { kOpening, kReady, kDraining };
    ConnectionId id;
    size_t address;
    Phase phase = Phase::kOpening;
    bool early = false;  // kReady before it stands
    Time established{}, last_used{}, last_heard{};
    Duration idle_limit{};
    bool replied = false;    // it has answered something
    Duration idle_before{};  // until the first of the queries now on it
  };
  // What is known of an address from one connection to the next.
  struct Address {
    dns::AnswerTime answer_time;
    dns::IdleHorizon horizon;
    Duration round_trip{};
  };

  void on(const Ask& event);
  void on(const Established& event);
  void on(const Received& event);
  void on(const Lost& event);
  void on(const DotTick&) {}

  void excuse_lateness();
  void expire();
  void pump();
  void send_waiting(Connection* connection);
  void send_again(Connection* connection);
  void send(Query* query, Connection* connection);
  // The part in dot_race.cc: which connections there are.
  void race();
  void begin_race();
  void end_race();
  void open_next();
  void won_by(const Connection& winner);
  void retire();
  void plan_wake();
  Duration idle_limit(const Connection& connection) const;
  void learn_idle_limit(const Connection& closed);

  // Takes the queries off a connection that is gone: to be sent once more, or
  // failed with `why` if they were already.
  void abandon(ConnectionId id, GaveUp why);
  static void honour_keepalive(Connection* connection,
                               const dns::Message& reply);
  struct Match {
    size_t query, flight;
  };
  // What `reply` answers on this connection.
  std::optional<Match> find_answered(ConnectionId connection, uint16_t id,
                                     const dns::Message* reply) const;
  void fail(size_t index, GaveUp why);
  void close(ConnectionId id);
  Connection* find(ConnectionId id);
  const Connection* find(ConnectionId id) const;
  Connection* ready();
  const Connection* ready() const;
  Connection* any_ready();
  size_t outstanding(ConnectionId id) const;
  // Nothing came on the flight's connection since it was sent.
  bool is_silent(const Flight& flight) const;
  // When it is time to send the query on another connection; none: that would
  // not help, or it was sent often enough.
  std::optional<Time> overdue_at(const Query& query) const;
  bool may_send(const Query& query) const;
  bool is_suspect(const Connection& connection) const;
  static bool is_opening(const Connection& connection) {
    return connection.phase == Connection::Phase::kOpening || connection.early;
  }
  // It went to nobody yet that has stood.
  bool is_still_early(const Query& query) const;
  static bool waits(const Query& query) { return query.flights.empty(); }
  // Some query needs a connection besides those that are established.
  bool race_is_needed() const;
  // None of the connections that carry the query has answered anything yet.
  bool is_unproven(const Query& query) const;
  size_t opening() const;
  uint16_t unused_id();

  const DotSettings settings_;
  const std::function<uint16_t()> random_id_;
  std::vector<Query> queries_;  // in the order asked
  std::vector<Connection> connections_;
  std::vector<Address> addresses_;
  std::vector<dns::Health> health_;  // of the addresses
  std::vector<size_t> untried_;      // addresses, next one first
  bool racing_ = false;
  bool first_of_race_ = false;
  Time next_start_{};
  size_t preferred_ = 0;  // the address that answered last
  uint32_t next_connection_ = 1;
  Time now_{};
  std::optional<Time> wake_;  // as asked for last
  std::vector<DotAction> out_;
};

}  // namespace happy::dot
