#include "tools/happyctl/resolve_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/host_pattern.h"
#include "core/dns/edns.h"
#include "tools/happyctl/units.h"

namespace happyctl {
namespace {

using happy::IpAddress;
using happy::config::Policy;
using happy::dns::Message;
using happy::dns::Name;
using happy::dns::RawData;
using happy::dns::Rcode;
using happy::dns::Record;
using happy::dns::Soa;
using Json = nlohmann::ordered_json;
using Source = Findings::Source;

constexpr uint16_t kTxt = 16;

// Character strings in quotes (RFC 1035 section 3.3.14), hostile octets as
// \DDD.
std::string txt_text(const std::vector<uint8_t>& octets) {
  std::string out;
  for (size_t at = 0; at < octets.size(); at += 1 + octets[at]) {
    out += out.empty() ? "\"" : " \"";
    const size_t end = std::min(at + 1 + octets[at], octets.size());
    for (size_t i = at + 1; i < end; ++i) {
      const uint8_t octet = octets[i];
      if (octet < 0x20 || octet > 0x7e)
        out += fmt::format("\\{:03}", octet);
      else
        out += octet == '"' || octet == '\\' ? std::string{'\\', char(octet)}
                                             : std::string{char(octet)};
    }
    out += '"';
  }
  return out;
}

// RFC 3597 section 5: the form for data of any type.
std::string raw_text(const std::vector<uint8_t>& octets) {
  std::string out = fmt::format("\\# {}", octets.size());
  if (!octets.empty()) out += ' ';
  for (const uint8_t octet : octets) out += fmt::format("{:02x}", octet);
  return out;
}

std::string data_text(const Record& record) {
  struct Visitor {
    uint16_t type;
    std::string operator()(const RawData& raw) const {
      return type == kTxt ? txt_text(raw.octets) : raw_text(raw.octets);
    }
    std::string operator()(const IpAddress& address) const {
      return address.to_string();
    }
    std::string operator()(const Name& name) const { return name.to_string(); }
    std::string operator()(const Soa& soa) const {
      return fmt::format("{} {} {} {} {} {} {}", soa.primary.to_string(),
                         soa.mailbox.to_string(), soa.serial, soa.refresh,
                         soa.retry, soa.expire, soa.minimum);
    }
  };
  return std::visit(Visitor{static_cast<uint16_t>(record.type)}, record.data);
}

// The network's text, made safe for a terminal.
std::string safe(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; },
      '?');
  return text;
}

std::vector<std::string> extended_errors(const Message& message) {
  std::vector<std::string> out;
  if (!message.edns) return out;
  for (const auto& error : message.edns->errors) {
    std::string line = std::to_string(error.code);
    if (const auto name = happy::dns::extended_error_name(error.code);
        !name.empty())
      line += fmt::format(" ({})", name);
    if (!error.text.empty()) line += ": " + safe(error.text);
    out.push_back(std::move(line));
  }
  return out;
}

std::string source_text(const Findings& findings) {
  switch (findings.source) {
    case Source::kHosts:
      return "/etc/hosts";
    case Source::kSpecial:
      return findings.note;
    case Source::kSystem:
      return "resolver system: libc is asked";
    case Source::kResolver:
      return "resolver \"" + findings.resolver + "\"";
  }
  return {};
}

std::string rule_text(const Policy& policy, const Findings& findings) {
  if (!findings.rule) return "";
  const auto& hosts = policy.rules[*findings.rule].hosts;
  const auto found = std::find_if(
      hosts.begin(), hosts.end(),
      [&](const auto& pattern) { return pattern.matches(findings.asked); });
  std::string out = fmt::format("rules[{}]", *findings.rule);
  if (found != hosts.end()) out += fmt::format(" by \"{}\"", to_string(*found));
  return out + ", ";
}

std::string connection_text(const happy::net::DotTimings& timings) {
  return fmt::format(
      "  from {}, {} {}, authenticated by {}\n"
      "  connect {:.1f} ms, handshake {:.1f} ms\n",
      timings.address, timings.tls_version, timings.cipher,
      timings.authenticated_by, milliseconds(timings.connect),
      milliseconds(timings.handshake));
}

