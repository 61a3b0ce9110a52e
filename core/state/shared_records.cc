#include "core/state/shared_records.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace happy::state {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr int kFormat = 1;
constexpr size_t kMostAddresses = 128;  // heard of last, of a network

// FNV-1a, 64 bits.
uint64_t hash_of(std::string_view text) {
  uint64_t out = 0xcbf29ce484222325;
  for (const char c : text)
    out = (out ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return out;
}

std::string hex(std::string_view octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

std::optional<std::string> octets_of(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    unsigned octet = 0;
    const auto [end, error] = std::from_chars(&hex[i], &hex[i] + 2, octet, 16);
    if (error != std::errc() || end != &hex[i] + 2) return std::nullopt;
    out += static_cast<char>(octet);
  }
  return out;
}

std::string file_name_of(const char* kind, uint64_t key) {
  char out[64];
  snprintf(out, sizeof out, "%s.%d.%016llx", kind, kFormat,
           static_cast<unsigned long long>(key));
  return out;
}

int64_t shared(Time time, const SharedClock& clock) {
  return (time.time_since_epoch() + clock.offset).count();
}

Time own(int64_t time, const SharedClock& clock) {
  return Time(Duration(time) - clock.offset);
}

json texts(const std::vector<IpAddress>& addresses) {
  json out = json::array();
  for (const IpAddress& address : addresses) out.push_back(address.to_string());
  return out;
}

constexpr std::array kStatuses{
    dns::AnswerStatus::kAddresses, dns::AnswerStatus::kNoData,
    dns::AnswerStatus::kDeadAlias, dns::AnswerStatus::kNoName};

dns::AnswerStatus status_named(const std::string& text) {
  for (const auto status : kStatuses)
    if (dns::to_string(status) == text) return status;
  throw std::out_of_range(text);
}

dns::Name name_in(const json& text) {
  return dns::Name::parse(text.get<std::string>()).value();
}

IpAddress address_in(const json& text) {
  return IpAddress::parse(text.get<std::string>()).value();
}

bool fits(const json& record, const char* kind, const SharedClock& clock) {
  return record.at("format") == kFormat && record.at("kind") == kind &&
         record.at("boot") == clock.boot;
}

// What `read` makes of the text; nullopt where it stumbles.
template <typename Record, typename Read>
std::optional<Record> read_record(std::string_view text, Read read) try {
  return read(json::parse(text));
} catch (const std::exception&) {
  return std::nullopt;
}

json to_json(const RttEstimate& rtt, const SharedClock& clock) {
  if (!rtt.last()) return nullptr;
  return {{"at", shared(*rtt.last(), clock)},
          {"smoothed", rtt.smoothed().count()},
          {"variation", rtt.variation().count()}};
}

RttEstimate rtt_in(const json& from, const SharedClock& clock) {
  if (from.is_null()) return {};
  return {own(from.at("at").get<int64_t>(), clock),
          Duration(from.at("smoothed").get<int64_t>()),
          Duration(from.at("variation").get<int64_t>())};
}

json to_json(const std::optional<Time>& time, const SharedClock& clock) {
  return time ? json(shared(*time, clock)) : json(nullptr);
}

std::optional<Time> time_in(const json& from, const SharedClock& clock) {
  if (from.is_null()) return std::nullopt;
  return own(from.get<int64_t>(), clock);
}

json to_json(const HistorySnapshot::Entry& entry, const SharedClock& clock) {
  json failures = json::array();
  for (const auto& failure : entry.failures)
    failures.push_back({{"port", failure.port},
                        {"kind", static_cast<int>(failure.kind)},
                        {"at", shared(failure.at, clock)}});
  return {{"address", entry.address.to_string()},
          {"rtt", to_json(entry.rtt, clock)},
          {"won", to_json(entry.won, clock)},
          {"explored", to_json(entry.explored, clock)},
          {"failures", failures},
          {"heard", shared(entry.heard, clock)}};
}

FailureKind kind_in(const json& from) {
  const auto kind = from.get<unsigned>();
  if (kind > static_cast<unsigned>(FailureKind::kUnread))
    throw std::out_of_range("kind");
  return static_cast<FailureKind>(kind);
}

HistorySnapshot::Entry entry_in(const json& from, const SharedClock& clock) {
  HistorySnapshot::Entry out{
      .address = address_in(from.at("address")),
      .rtt = rtt_in(from.at("rtt"), clock),
      .won = time_in(from.at("won"), clock),
      .explored = time_in(from.at("explored"), clock),
      .heard = own(from.at("heard").get<int64_t>(), clock)};
  for (const json& failure : from.at("failures"))
    out.failures.push_back({failure.at("port").get<uint16_t>(),
                            kind_in(failure.at("kind")),
                            own(failure.at("at").get<int64_t>(), clock)});
  return out;
}

json to_json(const dns::Health& health, const SharedClock& clock) {
  return {{"pause", health.pause().count()},
          {"until", shared(health.until(), clock)}};
}

dns::Health health_in(const json& from, const SharedClock& clock) {
  const Duration pause(from.at("pause").get<int64_t>());
  if (pause < Duration::zero() || pause > dns::Health::kLastPause)
    throw std::out_of_range("pause");
  if (pause == Duration::zero()) return {};
  return {pause, own(from.at("until").get<int64_t>(), clock)};
}

json to_json(const dns::IdleHorizon& horizon, const SharedClock& clock) {
  if (!horizon.horizon()) return nullptr;
  return {{"idle", horizon.horizon()->count()},
          {"learned", shared(horizon.learned(), clock)}};
}

dns::IdleHorizon horizon_in(const json& from, const SharedClock& clock) {
  if (from.is_null()) return {};
  return {Duration(from.at("idle").get<int64_t>()),
          own(from.at("learned").get<int64_t>(), clock)};
}

}  // namespace

