// Steps on descriptors: closing, duplicating, flags.
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/abi/conformance/stage.h"
#include "tests/abi/conformance/vocabulary.h"

namespace happy::abi {
namespace {

int close_on_exec(const std::string& text) {
  if (text == "cloexec") return O_CLOEXEC;
  return text.empty() ? 0 : number(text);
}

// dup FD as NAME; dupfd FD as NAME FROM; dupfd-cloexec the same.
template <typename Call>
std::string duplicate(Stage& stage, const Words& words, Call make) {
  const int fd = stage.descriptor(words.at(0));
  int made = -1;
  const std::string text = call([&] { return made = make(fd); });
  stage.name(words.at(2), made);
  return text;
}

std::string duplicate_from(Stage& stage, const Words& words, int command) {
  const int from = number(word(words, 3, "0"));
  return duplicate(stage, words,
                   [&](int fd) { return fcntl(fd, command, from); });
}

// dup2 FD NUMBER [NAME]
std::string make_dup2(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  const int to = stage.descriptor(words.at(1));
  stage.name(word(words, 2, words[1]), to);
  return call([&] { return dup2(fd, to); });
}

// dup3 FD NUMBER NAME [cloexec or a number]
std::string make_dup3(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  const int to = stage.descriptor(words.at(1));
  const int flags = close_on_exec(word(words, 3));
  stage.name(words.at(2), to);
  return call([&] { return dup3(fd, to, flags); });
}

// flags FD [TEXT]: O_NONBLOCK, O_ASYNC and the like, read or set.
std::string file_status(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  if (words.size() > 1) {
    const int flags = status_flags(words[1]);
    return call([&] { return fcntl(fd, F_SETFL, flags); });
  }
  errno = kUntouched;
  const int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? result_text(flags, errno) : status_text(flags);
}

// cloexec FD [0 or 1]
std::string close_on_exec_flag(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  return call([&] {
    return words.size() > 1 ? fcntl(fd, F_SETFD, number(words[1]))
                            : fcntl(fd, F_GETFD);
  });
}

// ioctl FD FIONBIO|FIOASYNC|FIOCLEX|FIONCLEX [VALUE]; FIONREAD reads.
std::string make_ioctl(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  const std::string& name = words.at(1);
  int value = number(word(words, 2, "0"));
  unsigned long request = 0;
  if (name == "FIONBIO") request = FIONBIO;
  if (name == "FIOASYNC") request = FIOASYNC;
  if (name == "FIOCLEX") request = FIOCLEX;
  if (name == "FIONCLEX") request = FIONCLEX;
  if (name == "FIONREAD") request = FIONREAD;
  if (request == 0) throw std::runtime_error("unknown request");
  const std::string text = call([&] { return ioctl(fd, request, &value); });
  return name == "FIONREAD" ? text + " value " + std::to_string(value) : text;
}

// owner FD [me]: F_GETOWN as me or none, F_SETOWN to this process.
std::string owner(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  if (words.size() > 1)
    return call([&] { return fcntl(fd, F_SETOWN, getpid()); });
  const int is = fcntl(fd, F_GETOWN);
  if (is == getpid()) return "me";
  return is == 0 ? "nobody" : "another";
}

// signal-of FD [NUMBER]: F_GETSIG, F_SETSIG.
std::string signal_of(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  return call([&] {
    return words.size() > 1 ? fcntl(fd, F_SETSIG, number(words[1]))
                            : fcntl(fd, F_GETSIG);
  });
}

std::string make_close(Stage& stage, const Words& words) {
  const int fd = stage.descriptor(words.at(0));
  return call([&] { return close(fd); });
}

// close_range FIRST LAST [cloexec]; LAST may be "last", the greatest number.
std::string make_close_range(Stage& stage, const Words& words) {
  const auto first = static_cast<unsigned>(stage.descriptor(words.at(0)));
  const unsigned last = words.at(1) == "last"
                            ? ~0U
                            : static_cast<unsigned>(stage.descriptor(words[1]));
  const std::string how = word(words, 2);
  const unsigned flags = how == "cloexec" ? CLOSE_RANGE_CLOEXEC
                         : how.empty()    ? 0U
                                          : static_cast<unsigned>(number(how));
  return call(
      [&] { return close_range(first, last, static_cast<int>(flags)); });
}

std::string make_closefrom(Stage& stage, const Words& words) {
  const int first = stage.descriptor(words.at(0));
  return call([&] {
    closefrom(first);
    return 0;
  });
}

// fclose FD: as the descriptor of a stream.
std::string make_fclose(Stage& stage, const Words& words) {
  FILE* file = fdopen(stage.descriptor(words.at(0)), "r");
  if (file == nullptr) return "no stream: " + errno_name(errno);
  return call([&] { return fclose(file); });
}

// kind FD: what fstat(2) says that it is.
std::string kind(Stage& stage, const Words& words) {
  struct stat info;
  errno = kUntouched;
  if (fstat(stage.descriptor(words.at(0)), &info) != 0)
    return result_text(-1, errno);
  return S_ISSOCK(info.st_mode) ? "socket" : "no socket";
}

// same FD FD: whether both numbers are one file.
std::string same(Stage& stage, const Words& words) {
  struct stat one, other;
  if (fstat(stage.descriptor(words.at(0)), &one) != 0 ||
      fstat(stage.descriptor(words.at(1)), &other) != 0)
    return "closed";
  return one.st_ino == other.st_ino ? "same" : "different";
}

}  // namespace

StepTable descriptor_steps() {
  return {{"dup",
           [](Stage& stage, const Words& w) {
             return duplicate(stage, w, [](int fd) { return dup(fd); });
           }},
          {"dupfd",
           [](Stage& stage, const Words& w) {
             return duplicate_from(stage, w, F_DUPFD);
           }},
          {"dupfd-cloexec",
           [](Stage& stage, const Words& w) {
             return duplicate_from(stage, w, F_DUPFD_CLOEXEC);
           }},
          {"dup2", make_dup2},
          {"dup3", make_dup3},
          {"flags", file_status},
          {"cloexec", close_on_exec_flag},
          {"ioctl", make_ioctl},
          {"owner", owner},
          {"signal-of", signal_of},
          {"close", make_close},
          {"close_range", make_close_range},
          {"closefrom", make_closefrom},
          {"fclose", make_fclose},
          {"kind", kind},
          {"same", same}};
}

}  // namespace happy::abi
