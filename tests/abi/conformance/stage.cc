#include "tests/abi/conformance/stage.h"

#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/abi/conformance/vocabulary.h"

namespace happy::abi {
namespace {

constexpr int kLastNumber = 255;  // of the descriptor table that is printed

const StepTable& all_steps() {
  static const StepTable table = [] {
    StepTable all = socket_steps();
    all.merge(descriptor_steps());
    all.merge(wait_steps());
    all.merge(process_steps());
    return all;
  }();
  return table;
}

void print(const std::string& line) {
  const std::string text = line + "\n";
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(3);
}

// "0 1 2 3 4c": open numbers, with c for close-on-exec.
std::string descriptor_table() {
  std::string text;
  for (int fd = 0; fd <= kLastNumber; ++fd) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags < 0) continue;
    text += (text.empty() ? "" : " ") + std::to_string(fd);
    if ((flags & FD_CLOEXEC) != 0) text += "c";
  }
  return text;
}

Words without_notes(const Words& words) {
  Words kept;
  for (const auto& text : words)
    if (text[0] != '~') kept.push_back(text);
  return kept;
}

}  // namespace

void Stage::play(const Row& row) {
  for (size_t i = 0; i < row.steps.size(); ++i) {
    const Words& words = row.steps[i];
    if (words[0] == "end") break;
    if (words[0] == "fork") {
      i = play_child(row, i + 1);
      continue;
    }
    print(prefix_ + joined(words) + " => " + play_one(words));
  }
  print(prefix_ + "open => " + descriptor_table());
}

// The steps to the next `end` in a child that ends with them; the parent goes
// on afterwards. Returns the step of that `end`.
size_t Stage::play_child(const Row& row, size_t first) {
  size_t last = first;
  while (last < row.steps.size() && row.steps[last][0] != "end") ++last;
  const pid_t child = fork();
  if (child == 0) {
    prefix_ = "    child ";
    Row part{row.name, row.world, {}};
    part.steps.assign(row.steps.begin() + static_cast<long>(first),
                      row.steps.begin() + static_cast<long>(last));
    play(part);
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  print(prefix_ + "child ended => " + std::to_string(status));
  return last;
}

std::string Stage::play_one(const Words& words) {
  const auto step = all_steps().find(words[0]);
  if (step == all_steps().end()) return "no such step";
  Words rest = without_notes(words);
  rest.erase(rest.begin());
  try {
    return step->second(*this, rest);
  } catch (const std::exception& error) {
    return std::string("bad step: ") + error.what();
  }
}

int Stage::descriptor(const std::string& token) const {
  const auto found = descriptors_.find(token);
  return found != descriptors_.end() ? found->second : number(token);
}

void Stage::name(const std::string& token, int descriptor) {
  if (descriptor >= 0) descriptors_[token] = descriptor;
}

Address Stage::address(const std::string& token, int socket) {
  if (token == "WORLD") return world_address(socket);
  if (token[0] != '@') return address_of(token, setting_.port);
  Address bound;
  bound.length = sizeof bound.storage;
  if (getsockname(descriptor(token.substr(1)),
                  reinterpret_cast<sockaddr*>(&bound.storage),
                  &bound.length) != 0)
    throw std::runtime_error("not bound: " + token);
  return bound;
}

// The first address of the look-up that fits the socket, as most programs do.
Address Stage::world_address(int socket) {
  int family = AF_INET;
  socklen_t length = sizeof family;
  getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &length);
  if (!looked_up_) look_up(family == AF_INET6 ? "unspec" : "inet");
  auto found = found_.find(family);
  // A family whose answer was late is there the next time.
  for (int i = 0; i < 100 && found == found_.end(); ++i) {
    usleep(20'000);
    look_up("unspec");
    found = found_.find(family);
  }
  if (found == found_.end()) throw std::runtime_error("nothing found");
  return found->second;
}

std::string Stage::look_up(const std::string& family) {
  looked_up_ = true;
  const World& world = *setting_.world;
  if (!setting_.with_library && world.plain_v4 != nullptr)
    found_[AF_INET] = numeric(world.plain_v4, setting_.port);
  if (!setting_.with_library && world.plain_v6 != nullptr)
    found_[AF_INET6] = numeric(world.plain_v6, setting_.port);
  if (world.host == nullptr) return "no name";
  if (!setting_.with_library && !found_.empty()) return "found";
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = constant_of(family);
  hints.ai_socktype = SOCK_STREAM;
  const std::string service = std::to_string(setting_.port);
  if (const int error = getaddrinfo(world.host, service.c_str(), &hints, &list))
    return gai_strerror(error);
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    Address address;
    memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.length = at->ai_addrlen;
    found_.try_emplace(at->ai_family, address);
  }
  freeaddrinfo(list);
  return "found";
}

std::string result_text(long result, int error) {
  if (result < 0) return std::to_string(result) + " " + errno_name(error);
  std::string text = std::to_string(result);
  if (error != kUntouched) text += " and errno " + errno_name(error);
  return text;
}

int number(const std::string& text) {
  size_t used = 0;
  const long value = std::stol(text, &used, 0);
  if (used != text.size()) throw std::runtime_error("no number: " + text);
  return static_cast<int>(value);
}

std::string word(const Words& words, size_t index,
                 const std::string& otherwise) {
  return index < words.size() ? words[index] : otherwise;
}

}  // namespace happy::abi
