// Builds the bytes of DNS replies for tests, good ones and, by raw octets, bad
// ones. Names are written uncompressed.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>
#include <vector>

#include "core/dns/message.h"

namespace happy::dns {

inline Name test_name(std::string_view text) {
  const auto parsed = Name::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value_or(Name());
}

class MessageBuilder {
 public:
  explicit MessageBuilder(uint16_t id = 0x1234, uint16_t flags = 0x8180) {
    writer_.u16(id);
    writer_.u16(flags);
    writer_.zeros(8);
  }
  MessageBuilder& question(std::string_view name, Type type) {
    count(4);
    test_name(name).write(writer_);
    writer_.u16(static_cast<uint16_t>(type));
    writer_.u16(kClassIn);
    return *this;
  }
  // The sections must be filled in the order of the message.
  MessageBuilder& answers() { return section(6); }
  MessageBuilder& authorities() { return section(8); }
  MessageBuilder& additionals() { return section(10); }

  MessageBuilder& record(std::string_view owner, Type type, uint32_t ttl,
                         std::vector<uint8_t> rdata,
                         uint16_t record_class = kClassIn) {
    count(section_);
    test_name(owner).write(writer_);
    writer_.u16(static_cast<uint16_t>(type));
    writer_.u16(record_class);
    writer_.u32(ttl);
    writer_.u16(static_cast<uint16_t>(rdata.size()));
    writer_.bytes(rdata);
    return *this;
  }
  MessageBuilder& address(std::string_view owner, std::string_view text,
                          uint32_t ttl = 300) {
    const auto ip = IpAddress::parse(text);
    EXPECT_TRUE(ip.has_value()) << text;
    const bool v4 = ip->family == Family::kIpv4;
    return record(owner, v4 ? Type::kA : Type::kAaaa, ttl,
                  {ip->bytes.begin(), ip->bytes.begin() + (v4 ? 4 : 16)});
  }
  MessageBuilder& cname(std::string_view owner, std::string_view target,
                        uint32_t ttl = 300) {
    return record(owner, Type::kCname, ttl, wire(target));
  }
  MessageBuilder& soa(std::string_view owner, uint32_t ttl, uint32_t minimum) {
    Writer rdata;
    test_name("ns." + std::string(owner)).write(rdata);
    test_name("root." + std::string(owner)).write(rdata);
    for (const uint32_t field : {1u, 2u, 3u, 4u, minimum}) rdata.u32(field);
    return record(owner, Type::kSoa, ttl, std::move(rdata).finish());
  }
  MessageBuilder& opt(std::vector<uint8_t> options, uint32_t ttl = 0) {
    return record(".", Type::kOpt, ttl, std::move(options), 1232);
  }
  std::vector<uint8_t> bytes() {
    Writer copy = writer_;
    return std::move(copy).finish();
  }
  Message message() {
    const auto decoded = decode(bytes());
    EXPECT_TRUE(decoded.has_value());
    return decoded.value_or(Message());
  }
  static std::vector<uint8_t> wire(std::string_view name) {
    Writer writer;
    test_name(name).write(writer);
    return std::move(writer).finish();
  }

 private:
  MessageBuilder& section(size_t counter_at) {
    section_ = counter_at;
    return *this;
  }
  void count(size_t counter_at) {
    writer_.patch_u16(counter_at, ++counts_[counter_at]);
  }

  Writer writer_;
  size_t section_ = 6;
  uint16_t counts_[12] = {};
};

}  // namespace happy::dns
