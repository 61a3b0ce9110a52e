#include "core/trace.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/net/loop.h"

namespace happy {
namespace {

template <typename Id>
auto number(Id id) {
  return static_cast<std::underlying_type_t<Id>>(id);
}

nlohmann::ordered_json texts(const std::vector<IpAddress>& addresses) {
  auto out = nlohmann::ordered_json::array();
  for (const IpAddress& address : addresses) out.push_back(address.to_string());
  return out;
}

nlohmann::ordered_json service(const dns::ServiceRecord& record) {
  nlohmann::ordered_json out = {{"priority", record.priority},
                                {"target", record.target.to_string()}};
  if (record.is_alias()) return out;
  out["alpn"] = record.alpn;
  out["no_default_alpn"] = record.no_default_alpn;
  out["port"] = record.port ? nlohmann::ordered_json(*record.port) : nullptr;
  out["hints"] = texts(record.hints);
  out["ech"] = record.ech_size.has_value();
  out["usable"] = record.usable;
  return out;
}

// null where the error is left for the caller to read.
nlohmann::ordered_json error_name(int error) {
  const char* name = error != 0 ? strerrorname_np(error) : nullptr;
  if (name == nullptr) return nullptr;
  return name;
}

std::string_view outcome_name(const net::RaceEnd& end) {
  if (end.cancelled) return "cancelled";
  switch (end.kind) {
    case HAPPY_WON:
      return "won";
    case HAPPY_ALL_FAILED:
      return "failed";
    case HAPPY_TIMED_OUT:
      return "timed out";
    case HAPPY_STOPPED:
      return "stopped";
  }
  return "";
}

}  // namespace

void Trace::write(std::string_view event, const Fields& fields) const {
  Fields line;
  line["t_us"] = net::monotonic_now().time_since_epoch().count();
  line["pid"] = getpid();
  line["tid"] = gettid();
  line["event"] = event;
  line.update(fields);
  const std::string text = line.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  host_->trace(text.data(), text.size());
}

void Trace::resolve_start(std::string_view name) const {
  if (on()) write("resolve_start", {{"name", name}});
}

void Trace::answer(std::string_view name, std::string_view type,
                   const std::vector<IpAddress>& addresses, long ttl,
                   std::string_view resolver, std::string_view source) const {
  if (!on()) return;
  Fields fields = {{"name", name}, {"type", type}};
  fields["addresses"] = texts(addresses);
  fields["ttl"] = ttl >= 0 ? Fields(ttl) : Fields(nullptr);
  fields["resolver"] = resolver;
  fields["source"] = source;
  write("answer", fields);
}

void Trace::services(std::string_view name, const dns::Answer& answer,
                     std::string_view resolver, std::string_view source) const {
  if (!on()) return;
  Fields records = Fields::array();
  for (const auto& record : answer.services) records.push_back(service(record));
  Fields fields = {{"name", name}, {"type", "HTTPS"}};
  fields["records"] = records;
  fields["malformed"] = answer.fault == dns::Fault::kServices;
  fields["ttl"] = answer.ttl ? Fields(answer.ttl->count()) : Fields(nullptr);
  fields["resolver"] = resolver;
  fields["source"] = source;
  write("answer", fields);
}

void Trace::resolve_end(std::string_view name, std::string_view result,
                        Duration took) const {
  if (!on()) return;
  write("resolve_end",
        {{"name", name}, {"result", result}, {"us", took.count()}});
}

void Trace::passed(const Endpoint& endpoint, std::string_view why) const {
  if (!on()) return;
  write("passed", {{"address", endpoint.address.to_string()},
                   {"port", endpoint.port},
                   {"why", why}});
}

void Trace::race_start(net::RaceId race, const net::RaceRequest& request) {
  if (!on()) return;
  Fields candidates = Fields::array();
  for (const Endpoint& endpoint : request.begin.candidates) {
    candidates.push_back(endpoint.address.to_string());
  }
  for (const Endpoint& endpoint : request.begin.deferred) {
    candidates.push_back(endpoint.address.to_string());
  }
  write("race_start", {{"race", number(race)},
                       {"name", request.name},
                       {"candidates", candidates}});
}

void Trace::attempt_start(net::RaceId race, race::AttemptId attempt,
                          const Endpoint& endpoint) {
  if (!on()) return;
  write("attempt_start", {{"race", number(race)},
                          {"attempt", number(attempt)},
                          {"address", endpoint.address.to_string()},
                          {"port", endpoint.port}});
}

void Trace::attempt_failed(net::RaceId race, race::AttemptId attempt,
                           const Endpoint&, int error) {
  if (!on()) return;
  write("attempt_failed", {{"race", number(race)},
                           {"attempt", number(attempt)},
                           {"errno", error_name(error)}});
}

void Trace::attempt_cancelled(net::RaceId race, race::AttemptId attempt,
                              const Endpoint&) {
  if (!on()) return;
  write("attempt_cancelled",
        {{"race", number(race)}, {"attempt", number(attempt)}});
}

void Trace::race_end(net::RaceId race, const net::RaceEnd& end) {
  if (!on()) return;
  Fields fields = {{"race", number(race)}, {"result", outcome_name(end)}};
  const bool won = end.winner.has_value() && end.endpoint.has_value();
  fields["winner"] = won ? Fields(number(*end.winner)) : Fields(nullptr);
  fields["address"] =
      won ? Fields(end.endpoint->address.to_string()) : Fields(nullptr);
  fields["port"] = won ? Fields(end.endpoint->port) : Fields(nullptr);
  const int last = end.failures.empty() ? 0 : end.failures.back().error;
  fields["errno"] = won ? Fields(nullptr) : error_name(last);
  fields["us"] = end.elapsed.count();
  write("race_end", fields);
}

}  // namespace happy
