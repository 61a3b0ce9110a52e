// happyctl pin: what a resolver's certificate can be known by, ready to paste.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "config/host_pattern.h"
#include "tools/happyctl/output.h"
#include "tools/happyctl/pin_report.h"
#include "tools/happyctl/terminal.h"
#include "tools/happyctl/tls_probe.h"
#include "tools/happyctl/units.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

const uint16_t kDotPort = happy::config::Resolver{}.port;

struct Options {
  std::string place{};
  std::string name{};
  std::string ca_file{};
  int timeout_ms = 5000;
  bool json = false;
};

// An address without a port; no IPv4 address stands in brackets.
std::optional<happy::Endpoint> place_of(std::string_view address,
                                        std::optional<uint16_t> port,
                                        bool in_brackets) {
  const auto parsed = happy::IpAddress::parse(address);
  if (!parsed || !port) return std::nullopt;
  if (in_brackets && parsed->family != happy::Family::kIpv6)
    return std::nullopt;
  return happy::Endpoint{*parsed, *port};
}

// ADDRESS, ADDRESS:PORT; an IPv6 address with a port stands in brackets.
std::optional<happy::Endpoint> parse_place(std::string_view text) {
  if (const auto bare = place_of(text, kDotPort, false)) return bare;
  const bool in_brackets = text.starts_with('[');
  const size_t end = in_brackets ? text.find(']') : text.find(':');
  if (end == text.npos) return std::nullopt;
  const std::string_view address =
      text.substr(in_brackets ? 1 : 0, end - (in_brackets ? 1 : 0));
  std::string_view rest = text.substr(in_brackets ? end + 1 : end);
  if (rest.empty()) return place_of(address, kDotPort, in_brackets);
  if (!rest.starts_with(':')) return std::nullopt;
  return place_of(address, parse_port(rest.substr(1)), in_brackets);
}

Outcome refuse(const std::string& text, Outcome outcome) {
  complain("happyctl pin: " + text + "\n");
  return outcome;
}

Outcome pin(const Options& options) {
  const auto place = parse_place(options.place);
  if (!place)
    return refuse(
        fmt::format("\"{}\" is not an address, as 192.0.2.1, 192.0.2.1:853 or "
                    "[2001:db8::1]:853",
                    options.place),
        Outcome::kUsage);
  LookWish wish{.ca_file = options.ca_file,
                .patience = std::chrono::milliseconds(options.timeout_ms)};
  if (!options.name.empty()) {
    const auto host = happy::config::parse_host_name(options.name);
    if (!host) return refuse("--name: " + host.error(), Outcome::kUsage);
    wish.name = *host;
  }
  const auto seen = look_at(*place, wish);
  if (!seen)
    return refuse(place->to_string() + ": " + seen.error().text,
                  Outcome::kFailed);
  if (options.json)
    show_json(seen_json(*place, *seen, options.ca_file));
  else
    show(seen_text(*place, *seen, options.ca_file));
  complain(painted(first_use_warning(), fmt::fg(fmt::terminal_color::yellow),
                   stderr));
  return Outcome::kGood;
}

}  // namespace

void add_pin(CLI::App& app, Outcome* outcome) {
  CLI::App* const verb = app.add_subcommand(
      "pin", "Shows a resolver's pins, names and dates, ready to paste");
  const auto options = std::make_shared<Options>();
  verb->add_option("ADDRESS[:PORT]", options->place,
                   "of the resolver; the port is 853 if none is given")
      ->required();
  verb->add_option("--name", options->name,
                   "the name to ask for (SNI) and to look for in the "
                   "certificate")
      ->type_name("NAME");
  verb->add_option("--ca-file", options->ca_file,
                   "CAs in PEM form to ask in place of the system's")
      ->type_name("F");
  verb->add_option("--timeout-ms", options->timeout_ms,
                   "how long to wait, 100 to 60000; 5000 if not given")
      ->check(CLI::Range(100, 60000))
      ->type_name("N");
  verb->add_flag("--json", options->json, "print JSON");
  verb->footer("Example: happyctl pin 192.0.2.1 --name dns.example.net");
  verb->callback([options, outcome] { *outcome = pin(*options); });
}

}  // namespace happyctl
