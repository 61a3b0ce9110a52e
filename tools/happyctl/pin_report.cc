#include "tools/happyctl/pin_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/pin.h"
#include "tools/happyctl/units.h"

namespace happyctl {
namespace {

using happy::Endpoint;
using happy::config::to_string;
using Json = nlohmann::ordered_json;

constexpr time_t kDay = 86400;
constexpr size_t kMostNames = 8;

std::string date_text(time_t when) {
  struct tm parts {};
  if (gmtime_r(&when, &parts) == nullptr) return "an unreadable date";
  return fmt::format("{:%Y-%m-%d}", parts);
}

// Rounded down; negative once it has expired.
int64_t days_left(const SeenCertificate& seen) {
  const time_t left = seen.valid_until - time(nullptr);
  return left >= 0 ? left / kDay : -((-left + kDay - 1) / kDay);
}

std::string validity_text(const SeenCertificate& seen) {
  const int64_t left = days_left(seen);
  std::string state = fmt::format("{} days left", left);
  if (left < 0) state = fmt::format("expired {} days ago", -left);
  if (seen.valid_from > time(nullptr)) state = "not yet valid";
  return fmt::format("{} to {}, {}", date_text(seen.valid_from),
                     date_text(seen.valid_until), state);
}

std::string names_text(const SeenCertificate& seen) {
  if (seen.dns_names.empty()) return "none";
  const size_t count = std::min(seen.dns_names.size(), kMostNames);
  std::string out = fmt::format(
      "{}",
      fmt::join(seen.dns_names.begin(),
                seen.dns_names.begin() + static_cast<ptrdiff_t>(count), ", "));
  if (count < seen.dns_names.size())
    out += fmt::format(" and {} more", seen.dns_names.size() - count);
  return out;
}

std::string authorities_text(const SeenServer& seen) {
  if (seen.name.empty())
    return "not asked: the certificate has no name that a policy could give; "
           "see --name";
  if (seen.by_ca()) return "vouch for it as " + seen.name;
  return fmt::format("do not vouch for it as {}: {}", seen.name,
                     seen.why_not_by_ca);
}

// What each pin means to who takes it.
std::string pins_text(const SeenServer& seen) {
  const SeenCertificate& leaf = seen.chain.front();
  std::string out;
  const auto add = [&out](const happy::config::Pin& pin,
                          const std::string& meaning) {
    out += fmt::format("  {}\n    {}\n", to_string(pin), meaning);
  };
  if (leaf.key)
    add(*leaf.key, "the server's own key: holds until it takes another one");
  add(leaf.certificate,
      "this very certificate: holds until it is renewed, by " +
          date_text(leaf.valid_until) + " at the latest");
  for (size_t i = 1; i < seen.chain.size(); ++i) {
    const SeenCertificate& issuer = seen.chain[i];
    if (!issuer.key) continue;
    add(*issuer.key,
        issuer.key_holds
            ? fmt::format("the key of \"{}\", which issued it: a backup that "
                          "survives a new key of the server, but lets in "
                          "whoever else that CA has certified, so take it only "
                          "with auth_name",
                          issuer.subject)
            : fmt::format("the key of \"{}\", sent along: it did not issue the "
                          "server's, and as a pin it would not hold",
                          issuer.subject));
  }
  return out;
}

Json certificate_json(const SeenCertificate& seen) {
  Json key;  // null
  if (seen.key) key = to_string(*seen.key);
  return {{"subject", seen.subject},
          {"issuer", seen.issuer},
          {"names", seen.dns_names},
          {"valid_from", date_text(seen.valid_from)},
          {"valid_until", date_text(seen.valid_until)},
          {"days_left", days_left(seen)},
          {"key_fp", key},
          {"cert_fp", to_string(seen.certificate)},
          {"key_pin_holds", seen.key_holds}};
}

}  // namespace

// With auth_name the server is held against the CAs too, so only where they
// vouch for it.
Json resolvers_json(const Endpoint& place, const SeenServer& seen,
                    const std::string& ca_file) {
  const SeenCertificate& leaf = seen.chain.front();
  Json resolver = {{"addresses", {place.address.to_string()}}};
  if (place.port != happy::config::Resolver{}.port)
    resolver["port"] = place.port;
  if (seen.by_ca()) resolver["auth_name"] = seen.name;
  if (seen.by_ca() && !ca_file.empty()) resolver["ca_file"] = ca_file;
  resolver["pins"] =
      Json::array({to_string(leaf.key.value_or(leaf.certificate))});
  std::string name = seen.by_ca() ? seen.name : "pinned";
  if (name.size() > 64 || name == "system") name = "pinned";
  return {{name, resolver}};
}

std::string seen_text(const Endpoint& place, const SeenServer& seen,
                      const std::string& ca_file) {
  const SeenCertificate& leaf = seen.chain.front();
  const std::string block = resolvers_json(place, seen, ca_file).dump(2);
  return fmt::format(
             "{}: {} {}, connect {:.1f} ms, handshake {:.1f} ms\n"
             "  subject     {}\n"
             "  names       {}\n"
             "  issuer      {}\n"
             "  valid       {}\n"
             "  {:<10}  {}\n"
             "\npins, any one of which is enough:\n{}",
             place.to_string(), seen.tls_version, seen.cipher,
             milliseconds(seen.connect), milliseconds(seen.handshake),
             leaf.subject, names_text(leaf), leaf.issuer, validity_text(leaf),
             ca_file.empty() ? "system CAs" : "CA file", authorities_text(seen),
             pins_text(seen)) +
         fmt::format("\nfor a policy{}:\n\"resolvers\": {}\n",
                     seen.by_ca() ? " (auth_name and pins must both hold; each "
                                    "is enough alone)"
                                  : "",
                     block);
}

Json seen_json(const Endpoint& place, const SeenServer& seen,
               const std::string& ca_file) {
  Json file, name, why;  // null
  if (!ca_file.empty()) file = ca_file;
  if (!seen.name.empty()) name = seen.name;
  if (!seen.why_not_by_ca.empty()) why = seen.why_not_by_ca;
  Json chain = Json::array();
  for (const SeenCertificate& one : seen.chain)
    chain.push_back(certificate_json(one));
  return {{"address", place.address.to_string()},
          {"port", place.port},
          {"tls_version", seen.tls_version},
          {"cipher", seen.cipher},
          {"connect_ms", milliseconds(seen.connect)},
          {"handshake_ms", milliseconds(seen.handshake)},
          {"trust", "first use"},
          {"certificates", chain},
          {"authorities",
           {{"file", file},
            {"name", name},
            {"vouch", seen.by_ca()},
            {"why_not", why}}},
          {"resolvers", resolvers_json(place, seen, ca_file)}};
}

std::string first_use_warning() {
  return "happyctl pin: a first look is trust on first use: whoever answered "
         "just now is who will be believed. Compare the pin with what the "
         "resolver's operator publishes, or with a look from another "
         "network.\n";
}

}  // namespace happyctl
