// One look-up of a host name over a resolver as a pure state machine: events
// and the time in, actions out. It walks a search list, asks for both families
// at once (RFC 8305 section 3) and decides when to answer. It neither knows
// where a question goes nor what is cached: who performs an Ask may reply at
// once from a cache, a hosts file or special.h. Late and duplicate events are
// legal and ignored.
//
//   Begin ──> asking name 0 ──negative──> asking name 1 ... ──> Failed
//                │  │ │                                          ^
//                │  │ └── resolve time-out, transport failure ───┤ no
//                │  └──── silence ──> an expired answer at hand? ┘
//           one positive ──Resolution Delay──┐    │ yes
//                                            └────┴──> Answered ──> Late* ──>
//                                            over
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"
#include "core/dns/answer.h"
#include "core/dns/search.h"

namespace happy::dns {

struct ResolutionSettings {
  Duration resolve_timeout{5'000'000};
  // RFC 8305 section 3: how long the other family is waited for once the
  // family that is not preferred has answered.
  Duration resolution_delay{50'000};
  // How long the other family is waited for, at least, once the preferred
  // family has answered. 0 by RFC 8305; more keeps lists whole for programs
  // that use them otherwise than for a race. One round trip and a half is
  // waited for in any case, but no longer than resolution_delay: a server
  // without TCP_NODELAY holds its second answer until the first is
  // acknowledged.
  Duration preferred_first_delay{0};
  Family preferred = Family::kIpv6;
  // One of the wanted families that is asked for a race's sake alone: it joins
  // what the others give, but is neither waited for nor answer or failure by
  // itself.
  std::optional<Family> extra{};
  // After how long without any answer an expired one is taken: RFC 8767 section
  // 5's client response timer. A failure is followed by it at once.
  Duration stale_after{1'800'000};

  bool operator==(const ResolutionSettings&) const = default;
};

// Why a question got no reply at all.
enum class QueryFailure : uint8_t { kTimeout, kTransport, kAuthentication };

// How a look-up fails; the engine maps it to getaddrinfo(3)'s errors.
enum class FailureKind : uint8_t {
  kNoName,    // NXDOMAIN; as glibc says also an alias without addresses
  kNoData,    // the name exists without addresses of the wanted families
  kTryAgain,  // SERVFAIL, malformed, time-out, transport, authentication
  kFail,      // FORMERR, NOTIMP, REFUSED
};
std::string_view to_string(FailureKind kind);
// `status` is not kAddresses.
FailureKind failure_kind(AnswerStatus status);

// Events.
struct BeginResolution {};
struct Reply {
  size_t name_index;
  Type type;  // kA or kAaaa
  Answer answer;
  Duration round_trip{};  // to who answered; 0: unknown
};
// An answer to the question whose time is over, positive, before Reply or
// QueryFailed. It serves where the resolver fails.
struct Expired {
  size_t name_index;
  Type type;
  Answer answer;
};
struct QueryFailed {
  size_t name_index;
  Type type;
  QueryFailure cause;
};
struct ResolutionTick {};  // WakeAt's time has come (or is thought to have)
using ResolutionEvent =
    std::variant<BeginResolution, Reply, Expired, QueryFailed, ResolutionTick>;

// Actions.
struct Ask {
  size_t name_index;  // into SearchList::names
  Type type;          // kA or kAaaa
  bool operator==(const Ask&) const = default;
};
// Replaces the previous one; nothing is pending where a step gives none.
struct ResolutionWakeAt {
  Time time;
  bool operator==(const ResolutionWakeAt&) const = default;
};
// Comes once. `addresses`: the preferred family first. `pending`: the families
// whose answers may still come; for each exactly one Late follows. `stale`: an
// expired answer is among the addresses.
struct Answered {
  size_t name_index;
  Name canonical;
  std::vector<IpAddress> addresses;
  std::vector<Family> pending;
  bool stale = false;
  std::vector<Name> aliases = {};  // of `canonical`, from the name asked on
  bool operator==(const Answered&) const = default;
};
// A family after Answered: its addresses, or none where it failed or the
// resolve time-out has passed.
struct Late {
  Family family;
  std::vector<IpAddress> addresses;
  bool operator==(const Late&) const = default;
};
// Comes once, instead of Answered. `cause`: where a question without reply, or
// the resolve time-out, ended the look-up.
struct LookupFailed {
  FailureKind kind;
  std::optional<QueryFailure> cause;
  bool operator==(const LookupFailed&) const = default;
};
using ResolutionAction =
    std::variant<Ask, ResolutionWakeAt, Answered, Late, LookupFailed>;

class Resolution {
 public:
  // `wanted` without duplicates; an empty list of names or families fails with
  // kNoName at the beginning.
  Resolution(SearchList names, const std::vector<Family>& wanted,
             const ResolutionSettings& settings);

  // Any number of actions, to be performed in order. `now` never goes back.
  std::vector<ResolutionAction> step(const ResolutionEvent& event, Time now);

  // Nothing will come any more.
  bool over() const { return state_ == State::kOver; }
  const Name& name(size_t index) const { return names_.names.at(index); }

 private:
  enum class State : uint8_t { kNew, kAsking, kAnswered, kOver };
  struct Pending {};
  using Result = std::variant<Pending, Answer, QueryFailure>;
  struct Slot {
    Family family;
    bool extra = false;  // see ResolutionSettings
    Result result;
    std::optional<Answer> expired = {};
    bool told = false;  // in Answered or by Late
    // What there is to answer with: the reply, or the expired answer where
    // there is none or it is a failure.
    const Answer* usable() const;
    bool is_pending() const { return std::holds_alternative<Pending>(result); }
  };

  void on(const BeginResolution&, Time now);
  void on(const Reply& event, Time now);
  void on(const Expired& event, Time now);
  void on(const QueryFailed& event, Time now);
  void on(const ResolutionTick&, Time) {}  // decide() looks at the time
  void take(size_t name_index, Type type, Result result, Time now);
  void tell_late(Slot* slot);
  bool expired_at_hand() const;
  void ask(size_t name_index, Time now);
  void decide(Time now);
  void decide_negative(Time now);
  void walk_on(AnswerStatus status, Time now);
  void answer();
  void fail(FailureKind kind, std::optional<QueryFailure> cause = {});
  void expire();
  bool any_pending() const;
  AnswerStatus combined_status() const;
  std::optional<QueryFailure> query_failure() const;
  Slot* pending_slot_of(Type type);

  SearchList names_;
  ResolutionSettings settings_;
  std::vector<Slot> slots_;  // the wanted families, the preferred one first
  State state_ = State::kNew;
  size_t current_ = 0;
  Time deadline_{};
  std::optional<Time> answer_at_;  // set by the first positive answer
  Time stale_at_{};                // when expired answers serve
  Duration round_trip_{};          // of the latest reply
  // What the search list has met so far, as res_search(3) remembers it.
  std::optional<FailureKind> as_is_first_;
  bool met_no_data_ = false;
  bool met_server_failure_ = false;
  bool list_given_up_ = false;  // only the name as it is may still be tried
  std::vector<ResolutionAction> out_;
};

}  // namespace happy::dns
