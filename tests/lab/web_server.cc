#include "tests/lab/web_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>

#include "core/base/ip.h"
#include "tests/lab/conversations.h"
#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

void watch(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

std::optional<Endpoint> own_end(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  return Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&address), length);
}

// Sends all replies that are due. False after the last one.
bool answer(int descriptor, std::string* received) {
  const auto own = own_end(descriptor);
  if (!own) return false;
  while (const auto reply =
             reply_to(own->port, own->address.to_string(), received)) {
    send(descriptor, reply->text.data(), reply->text.size(), MSG_NOSIGNAL);
    if (reply->last) return false;
  }
  return true;
}

}  // namespace

WebServer::WebServer(std::vector<Descriptor> listeners)
    : listeners_(std::move(listeners)),
      epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      stop_(check(eventfd(0, EFD_CLOEXEC), "eventfd")) {
  watch(epoll_.get(), stop_.get());
  for (const auto& listener : listeners_) watch(epoll_.get(), listener.get());
  thread_ = std::thread([this] { serve(); });
}

WebServer::~WebServer() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
  for (const auto& [descriptor, received] : received_) close(descriptor);
}

void WebServer::serve() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int count =
        epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[static_cast<size_t>(i)].data.fd;
      if (descriptor == stop_.get()) return;
      if (received_.contains(descriptor))
        read_from(descriptor);
      else
        accept_all(descriptor);
    }
  }
}

void WebServer::accept_all(int listener) {
  while (true) {
    const int accepted =
        accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) return;
    ++accepted_;
    received_[accepted];
    watch(epoll_.get(), accepted);
  }
}

void WebServer::read_from(int descriptor) {
  std::array<char, 4096> buffer;
  const ssize_t got = recv(descriptor, buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  std::string& received = received_[descriptor];
  if (got > 0) {
    received.append(buffer.data(), static_cast<size_t>(got));
    if (answer(descriptor, &received)) return;
  }
  close(descriptor);
  received_.erase(descriptor);
}

}  // namespace happy::lab
