#include "core/net/dot_client.h"

#include <sys/random.h>

#include <algorithm>
#include <random>

#include "core/net/clock.h"
#include "core/net/dot_client_impl.h"

namespace happy::net {
namespace {

// Inside TLS nobody can forge a reply, so where getrandom(2) is barred or not
// ready yet, IDs that merely differ will do.
uint16_t random_id() {
  uint16_t id = 0;
  if (getrandom(&id, sizeof id, GRND_NONBLOCK) == sizeof id) return id;
  static std::minstd_rand fallback(
      static_cast<unsigned>(monotonic_now().time_since_epoch().count()));
  return static_cast<uint16_t>(fallback());
}

}  // namespace

DotClient::DotClient(uv_loop_t* loop, const config::Resolver& resolver,
                     LoadTls load_tls, DescriptorPolicy descriptors,
                     const DotShared& shared)
    : impl_(std::make_shared<Impl>(loop, resolver, std::move(load_tls),
                                   std::move(descriptors), shared)) {}

DotClient::~DotClient() { impl_->stop(); }

dns::ResolverKnowledge DotClient::knowledge() const {
  return impl_->knowledge();
}

void DotClient::query(const std::string& name, uint16_t type, Time deadline,
                      std::function<void(DotResult)> done) {
  impl_->query(name, type, deadline, std::move(done));
}

DotClient::Impl::Impl(uv_loop_t* loop, const config::Resolver& resolver,
                      LoadTls load_tls, DescriptorPolicy descriptors,
                      const DotShared& shared)
    : resolver_(resolver),
      descriptors_(std::move(descriptors)),
      peer_{loop, &resolver_, std::move(load_tls), &descriptors_,
            shared.tickets},
      session_({.addresses = resolver.addresses.size()}, random_id,
               shared.known) {}

void DotClient::Impl::stop() {
  stopped_ = true;
  connections_.clear();
  timer_.reset();
  pending_.clear();
}

void DotClient::Impl::query(const std::string& name, uint16_t type,
                            Time deadline, Done done) {
  const auto parsed = dns::Name::parse(name);
  if (!parsed) {
    DotError error{DotFailure::kLocal, "resolver \"" + resolver_.name +
                                           "\": \"" + name +
                                           "\" is not a domain name"};
    finished_.push_back({std::move(done), tl::unexpected(std::move(error))});
    return arm();
  }
  const dot::QueryId id{next_query_++};
  pending_.emplace(id, std::move(done));
  inbox_.emplace_back(dot::Ask{
      id, {*parsed, static_cast<dns::Type>(type), dns::kClassIn}, deadline});
  arm();
}

// Always by the timer, so that nothing is called from inside query().
void DotClient::Impl::arm() {
  if (stopped_ || processing_) return;
  const bool waiting = inbox_.empty() && finished_.empty();
  if (waiting && !wake_) return timer_.reset();
  if (!timer_) timer_.emplace(peer_.loop);
  timer_->at(waiting ? *wake_ : Time{}, [this] {
    inbox_.emplace_back(dot::DotTick{});
    process();
  });
}

void DotClient::Impl::process() {
  if (processing_)
    return;  // an event from inside flush(); the loop below has it
  const auto self = shared_from_this();
  processing_ = true;
  while (!inbox_.empty() && !stopped_) {
    const dot::DotEvent event = std::move(inbox_.front());
    inbox_.pop_front();
    wake_.reset();
    for (const dot::DotAction& action : session_.step(event, monotonic_now()))
      std::visit([this](const auto& it) { perform(it); }, action);
    if (inbox_.empty()) flush();
  }
  call_back();
  processing_ = false;
  arm();
}

void DotClient::Impl::perform(const dot::OpenConnection& action) {
  const Endpoint place = endpoint(action.address);
  if (action.first) worst_.reset();
  auto made = std::make_unique<DotConnection>(
      peer_, place, listener(action.connection, place));
  if (auto started = made->start(); !started)
    return lost(action.connection, place, started.error());
  if (made->takes_early_data())
    inbox_.emplace_back(
        dot::Established{.connection = action.connection, .early = true});
  connections_.emplace(action.connection, std::move(made));
}

DotConnection::Listener DotClient::Impl::listener(dot::ConnectionId id,
                                                  Endpoint place) {
  return {
      .established =
          [this, id] {
            worst_.reset();
            inbox_.emplace_back(dot::Established{
                .connection = id, .round_trip = connect_time(id)});
          },
      .received =
          [this, id](std::vector<uint8_t> message) {
            inbox_.emplace_back(dot::Received{id, std::move(message)});
          },
      .lost = [this, id,
               place](const DotError& error) { lost(id, place, error); },
      .settled = [this] { process(); },
  };
}

Duration DotClient::Impl::connect_time(dot::ConnectionId id) const {
  const auto found = connections_.find(id);
  return found != connections_.end() ? found->second->connect_time()
                                     : Duration::zero();
}

void DotClient::Impl::lost(dot::ConnectionId id, const Endpoint& place,
                           const DotError& error) {
  const auto found = connections_.find(id);
  const bool with_ticket =
      found != connections_.end() && found->second->failed_with_ticket();
  if (!with_ticket && (!worst_ || tells_more(error, *worst_)))
    worst_ = named(place, error);
  inbox_.emplace_back(dot::Lost{id, with_ticket});
}

void DotClient::Impl::perform(const dot::CloseConnection& action) {
  connections_.erase(action.connection);
}

void DotClient::Impl::perform(const dot::Send& action) {
  const auto found = connections_.find(action.connection);
  if (found != connections_.end()) found->second->queue(action.octets);
}

void DotClient::Impl::flush() {
  std::vector<dot::ConnectionId> ended;
  for (const auto& [id, connection] : connections_) {
    connection->flush();
    if (connection->phase() == DotConnection::Phase::kEnded)
      ended.push_back(id);
  }
  for (const dot::ConnectionId id : ended) connections_.erase(id);
}

void DotClient::Impl::perform(const dot::Answered& action) {
  DotTimings timings;
  const auto found = connections_.find(action.connection);
  if (found != connections_.end()) {
    const DotConnection& connection = *found->second;
    timings.connect = connection.connect_time();
    timings.handshake = connection.handshake_time();
    timings.tls_version = connection.info().version;
    timings.cipher = connection.info().cipher;
    timings.authenticated_by = connection.info().authenticated_by;
    timings.address = connection.endpoint().to_string();
  }
  timings.answer = action.waited;
  timings.reused = action.reused;
  timings.authenticated = resolver_.authenticated;
  finish(action.query, DotReply{action.message, std::move(timings)});
}

void DotClient::Impl::perform(const dot::Failed& action) {
  finish(action.query, tl::unexpected(error_of(action)));
}

void DotClient::Impl::finish(dot::QueryId id, DotResult result) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  finished_.push_back({std::move(found->second), std::move(result)});
  pending_.erase(found);
}

