// The inside of DotClient: performs what dot::DotSession decides with
// DotConnections and one timer. Included by dot_client.cc alone.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/dns/dot_session.h"
#include "core/net/dot_client.h"
#include "core/net/dot_connection.h"
#include "core/net/loop_timer.h"

namespace happy::net {

class DotClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(uv_loop_t* loop, const config::Resolver& resolver, LoadTls load_tls,
       DescriptorPolicy descriptors, const DotShared& shared);

  void query(const std::string& name, uint16_t type, Time deadline,
             std::function<void(DotResult)> done);
  void stop();
  dns::ResolverKnowledge knowledge() const { return session_.knowledge(); }

 private:
  using Done = std::function<void(DotResult)>;
  struct Finished {
    Done done;
    DotResult result;
  };

  // Runs the machine on everything in the inbox, then calls back. Nothing of
  // the connection or query that caused it may be touched afterwards.
  void process();
  void perform(const dot::OpenConnection& action);
  void perform(const dot::CloseConnection& action);
  void perform(const dot::Send& action);
  void perform(const dot::Answered& action);
  void perform(const dot::Failed& action);
  void perform(const dot::WakeAt& action) { wake_ = action.time; }
  void flush();
  void call_back();
  void arm();

  DotConnection::Listener listener(dot::ConnectionId id, Endpoint endpoint);
  Duration connect_time(dot::ConnectionId id) const;
  void lost(dot::ConnectionId id, const Endpoint& endpoint,
            const DotError& error);
  void finish(dot::QueryId id, DotResult result);
  DotError error_of(const dot::Failed& action) const;
  // What the connections under way are waiting for.
  std::optional<DotError> silence(Duration waited) const;
  DotError named(const Endpoint& endpoint, const DotError& error) const;
  Endpoint endpoint(size_t address) const;

  const config::Resolver& resolver_;
  const DescriptorPolicy descriptors_;
  const DotConnection::Peer peer_;
  dot::DotSession session_;
  std::optional<LoopTimer> timer_;  // none where there is nothing to wait for
  bool stopped_ = false;
  bool processing_ = false;
  uint64_t next_query_ = 1;
  std::deque<dot::DotEvent> inbox_;
  std::map<dot::QueryId, Done> pending_;
  std::deque<Finished> finished_;
  std::map<dot::ConnectionId, std::unique_ptr<DotConnection>> connections_;
  std::optional<Time> wake_;
  // The most telling failure since a connection was established last.
  std::optional<DotError> worst_;
};

}  // namespace happy::net
