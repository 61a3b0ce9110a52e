// HAPPY_TRACE: one JSON object a line, as docs/architecture.md lists them.
// Costs one comparison where no trace was asked for.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/base/ip.h"
#include "core/dns/answer.h"
#include "core/engine.h"
#include "core/net/race_driver.h"

namespace happy {

class Trace final : public net::TraceSink {
 public:
  explicit Trace(const happy_host* host) : host_(host) {}

  bool on() const { return host_->tracing != 0; }

  void resolve_start(std::string_view name) const;
  // `source`: "dot", "cache", "system", "hosts" or "special". `ttl`: seconds,
  // -1 where there is none.
  void answer(std::string_view name, std::string_view type,
              const std::vector<IpAddress>& addresses, long ttl,
              std::string_view resolver, std::string_view source) const;
  // The same of HTTPS records.
  void services(std::string_view name, const dns::Answer& answer,
                std::string_view resolver, std::string_view source) const;
  // `result`: "ok", or getaddrinfo(3)'s error such as "EAI_AGAIN".
  void resolve_end(std::string_view name, std::string_view result,
                   Duration took) const;
  void passed(const Endpoint& endpoint, std::string_view why) const;

  void race_start(net::RaceId, const net::RaceRequest&) override;
  void attempt_start(net::RaceId, race::AttemptId, const Endpoint&) override;
  void attempt_failed(net::RaceId, race::AttemptId, const Endpoint&,
                      int error) override;
  void attempt_cancelled(net::RaceId, race::AttemptId,
                         const Endpoint&) override;
  void race_end(net::RaceId, const net::RaceEnd&) override;

 private:
  using Fields = nlohmann::ordered_json;
  void write(std::string_view event, const Fields& fields) const;

  const happy_host* const host_;
};

}  // namespace happy
