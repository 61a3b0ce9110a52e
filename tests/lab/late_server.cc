#include "tests/lab/late_server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstdint>

#include "tests/lab/fail.h"
#include "tests/lab/sockets.h"

namespace happy::lab {
namespace {

// More than the kernel's SOMAXCONN is cut down to that.
constexpr int kQueue = 1 << 16;

void accept_all(int listener) {
  while (accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) >= 0) {
  }
}

// The child's life: it opens a listener for every octet that it reads, which is
// the listener's place, and ends with the other end of the pipe.
void serve(int orders, const std::vector<Descriptor>& listeners) {
  std::vector<pollfd> watched{{orders, POLLIN, 0}};
  for (;;) {
    poll(watched.data(), watched.size(), -1);
    for (size_t i = 1; i < watched.size(); ++i) accept_all(watched[i].fd);
    if (watched[0].revents == 0) continue;
    uint8_t place = 0;
    if (read(orders, &place, 1) != 1) return;
    const int listener = listeners[place].get();
    listen(listener, kQueue);
    watched.push_back({listener, POLLIN, 0});
  }
}

}  // namespace

LateServer::LateServer(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints)
    listeners_.push_back(listen_on(endpoint, Listening::kBlackHole));
  int ends[2];
  check(pipe2(ends, O_CLOEXEC), "pipe2");
  Descriptor orders(ends[0]);
  orders_ = Descriptor(ends[1]);
  child_ = check(fork(), "fork");
  if (child_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  orders_.reset();
  serve(orders.get(), listeners_);
  _exit(0);
}

LateServer::~LateServer() {
  orders_.reset();
  waitpid(child_, nullptr, 0);
}

void LateServer::open(size_t index) {
  const auto place = static_cast<uint8_t>(index);
  check(static_cast<int>(write(orders_.get(), &place, 1)), "write");
}

}  // namespace happy::lab
