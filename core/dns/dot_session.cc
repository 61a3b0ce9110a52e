#include "core/dns/dot_session.h"

#include <algorithm>

namespace happy::dot {
namespace {

constexpr size_t kHeaderSize = 12;
// The server's idle time runs from when it saw our last message; leave before.
constexpr Duration kKeepaliveMargin{50'000};

}  // namespace

DotSession::DotSession(DotSettings settings,
                       std::function<uint16_t()> random_id)
    : settings_(settings), random_id_(std::move(random_id)) {}

std::vector<DotAction> DotSession::step(const DotEvent& event, Time now) {
  now_ = now;
  out_.clear();
  std::visit([this](const auto& it) { on(it); }, event);
  expire();
  pump();
  retire();
  plan_wake();
  return std::move(out_);
}

void DotSession::on(const Ask& event) {
  queries_.push_back({event.query, event.question, now_, event.deadline, now_,
                      0, std::nullopt, std::nullopt, 0});
}

void DotSession::on(const Established& event) {
  Connection* const winner = find(event.connection);
  if (!winner || winner->phase != Connection::Phase::kOpening) return;
  winner->phase = Connection::Phase::kReady;
  winner->established = winner->last_used = winner->last_heard = now_;
  preferred_ = winner->address;
  racing_ = false;
  untried_.clear();
  std::vector<ConnectionId> losers;
  for (const Connection& one : connections_)
    if (one.phase == Connection::Phase::kOpening) losers.push_back(one.id);
  for (const ConnectionId loser : losers) close(loser);
}

void DotSession::on(const Received& event) {
  Connection* const connection = find(event.connection);
  if (!connection) return;
  connection->last_heard = now_;
  if (event.message.size() < kHeaderSize) {  // the stream is out of step
    for (size_t i = queries_.size(); i-- > 0;)
      if (queries_[i].connection == event.connection) fail(i, GaveUp::kNotDns);
    close(event.connection);
    return;
  }
  const auto reply = dns::decode(event.message);
  // A reply to nothing that was asked here is ignored (RFC 7766 section 7).
  const auto index = find_answered(connection->id, *dns::peek_id(event.message),
                                   reply ? &*reply : nullptr);
  if (!index) return;
  connection->last_used = now_;
  if (!reply) return fail(*index, GaveUp::kNotDns);
  const Query& query = queries_[*index];
  out_.emplace_back(Answered{query.id, connection->id, event.message,
                             now_ - query.sent,
                             connection->established < query.asked});
  queries_.erase(queries_.begin() + static_cast<std::ptrdiff_t>(*index));
  honour_keepalive(connection, *reply);
}

void DotSession::on(const Lost& event) {
  const Connection* const connection = find(event.connection);
  if (!connection) return;
  // RFC 8305 section 5's idea: a failure never waits for the stagger.
  if (connection->phase == Connection::Phase::kOpening) next_start_ = now_;
  std::erase_if(connections_, [&](const Connection& one) {
    return one.id == event.connection;
  });
  abandon(event.connection, GaveUp::kBroken);
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

std::optional<size_t> DotSession::find_answered(
    ConnectionId connection, uint16_t id, const dns::Message* reply) const {
  for (size_t i = 0; i < queries_.size(); ++i) {
    const Query& query = queries_[i];
    if (query.connection != connection || query.wire_id != id) continue;
    if (!reply || dns::matches(*reply, id, query.question)) return i;
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
    const Connection* sent_on =
        query.connection ? find(*query.connection) : nullptr;
    if (sent_on && sent_on->last_heard <= query.sent)
      dead.push_back(sent_on->id);
    fail(i, query.sends ? GaveUp::kNoReply : GaveUp::kNoConnectionInTime);
  }
  for (const ConnectionId id : dead)
    if (find(id)) close(id);
}

void DotSession::pump() {
  if (Connection* connection = ready()) return send_waiting(connection);
  race();
}

void DotSession::send_waiting(Connection* connection) {
  size_t room =
      settings_.max_outstanding -
      std::min(outstanding(connection->id), settings_.max_outstanding);
  for (Query& query : queries_) {
    if (room == 0) return;
    if (query.connection) continue;
    send(&query, connection);
    --room;
  }
}

void DotSession::send(Query* query, Connection* connection) {
  query->wire_id = unused_id();
  query->connection = query->last_connection = connection->id;
  query->sent = connection->last_used = now_;
  ++query->sends;
  out_.emplace_back(
      Send{connection->id,
           dns::with_length_prefix(dns::encode_query(
               query->wire_id, query->question.name, query->question.type))});
}

void DotSession::race() {
  if (!anything_waits()) {
    racing_ = false;
    untried_.clear();
    for (size_t i = connections_.size(); i-- > 0;)
      if (connections_[i].phase == Connection::Phase::kOpening)
        close(connections_[i].id);
    return;
  }
  if (!racing_) begin_race();
  if (untried_.empty() && opening() == 0) {
    racing_ = false;
    for (size_t i = queries_.size(); i-- > 0;)
      if (!queries_[i].connection) fail(i, GaveUp::kNoConnection);
    return;
  }
  if (untried_.empty() || (opening() > 0 && now_ < next_start_)) return;
  const ConnectionId id{next_connection_++};
  const size_t address = untried_.front();
  const bool first = untried_.size() == settings_.addresses;
  untried_.erase(untried_.begin());
  connections_.push_back({id, address, Connection::Phase::kOpening, now_, now_,
                          now_, settings_.idle_limit});
  next_start_ = now_ + settings_.stagger;
  out_.emplace_back(OpenConnection{id, address, first});
}

void DotSession::begin_race() {
  racing_ = true;
  untried_.clear();
  if (preferred_ < settings_.addresses) untried_.push_back(preferred_);
  for (size_t i = 0; i < settings_.addresses; ++i)
    if (i != preferred_) untried_.push_back(i);
}

void DotSession::retire() {
  for (size_t i = connections_.size(); i-- > 0;) {
    const Connection& one = connections_[i];
    if (one.phase == Connection::Phase::kOpening || outstanding(one.id) > 0)
      continue;
    const Duration limit = std::min(one.idle_limit, settings_.idle_limit);
    if (one.phase == Connection::Phase::kDraining ||
        now_ - one.last_used >= limit)
      close(one.id);
  }
}

void DotSession::plan_wake() {
  std::optional<Time> wake;
  const auto at = [&](Time time) {
    if (!wake || time < *wake) wake = time;
  };
  for (const Query& query : queries_) at(query.deadline);
  if (racing_ && !untried_.empty()) at(next_start_);
  for (const Connection& one : connections_)
    if (one.phase == Connection::Phase::kReady && outstanding(one.id) == 0)
      at(one.last_used + std::min(one.idle_limit, settings_.idle_limit));
  if (wake) out_.emplace_back(WakeAt{*wake});
}

void DotSession::abandon(ConnectionId id, GaveUp why) {
  for (size_t i = queries_.size(); i-- > 0;) {
    if (queries_[i].connection != id) continue;
    if (queries_[i].sends >= 2)  // RFC 7766 allows retrying; one is enough
      fail(i, why);
    else
      queries_[i].connection.reset();
  }
}

void DotSession::fail(size_t index, GaveUp why) {
  const Query& query = queries_[index];
  out_.emplace_back(
      Failed{query.id, why, query.last_connection, now_ - query.asked});
  queries_.erase(queries_.begin() + static_cast<std::ptrdiff_t>(index));
}

void DotSession::close(ConnectionId id) {
  std::erase_if(connections_,
                [&](const Connection& one) { return one.id == id; });
  out_.emplace_back(CloseConnection{id});
  abandon(id, GaveUp::kBroken);
}

DotSession::Connection* DotSession::find(ConnectionId id) {
  for (Connection& one : connections_)
    if (one.id == id) return &one;
  return nullptr;
}

DotSession::Connection* DotSession::ready() {
  for (Connection& one : connections_)
    if (one.phase == Connection::Phase::kReady) return &one;
  return nullptr;
}

size_t DotSession::outstanding(ConnectionId id) const {
  return static_cast<size_t>(
      std::count_if(queries_.begin(), queries_.end(),
                    [&](const Query& it) { return it.connection == id; }));
}

bool DotSession::anything_waits() const {
  return std::any_of(queries_.begin(), queries_.end(),
                     [](const Query& it) { return !it.connection; });
}

size_t DotSession::opening() const {
  return static_cast<size_t>(std::count_if(
      connections_.begin(), connections_.end(), [](const Connection& one) {
        return one.phase == Connection::Phase::kOpening;
      }));
}

uint16_t DotSession::unused_id() {
  for (;;) {
    const uint16_t id = random_id_();
    if (std::none_of(queries_.begin(), queries_.end(), [&](const Query& it) {
          return it.connection && it.wire_id == id;
        }))
      return id;
  }
}

}  // namespace happy::dot
