// make demo: the same unchanged programs without and with the library, against
// names whose first address is dead or refuses, in the loopback lab. Exit
// status 0 only if each run under the library got its page, from addresses that
// came over DNS-over-TLS.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tests/lab/loopback_lab.h"
#include "tests/lab/waterfall.h"

namespace {

using happy::lab::LoopbackLab;
using happy::lab::Outcome;
using std::chrono::milliseconds;

constexpr milliseconds kLimit{5000};
constexpr const char* kPython = R"(
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode(), end="")
)";

struct Client {
  const char* name;
  std::vector<std::string> command;  // the URL is appended
};

struct Row {
  const char* name;
  const char* what;
};

const std::vector<Client> kClients{
    {"curl", {"curl", "-sS"}},
    {"wget", {"wget", "-q", "-t", "1", "-O", "-"}},
    {"python3", {"/usr/bin/python3", "-c", kPython}}};
const std::vector<Row> kRows{{"healthy", "two good addresses"},
                             {"dead4", "a dead A, then a good one"},
                             {"dead6", "a dead AAAA, a good A"},
                             {"refused", "a refusing A, then a good one"}};

std::string cell(const Outcome& outcome) {
  char text[64];
  const double seconds = static_cast<double>(outcome.elapsed.count()) / 1000;
  if (outcome.timed_out)
    std::snprintf(text, sizeof text, "still hangs after %.0f s", seconds);
  else if (outcome.good())
    std::snprintf(text, sizeof text, "connected, %.2f s", seconds);
  else
    std::snprintf(text, sizeof text, "failed (%d), %.2f s", outcome.exit_status,
                  seconds);
  return text;
}

std::vector<std::string> command(const Client& client, const std::string& url) {
  auto arguments = client.command;
  arguments.push_back(url);
  return arguments;
}

// One line of the table. Returns whether the library's cell is as promised.
bool show(LoopbackLab& lab, const Client& client, const Row& row) {
  const auto arguments = command(client, lab.url(row.name));
  const Outcome plain =
      lab.run_plain(arguments, lab.hosts_environment(), kLimit);
  const Outcome with = lab.run(arguments, {}, kLimit);
  const bool connected = with.good() && with.out.starts_with("127.0.1.");
  const bool by_dot = happy::lab::answered_by_dot(
      lab.trace(), std::string(row.name) + ".lab.test");
  std::printf("%-8s %-9s %-30s %-24s %s%s\n", client.name, row.name, row.what,
              cell(plain).c_str(), cell(with).c_str(),
              by_dot ? ", DoT" : ", NOT OVER DOT");
  std::fflush(stdout);
  if (!connected) std::printf("%s\n", with.describe().c_str());
  return connected && by_dot;
}

void show_one_race(LoopbackLab& lab) {
  lab.run({"curl", "-sS", lab.url("dead4")}, {}, kLimit);
  std::printf("\nOne race: curl to dead4.lab.test (# is the winner)\n%s",
              happy::lab::draw_race(lab.trace(), "dead4.lab.test").c_str());
}

int demonstrate() {
  LoopbackLab lab;
  std::printf(
      "All on loopback: unbound serves lab.test by DNS-over-TLS on port %d "
      "with "
      "a key made\njust now and pinned in the policy. Plain runs get the same "
      "addresses in the same order\nfrom a hosts file (libnss-wrapper), since "
      "libc cannot ask by DoT. Limit %d s.\n\n",
      lab.dot_port(), static_cast<int>(kLimit.count() / 1000));
  std::printf("%-8s %-9s %-30s %-24s %s\n", "client", "name", "its addresses",
              "plain", "with libhappy");
  bool good = true;
  for (const auto& client : kClients)
    for (const auto& row : kRows) good = show(lab, client, row) && good;
  show_one_race(lab);
  std::printf("\n%s\n", good ? "Every connection under libhappy was made, by "
                               "names resolved over DoT."
                             : "Not every connection was made as promised.");
  return good ? 0 : 1;
}

}  // namespace

int main() {
  try {
    return demonstrate();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "happy_demo: %s\n", error.what());
    return 2;
  }
}