std::string identity_of(const config::Resolver& resolver) {
  json pins = json::array();
  for (const config::Pin& pin : resolver.pins)
    pins.push_back({static_cast<int>(pin.kind), pin.sha256});
  return json{texts(resolver.addresses), resolver.port, resolver.auth_name,
              pins, resolver.ca_file}
      .dump();
}

std::string file_name(const AnswerKey& key) {
  return file_name_of(
      "answer", hash_of(key.resolver + ' ' + key.name.lowered().to_string() +
                        ' ' + std::to_string(static_cast<int>(key.type))));
}

std::string to_text(const AnswerKey& key, const SharedAnswer& answer,
                    const SharedClock& clock) {
  json aliases = json::array();
  for (const dns::Name& alias : answer.answer.aliases)
    aliases.push_back(alias.to_string());
  return json{{"format", kFormat},
              {"kind", "answer"},
              {"boot", clock.boot},
              {"resolver", key.resolver},
              {"name", key.name.to_string()},
              {"type", dns::to_string(key.type)},
              {"status", dns::to_string(answer.answer.status)},
              {"addresses", texts(answer.answer.addresses)},
              {"canonical", answer.answer.canonical.to_string()},
              {"aliases", aliases},
              {"ttl", answer.answer.ttl.value_or(seconds(0)).count()},
              {"stored", shared(answer.stored, clock)}}
      .dump();
}

std::optional<SharedAnswer> answer_of(std::string_view text,
                                      const AnswerKey& key,
                                      const SharedClock& clock) {
  return read_record<SharedAnswer>(
      text, [&](const json& from) -> std::optional<SharedAnswer> {
        if (!fits(from, "answer", clock) ||
            from.at("resolver") != key.resolver ||
            name_in(from.at("name")) != key.name ||
            from.at("type") != dns::to_string(key.type))
          return std::nullopt;
        SharedAnswer out;
        dns::Answer& answer = out.answer;
        answer.status = status_named(from.at("status").get<std::string>());
        const bool named = answer.status != dns::AnswerStatus::kNoName;
        answer.rcode = named ? dns::Rcode::kNoError : dns::Rcode::kNameError;
        const Family family =
            key.type == dns::Type::kA ? Family::kIpv4 : Family::kIpv6;
        for (const json& address : from.at("addresses")) {
          answer.addresses.push_back(address_in(address));
          if (answer.addresses.back().family != family) return std::nullopt;
        }
        if (answer.is_positive() == answer.addresses.empty())
          return std::nullopt;
        answer.canonical = name_in(from.at("canonical"));
        for (const json& alias : from.at("aliases"))
          answer.aliases.push_back(name_in(alias));
        const auto ttl = from.at("ttl").get<int64_t>();
        if (ttl < 0 || ttl > UINT32_MAX) return std::nullopt;
        answer.ttl = seconds(ttl);
        out.stored = own(from.at("stored").get<int64_t>(), clock);
        return out;
      });
}

