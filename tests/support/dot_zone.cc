#include "tests/support/dot_zone.h"

#include <arpa/inet.h>

#include <algorithm>
#include <stdexcept>

namespace happy::test {
namespace {

constexpr uint16_t kSoa = 6, kA = 1, kCname = 5, kTxt = 16, kAaaa = 28,
                   kOpt = 41, kHttps = 65;
constexpr uint16_t kOptionEcs = 8, kOptionKeepalive = 11, kOptionEde = 15;

void put16(Octets* out, unsigned value) {
  out->push_back(static_cast<uint8_t>(value >> 8));
  out->push_back(static_cast<uint8_t>(value));
}

void put32(Octets* out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

void append(Octets* out, const Octets& more) {
  out->insert(out->end(), more.begin(), more.end());
}

unsigned get16(const Octets& in, size_t at) {
  return at + 2 <= in.size() ? in[at] << 8 | in[at + 1] : 0;
}

void put_record(Octets* out, const std::string& owner, uint16_t type,
                uint32_t ttl, const Octets& rdata) {
  append(out, encode_name(owner));
  put16(out, type);
  put16(out, 1);
  put32(out, ttl);
  put16(out, static_cast<unsigned>(rdata.size()));
  append(out, rdata);
}

Octets address_octets(int family, const std::string& text) {
  Octets out(family == AF_INET ? 4 : 16);
  if (inet_pton(family, text.c_str(), out.data()) != 1)
    throw std::runtime_error("not an address: " + text);
  return out;
}

void read_options(const Octets& message, size_t at, size_t end, Question* out) {
  while (at + 4 <= end) {
    const unsigned code = get16(message, at), size = get16(message, at + 2);
    if (code == kOptionKeepalive) out->keepalive = true;
    if (code == kOptionEcs && size >= 4 && message[at + 6] == 0)
      out->ecs_opt_out = true;
    at += 4 + size;
  }
}

Octets soa(uint32_t minimum) {
  Octets out = encode_name("ns.invalid");
  append(&out, encode_name("hostmaster.invalid"));
  for (uint32_t value : {1u, 3600u, 600u, 86400u, minimum}) put32(&out, value);
  return out;
}

Octets opt_rdata(const Zone& zone, const Question& question,
                 const Entry* entry) {
  Octets out;
  if (zone.keepalive && question.keepalive) {
    put16(&out, kOptionKeepalive);
    put16(&out, 2);
    put16(&out, *zone.keepalive);
  }
  if (entry && entry->ede) {
    put16(&out, kOptionEde);
    put16(&out, static_cast<unsigned>(2 + entry->ede_text.size()));
    put16(&out, *entry->ede);
    out.insert(out.end(), entry->ede_text.begin(), entry->ede_text.end());
  }
  return out;
}

}  // namespace

Octets encode_name(const std::string& name) {
  Octets out;
  size_t start = 0;
  while (start < name.size()) {
    const size_t dot = std::min(name.find('.', start), name.size());
    out.push_back(static_cast<uint8_t>(dot - start));
    out.insert(out.end(), name.begin() + static_cast<long>(start),
               name.begin() + static_cast<long>(dot));
    start = dot + 1;
  }
  out.push_back(0);
  return out;
}

std::optional<Question> parse_query(const Octets& message) {
  if (message.size() < 17 || (message[2] & 0x80) || get16(message, 4) != 1)
    return std::nullopt;
  Question out;
  out.id = static_cast<uint16_t>(get16(message, 0));
  out.message_size = message.size();
  size_t at = 12;
  while (at < message.size() && message[at]) {
    const size_t size = message[at];
    if (size > 63 || at + 1 + size >= message.size()) return std::nullopt;
    if (!out.name.empty()) out.name += '.';
    for (size_t i = 1; i <= size; ++i)
      out.name += static_cast<char>(tolower(message[at + i]));
    at += 1 + size;
  }
  if (at + 5 > message.size()) return std::nullopt;
  out.type = static_cast<uint16_t>(get16(message, at + 1));
  at += 5;
  out.raw.assign(message.begin() + 12, message.begin() + static_cast<long>(at));
  if (get16(message, 10) >= 1 && at + 11 <= message.size() &&
      message[at] == 0 && get16(message, at + 1) == kOpt) {
    out.edns = true;
    read_options(message, at + 11, message.size(), &out);
  }
  return out;
}

Entry& Entry::a(const std::string& address) {
  records[kA].push_back(address_octets(AF_INET, address));
  return *this;
}

Entry& Entry::aaaa(const std::string& address) {
  records[kAaaa].push_back(address_octets(AF_INET6, address));
  return *this;
}

Entry& Entry::txt(const std::string& text) {
  Octets out;
  out.push_back(static_cast<uint8_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
  records[kTxt].push_back(out);
  return *this;
}

std::optional<std::chrono::milliseconds> Entry::delay_of(uint16_t type) const {
  const auto found = delays.find(type);
  return found == delays.end() ? delay : found->second;
}

Entry& Entry::https(const Octets& rdata) {
  records[kHttps].push_back(rdata);
  return *this;
}

const Entry* Zone::find(const std::string& name) const {
  const auto found = names.find(name);
  return found == names.end() ? nullptr : &found->second;
}

Octets Zone::reply(const Question& question) const {
  const Entry* asked = find(question.name);
  Octets answers;
  unsigned count = 0;
  std::string owner = question.name;
  const Entry* entry = asked;
  for (int links = 0;
       entry && !entry->cname.empty() && question.type != kCname && links < 40;
       ++links) {
    put_record(&answers, owner, kCname, entry->ttl, encode_name(entry->cname));
    ++count;
    owner = entry->cname;
    entry = find(owner);
  }
  if (entry) {
    const auto found = entry->records.find(question.type);
    if (found != entry->records.end())
      for (const Octets& rdata : found->second) {
        put_record(&answers, owner, question.type, entry->ttl, rdata);
        ++count;
      }
  }
  int rcode = asked && entry ? entry->rcode : 3;
  if (entry && !entry->is_odd_for(question.type)) rcode = 0;
  const bool negative = count == 0 && (rcode == 0 || rcode == 3);

  Octets out;
  put16(&out, question.id);
  put16(&out, 0x8180u | static_cast<unsigned>(rcode & 15));
  put16(&out, 1);
  put16(&out, count);
  put16(&out, negative && negative_ttl ? 1 : 0);
  put16(&out, question.edns ? 1 : 0);
  append(&out, question.raw);
  append(&out, answers);
  if (negative && negative_ttl)
    put_record(&out, "", kSoa, *negative_ttl, soa(*negative_ttl));
  if (question.edns) {
    const Octets options = opt_rdata(*this, question, asked);
    out.push_back(0);
    put16(&out, kOpt);
    put16(&out, 1232);
    put32(&out, 0);
    put16(&out, static_cast<unsigned>(options.size()));
    append(&out, options);
  }
  return out;
}

}  // namespace happy::test
