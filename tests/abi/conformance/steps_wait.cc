// Steps that wait, always for a bounded time: poll, select, epoll.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "tests/abi/conformance/stage.h"
#include "tests/abi/conformance/vocabulary.h"

namespace happy::abi {
namespace {

std::pair<std::string, std::string> halves(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) throw std::runtime_error("no colon: " + text);
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// poll FD:EVENTS... MILLISECONDS; says the count, then each one's events.
template <typename Poll>
std::string poll_with(Stage& stage, const Words& words, Poll make) {
  std::vector<pollfd> list;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const auto [fd, events] = halves(words[i]);
    list.push_back({stage.descriptor(fd), poll_events(events), 0});
  }
  const int limit = number(words.back());
  std::string text =
      call([&] { return make(list.data(), list.size(), limit); });
  for (const pollfd& one : list) text += " " + poll_text(one.revents);
  return text;
}

int plain_poll(pollfd* list, size_t count, int limit) {
  return poll(list, count, limit);
}

timespec time_of(int limit) {
  return {limit / 1000, (limit % 1000) * 1'000'000L};
}

int ppoll_with_mask(pollfd* list, size_t count, int limit) {
  const timespec time = time_of(limit);
  return ppoll(list, count, &time, nullptr);
}

// select FD:SETS... MILLISECONDS, with SETS of r, w and x.
template <typename Select>
std::string select_with(Stage& stage, const Words& words, Select make) {
  fd_set sets[3];
  for (auto& set : sets) FD_ZERO(&set);
  int most = -1;
  static constexpr char kLetters[] = {'r', 'w', 'x'};
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const auto [token, letters] = halves(words[i]);
    const int fd = stage.descriptor(token);
    most = std::max(most, fd);
    for (int set = 0; set < 3; ++set)
      if (letters.find(kLetters[set]) != std::string::npos)
        FD_SET(fd, &sets[set]);
  }
  const int limit = number(words.back());
  std::string text = call([&] { return make(most + 1, sets, limit); });
  if (text[0] == '-') return text;
  for (int set = 0; set < 3; ++set)
    for (int fd = 0; fd <= most; ++fd)
      if (FD_ISSET(fd, &sets[set]))
        text += " " + std::to_string(fd) + kLetters[set];
  return text;
}

int plain_select(int count, fd_set* sets, int limit) {
  timeval time{limit / 1000, (limit % 1000) * 1000L};
  return select(count, &sets[0], &sets[1], &sets[2], &time);
}

int pselect_with_mask(int count, fd_set* sets, int limit) {
  const timespec time = time_of(limit);
  return pselect(count, &sets[0], &sets[1], &sets[2], &time, nullptr);
}

std::string make_epoll(Stage& stage, const Words& words) {
  int made = -1;
  const std::string text =
      call([&] { return made = epoll_create1(EPOLL_CLOEXEC); });
  stage.name(words.at(0), made);
  return text;
}

// add SET FD EVENTS DATA; mod the same.
std::string control(Stage& stage, const Words& words, int operation) {
  const int set = stage.descriptor(words.at(0));
  const int fd = stage.descriptor(words.at(1));
  epoll_event event{};
  event.events = epoll_events(word(words, 2, "0"));
  event.data.u64 = static_cast<uint64_t>(number(word(words, 3, "0")));
  return call([&] { return epoll_ctl(set, operation, fd, &event); });
}

// wait SET MILLISECONDS [MOST]: each event with its data, in order of data.
template <typename Wait>
std::string wait_with(Stage& stage, const Words& words, Wait make) {
  const int set = stage.descriptor(words.at(0));
  epoll_event events[16];
  const int most = number(word(words, 2, "16"));
  const int limit = number(words.at(1));
  int count = 0;
  std::string text =
      call([&] { return count = make(set, events, most, limit); });
  std::sort(events, events + std::max(count, 0),
            [](const epoll_event& a, const epoll_event& b) {
              return a.data.u64 < b.data.u64;
            });
  for (int i = 0; i < count; ++i)
    text += " " + std::to_string(events[i].data.u64) + ":" +
            epoll_text(events[i].events);
  return text;
}

int plain_wait(int set, epoll_event* events, int most, int limit) {
  return epoll_wait(set, events, most, limit);
}

int wait_with_mask(int set, epoll_event* events, int most, int limit) {
  return epoll_pwait(set, events, most, limit, nullptr);
}

}  // namespace

StepTable wait_steps() {
  return {
      {"poll", [](Stage& stage,
                  const Words& w) { return poll_with(stage, w, plain_poll); }},
      {"ppoll",
       [](Stage& stage, const Words& w) {
         return poll_with(stage, w, ppoll_with_mask);
       }},
      {"select",
       [](Stage& stage, const Words& w) {
         return select_with(stage, w, plain_select);
       }},
      {"pselect",
       [](Stage& stage, const Words& w) {
         return select_with(stage, w, pselect_with_mask);
       }},
      {"epoll", make_epoll},
      {"add", [](Stage& stage,
                 const Words& w) { return control(stage, w, EPOLL_CTL_ADD); }},
      {"mod", [](Stage& stage,
                 const Words& w) { return control(stage, w, EPOLL_CTL_MOD); }},
      {"del", [](Stage& stage,
                 const Words& w) { return control(stage, w, EPOLL_CTL_DEL); }},
      {"wait", [](Stage& stage,
                  const Words& w) { return wait_with(stage, w, plain_wait); }},
      {"pwait", [](Stage& stage, const Words& w) {
         return wait_with(stage, w, wait_with_mask);
       }}};
}

}  // namespace happy::abi
