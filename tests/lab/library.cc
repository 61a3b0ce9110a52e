#include "tests/lab/library.h"

#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "tests/lab/fail.h"
#include "tests/lab/temp_folder.h"

namespace happy::lab {

Environment library_environment(const LibraryUse& use) {
  const char* other = getenv("HAPPY_TEST_LIBRARY");
  std::string preload =
      other != nullptr ? other : HAPPY_BUILD_FOLDER "/libhappy.so";
  // The linker would only warn, and the program resolve in clear text.
  if (access(preload.c_str(), R_OK) != 0) fail(preload + " is not built");
  const std::string runtime = HAPPY_SANITIZER_RUNTIME;
  if (!runtime.empty()) preload = runtime + " " + preload;
  if (!use.also_preload.empty()) preload += " " + use.also_preload;
  Environment environment{{"LD_PRELOAD", preload},
                          {"HAPPY_LOG", use.log},
                          {"HAPPY_STATE", "off"},
                          // Leaks of the host are not ours to report.
                          {"ASAN_OPTIONS", "detect_leaks=0"}};
  if (!use.policy.empty()) environment["HAPPY_POLICY"] = use.policy;
  if (!use.trace.empty()) environment["HAPPY_TRACE"] = use.trace;
  return environment;
}

Environment begin_use(const LibraryUse& use, const Environment& more) {
  std::filesystem::remove(use.trace);
  Environment all = library_environment(use);
  for (const auto& [name, value] : more) all[name] = value;
  return all;
}

bool sanitized() { return !std::string(HAPPY_SANITIZER_RUNTIME).empty(); }

nlohmann::json strict_policy(const std::string& address, uint16_t port,
                             const std::string& pin) {
  return {
      {"version", 1},
      {"resolvers",
       {{"lab", {{"addresses", {address}}, {"port", port}, {"pins", {pin}}}}}},
      {"rules", {{{"hosts", {"*.lab.test"}}, {"resolvers", {"lab"}}}}}};
}

std::vector<nlohmann::json> read_trace(const std::string& file) {
  std::vector<nlohmann::json> events;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    auto event = nlohmann::json::parse(line, nullptr, false);
    if (event.is_object()) events.push_back(std::move(event));
  }
  return events;
}

std::vector<nlohmann::json> events_of(const std::vector<nlohmann::json>& trace,
                                      const std::string& event) {
  std::vector<nlohmann::json> found;
  for (const auto& entry : trace)
    if (entry.value("event", "") == event) found.push_back(entry);
  return found;
}

bool answered_by_dot(const std::vector<nlohmann::json>& trace,
                     const std::string& name) {
  bool found = false;
  for (const auto& answer : events_of(trace, "answer")) {
    if (answer.value("name", "") != name) continue;
    const std::string source = answer.value("source", "");
    // From the cache is from DoT too, but only where that went before.
    if (source == "cache" && found) continue;
    if (source != "dot") return false;
    found =
        found || !answer.value("addresses", nlohmann::json::array()).empty();
  }
  return found;
}

}  // namespace happy::lab
