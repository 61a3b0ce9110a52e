#include "core/dns/resolution.h"

#include <algorithm>
#include <utility>

namespace happy::dns {
namespace {

constexpr Type type_of(Family family) {
  return family == Family::kIpv4 ? Type::kA : Type::kAaaa;
}

}  // namespace

std::string_view to_string(FailureKind kind) {
  switch (kind) {
    case FailureKind::kNoName:
      return "no such name";
    case FailureKind::kNoData:
      return "no addresses";
    case FailureKind::kTryAgain:
      return "try again";
    case FailureKind::kFail:
      return "refused";
  }
  return "";
}

FailureKind failure_kind(AnswerStatus status) {
  switch (status) {
    case AnswerStatus::kNoName:
    case AnswerStatus::kDeadAlias:
      return FailureKind::kNoName;
    case AnswerStatus::kAddresses:
    case AnswerStatus::kServices:
    case AnswerStatus::kNoData:
      return FailureKind::kNoData;
    case AnswerStatus::kRefused:
      return FailureKind::kFail;
    case AnswerStatus::kServerFailure:
    case AnswerStatus::kMalformed:
      break;
  }
  return FailureKind::kTryAgain;
}

Resolution::Resolution(SearchList names, const std::vector<Family>& wanted,
                       const ResolutionSettings& settings)
    : names_(std::move(names)), settings_(settings) {
  for (const Family family : wanted)
    slots_.push_back({.family = family,
                      .extra = family == settings.extra,
                      .result = Pending{}});
  std::stable_sort(slots_.begin(), slots_.end(),
                   [&](const Slot& a, const Slot& b) {
                     return a.family == settings_.preferred &&
                            b.family != settings_.preferred;
                   });
}

std::vector<ResolutionAction> Resolution::step(const ResolutionEvent& event,
                                               Time now) {
  std::visit([&](const auto& e) { on(e, now); }, event);
  if (state_ == State::kAsking) decide(now);
  if (now >= deadline_) expire();
  if (state_ == State::kAsking) {
    Time wake = answer_at_.value_or(deadline_);
    if (expired_at_hand()) wake = std::min(wake, std::max(stale_at_, now));
    out_.emplace_back(ResolutionWakeAt{wake});
  } else if (state_ == State::kAnswered) {
    out_.emplace_back(ResolutionWakeAt{deadline_});
  }
  return std::exchange(out_, {});
}

void Resolution::on(const BeginResolution&, Time now) {
  if (state_ != State::kNew) return;
  deadline_ = now + settings_.resolve_timeout;
  if (names_.names.empty() || slots_.empty()) {
    return fail(FailureKind::kNoName);
  }
  state_ = State::kAsking;
  ask(0, now);
}

void Resolution::on(const Reply& event, Time now) {
  round_trip_ = event.round_trip;
  take(event.name_index, event.type, event.answer, now);
}

void Resolution::on(const Expired& event, Time) {
  Slot* const slot = pending_slot_of(event.type);
  if (state_ != State::kAsking || event.name_index != current_ ||
      slot == nullptr || !event.answer.is_positive())
    return;
  slot->expired = event.answer;
}

void Resolution::on(const QueryFailed& event, Time now) {
  take(event.name_index, event.type, event.cause, now);
}

void Resolution::take(size_t name_index, Type type, Result result, Time now) {
  if (state_ != State::kAsking && state_ != State::kAnswered) return;
  Slot* const slot = pending_slot_of(type);
  if (name_index != current_ || slot == nullptr) return;
  slot->result = std::move(result);
  if (state_ == State::kAnswered) return tell_late(slot);
  const auto* reply = std::get_if<Answer>(&slot->result);
  if (slot->extra || reply == nullptr || !reply->is_positive() || answer_at_)
    return;
  Duration delay = settings_.resolution_delay;
  if (slot->family == settings_.preferred) {
    delay = std::min(delay, std::max(settings_.preferred_first_delay,
                                     round_trip_ + round_trip_ / 2));
  }
  answer_at_ = std::min(deadline_, now + delay);
}

void Resolution::tell_late(Slot* slot) {
  const auto* reply = std::get_if<Answer>(&slot->result);
  out_.emplace_back(Late{slot->family, reply != nullptr
                                           ? reply->addresses
                                           : std::vector<IpAddress>{}});
  slot->told = true;
  const bool all = std::all_of(slots_.begin(), slots_.end(),
                               [](const Slot& one) { return one.told; });
  if (all) state_ = State::kOver;
}

// RFC 8767 section 5: NXDOMAIN and an empty answer are answers; a failure is
// none.
const Answer* Resolution::Slot::usable() const {
  const auto* reply = std::get_if<Answer>(&result);
  const Answer* const old = expired ? &*expired : nullptr;
  if (reply == nullptr) return old;
  return reply->is_failure() && old != nullptr ? old : reply;
}

bool Resolution::expired_at_hand() const {
  for (const Slot& slot : slots_) {
    const auto* reply = std::get_if<Answer>(&slot.result);
    if (reply != nullptr && reply->status == AnswerStatus::kNoName)
      return false;  // the name is gone, whatever its other family was
  }
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return !slot.extra && slot.expired && slot.usable() == &*slot.expired;
  });
}

