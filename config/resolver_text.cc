#include "config/resolver_text.h"

#include <charconv>

#include "config/diagnostics.h"
#include "config/host_pattern.h"
#include "config/pin.h"

namespace happy::config {
namespace {

using Failure = tl::unexpected<std::string>;

constexpr std::string_view kTls = "tls:";

// What is before the first `mark`, which is taken off `text` with it.
std::string_view take_until(char mark, std::string_view* text) {
  const size_t at = text->find(mark);
  const std::string_view out = text->substr(0, at);
  text->remove_prefix(at == text->npos ? text->size() : at + 1);
  return out;
}

bool read_port(std::string_view text, uint16_t* port) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *port);
  return error == std::errc() && end == text.data() + text.size() && *port != 0;
}

// ADDRESS, IPV4:PORT or [IPV6]:PORT.
tl::expected<void, std::string> read_place(std::string_view text,
                                           Resolver* out) {
  auto address = IpAddress::parse(text);
  std::string_view port;
  if (!address && text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end != text.npos) {
      address = IpAddress::parse(text.substr(1, end - 1));
      port = text.substr(end + 1);
      if (address && address->family != Family::kIpv6) address.reset();
    }
  } else if (!address) {
    const size_t colon = text.find(':');
    address = IpAddress::parse(text.substr(0, colon));
    if (colon != text.npos) port = text.substr(colon);
  }
  if (!address) {
    return Failure("must have an IPv4 or IPv6 address behind \"tls:\", not " +
                   quote(text));
  }
  if (!port.empty() &&
      (port.front() != ':' || !read_port(port.substr(1), &out->port))) {
    return Failure(
        "must have a port between 1 and 65535 behind the address, "
        "not " +
        quote(port));
  }
  out->addresses = {*address};
  return {};
}

}  // namespace

tl::expected<Resolver, std::string> parse_resolver_text(std::string_view text) {
  if (!text.starts_with(kTls)) {
    return Failure(
        "must be tls:ADDRESS[!auth_name[!authenticator]] or an object, not " +
        quote(text));
  }
  text.remove_prefix(kTls.size());
  Resolver out;
  if (auto good = read_place(take_until('!', &text), &out); !good) {
    return Failure(good.error());
  }
  // As in ocaml-dns: what is no host name is the authenticator already.
  const std::string_view all = text;
  if (auto name = parse_host_name(take_until('!', &text))) {
    out.auth_name = *std::move(name);
  } else {
    text = all;
  }
  if (!text.empty()) {
    const auto pin = parse_pin(text);
    if (!pin) {
      return Failure("has the authenticator " + quote(text) + ", which " +
                     pin.error());
    }
    out.pins = {*pin};
  }
  if (out.auth_name.empty() && out.pins.empty()) {
    return Failure(
        "needs an auth_name or an authenticator behind \"!\": without either "
        "the resolver cannot be authenticated");
  }
  return out;
}

}  // namespace happy::config
