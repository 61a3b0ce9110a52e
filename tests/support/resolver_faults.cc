#include "tests/support/resolver_faults.h"

#include <netdb.h>

namespace happy::test {
namespace {

using nlohmann::json;

json with_entry(const json& entry, json script = json::object()) {
  script["zone"]["names"][kFaultyName] = entry;
  return script;
}

json good() { return {{"A", {kFaultyAddress}}}; }

json stream(const json& faults, const json& entry = good()) {
  return with_entry(entry, {{"stream", faults}});
}

json tls(const json& wishes, const json& entry = good()) {
  return with_entry(entry, {{"tls", wishes}});
}

json certificate(json wishes) {
  wishes["names"] = {"dot.example"};
  return with_entry(good(), {{"certificate", wishes}});
}

json reply(const char* fault) {
  json entry = good();
  entry["fault"] = fault;
  return entry;
}

json spoiled(const char* fault) { return with_entry(reply(fault)); }

json rcode(const json& code) { return with_entry({{"rcode", code}}); }

json halt(const char* after, const char* how) {
  return stream({{"halt", {{"after", after}, {"how", how}}}});
}

// The name is the first of a chain of that many aliases.
json chain(int links, bool loops = false) {
  const auto link = [](int i) { return "n" + std::to_string(i) + ".lab.test"; };
  json script = with_entry({{"CNAME", link(1)}});
  json& names = script["zone"]["names"];
  for (int i = 1; i < links; ++i) names[link(i)] = {{"CNAME", link(i + 1)}};
  names[link(links)] = loops ? json{{"CNAME", link(1)}} : good();
  return script;
}

constexpr const char* kNotDns = "the reply is not a DNS message";
constexpr const char* kUnanswered = "no answer to the query within";
constexpr const char* kNoHandshake =
    "did not go through with the TLS handshake";
constexpr const char* kClosed = "closed the connection";
constexpr const char* kConnection = "onnection";

std::vector<ResolverFault> replies() {
  std::vector<ResolverFault> out{
      {"None", with_entry(good())},
      {"PrefixSplit", stream({{"split_prefix", true}})},
      {"Coalesced", stream({{"coalesce", true}})},
      {"Nagle", stream({{"no_delay", false}})},
      {"Twice", spoiled("twice")},
      {"Unsolicited", spoiled("unsolicited")},
      {"Largest", spoiled("largest")},
      {"OffChain", spoiled("off_chain")},
      {"ChainOf16", chain(16)}};
  for (const auto& [name, fault] : {std::pair{"Dropped", "drop"},
                                    {"WrongId", "wrong_id"},
                                    {"WrongQuestion", "wrong_question"}})
    out.push_back({.name = name,
                   .script = spoiled(fault),
                   .eai = EAI_AGAIN,
                   .at_limit = true,
                   .log = kUnanswered});
  for (const auto& [name, fault] : {std::pair{"ShortRdata", "short_rdata"},
                                    {"Garbage", "garbage"},
                                    {"Empty", "empty"},
                                    {"OneOctet", "one_octet"},
                                    {"PointerLoop", "pointer_loop"}})
    out.push_back({.name = name,
                   .script = spoiled(fault),
                   .eai = EAI_AGAIN,
                   .log = kNotDns});
  const auto refused = [&out](const char* name, json script, int eai,
                              const char* log) {
    out.push_back(
        {.name = name, .script = std::move(script), .eai = eai, .log = log});
  };
  refused("Truncated", spoiled("truncated"), EAI_AGAIN, "a truncated reply");
  refused("ChainOf17", chain(17), EAI_AGAIN, "a CNAME chain that is too long");
  refused("ChainLoop", chain(2, true), EAI_AGAIN, "a CNAME loop");
  refused("Formerr", rcode("FORMERR"), EAI_FAIL, "FORMERR");
  refused("Servfail", rcode("SERVFAIL"), EAI_AGAIN, "SERVFAIL");
  refused("Nxdomain", rcode("NXDOMAIN"), EAI_NONAME, "");
  refused("Notimp", rcode("NOTIMP"), EAI_FAIL, "NOTIMP");
  refused("Refused", rcode("REFUSED"), EAI_FAIL, "REFUSED");
  refused("Yxdomain", rcode(6), EAI_AGAIN, "RCODE6");
  refused("Notauth", rcode(9), EAI_AGAIN, "RCODE9");
  refused("Reserved", rcode(15), EAI_AGAIN, "RCODE15");
  refused("NoData", with_entry(json::object()), EAI_NODATA, "");
  refused("ExtendedError",
          with_entry({{"rcode", "SERVFAIL"},
                      {"ede", 22},
                      {"ede_text", "upstream is down"}}),
          EAI_AGAIN,
          "SERVFAIL, extended error 22 (No Reachable Authority): upstream is "
          "down");
  return out;
}

// What goes wrong on the stream or in TLS; a query that was cut off is sent
// once more on another connection.
std::vector<ResolverFault> streams() {
  std::vector<ResolverFault> out;
  const auto cut = [&out](const char* name, json script, int connections,
                          int queries, const char* log, Ender ender) {
    out.push_back({.name = name,
                   .script = std::move(script),
                   .eai = EAI_AGAIN,
                   .connections = connections,
                   .queries = queries,
                   .log = log,
                   .ender = ender});
  };
  constexpr Ender kFin = Ender::kServerFin, kReset = Ender::kServerReset;
  cut("FinBefore", spoiled("close_before"), 2, 2, kClosed, kFin);
  cut("FinInside", spoiled("close_inside"), 2, 2, kClosed, kFin);
  cut("RstBefore", spoiled("reset"), 2, 2, kConnection, kReset);
  cut("RstInside", spoiled("reset_inside"), 2, 2, kConnection, kReset);
  cut("RstAtAccept", stream({{"reset_first", 99}}), 1, 0, kConnection, kReset);
  cut("FinAtAccept", halt("accept", "close"), 1, 0, kConnection, kFin);
  cut("FinAtHello", halt("client_hello", "close"), 1, 0, kConnection, kFin);
  cut("RstAtHello", halt("client_hello", "reset"), 1, 0, kConnection, kReset);
  cut("RstAtQuery", halt("query", "reset"), 2, 2, kConnection, kReset);
  cut("FinAtQuery", halt("query", "close"), 2, 2, kClosed, kFin);
  cut("NoTls", stream({{"plain", true}}), 1, 0, "speak", kReset);
  const auto silent = [&out](const char* name, const char* after, int queries,
                             const char* log) {
    out.push_back({.name = name,
                   .script = halt(after, "silence"),
                   .eai = EAI_AGAIN,
                   .at_limit = true,
                   .queries = queries,
                   .log = log});
  };
  silent("SilenceAtAccept", "accept", 0, kNoHandshake);
  silent("SilenceAtHello", "client_hello", 0, kNoHandshake);
  silent("SilenceAtFinished", "handshake", 0, kUnanswered);
  silent("SilenceAtQuery", "query", 1, kUnanswered);
  const auto survived = [&out](const char* name, json script) -> auto& {
    out.push_back({.name = name, .script = std::move(script)});
    return out.back();
  };
  survived("FinAfter", spoiled("close_after")).ender = kFin;
  survived("FinWithoutCloseNotify",
           tls({{"close_notify", false}}, reply("close_after")))
      .ender = kFin;
  survived("HalfClose", spoiled("half_close")).ender = kFin;
  survived("LateTickets", tls({{"tickets", "late"}}));
  survived("KeyUpdate", tls({{"key_update", true}}));
  auto& again =
      survived("FinAtFirstQuery", stream({{"close_on_query_first", 1}}));
  again.connections = again.queries = 2;
  again.ender = kFin;
  return out;
}

std::vector<ResolverFault> certificates() {
  std::vector<ResolverFault> out{
      {.name = "RightName",
       .script = certificate(json::object()),
       .trust = Trust::kName},
      {.name = "ExpiredButPinned", .script = certificate({{"days", -1}})}};
  const auto refused = [&out](const char* name, json wishes, Trust trust,
                              const char* log) {
    out.push_back({.name = name,
                   .script = certificate(std::move(wishes)),
                   .eai = EAI_AGAIN,
                   .queries = 0,
                   .log = log,
                   .trust = trust});
  };
  const json kPlain = json::object();
  refused("WrongPin", kPlain, Trust::kOtherPin, "no pin matches");
  refused("WrongName", kPlain, Trust::kOtherName, "not for other.example");
  refused("Expired", {{"days", -1}}, Trust::kName, "expired on");
  refused("OfTheFuture", {{"days_until_valid", 9}}, Trust::kName,
          "is not valid before");
  refused("SelfSigned", {{"chain", "self_signed"}}, Trust::kName,
          "self-signed");
  refused("Weak", {{"rsa_bits", 1024}}, Trust::kName, "too weak");
  // A stranger shows the pinned server's certificate behind its own.
  refused("Decorated", {{"chain", "borrowed"}}, Trust::kPin, "no pin matches");
  return out;
}

}  // namespace

const std::vector<ResolverFault>& resolver_faults() {
  static const auto& all = *new std::vector<ResolverFault>([] {
    std::vector<ResolverFault> out;
    for (const auto& part : {replies(), streams(), certificates()})
      out.insert(out.end(), part.begin(), part.end());
    return out;
  }());
  return all;
}

nlohmann::json as_trusted(Trust trust, const std::string& pin,
                          const std::string& ca_file) {
  const auto by_name = [&ca_file](const char* name) -> json {
    return {{"pins", nullptr}, {"auth_name", name}, {"ca_file", ca_file}};
  };
  switch (trust) {
    case Trust::kPin:
      return {{"pins", {pin}}};
    case Trust::kName:
      return by_name("dot.example");
    case Trust::kOtherName:
      return by_name("other.example");
    case Trust::kOtherPin:
      break;
  }
  return {{"pins", {"key-fp:SHA256:" + std::string(43, 'A') + "="}}};
}

}  // namespace happy::test
