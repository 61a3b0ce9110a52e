#include "core/dns/edns.h"

#include <array>

namespace happy::dns {
namespace {

constexpr uint16_t kClientSubnet = 8;    // RFC 7871
constexpr uint16_t kTcpKeepalive = 11;   // RFC 7828
constexpr uint16_t kPadding = 12;        // RFC 7830
constexpr uint16_t kExtendedError = 15;  // RFC 8914

void read_option(uint16_t code, Reader value, Edns& out) {
  if (code == kTcpKeepalive) {
    // RFC 7828 section 3.4: a time-out that is not two octets is ignored.
    const auto tenths = value.u16();
    if (!tenths || value.remaining() != 0) return;
    out.keepalive = std::chrono::milliseconds(100) * *tenths;
  } else if (code == kExtendedError) {
    const auto info_code = value.u16();
    if (!info_code) return;
    const auto text = value.take(value.remaining());
    out.errors.push_back({*info_code, {text->begin(), text->end()}});
  } else if (code == kPadding) {
    out.padded = true;
  }
}

}  // namespace

void write_edns(Writer& writer, const QueryOptions& options) {
  writer.u8(0);  // the root
  writer.u16(static_cast<uint16_t>(Type::kOpt));
  writer.u16(options.udp_size);
  writer.u32(0);  // extended RCODE, version 0, no flags
  const size_t length_at = writer.size();
  writer.u16(0);
  if (options.keepalive) {
    writer.u16(kTcpKeepalive);
    writer.u16(0);
  }
  if (options.ecs_opt_out) {
    writer.u16(kClientSubnet);
    writer.u16(4);
    writer.u16(1);  // family IPv4; says nothing, the prefix is empty
    writer.u16(0);  // source and scope prefix length 0, no address
  }
  if (options.padding_block != 0) {
    const size_t block = options.padding_block;
    const size_t bare = writer.size() + 4;
    const size_t padding = (block - bare % block) % block;
    writer.u16(kPadding);
    writer.u16(static_cast<uint16_t>(padding));
    writer.zeros(padding);
  }
  writer.patch_u16(length_at,
                   static_cast<uint16_t>(writer.size() - length_at - 2));
}

std::optional<Edns> read_edns(uint16_t record_class, uint32_t ttl,
                              Reader rdata) {
  Edns out{.udp_size = record_class,
           .version = static_cast<uint8_t>(ttl >> 16),
           .dnssec_ok = (ttl & 0x8000) != 0,
           .errors = {},
           .keepalive = {},
           .padded = false};
  while (rdata.remaining() != 0) {
    const auto code = rdata.u16();
    const auto length = rdata.u16();
    if (!code || !length) return std::nullopt;
    const auto value = rdata.take(*length);
    if (!value) return std::nullopt;
    read_option(*code, Reader(*value), out);
  }
  return out;
}

std::string_view extended_error_name(uint16_t code) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"Other Error",
                                       "Unsupported DNSKEY Algorithm",
                                       "Unsupported DS Digest Type",
                                       "Stale Answer",
                                       "Forged Answer",
                                       "DNSSEC Indeterminate",
                                       "DNSSEC Bogus",
                                       "Signature Expired",
                                       "Signature Not Yet Valid",
                                       "DNSKEY Missing",
                                       "RRSIGs Missing",
                                       "No Zone Key Bit Set",
                                       "NSEC Missing",
                                       "Cached Error",
                                       "Not Ready",
                                       "Blocked",
                                       "Censored",
                                       "Filtered",
                                       "Prohibited",
                                       "Stale NXDOMAIN Answer",
                                       "Not Authoritative",
                                       "Not Supported",
                                       "No Reachable Authority",
                                       "Network Error",
                                       "Invalid Data"});
  return code < kNames.size() ? kNames[code] : std::string_view();
}

}  // namespace happy::dns
