// happyctl pin: what a resolver's certificate can be known by, ready to paste.
#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

#include "config/host_pattern.h"
#include "tools/happyctl/output.h"
#include "tools/happyctl/pin_report.h"
#include "tools/happyctl/terminal.h"
#include "tools/happyctl/tls_probe.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

constexpr uint16_t kDotPort = 853;

struct Options {
  std::string place{};
  std::string name{};
  std::string ca_file{};
  int timeout_ms = 5000;
  bool json = false;
};

std::optional<uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end || port == 0 || port > 65535)
    return std::nullopt;
  return static_cast<uint16_t>(port);
}

// ADDRESS, ADDRESS:PORT; an IPv6 address with a port stands in brackets.
std::optional<happy::Endpoint> parse_place(std::string_view text) {
  if (const auto address = happy::IpAddress::parse(text))
    return happy::Endpoint{*address, kDotPort};
  std::string_view address, port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    address = text.substr(1, close - 1);
    if (address.find(':') == address.npos) return std::nullopt;
    text.remove_prefix(close + 1);
    if (!text.empty() && !text.starts_with(':')) return std::nullopt;
    port = text.empty() ? "853" : text.substr(1);
  } else {
    const size_t colon = text.find(':');
    if (colon == text.npos) return std::nullopt;
    address = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const auto parsed = happy::IpAddress::parse(address);
  const auto number = parse_port(port);
  if (!parsed || !number) return std::nullopt;
  return happy::Endpoint{*parsed, *number};
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
