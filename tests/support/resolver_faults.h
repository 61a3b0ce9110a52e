// Every way in which a resolver can misbehave, as a script of the DoT server,
// and what a program gets from it: one row for each. Used with the engine alone
// and with unchanged programs on a captured wire.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

namespace happy::test {

// How the client knows the server.
enum class Trust : uint8_t {
  kPin,        // the key of the server's own certificate
  kName,       // "dot.example" and the authority
  kOtherName,  // "other.example" and the authority
  kOtherPin
};

// Whose FIN or RST is the first on each connection.
enum class Ender : uint8_t { kClient, kServerFin, kServerReset };

struct ResolverFault {
  std::string name;
  nlohmann::json script;  // docs/testing.md; the name asked for is kFaultyName
  int eai = 0;            // 0: kFaultyAddress and nothing else
  bool at_limit = false;  // told when resolve_ms is over; else at once
  int connections = 1;
  int queries = 1;  // that the server has read
  const char* log = "";
  Trust trust = Trust::kPin;
  Ender ender = Ender::kClient;
};

inline constexpr const char* kFaultyName = "www.lab.test";
inline constexpr const char* kFaultyAddress = "198.51.100.9";

const std::vector<ResolverFault>& resolver_faults();

// `changes` to the resolver's entry in a policy; `pin` is the server's own.
nlohmann::json as_trusted(Trust trust, const std::string& pin,
                          const std::string& ca_file);

inline void PrintTo(const ResolverFault& fault, std::ostream* out) {
  *out << fault.name;
}

}  // namespace happy::test
