// happyctl state: what the processes of this user have told each other, and to
// forget it.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/net/clock.h"
#include "core/shared_state.h"
#include "tools/happyctl/installation.h"
#include "tools/happyctl/output.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

using Json = nlohmann::ordered_json;
using happy::Duration;
using happy::StateFolder;

struct Options {
  bool flush = false;
  bool json = false;
};

std::string age_text(Duration age) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(age).count();
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h", seconds / 3600);
}

Duration age_of(int64_t at) {
  const auto now = happy::net::monotonic_now().time_since_epoch() +
                   happy::shared_clock().offset;
  return now - Duration(at);
}

std::string joined(const Json& list) {
  std::string out;
  for (const auto& one : list)
    out += (out.empty() ? "" : " ") + one.get<std::string>();
  return out;
}

void print_answer(const Json& record) {
  const auto age = age_of(record.at("stored").get<int64_t>());
  const auto left = std::chrono::seconds(record.at("ttl").get<int64_t>()) - age;
  const auto addresses = joined(record.at("addresses"));
  show(fmt::format(
      "{} {}: {}, {}\n", record.at("name").get<std::string>(),
      record.at("type").get<std::string>(),
      addresses.empty() ? record.at("status").get<std::string>() : addresses,
      left > Duration(0) ? age_text(left) + " left"
                         : "expired " + age_text(-left) + " ago"));
}

std::string rtt_text(const Json& rtt) {
  if (rtt.is_null()) return "no round trip known";
  return fmt::format(
      "{:.1f} ms",
      static_cast<double>(rtt.at("smoothed").get<int64_t>()) / 1000);
}

void print_history(const Json& record) {
  show(fmt::format("network {:016x}: {}\n",
                   record.at("network").get<uint64_t>(),
                   rtt_text(record.at("rtt"))));
  for (const auto& entry : record.at("addresses")) {
    std::string news;
    for (const auto& failure : entry.at("failures"))
      news +=
          fmt::format(", port {} failed {} ago", failure.at("port").get<int>(),
                      age_text(age_of(failure.at("at").get<int64_t>())));
    if (!entry.at("won").is_null())
      news += fmt::format(", won {} ago",
                          age_text(age_of(entry.at("won").get<int64_t>())));
    show(fmt::format("  {}: {}{}\n", entry.at("address").get<std::string>(),
                     rtt_text(entry.at("rtt")), news));
  }
}

std::string failed_text(const Json& health) {
  if (health.at("pause") == 0) return "";
  const auto left = -age_of(health.at("until").get<int64_t>());
  return left > Duration(0)
             ? ", failed, asked after the others for " + age_text(left)
             : ", failed lately";
}

// What the file calls the resolver is a list that begins with its addresses.
void print_resolver(const Json& record) {
  const auto identity = Json::parse(record.at("resolver").get<std::string>());
  const auto& addresses = identity.at(0);
  show(fmt::format("resolver {} on network {:016x}{}\n", joined(addresses),
                   record.at("network").get<uint64_t>(),
                   failed_text(record.at("health"))));
  const auto preferred = record.at("preferred").get<size_t>();
  for (size_t i = 0; i < addresses.size(); ++i)
    show(fmt::format("  {}{}{}\n", addresses.at(i).get<std::string>(),
                     i == preferred ? ", answered last" : "",
                     failed_text(record.at("addresses").at(i).at("health"))));
}

// Without what it opens.
void print_ticket(const Json& record) {
  show(fmt::format("a TLS ticket, given {} ago\n",
                   age_text(age_of(record.at("stored").get<int64_t>()))));
}

// What a file says; null where it is not of this format or boot.
Json record_in(StateFolder& folder, const std::string& name) {
  const auto text = folder.read(name);
  if (!text) return nullptr;
  auto record = Json::parse(*text, nullptr, false);
  if (!record.is_object() || !happy::state::is_record(*text) ||
      record.at("boot") != happy::boot_id())
    return nullptr;
  return record;
}

void show_records(StateFolder& folder, bool json) {
  Json all = Json::array();
  for (const auto& name : folder.names()) {
    auto record = record_in(folder, name);
    if (record.is_null()) continue;
    try {
      if (!json && record.at("kind") == "answer") print_answer(record);
      if (!json && record.at("kind") == "history") print_history(record);
      if (!json && record.at("kind") == "ticket") print_ticket(record);
      if (!json && record.at("kind") == "resolver") print_resolver(record);
    } catch (const Json::exception&) {
      show(fmt::format("{}: broken\n", name));
    }
    record.erase("ticket");
    all.push_back(std::move(record));
  }
  if (json)
    show_json(all);
  else if (all.empty())
    show("nothing is known\n");
}

Outcome run(const Options& options) {
  const std::string path = happy::find_state_folder();
  std::string why;
  const auto folder =
      path.empty() ? nullptr : StateFolder::open(path, {}, &why);
  const int error = errno;
  if (folder == nullptr) {
    if (path.empty())
      why =
          "no folder: HAPPY_STATE is off, or neither it nor XDG_RUNTIME_DIR "
          "is set";
    if (why.empty()) why = path + ": " + std::strerror(error);
    complain("happyctl state: " + why + "\n");
    return Outcome::kFailed;
  }
  if (!options.flush) {
    show_records(*folder, options.json);
    return Outcome::kGood;
  }
  const auto names = folder->names();
  for (const auto& name : names) folder->remove(name);
  if (options.json)
    show_json(Json{{"folder", path}, {"removed", names.size()}});
  else
    show(fmt::format("{} files removed from {}\n", names.size(), path));
  return Outcome::kGood;
}

}  // namespace

void add_state(CLI::App& app, Outcome* outcome) {
  const auto options = std::make_shared<Options>();
  CLI::App* const verb = app.add_subcommand(
      "state", "What programs under libhappy have learned for each other.");
  verb->add_flag("--json", options->json, "For programs");
  verb->require_subcommand(0, 1);
  verb->fallthrough();
  verb->add_subcommand("show",
                       "Prints answers, what is known of addresses, and which "
                       "sessions can be resumed (the default)");
  CLI::App* const flush = verb->add_subcommand("flush", "Forgets all of it");
  flush->callback([options] { options->flush = true; });
  verb->footer("Example: happyctl state show --json");
  verb->final_callback([options, outcome] { *outcome = run(*options); });
}

}  // namespace happyctl
