// A DotSession on virtual time for its tests: steps, replies to what was sent.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "core/dns/dot_session.h"

namespace happy::dot {

using dns::decode;
using dns::kClassIn;
using dns::Name;
using dns::Question;
using dns::Type;
using dns::Writer;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

inline const Time kT0{1h};
constexpr ConnectionId kFirst{1}, kSecond{2}, kThird{3};
constexpr QueryId kQuery{7}, kOther{8};
constexpr Duration kPatience = 5s;

inline Question question(const std::string& name = "a.example") {
  return {*Name::parse(name), Type::kA, kClassIn};
}

// An empty reply to a query as it was sent, with the keepalive option if asked.
inline std::vector<uint8_t> reply_to(const Send& sent, int keepalive = -1) {
  const auto asked = decode(std::span<const uint8_t>(sent.octets).subspan(2));
  Writer out;
  out.u16(asked->header.id);
  out.u16(0x8180);
  out.u16(1);
  out.u16(0);
  out.u16(0);
  out.u16(keepalive >= 0);
  asked->questions[0].name.write(out);
  out.u16(static_cast<uint16_t>(asked->questions[0].type));
  out.u16(kClassIn);
  if (keepalive >= 0) {
    out.u8(0);
    out.u16(41);
    out.u16(1232);
    out.u32(0);
    out.u16(6);
    out.u16(11);
    out.u16(2);
    out.u16(static_cast<uint16_t>(keepalive));
  }
  return std::move(out).finish();
}

class DotSessionTest : public ::testing::Test {
 protected:
  explicit DotSessionTest(DotSettings settings = {})
      : session_(settings, [this] { return next_id_++; }) {}

  // Steps and returns the actions but WakeAt, which goes to wake_.
  std::vector<DotAction> step(const DotEvent& event, Duration at) {
    wake_.reset();
    std::vector<DotAction> out = session_.step(event, kT0 + at);
    if (!out.empty())
      if (const auto* wake = std::get_if<WakeAt>(&out.back())) {
        wake_ = wake->time - kT0;
        out.pop_back();
      }
    return out;
  }

  Ask ask(QueryId id = kQuery, const std::string& name = "a.example",
          Duration deadline = kPatience) {
    return {id, question(name), kT0 + deadline};
  }

  // Asks kQuery, is connected after 20 ms; the query as sent.
  Send asked_and_sent() {
    (void)step(ask(), 0ms);
    const auto out = step(Established{kFirst}, 20ms);
    EXPECT_EQ(1u, out.size());
    return std::get<Send>(out.at(0));
  }

  uint16_t next_id_ = 100;
  DotSession session_;
  std::optional<Duration> wake_;
};

// The wire form of what a step sent, which is expected to be one query.
inline Send only_send(const std::vector<DotAction>& actions) {
  std::vector<Send> sent;
  for (const DotAction& action : actions)
    if (const auto* one = std::get_if<Send>(&action)) sent.push_back(*one);
  EXPECT_EQ(1u, sent.size());
  return sent.empty() ? Send{} : sent.front();
}

class TwoAddresses : public DotSessionTest {
 protected:
  TwoAddresses() : DotSessionTest({.addresses = 2}) {}
};

}  // namespace happy::dot
