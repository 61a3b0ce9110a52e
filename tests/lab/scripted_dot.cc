#include "tests/lab/scripted_dot.h"

#include <thread>

#include "tests/lab/fail.h"

namespace happy::lab {

ScriptedDot::ScriptedDot(const nlohmann::json& script,
                         const std::function<bool()>& enter,
                         const TempFolder& folder) {
  const std::string file = folder.write("dot.json", script.dump(2));
  const std::string log = folder.file("dot.log");
  server_ = std::make_unique<Server>(
      Command{.arguments = {HAPPY_BUILD_FOLDER "/dot_server", "--script", file,
                            "--ca-file", folder.file("dot-ca.pem")},
              .environment = {},
              .enter = enter,
              .input = {}},
      log);
  for (int i = 0; i < 2000 && server_->running(); ++i) {
    // "listening on ADDRESS:PORT pin PIN", whole once the line ends.
    const std::string said = read_file(log);
    const auto at = said.find(" pin "), end = said.find('\n');
    if (at != std::string::npos && end != std::string::npos) {
      pin_ = said.substr(at + 5, end - at - 5);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  fail("dot_server does not start: " + read_file(log));
}

nlohmann::json zone_of(const std::vector<Name>& names) {
  nlohmann::json entries = nlohmann::json::object();
  for (const auto& name : names) {
    auto& entry = entries[name.name] = {{"A", nlohmann::json::array()},
                                        {"AAAA", nlohmann::json::array()}};
    for (const auto& address : name.addresses)
      entry[address.find(':') == std::string::npos ? "A" : "AAAA"].push_back(
          address);
  }
  return {{"names", entries}};
}

}  // namespace happy::lab
