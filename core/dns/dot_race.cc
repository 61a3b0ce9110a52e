// The connections of a DotSession: when they are opened, which one is used, and
// when they are closed.
#include <algorithm>
#include <utility>

#include "core/dns/dot_session.h"

namespace happy::dot {
namespace {

// A connection that ends under the first query after less than this was closed
// for another reason than that it was idle.
constexpr Duration kShortestPause{500'000};

}  // namespace

void DotSession::race() {
  if (!race_is_needed()) return end_race();
  if (!racing_) begin_race();
  if (untried_.empty() && opening() == 0) {
    racing_ = false;
    if (Connection* const suspect = any_ready()) return send_waiting(suspect);
    for (size_t i = queries_.size(); i-- > 0;)
      if (waits(queries_[i])) fail(i, GaveUp::kNoConnection);
    return;
  }
  if (untried_.empty()) return;
  const bool at_once = opening() == 0 && !ready();
  if (at_once || now_ >= next_start_) open_next();
}

bool DotSession::race_is_needed() const {
  const bool usable = ready() != nullptr;
  return std::any_of(queries_.begin(), queries_.end(), [&](const Query& query) {
    if (waits(query)) return !usable;  // else for its turn
    if (!may_send(query)) return false;
    if (is_unproven(query)) return racing_;
    const auto at = overdue_at(query);
    return at && now_ >= *at;
  });
}

// The address that answered last comes first, unless it is that which is silent
// now; those that failed lately come last.
void DotSession::begin_race() {
  racing_ = first_of_race_ = true;
  next_start_ = now_;
  std::vector<size_t> order = {preferred_};
  for (size_t i = 0; i < settings_.addresses; ++i)
    if (i != preferred_) order.push_back(i);
  if (std::any_of(connections_.begin(), connections_.end(),
                  [&](const Connection& one) {
                    return one.address == preferred_ && is_suspect(one);
                  }))
    std::rotate(order.begin(), order.begin() + 1, order.end());
  untried_ = dns::well_first(order, health_, now_);
}

void DotSession::open_next() {
  const ConnectionId id{next_connection_++};
  const size_t address = untried_.front();
  untried_.erase(untried_.begin());
  connections_.push_back(
      {.id = id, .address = address, .idle_limit = settings_.idle_limit});
  next_start_ = now_ + settings_.stagger;
  out_.emplace_back(
      OpenConnection{id, address, std::exchange(first_of_race_, false)});
}

void DotSession::end_race() {
  racing_ = false;
  untried_.clear();
  for (size_t i = connections_.size(); i-- > 0;)
    if (connections_[i].phase == Connection::Phase::kOpening)
      close(connections_[i].id);
}

// The other streams carry what they were asked to the end and go; one that is
// silent gets no reply to that any more.
void DotSession::won_by(const Connection& winner) {
  health_[winner.address].succeeded();
  if (winner.phase != Connection::Phase::kReady) return;
  preferred_ = winner.address;
  for (Connection& one : connections_) {
    if (one.id == winner.id || one.phase != Connection::Phase::kReady) continue;
    const bool silent = one.last_heard < one.last_used || !one.replied;
    if (one.address != winner.address && silent &&
        now_ - one.last_used >= dns::AnswerTime::kLeastPatience)
      health_[one.address].failed(now_);
    one.phase = Connection::Phase::kDraining;
  }
}

// The connection for what is to be sent: one that has answered before one that
// has not, and of these the youngest.
const DotSession::Connection* DotSession::ready() const {
  const Connection* best = nullptr;
  for (const Connection& one : connections_) {
    if (one.phase != Connection::Phase::kReady || is_suspect(one)) continue;
    if (!best || std::pair(one.replied, one.established) >=
                     std::pair(best->replied, best->established))
      best = &one;
  }
  return best;
}

DotSession::Connection* DotSession::ready() {
  return const_cast<Connection*>(std::as_const(*this).ready());
}

DotSession::Connection* DotSession::any_ready() {
  for (Connection& one : connections_)
    if (one.phase == Connection::Phase::kReady) return &one;
  return nullptr;
}

void DotSession::retire() {
  for (size_t i = connections_.size(); i-- > 0;) {
    const Connection& one = connections_[i];
    if (one.phase == Connection::Phase::kOpening || outstanding(one.id) > 0)
      continue;
    if (one.phase == Connection::Phase::kDraining ||
        now_ - one.last_used >= idle_limit(one))
      close(one.id);
  }
}

Duration DotSession::idle_limit(const Connection& connection) const {
  const Duration limit = std::min(connection.idle_limit, settings_.idle_limit);
  const Address& address = addresses_[connection.address];
  const auto learned = address.horizon.limit(address.round_trip, now_);
  return learned ? std::min(*learned, limit) : limit;
}

// An idle connection that the server closed tells how long it waits; so does
// one that was closed while the first query after a pause was on its way.
void DotSession::learn_idle_limit(const Connection& closed) {
  if (!closed.replied || closed.phase != Connection::Phase::kReady) return;
  dns::IdleHorizon& horizon = addresses_[closed.address].horizon;
  if (outstanding(closed.id) == 0)
    return horizon.closed_after(now_ - closed.last_used, now_);
  if (closed.last_heard < closed.last_used &&
      closed.idle_before >= kShortestPause)
    horizon.closed_after(closed.idle_before, now_);
}

void DotSession::plan_wake() {
  wake_.reset();
  const auto at = [this](Time time) {
    if (!wake_ || time < *wake_) wake_ = time;
  };
  for (const Query& query : queries_) {
    at(query.deadline);
    const auto overdue = overdue_at(query);
    if (overdue && *overdue > now_) at(*overdue);
  }
  if (racing_ && !untried_.empty()) at(next_start_);
  for (const Connection& one : connections_)
    if (one.phase == Connection::Phase::kReady && outstanding(one.id) == 0)
      at(std::max(now_, one.last_used + idle_limit(one)));
  if (wake_) out_.emplace_back(WakeAt{*wake_});
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

const DotSession::Connection* DotSession::find(ConnectionId id) const {
  for (const Connection& one : connections_)
    if (one.id == id) return &one;
  return nullptr;
}

size_t DotSession::outstanding(ConnectionId id) const {
  size_t count = 0;
  for (const Query& query : queries_)
    for (const Flight& flight : query.flights)
      if (flight.connection == id) ++count;
  return count;
}

size_t DotSession::opening() const {
  return static_cast<size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const Connection& one) { return is_opening(one); }));
}

}  // namespace happy::dot
