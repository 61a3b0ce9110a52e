#include "tests/lab/web_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>

#include "core/base/ip.h"
#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

void watch(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
}

std::string response(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  const auto local =
      Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&address), length);
  const std::string body =
      (local ? local->address.to_string() : "unknown") + "\n";
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
         "Connection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
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
  for (const auto& [descriptor, request] : requests_) close(descriptor);
}

void WebServer::serve() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int count =
        epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[static_cast<size_t>(i)].data.fd;
      if (descriptor == stop_.get()) return;
      if (requests_.contains(descriptor))
        read_request(descriptor);
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
    requests_[accepted];
    watch(epoll_.get(), accepted);
  }
}

void WebServer::read_request(int descriptor) {
  std::array<char, 4096> buffer;
  const ssize_t got = recv(descriptor, buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  std::string& request = requests_[descriptor];
  if (got > 0) request.append(buffer.data(), static_cast<size_t>(got));
  const bool whole = request.find("\r\n\r\n") != std::string::npos;
  if (got > 0 && !whole) return;
  if (whole) {
    const std::string text = response(descriptor);
    send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
  }
  close(descriptor);
  requests_.erase(descriptor);
}

}  // namespace happy::lab
