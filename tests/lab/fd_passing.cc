#include "tests/lab/fd_passing.h"

#include <sys/socket.h>

#include <array>
#include <cstring>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

constexpr size_t kMost = 253;  // the kernel's SCM_MAX_FD
union Control {
  cmsghdr header;  // for its alignment
  std::array<char, CMSG_SPACE(kMost * sizeof(int))> bytes;
};

}  // namespace

void send_descriptors(int channel, const std::vector<Descriptor>& descriptors,
                      const std::string& error) {
  if (descriptors.size() > kMost) fail("too many descriptors");
  const std::string text = "." + error;  // a message cannot be empty
  Control control{};
  iovec data{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const size_t size = descriptors.size() * sizeof(int);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::vector<int> numbers;
    for (const auto& one : descriptors) numbers.push_back(one.get());
    std::memcpy(CMSG_DATA(header), numbers.data(), size);
  }
  check(static_cast<int>(sendmsg(channel, &message, MSG_NOSIGNAL)), "sendmsg");
}

std::vector<Descriptor> receive_descriptors(int channel, std::string* error) {
  std::array<char, 4096> text{};
  Control control{};
  iovec data{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  *error = got > 0 ? std::string(text.data() + 1, static_cast<size_t>(got) - 1)
                   : "the child in the namespace died";
  std::vector<Descriptor> received;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_type != SCM_RIGHTS) continue;
    std::vector<int> numbers((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(numbers.data(), CMSG_DATA(header),
                numbers.size() * sizeof(int));
    for (const int number : numbers) received.emplace_back(number);
  }
  return received;
}

}  // namespace happy::lab
