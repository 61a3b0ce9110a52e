// Finds the endpoints that the HTTPS records of one name lead to (RFC 9460
// section 3), as a pure state machine: answers in, further questions out. It
// follows aliases and asks for the addresses of other targets, within bounds.
// Where a question goes and what is cached it does not know, nor which of the
// endpoints the caller may use.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/ip.h"
#include "core/dns/answer.h"

namespace happy::dns {

struct ServiceQuestion {
  Name name;
  Type type;  // kHttps, kA or kAaaa
  bool operator==(const ServiceQuestion&) const = default;
};

// Addresses at one port.
struct Alternative {
  std::optional<uint16_t> port;  // none: that of the connect()
  std::vector<IpAddress> addresses;
  // The addresses of the name itself belong to it as well.
  bool own = false;
  bool operator==(const Alternative&) const = default;
};

class ServiceLookup {
 public:
  static constexpr size_t kMaxAliases = 8;
  // Names whose addresses the records of one name may have us ask for.
  static constexpr size_t kMaxTargets = 4;

  // `wanted`: the families that may be of use.
  ServiceLookup(Name name, const std::vector<Family>& wanted);

  // The first questions.
  std::vector<ServiceQuestion> begin();
  // The answer to one of them, or nullptr: none will come. Returns further
  // questions; answers that nobody waits for are ignored.
  std::vector<ServiceQuestion> step(const ServiceQuestion& question,
                                    const Answer* answer);
  // No answer is outstanding.
  bool done() const { return open_.empty(); }

  // What is known so far, the best first. Hints stand for the addresses of a
  // target until these are known.
  std::vector<Alternative> found() const;

 private:
  bool close(const ServiceQuestion& question);
  void follow(const Name& target);
  void take(const std::vector<ServiceRecord>& services, const Name& owner);
  void ask(const Name& name, Type type);
  void ask_addresses(const Name& name);
  bool is_own(const ServiceRecord& service) const;
  const Name& target_of(const ServiceRecord& service) const;
  std::vector<IpAddress> addresses_of(const Name& name) const;
  std::vector<IpAddress> addresses_of(const ServiceRecord& service) const;

  const Name asked_;
  std::vector<Type> types_;  // of addresses
  Name at_;                  // the end of the aliases so far
  Name owner_;               // at_, or the end of its CNAMEs
  std::vector<Name> passed_;
  bool given_up_ = false;  // aliases in a loop, or too many
  std::vector<ServiceRecord> services_;
  // Those that came, perhaps with nothing.
  std::map<std::pair<Name, Type>, std::vector<IpAddress>> addresses_;
  std::vector<ServiceQuestion> open_;
  std::vector<ServiceQuestion> out_;
};

}  // namespace happy::dns