// RFC 8305 section 3: both queries leave at once, AAAA first.
void Resolution::ask(size_t name_index, Time now) {
  current_ = name_index;
  stale_at_ = std::min(now + settings_.stale_after, deadline_);
  for (Slot& slot : slots_) {
    slot.result = Pending{};
    slot.expired.reset();
    out_.emplace_back(Ask{name_index, type_of(slot.family)});
  }
}

// With something in hand: answers when nothing is waited for any more. A
// negative answer of the other family ends the wait. Expired answers serve when
// no resolver answers, or none does in time.
void Resolution::decide(Time now) {
  const bool all_in = !any_pending();
  if (answer_at_) {
    if (all_in || now >= *answer_at_) answer();
  } else if (expired_at_hand() && (all_in || now >= stale_at_)) {
    answer();
  } else if (all_in) {
    decide_negative(now);
  }
}

void Resolution::answer() {
  Answered out{
      .name_index = current_, .canonical = {}, .addresses = {}, .pending = {}};
  // A list with a fresh answer is not mixed with an expired one.
  const bool stale = !answer_at_;
  for (Slot& slot : slots_) {
    slot.told = !slot.is_pending();
    if (slot.is_pending()) out.pending.push_back(slot.family);
    const auto* reply =
        stale ? slot.usable() : std::get_if<Answer>(&slot.result);
    if (reply == nullptr || !reply->is_positive()) continue;
    if (out.addresses.empty()) {
      out.canonical = reply->canonical;
      out.aliases = reply->aliases;
    }
    out.addresses.insert(out.addresses.end(), reply->addresses.begin(),
                         reply->addresses.end());
  }
  out.stale = stale;
  state_ = out.pending.empty() ? State::kOver : State::kAnswered;
  out_.emplace_back(std::move(out));
}

// A question that got no reply ends the look-up: asking the next name of the
// list could only wait again, and a name found there would not be the one that
// was meant.
void Resolution::decide_negative(Time now) {
  if (const auto cause = query_failure()) {
    return fail(FailureKind::kTryAgain, cause);
  }
  walk_on(combined_status(), now);
}

// As res_search(3): after "no name", "no data" and SERVFAIL the next name is
// tried; after anything else only the name as it is, if it was not tried yet.
void Resolution::walk_on(AnswerStatus status, Time now) {
  // A reply that has records ends the search.
  if (status == AnswerStatus::kDeadAlias) return fail(failure_kind(status));
  const FailureKind kind = failure_kind(status);
  const bool as_is = names_.as_is == current_;
  if (as_is && current_ == 0) {
    as_is_first_ = kind;
  } else if (!as_is) {
    met_no_data_ |= status == AnswerStatus::kNoData;
    met_server_failure_ |= status == AnswerStatus::kServerFailure;
    list_given_up_ |=
        status == AnswerStatus::kRefused || status == AnswerStatus::kMalformed;
  }
  if (list_given_up_ && names_.as_is && *names_.as_is > current_) {
    return ask(*names_.as_is, now);
  }
  if (!list_given_up_ && current_ + 1 < names_.names.size()) {
    return ask(current_ + 1, now);
  }
  if (as_is_first_) return fail(*as_is_first_);
  if (met_no_data_) return fail(FailureKind::kNoData);
  if (met_server_failure_) return fail(FailureKind::kTryAgain);
  fail(kind);
}

// As getaddrinfo(3) of glibc joins two negative replies: what is known of the
// name outranks a failure, and "no such name" outranks "no data". Two failures:
// A's.
AnswerStatus Resolution::combined_status() const {
  std::optional<AnswerStatus> a, first;
  bool no_data = false, dead_alias = false;
  for (const Slot& slot : slots_) {
    const auto* reply = std::get_if<Answer>(&slot.result);
    if (slot.extra || reply == nullptr) continue;
    if (reply->status == AnswerStatus::kNoName) return AnswerStatus::kNoName;
    no_data |= reply->status == AnswerStatus::kNoData;
    dead_alias |= reply->status == AnswerStatus::kDeadAlias;
    if (slot.family == Family::kIpv4) a = reply->status;
    if (!first) first = reply->status;
  }
  if (dead_alias) return AnswerStatus::kDeadAlias;
  if (no_data || !first) return AnswerStatus::kNoData;
  return a.value_or(*first);
}

std::optional<QueryFailure> Resolution::query_failure() const {
  for (const Slot& slot : slots_) {
    const auto* cause = std::get_if<QueryFailure>(&slot.result);
    if (!slot.extra && cause != nullptr) return *cause;
  }
  return std::nullopt;
}

void Resolution::fail(FailureKind kind, std::optional<QueryFailure> cause) {
  out_.emplace_back(LookupFailed{kind, cause});
  state_ = State::kOver;
}

// The resolve time-out has passed. What was in hand has been answered by
// decide(), for no wait goes beyond the deadline.
void Resolution::expire() {
  if (state_ == State::kAnswered) {
    for (Slot& slot : slots_)
      if (!slot.told) tell_late(&slot);
  } else if (state_ == State::kAsking) {
    out_.clear();  // questions that could not be answered in time any more
    fail(FailureKind::kTryAgain, QueryFailure::kTimeout);
  }
}

bool Resolution::any_pending() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    return !slot.extra && slot.is_pending();
  });
}

Resolution::Slot* Resolution::pending_slot_of(Type type) {
  for (Slot& slot : slots_) {
    if (type_of(slot.family) == type &&
        std::holds_alternative<Pending>(slot.result)) {
      return &slot;
    }
  }
  return nullptr;
}

}  // namespace happy::dns