void DotClient::Impl::call_back() {
  while (!finished_.empty() && !stopped_) {
    Finished one = std::move(finished_.front());
    finished_.pop_front();
    one.done(std::move(one.result));
  }
}

DotError DotClient::Impl::error_of(const dot::Failed& action) const {
  const std::string waited = duration_text(action.waited);
  const auto found = action.connection ? connections_.find(*action.connection)
                                       : connections_.end();
  const Endpoint place =
      found != connections_.end() ? found->second->endpoint() : endpoint(0);
  switch (action.why) {
    case dot::GaveUp::kNoReply:
      return named(place, {DotFailure::kSilent,
                           "no answer to the query within " + waited});
    case dot::GaveUp::kNotDns:
      return named(place,
                   {DotFailure::kProtocol, "the reply is not a DNS message"});
    case dot::GaveUp::kNoConnectionInTime: {
      const auto silent = silence(action.waited);
      if (silent && (!worst_ || tells_more(*silent, *worst_))) return *silent;
      break;
    }
    case dot::GaveUp::kNoConnection:
    case dot::GaveUp::kBroken:
      break;
  }
  if (worst_) return *worst_;
  return named(place, {DotFailure::kReset, "the connection was lost"});
}

std::optional<DotError> DotClient::Impl::silence(Duration waited) const {
  std::optional<DotError> out;
  const std::string time = duration_text(waited);
  for (const auto& [id, connection] : connections_) {
    const bool accepted =
        connection->phase() == DotConnection::Phase::kHandshake;
    if (out && !accepted) continue;
    out = named(
        connection->endpoint(),
        {DotFailure::kSilent,
         accepted ? "it accepted the connection but did not go through "
                    "with the TLS handshake within " +
                        time
                  : "the port is silent: no answer to connect within " + time});
  }
  return out;
}

DotError DotClient::Impl::named(const Endpoint& place,
                                const DotError& error) const {
  return {error.failure, "resolver \"" + resolver_.name + "\" (" +
                             place.to_string() + "): " + error.text};
}

Endpoint DotClient::Impl::endpoint(size_t address) const {
  if (address >= resolver_.addresses.size()) return {};
  return {resolver_.addresses[address], resolver_.port};
}

}  // namespace happy::net
