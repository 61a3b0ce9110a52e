#include "core/dns/dot_session.h"

#include <algorithm>

namespace happy::dot {
namespace {

constexpr size_t kHeaderSize = 12;
// The server's idle time runs from when it saw our last message; leave before.
constexpr Duration kKeepaliveMargin{50'000};
// Woken this late, the process was stopped or has no processor.
constexpr Duration kLate{20'000};

}  // namespace

DotSession::DotSession(DotSettings settings,
                       std::function<uint16_t()> random_id,
                       const dns::ResolverKnowledge& known)
    : settings_(settings),
      random_id_(std::move(random_id)),
      addresses_(settings.addresses),
      health_(settings.addresses) {
  if (known.addresses.size() != settings.addresses) return;
  for (size_t i = 0; i < settings.addresses; ++i) {
    health_[i] = known.addresses[i].health;
    addresses_[i].horizon = known.addresses[i].horizon;
  }
  preferred_ = std::min(known.preferred, settings.addresses - 1);
}

dns::ResolverKnowledge DotSession::knowledge() const {
  dns::ResolverKnowledge out{.preferred = preferred_};
  for (size_t i = 0; i < settings_.addresses; ++i)
    out.addresses.push_back({health_[i], addresses_[i].horizon});
  return out;
}

std::vector<DotAction> DotSession::step(const DotEvent& event, Time now) {
  now_ = now;
  out_.clear();
  excuse_lateness();
  std::visit([this](const auto& it) { on(it); }, event);
  expire();
  pump();
  retire();
  plan_wake();
  return std::move(out_);
}

// A reply may have been waiting here all the time: no answer is called overdue
// for that, once.
void DotSession::excuse_lateness() {
  if (!wake_ || now_ < *wake_ + kLate) return;
  for (Query& query : queries_)
    for (Flight& flight : query.flights)
      if (flight.patient_from == flight.sent) flight.patient_from = now_;
}

void DotSession::on(const Ask& event) {
  queries_.push_back({.id = event.query,
                      .question = event.question,
                      .asked = now_,
                      .deadline = event.deadline});
}

void DotSession::on(const Established& event) {
  Connection* const connection = find(event.connection);
  if (!connection || !is_opening(*connection)) return;
  connection->early = event.early;
  connection->phase = Connection::Phase::kReady;
  connection->established = connection->last_used = connection->last_heard =
      now_;
  addresses_[connection->address].round_trip = event.round_trip;
}

void DotSession::on(const Received& event) {
  Connection* const connection = find(event.connection);
  if (!connection) return;
  connection->last_heard = now_;
  if (event.message.size() < kHeaderSize) {  // the stream is out of step
    for (size_t i = queries_.size(); i-- > 0;)
      if (std::any_of(queries_[i].flights.begin(), queries_[i].flights.end(),
                      [&](const Flight& it) {
                        return it.connection == event.connection;
                      }))
        fail(i, GaveUp::kNotDns);
    close(event.connection);
    return;
  }
  const auto reply = dns::decode(event.message);
  // A reply to nothing that was asked here is ignored (RFC 7766 section 7).
  const auto match = find_answered(connection->id, *dns::peek_id(event.message),
                                   reply ? &*reply : nullptr);
  if (!match) return;
  connection->last_used = now_;
  Query& query = queries_[match->query];
  const auto flight =
      query.flights.begin() + static_cast<std::ptrdiff_t>(match->flight);
  if (!reply) {
    query.flights.erase(flight);
    if (waits(query)) fail(match->query, GaveUp::kNotDns);
    return;
  }
  const Duration waited = now_ - flight->sent;
  const bool early = flight->early;
  out_.emplace_back(Answered{query.id, connection->id, event.message, waited,
                             connection->established < query.asked});
  queries_.erase(queries_.begin() + static_cast<std::ptrdiff_t>(match->query));
  if (!early) addresses_[connection->address].answer_time.sample(waited);
  connection->replied = true;
  won_by(*connection);
  honour_keepalive(connection, *reply);
}

void DotSession::on(const Lost& event) {
  const Connection* const found = find(event.connection);
  if (!found) return;
  const Connection lost = *found;
  if (is_opening(lost)) {
    // RFC 8305 section 5's idea: a failure never waits for the stagger.
    next_start_ = now_;
    if (event.with_ticket)
      untried_.insert(untried_.begin(), lost.address);
    else
      health_[lost.address].failed(now_);
  } else {
    learn_idle_limit(lost);
    // It may be opened again for what was sent on it.
    if (racing_ && outstanding(lost.id) > 0) untried_.push_back(lost.address);
  }
  std::erase_if(connections_,
                [&](const Connection& one) { return one.id == lost.id; });
  abandon(lost.id, GaveUp::kBroken);
}

void DotSession::honour_keepalive(Connection* connection,
                                  const dns::Message& reply) {
  if (!reply.edns || !reply.edns->keepalive) return;
  const Duration allowed = *reply.edns->keepalive;
  // RFC 7828 section 3.2.2: zero asks to close once the replies are in.
  if (allowed == Duration::zero())
    connection->phase = Connection::Phase::kDraining;
  else
    connection->idle_limit = std::max(allowed - kKeepaliveMargin, allowed / 2);
}

std::optional<DotSession::Match> DotSession::find_answered(
    ConnectionId connection, uint16_t id, const dns::Message* reply) const {
  for (size_t i = 0; i < queries_.size(); ++i) {
    const Query& query = queries_[i];
    for (size_t k = 0; k < query.flights.size(); ++k) {
      const Flight& flight = query.flights[k];
      if (flight.connection != connection || flight.wire_id != id) continue;
      if (!reply || dns::matches(*reply, id, query.question))
        return Match{i, k};
    }
  }
  return std::nullopt;
}

void DotSession::expire() {
  std::vector<ConnectionId> dead;
  for (size_t i = queries_.size(); i-- > 0;) {
    const Query& query = queries_[i];
    if (query.deadline > now_) continue;
    // Nothing at all came since it was sent: that connection is dead, and the
    // kernel would take a quarter of an hour to notice.
    for (const Flight& flight : query.flights)
      if (is_silent(flight)) dead.push_back(flight.connection);
    fail(i, query.sends && !is_still_early(query)
                ? GaveUp::kNoReply
                : GaveUp::kNoConnectionInTime);
  }
  for (const ConnectionId id : dead) {
    const Connection* const connection = find(id);
    if (!connection) continue;
    health_[connection->address].failed(now_);
    close(id);
  }
}

void DotSession::pump() {
  if (Connection* const connection = ready()) {
    send_waiting(connection);
    send_again(connection);
  }
  race();
}

void DotSession::send_waiting(Connection* connection) {
  size_t room =
      settings_.max_outstanding -
      std::min(outstanding(connection->id), settings_.max_outstanding);
  for (Query& query : queries_) {
    if (room == 0) return;
    if (!waits(query)) continue;
    send(&query, connection);
    --room;
  }
}

// What other connections were asked and are silent about, where it is time.
void DotSession::send_again(Connection* connection) {
  size_t room =
      settings_.max_outstanding -
      std::min(outstanding(connection->id), settings_.max_outstanding);
  for (Query& query : queries_) {
    if (room == 0) return;
    const auto at = overdue_at(query);
    if (!at || now_ < *at) continue;
    if (std::any_of(
            query.flights.begin(), query.flights.end(),
            [&](const Flight& it) { return it.connection == connection->id; }))
      continue;
    send(&query, connection);
    --room;
  }
}

void DotSession::send(Query* query, Connection* connection) {
  if (outstanding(connection->id) == 0)
    connection->idle_before = now_ - connection->last_used;
  const Flight flight{.connection = connection->id,
                      .wire_id = unused_id(),
                      .sent = now_,
                      .early = connection->early};
  query->flights.push_back(flight);
  query->last_connection = connection->id;
  connection->last_used = now_;
  ++query->sends;
  out_.emplace_back(
      Send{connection->id,
           dns::with_length_prefix(dns::encode_query(
               flight.wire_id, query->question.name, query->question.type))});
}

void DotSession::abandon(ConnectionId id, GaveUp why) {
  for (size_t i = queries_.size(); i-- > 0;) {
    Query& query = queries_[i];
    if (std::erase_if(query.flights, [&](const Flight& it) {
          return it.connection == id;
        }) == 0)
      continue;
    if (query.flights.empty() && !may_send(query)) fail(i, why);
  }
}

void DotSession::fail(size_t index, GaveUp why) {
  const Query& query = queries_[index];
  out_.emplace_back(
      Failed{query.id, why, query.last_connection, now_ - query.asked});
  queries_.erase(queries_.begin() + static_cast<std::ptrdiff_t>(index));
}

bool DotSession::is_silent(const Flight& flight) const {
  const Connection* const connection = find(flight.connection);
  return connection != nullptr && connection->last_heard <= flight.sent;
}

// RFC 7766 allows retrying, once is enough; in a race every address may be
// asked besides.
bool DotSession::may_send(const Query& query) const {
  return query.sends <= settings_.addresses;
}

bool DotSession::is_still_early(const Query& query) const {
  return !query.flights.empty() &&
         std::all_of(query.flights.begin(), query.flights.end(),
                     [&](const Flight& it) {
                       const Connection* const one = find(it.connection);
                       return one != nullptr && one->early;
                     });
}

bool DotSession::is_unproven(const Query& query) const {
  return std::all_of(query.flights.begin(), query.flights.end(),
                     [&](const Flight& it) {
                       const Connection* const one = find(it.connection);
                       return one != nullptr && !one->replied;
                     });
}

// On a connection that never answered the race goes on: any other one is asked
// as soon as it stands. On a reused one there is a usual time to an answer.
std::optional<Time> DotSession::overdue_at(const Query& query) const {
  if (waits(query) || !may_send(query)) return std::nullopt;
  if (is_unproven(query)) return query.flights.back().sent;
  Time at{};
  for (const Flight& flight : query.flights) {
    if (!is_silent(flight)) return std::nullopt;
    const Connection* const one = find(flight.connection);
    const Duration patience = addresses_[one->address].answer_time.patience();
    at = std::max(at, flight.patient_from + patience);
  }
  return at;
}

// A reused connection on which an answer is overdue; any other is better.
bool DotSession::is_suspect(const Connection& connection) const {
  if (!connection.replied) return false;
  return std::any_of(queries_.begin(), queries_.end(), [&](const Query& query) {
    return std::any_of(
        query.flights.begin(), query.flights.end(), [&](const Flight& it) {
          return it.connection == connection.id && is_silent(it) &&
                 now_ - it.patient_from >=
                     addresses_[connection.address].answer_time.patience();
        });
  });
}

uint16_t DotSession::unused_id() {
  for (;;) {
    const uint16_t id = random_id_();
    const bool used =
        std::any_of(queries_.begin(), queries_.end(), [&](const Query& query) {
          return std::any_of(
              query.flights.begin(), query.flights.end(),
              [&](const Flight& it) { return it.wire_id == id; });
        });
    if (!used) return id;
  }
}

}  // namespace happy::dot
