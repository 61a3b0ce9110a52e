// What the files of the shared state say, as text and back: answers of
// resolvers, and what is known of a network's addresses. JSON, one object a
// file, with its format's number; whoever reads believes nothing that does not
// fit. Pure: the caller has the files and the clocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/policy.h"
#include "core/base/time.h"
#include "core/dns/answer.h"
#include "core/dns/resolver_health.h"
#include "core/state/address_history.h"

namespace happy::state {

// Times of files are microseconds since the boot, time asleep included, and
// good for that boot alone (CLOCK_BOOTTIME, /proc/sys/kernel/random/boot_id).
struct SharedClock {
  std::string boot;
  // To be added to a Time of this process.
  Duration offset{};
};

// Who is asked, and how it proves to be that: answers that came in another way
// are no answers.
std::string identity_of(const config::Resolver& resolver);

struct AnswerKey {
  std::string resolver;  // identity_of()
  dns::Name name;
  dns::Type type;  // A or AAAA
};
struct SharedAnswer {
  dns::Answer answer;  // with its whole ttl
  Time stored{};
};

// "answer.1.0123456789abcdef": format and key in short. The text has the whole
// key.
std::string file_name(const AnswerKey& key);
// Of answers with a ttl that are no failures.
std::string to_text(const AnswerKey& key, const SharedAnswer& answer,
                    const SharedClock& clock);
// nullopt: of another key or boot, or not what to_text() gives.
std::optional<SharedAnswer> answer_of(std::string_view text,
                                      const AnswerKey& key,
                                      const SharedClock& clock);

std::string file_name(NetworkId network);
std::string to_text(const HistorySnapshot& history, const SharedClock& clock);
std::optional<HistorySnapshot> history_of(std::string_view text,
                                          NetworkId network,
                                          const SharedClock& clock);

// What is known of a resolver on one network.
struct ResolverKey {
  std::string resolver;  // identity_of()
  NetworkId network;
};
std::string file_name(const ResolverKey& key);
std::string to_text(const ResolverKey& key,
                    const dns::ResolverKnowledge& knowledge,
                    const SharedClock& clock);
std::optional<dns::ResolverKnowledge> knowledge_of(std::string_view text,
                                                   const ResolverKey& key,
                                                   const SharedClock& clock);

// A TLS session ticket. Both are octets; the file that holds it is one of a few
// for its key, by number.
struct SharedTicket {
  std::string key, ticket;
  Time stored{};
};
constexpr unsigned kTicketsOfOneKey = 4;
std::string ticket_file_name(std::string_view key, unsigned number);
std::string to_text(const SharedTicket& ticket, const SharedClock& clock);
std::optional<SharedTicket> ticket_of(std::string_view text,
                                      std::string_view key,
                                      const SharedClock& clock);

// Whether the text is a record of this format, whatever its key and boot.
bool is_record(std::string_view text);

}  // namespace happy::state
