// Web servers in a thread: every request on any of the listeners is answered
// with the address that was asked, so that a test sees who won. On the ports of
// some other protocols those are spoken (conversations.h). Not a model of HTTP.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/lab/descriptor.h"

namespace happy::lab {

class WebServer {
 public:
  explicit WebServer(std::vector<Descriptor> listeners);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  // Connections accepted so far. Any thread.
  int accepted() const { return accepted_; }

 private:
  void serve();
  void accept_all(int listener);
  void read_from(int descriptor);

  std::vector<Descriptor> listeners_;
  Descriptor epoll_, stop_;
  std::map<int, std::string> received_;  // by descriptor, not answered yet
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

}  // namespace happy::lab
