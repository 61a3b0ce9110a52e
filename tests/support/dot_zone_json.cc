// The zone of a scripted DNS server from JSON text.
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/support/dot_zone.h"

namespace happy::test {
namespace {

using nlohmann::json;

int rcode_named(const json& value) {
  if (value.is_number()) return value.get<int>();
  static const std::map<std::string, int> kNames = {
      {"NOERROR", 0},  {"FORMERR", 1}, {"SERVFAIL", 2},
      {"NXDOMAIN", 3}, {"NOTIMP", 4},  {"REFUSED", 5}};
  const auto found = kNames.find(value.get<std::string>());
  if (found == kNames.end())
    throw std::runtime_error("no RCODE: " + value.dump());
  return found->second;
}

ReplyFault fault_named(const std::string& name) {
  static const std::map<std::string, ReplyFault> kNames = {
      {"drop", ReplyFault::kDrop},
      {"wrong_id", ReplyFault::kWrongId},
      {"wrong_question", ReplyFault::kWrongQuestion},
      {"unsolicited", ReplyFault::kUnsolicited},
      {"truncated", ReplyFault::kTruncated},
      {"short_rdata", ReplyFault::kShortRdata},
      {"empty", ReplyFault::kEmpty},
      {"one_octet", ReplyFault::kOneOctet},
      {"largest", ReplyFault::kLargest},
      {"pointer_loop", ReplyFault::kPointerLoop},
      {"off_chain", ReplyFault::kOffChain},
      {"close_inside", ReplyFault::kCloseInside},
      {"half_close", ReplyFault::kHalfClose},
      {"reset_inside", ReplyFault::kResetInside},
      {"twice", ReplyFault::kTwice},
      {"garbage", ReplyFault::kGarbage},
      {"close_before", ReplyFault::kCloseBefore},
      {"close_after", ReplyFault::kCloseAfter},
      {"reset", ReplyFault::kReset}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) throw std::runtime_error("no fault: " + name);
  return found->second;
}

uint16_t type_named(const std::string& name) {
  static const std::map<std::string, uint16_t> kNames = {
      {"A", 1}, {"TXT", 16}, {"AAAA", 28}, {"HTTPS", 65}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) throw std::runtime_error("no type: " + name);
  return found->second;
}

void parse_delay(const json& value, Entry* entry) {
  if (!value.is_object()) {
    entry->delay = std::chrono::milliseconds(value.get<int>());
    return;
  }
  for (const auto& [type, delay] : value.items()) {
    auto& slot = entry->delays[type_named(type)];
    if (!delay.is_null()) slot = std::chrono::milliseconds(delay.get<int>());
  }
}

Octets octets(const std::string& hex) {
  Octets out;
  for (size_t at = 0; at < hex.size(); at += 2) {
    const int octet = std::stoi(hex.substr(at, 2), nullptr, 16);
    out.push_back(static_cast<uint8_t>(octet));
  }
  return out;
}

// False: the key is no type with a list of records.
bool parse_records(const std::string& key, const json& value, Entry* entry) {
  if (key == "A") {
    for (const auto& text : value) entry->a(text);
  } else if (key == "AAAA") {
    for (const auto& text : value) entry->aaaa(text);
  } else if (key == "TXT") {
    for (const auto& text : value) entry->txt(text);
  } else if (key == "HTTPS") {
    for (const auto& text : value) entry->https(octets(text));
  } else {
    return false;
  }
  return true;
}

Entry parse_entry(const json& from) {
  Entry entry;
  for (const auto& [key, value] : from.items()) {
    if (parse_records(key, value, &entry)) continue;
    if (key == "CNAME") {
      entry.cname = value;
    } else if (key == "ttl") {
      entry.ttl = value;
    } else if (key == "rcode") {
      entry.rcode = rcode_named(value);
    } else if (key == "delay_ms") {
      parse_delay(value, &entry);
    } else if (key == "fault") {
      entry.fault = fault_named(value);
    } else if (key == "ede") {
      entry.ede = value.get<uint16_t>();
    } else if (key == "ede_text") {
      entry.ede_text = value;
    } else {
      throw std::runtime_error("unknown key in zone: " + key);
    }
  }
  return entry;
}

}  // namespace

Zone parse_zone(const std::string& text) {
  const json root = json::parse(text, nullptr, true, true);
  Zone zone;
  for (const auto& [key, value] : root.items()) {
    if (key == "names") {
      for (const auto& [name, entry] : value.items())
        zone.names[name] = parse_entry(entry);
    } else if (key == "negative_ttl") {
      if (value.is_null())
        zone.negative_ttl.reset();
      else
        zone.negative_ttl = value.get<uint32_t>();
    } else if (key == "keepalive") {
      zone.keepalive = value.get<uint16_t>();
    } else {
      throw std::runtime_error("unknown key: " + key);
    }
  }
  return zone;
}

}  // namespace happy::test
