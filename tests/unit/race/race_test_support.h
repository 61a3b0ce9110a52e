// Words shared by the tests of the race: endpoints, times and the expected
// actions in short form.
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "core/race/race.h"

namespace happy::race {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""s;
using testing::ElementsAre;
using testing::IsEmpty;

using Actions = std::vector<Action>;
using Endpoints = std::vector<Endpoint>;

inline constexpr Time kT0{Duration{1'000'000'000}};

inline Endpoint v4(uint8_t n) { return {IpAddress::v4(192, 0, 2, n), 443}; }
inline Endpoint v6(uint8_t n) {
  Endpoint endpoint{*IpAddress::parse("2001:db8::"), 443};
  endpoint.address.bytes[15] = n;
  return endpoint;
}

inline Action start(uint32_t id, const Endpoint& endpoint) {
  return StartAttempt{AttemptId{id}, endpoint};
}
inline Action cancel(uint32_t id) { return CancelAttempt{AttemptId{id}}; }
inline Action won(uint32_t id) { return Won{AttemptId{id}}; }
inline Action look(uint32_t id) { return LookAtSyn{AttemptId{id}}; }
inline Event retransmitted(uint32_t id) { return Retransmitted{AttemptId{id}}; }
inline Action wake(Time time) { return WakeAt{time}; }
inline Event connected(uint32_t id) { return Connected{AttemptId{id}}; }
inline Event failed(uint32_t id) { return Failed{AttemptId{id}}; }

inline void PrintTo(const Action& action, std::ostream* out) {
  struct Printer {
    std::ostream& out;
    void operator()(const StartAttempt& a) {
      out << "start " << uint32_t(a.attempt) << " " << a.endpoint.to_string();
    }
    void operator()(const CancelAttempt& a) {
      out << "cancel " << uint32_t(a.attempt);
    }
    void operator()(const LookAtSyn& a) {
      out << "look at " << uint32_t(a.attempt);
    }
    void operator()(const WakeAt& a) {
      out << "wake at " << (a.time - kT0).count() << " us";
    }
    void operator()(const Won& a) { out << "won " << uint32_t(a.attempt); }
    void operator()(const AllFailed&) { out << "all failed"; }
    void operator()(const TimedOut&) { out << "timed out"; }
  };
  std::visit(Printer{*out}, action);
}

}  // namespace happy::race

// Actions are printed by argument-dependent look-up of the variant's members.
namespace std {
inline void PrintTo(const happy::race::Action& action, ostream* out) {
  happy::race::PrintTo(action, out);
}
}  // namespace std
