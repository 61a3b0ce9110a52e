#include "tests/support/dot_script.h"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace happy::test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

using Keys = std::map<std::string, std::function<void(const json&)>>;

// Calls what belongs to each key of the object.
void read(const json& object, const std::string& where, const Keys& keys) {
  if (!object.is_object()) throw std::runtime_error(where + ": no object");
  for (const auto& [key, value] : object.items()) {
    const auto found = keys.find(key);
    if (found == keys.end())
      throw std::runtime_error(where + ": unknown key " + key);
    found->second(value);
  }
}

template <typename Value>
Value named(const json& value, const std::map<std::string, Value>& names) {
  const auto found = names.find(value.get<std::string>());
  if (found == names.end())
    throw std::runtime_error("unknown value " + value.dump());
  return found->second;
}

template <typename Field>
std::function<void(const json&)> into(Field* field) {
  return [field](const json& value) { *field = value.get<Field>(); };
}

Halt parse_halt(const json& from) {
  static const std::map<std::string, Stage> kStages{
      {"accept", Stage::kAccept},
      {"client_hello", Stage::kClientHello},
      {"handshake", Stage::kHandshake},
      {"query", Stage::kQuery}};
  static const std::map<std::string, Ending> kEndings{
      {"silence", Ending::kSilence},
      {"close", Ending::kClose},
      {"reset", Ending::kReset}};
  Halt halt{Stage::kAccept, Ending::kSilence};
  read(from, "stream.halt",
       {{"after", [&](const json& v) { halt.after = named(v, kStages); }},
        {"how", [&](const json& v) { halt.how = named(v, kEndings); }},
        {"connections", into(&halt.connections)}});
  return halt;
}

void parse_stream(const json& from, DotScript* out) {
  read(from, "stream",
       {{"split_prefix", into(&out->split_prefix)},
        {"coalesce", into(&out->coalesce)},
        {"no_delay", into(&out->no_delay)},
        {"tcp_fast_open", into(&out->tcp_fast_open)},
        {"plain", into(&out->plain)},
        {"reset_first", into(&out->reset_first)},
        {"close_on_query_first", into(&out->close_on_query_first)},
        {"mute_first", into(&out->mute_first)},
        {"idle_close_ms",
         [&](const json& v) { out->idle_close = milliseconds(v.get<int>()); }},
        {"halt", [&](const json& v) { out->halt = parse_halt(v); }}});
}

void parse_tls(const json& from, DotScript* out) {
  static const std::map<std::string, std::string> kVersions{
      {"1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2"},
      {"1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3"},
      {"any", "NORMAL"}};
  static const std::map<std::string, Tickets> kTickets{
      {"none", Tickets::kNone},
      {"at_once", Tickets::kAtOnce},
      {"late", Tickets::kLate}};
  read(from, "tls",
       {{"version",
         [&](const json& v) { out->priorities = named(v, kVersions); }},
        {"priorities", into(&out->priorities)},
        {"alpn", into(&out->offer_alpn)},
        {"tickets", [&](const json& v) { out->tickets = named(v, kTickets); }},
        {"early_data", into(&out->early_data)},
        {"answers_early", into(&out->answers_early)},
        {"key_update", into(&out->key_update)},
        {"close_notify", into(&out->close_notify)}});
}

enum class Chain { kFull, kLeaf, kDecorated, kBorrowed, kSelfSigned };

// Decorated: a stranger's certificate and the leaf again stand in between.
// Borrowed: the stranger serves, and shows the leaf behind its own certificate.
void make_chain(const json& from, LoadedScript* out) {
  static const std::map<std::string, Chain> kChains{
      {"full", Chain::kFull},
      {"leaf", Chain::kLeaf},
      {"decorated", Chain::kDecorated},
      {"borrowed", Chain::kBorrowed},
      {"self_signed", Chain::kSelfSigned}};
  const Identity& authority = out->authority;
  CertificateWish wish{.common_name = "scripted server"};
  Chain chain = Chain::kFull;
  read(from, "certificate",
       {{"names", into(&wish.dns_names)},
        {"days",
         [&](const json& v) {  // may be negative: expired
           wish.valid_until = time(nullptr) + 86400L * v.get<long>();
           wish.valid_from = wish.valid_until - 86400L * 365;
         }},
        {"days_until_valid",
         [&](const json& v) {
           wish.valid_from = time(nullptr) + 86400L * v.get<long>();
           wish.valid_until = wish.valid_from + 86400L * 365;
         }},
        {"rsa_bits", into(&wish.rsa_bits)},
        {"chain", [&](const json& v) { chain = named(v, kChains); }}});
  const Identity leaf =
      Identity::make(wish, chain == Chain::kSelfSigned ? nullptr : &authority);
  const auto stranger = [] {
    return Identity::make({.common_name = "a stranger"});
  };
  out->pin = leaf.key_pin();
  auto& sent = out->script.chain;
  switch (chain) {
    case Chain::kFull:
      sent = {leaf, authority};
      break;
    case Chain::kLeaf:
    case Chain::kSelfSigned:
      sent = {leaf};
      break;
    case Chain::kDecorated:
      sent = {leaf, stranger(), leaf, authority};
      break;
    case Chain::kBorrowed:
      sent = {stranger(), leaf, authority};
      break;
  }
}

}  // namespace

LoadedScript load_script(const std::string& text) {
  const json root = json::parse(text, nullptr, true, true);
  LoadedScript out;
  out.authority = Identity::make({.common_name = "test CA", .is_ca = true});
  json certificate = json::object();
  DotScript& script = out.script;
  read(root, "script",
       {{"address", into(&script.address)},
        {"port", into(&script.port)},
        {"certificate", into(&certificate)},
        {"tls", [&](const json& v) { parse_tls(v, &script); }},
        {"stream", [&](const json& v) { parse_stream(v, &script); }},
        {"zone", [&](const json& v) { script.zone = parse_zone(v.dump()); }}});
  make_chain(certificate, &out);
  return out;
}

}  // namespace happy::test
