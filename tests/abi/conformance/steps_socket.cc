// Steps on sockets: making, naming, connecting, options, data.
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>

#include "tests/abi/conformance/stage.h"
#include "tests/abi/conformance/vocabulary.h"

namespace happy::abi {
namespace {

constexpr const char* kRequest = "GET / HTTP/1.0\r\n\r\n";

// socket NAME FAMILY TYPE [nonblock] [cloexec] [mptcp]
std::string make_socket(Stage& stage, const Words& words) {
  int type = constant_of(words.at(2)), protocol = 0;
  for (size_t i = 3; i < words.size(); ++i)
    (words[i] == "mptcp" ? protocol : type) |= constant_of(words[i]);
  int made = -1;
  const int family = constant_of(words.at(1));
  const std::string text =
      call([&] { return made = socket(family, type, protocol); });
  stage.name(words.at(0), made);
  return text;
}

// What a rule's connect_ms does under the library, the kernel does in the
// plain run.
void bound_like_the_rule(const Stage& stage, int fd) {
  const int limit = stage.setting().world->connect_ms;
  if (!stage.setting().with_library && limit != 0)
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
}

// connect FD ADDRESS [LENGTH]
std::string make_connect(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  const Address to = stage.address(words.at(1), fd);
  const socklen_t length =
      words.size() > 2 ? static_cast<socklen_t>(number(words[2])) : to.length;
  if (words[1] == "WORLD") bound_like_the_rule(stage, fd);
  return call([&] { return connect(fd, to.get(), length); });
}

std::string make_bind(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  const Address to = stage.address(words.at(1), fd);
  return call([&] { return bind(fd, to.get(), to.length); });
}

// accept FD as NAME: waits for up to 2 s.
std::string make_accept(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  pollfd ready{fd, POLLIN, 0};
  poll(&ready, 1, 2000);
  int made = -1;
  const std::string text =
      call([&] { return made = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC); });
  stage.name(words.at(2), made);
  return text;
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);

std::string make_name(Stage& stage, const Words& words, NameCall name) {
  const int fd = stage.descriptor(words.at(0));
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  const std::string text = call(
      [&] { return name(fd, reinterpret_cast<sockaddr*>(&address), &length); });
  if (text != "0") return text;
  return describe(address, length, stage.setting().port);
}

union Value {
  int number;
  linger lingering;
  timeval time;
  std::array<char, 64> text;
};

std::string value_text(const Value& value, ValueKind kind) {
  switch (kind) {
    case ValueKind::kErrno:
      return errno_name(value.number);
    case ValueKind::kLinger:
      return std::to_string(value.lingering.l_onoff) + "/" +
             std::to_string(value.lingering.l_linger);
    case ValueKind::kTime:
      return std::to_string(value.time.tv_sec * 1000 +
                            value.time.tv_usec / 1000) +
             "ms";
    case ValueKind::kText:
      return value.text.data();
    case ValueKind::kInt:
      break;
  }
  return std::to_string(value.number);
}

// get FD OPTION
std::string get_option(Stage& stage, const Words& words) {
  const Option& option = option_of(words.at(1));
  const int fd = stage.descriptor(words.at(0));
  Value value;
  memset(&value, 0, sizeof value);
  socklen_t length = sizeof value;
  const std::string text = call([&] {
    return getsockopt(fd, option.level, option.number, &value, &length);
  });
  if (text != "0") return text;
  return value_text(value, option.kind) + " length " + std::to_string(length);
}

// set FD OPTION VALUE: milliseconds for times, seconds for SO_LINGER.
std::string set_option(Stage& stage, const Words& words) {
  const Option& option = option_of(words.at(1));
  const int fd = stage.descriptor(words.at(0));
  Value value;
  memset(&value, 0, sizeof value);
  socklen_t length = sizeof value.number;
  if (option.kind == ValueKind::kText) {
    length = static_cast<socklen_t>(words.at(2).copy(value.text.data(), 63));
  } else if (option.kind == ValueKind::kLinger) {
    value.lingering = {1, number(words.at(2))};
    length = sizeof value.lingering;
  } else if (option.kind == ValueKind::kTime) {
    const suseconds_t limit = number(words.at(2));
    value.time = {limit / 1000, (limit % 1000) * 1000};
    length = sizeof value.time;
  } else {
    value.number = number(words.at(2));
  }
  return call([&] {
    return setsockopt(fd, option.level, option.number, &value, length);
  });
}

// send FD TEXT; HTTP is a request that the lab's servers answer.
std::string make_send(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  const std::string text =
      words.at(1) == "HTTP" ? std::string(kRequest) : words[1];
  return call([&] { return send(fd, text.data(), text.size(), MSG_NOSIGNAL); });
}

// sendto FD TEXT ADDRESS [fastopen]
std::string make_sendto(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  const Address to = stage.address(words.at(2), fd);
  const std::string& text = words.at(1);
  const int flags =
      MSG_NOSIGNAL | (word(words, 3) == "fastopen" ? MSG_FASTOPEN : 0);
  return call([&] {
    return sendto(fd, text.data(), text.size(), flags, to.get(), to.length);
  });
}

// recv FD LENGTH: never waits; what came is said too.
std::string make_recv(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  std::string buffer(static_cast<size_t>(number(words.at(1))), '\0');
  long got = 0;
  const std::string text = call([&] {
    return got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  });
  if (got <= 0) return text;
  return text + " \"" + buffer.substr(0, static_cast<size_t>(got)) + "\"";
}

}  // namespace

StepTable socket_steps() {
  return {
      {"socket", make_socket},
      {"connect", make_connect},
      {"bind", make_bind},
      {"accept", make_accept},
      {"get", get_option},
      {"set", set_option},
      {"send", make_send},
      {"sendto", make_sendto},
      {"recv", make_recv},
      {"lookup",
       [](Stage& stage, const Words& w) { return stage.look_up(w.at(0)); }},
      {"listen",
       [](Stage& stage, const Words& w) {
         const int fd = stage.descriptor(w.at(0));
         return call([&] { return listen(fd, number(word(w, 1, "8"))); });
       }},
      {"shutdown",
       [](Stage& stage, const Words& w) {
         const int fd = stage.descriptor(w.at(0));
         const int how = w.at(1) == "bad" ? 7 : constant_of(w.at(1));
         return call([&] { return shutdown(fd, how); });
       }},
      {"name", [](Stage& stage,
                  const Words& w) { return make_name(stage, w, getsockname); }},
      {"peer", [](Stage& stage,
                  const Words& w) { return make_name(stage, w, getpeername); }},
  };
}

}  // namespace happy::abi