// One line a type: the status where there are no records, and the time.
std::string result_text(const TypeResult& result) {
  std::string out;
  for (const Record& record : result.message.answers)
    out += fmt::format("  {:<6} {:>6} s  {}\n",
                       type_text(static_cast<uint16_t>(record.type)),
                       record.ttl_seconds, data_text(record));
  if (result.message.answers.empty()) {
    const Rcode rcode = result.message.rcode;
    out += fmt::format("  {:<6} {}\n", type_text(result.type),
                       rcode == Rcode::kNoError ? "no data" : to_string(rcode));
  }
  for (const std::string& line : extended_errors(result.message))
    out += fmt::format("         extended error {}\n", line);
  return out;
}

bool is_padded(const TypeResult& result) {
  return result.message.edns && result.message.edns->padded;
}

// RFC 8467: who reads along sees the length, padded or not. Questions always
// are.
std::string size_text(const TypeResult& result) {
  return fmt::format("{} octets, {}", result.octets,
                     is_padded(result) ? "padded"
                                       : "not padded: the length may tell what "
                                         "was asked");
}

Json result_json(const TypeResult& result) {
  Json out = {{"type", type_text(result.type)}};
  if (result.error) {
    out["error"] = result.error->text;
    return out;
  }
  out["rcode"] = to_string(result.message.rcode);
  out["records"] = Json::array();
  for (const Record& record : result.message.answers)
    out["records"].push_back(
        {{"name", record.owner.to_string()},
         {"type", type_text(static_cast<uint16_t>(record.type))},
         {"ttl", record.ttl_seconds},
         {"data", data_text(record)}});
  out["extended_errors"] = extended_errors(result.message);
  out["answer_ms"] = milliseconds(result.timings.answer);
  out["octets"] = result.octets;
  out["padded"] = is_padded(result);
  return out;
}

const TypeResult* first_answered(const Findings& findings) {
  for (const TypeResult& result : findings.results)
    if (!result.error) return &result;
  return nullptr;
}

}  // namespace

std::string findings_text(const Policy& policy, const Findings& findings) {
  std::string out =
      fmt::format("{}: {}{}\n", findings.asked, rule_text(policy, findings),
                  source_text(findings));
  for (const IpAddress& address : findings.addresses)
    out += fmt::format("  {}\n", address.to_string());
  for (const TypeResult& result : findings.results)
    if (!result.error) out += result_text(result);
  const TypeResult* answered = first_answered(findings);
  if (!answered) return out;
  out += connection_text(answered->timings);
  for (const TypeResult& result : findings.results)
    if (!result.error)
      out +=
          fmt::format("  answer for {} {:.1f} ms, {}\n", type_text(result.type),
                      milliseconds(result.timings.answer), size_text(result));
  return out;
}

std::string failure_text(const Findings& findings) {
  std::vector<std::string> lines = findings.failed_before;
  for (const TypeResult& result : findings.results)
    if (result.error) lines.push_back(result.error->text);
  if (findings.source == Source::kSystem && !findings.note.empty())
    lines.push_back("happyctl resolve: " + findings.asked + ": " +
                    findings.note);
  std::string out;
  // A and AAAA fail alike where the resolver does.
  for (size_t i = 0; i < lines.size(); ++i)
    if (std::find(lines.begin(), lines.begin() + static_cast<long>(i),
                  lines[i]) == lines.begin() + static_cast<long>(i))
      out += lines[i] + "\n";
  return out;
}

Json findings_json(const Policy&, const Findings& findings) {
  static constexpr const char* kSources[] = {"hosts", "special", "system",
                                             "dot"};
  Json out = {{"name", findings.asked},
              {"source", kSources[static_cast<size_t>(findings.source)]},
              {"rule", nullptr}};
  if (findings.rule) out["rule"] = *findings.rule;
  if (!findings.note.empty()) out["note"] = findings.note;
  if (findings.source != Source::kResolver) {
    out["addresses"] = Json::array();
    for (const IpAddress& address : findings.addresses)
      out["addresses"].push_back(address.to_string());
    return out;
  }
  out["resolver"] = findings.resolver;
  if (!findings.failed_before.empty())
    out["failed_before"] = findings.failed_before;
  if (const TypeResult* answered = first_answered(findings)) {
    const auto& timings = answered->timings;
    out["connection"] = {{"address", timings.address},
                         {"tls_version", timings.tls_version},
                         {"cipher", timings.cipher},
                         {"authenticated_by", timings.authenticated_by},
                         {"connect_ms", milliseconds(timings.connect)},
                         {"handshake_ms", milliseconds(timings.handshake)}};
  }
  out["results"] = Json::array();
  for (const TypeResult& result : findings.results)
    out["results"].push_back(result_json(result));
  return out;
}

}  // namespace happyctl