std::string file_name(NetworkId network) {
  return file_name_of("history", static_cast<uint64_t>(network));
}

std::string to_text(const HistorySnapshot& history, const SharedClock& clock) {
  json entries = json::array();
  for (const auto& entry : history.entries) {
    if (entries.size() == kMostAddresses) break;
    entries.push_back(to_json(entry, clock));
  }
  return json{{"format", kFormat},
              {"kind", "history"},
              {"boot", clock.boot},
              {"network", static_cast<uint64_t>(history.network)},
              {"rtt", to_json(history.rtt, clock)},
              {"addresses", entries}}
      .dump();
}

std::optional<HistorySnapshot> history_of(std::string_view text,
                                          NetworkId network,
                                          const SharedClock& clock) {
  return read_record<HistorySnapshot>(
      text, [&](const json& from) -> std::optional<HistorySnapshot> {
        if (!fits(from, "history", clock) ||
            from.at("network") != static_cast<uint64_t>(network))
          return std::nullopt;
        HistorySnapshot out{.network = network,
                            .rtt = rtt_in(from.at("rtt"), clock)};
        for (const json& entry : from.at("addresses"))
          out.entries.push_back(entry_in(entry, clock));
        return out;
      });
}

std::string file_name(const ResolverKey& key) {
  return file_name_of(
      "resolver", hash_of(key.resolver + ' ' +
                          std::to_string(static_cast<uint64_t>(key.network))));
}

std::string to_text(const ResolverKey& key,
                    const dns::ResolverKnowledge& knowledge,
                    const SharedClock& clock) {
  json addresses = json::array();
  for (const auto& one : knowledge.addresses)
    addresses.push_back({{"health", to_json(one.health, clock)},
                         {"horizon", to_json(one.horizon, clock)}});
  return json{{"format", kFormat},
              {"kind", "resolver"},
              {"boot", clock.boot},
              {"resolver", key.resolver},
              {"network", static_cast<uint64_t>(key.network)},
              {"health", to_json(knowledge.health, clock)},
              {"preferred", knowledge.preferred},
              {"addresses", addresses}}
      .dump();
}

std::optional<dns::ResolverKnowledge> knowledge_of(std::string_view text,
                                                   const ResolverKey& key,
                                                   const SharedClock& clock) {
  return read_record<dns::ResolverKnowledge>(
      text, [&](const json& from) -> std::optional<dns::ResolverKnowledge> {
        if (!fits(from, "resolver", clock) ||
            from.at("resolver") != key.resolver ||
            from.at("network") != static_cast<uint64_t>(key.network))
          return std::nullopt;
        dns::ResolverKnowledge out{
            .health = health_in(from.at("health"), clock),
            .preferred = from.at("preferred").get<size_t>()};
        for (const json& one : from.at("addresses"))
          out.addresses.push_back({health_in(one.at("health"), clock),
                                   horizon_in(one.at("horizon"), clock)});
        if (out.preferred >= out.addresses.size()) return std::nullopt;
        return out;
      });
}

std::string ticket_file_name(std::string_view key, unsigned number) {
  return file_name_of("ticket", hash_of(key)) + '.' + std::to_string(number);
}

std::string to_text(const SharedTicket& ticket, const SharedClock& clock) {
  return json{{"format", kFormat},
              {"kind", "ticket"},
              {"boot", clock.boot},
              {"key", hex(ticket.key)},
              {"ticket", hex(ticket.ticket)},
              {"stored", shared(ticket.stored, clock)}}
      .dump();
}

std::optional<SharedTicket> ticket_of(std::string_view text,
                                      std::string_view key,
                                      const SharedClock& clock) {
  return read_record<SharedTicket>(
      text, [&](const json& from) -> std::optional<SharedTicket> {
        if (!fits(from, "ticket", clock) || from.at("key") != hex(key))
          return std::nullopt;
        auto ticket = octets_of(from.at("ticket").get<std::string>());
        if (!ticket || ticket->empty()) return std::nullopt;
        return SharedTicket{std::string(key), std::move(*ticket),
                            own(from.at("stored").get<int64_t>(), clock)};
      });
}

bool is_record(std::string_view text) {
  const auto found = read_record<bool>(text, [](const json& from) {
    return std::optional(from.at("format") == kFormat &&
                         from.at("boot").is_string());
  });
  return found.value_or(false);
}

}  // namespace happy::state
