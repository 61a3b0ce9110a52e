// Numbers of the kernel's by name, for scripts and for what is printed: errno,
// flags, poll and epoll events, socket options.
#pragma once

#include <cstdint>
#include <string>

namespace happy::abi {

enum class ValueKind : uint8_t { kInt, kErrno, kLinger, kTime, kText };

struct Option {
  const char* name;
  int level;
  int number;
  ValueKind kind = ValueKind::kInt;
};

std::string errno_name(int error);
// Throws std::runtime_error for an unknown name, here and below.
const Option& option_of(const std::string& name);

// "in,out" to a mask and back; "0" is the empty one.
short poll_events(const std::string& text);
std::string poll_text(int events);
uint32_t epoll_events(const std::string& text);
std::string epoll_text(uint32_t events);
int status_flags(const std::string& text);
std::string status_text(int flags);
// "inet", "stream", "nonblock" and so on.
int constant_of(const std::string& name);

}  // namespace happy::abi
