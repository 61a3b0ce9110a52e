// Fetches a page by Boost.Asio: a resolver that works in a thread, and
// async_connect(), which tries the addresses one after the other.
// Usage: e2e_asio_client HOST PORT
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <iostream>

#include "tests/e2e/programs/fetch.h"

using boost::asio::ip::tcp;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  boost::asio::io_context context;
  tcp::resolver resolver(context);
  tcp::socket socket(context);
  std::string page;
  boost::system::error_code failure;
  resolver.async_resolve(argv[1], argv[2], [&](auto error, auto addresses) {
    if ((failure = error)) return;
    boost::asio::async_connect(socket, addresses, [&](auto refused, auto) {
      if ((failure = refused)) return;
      boost::asio::write(
          socket, boost::asio::buffer(kRequest, sizeof kRequest - 1), failure);
      boost::asio::read(socket, boost::asio::dynamic_buffer(page), failure);
      if (failure == boost::asio::error::eof) failure = {};
    });
  });
  context.run();
  std::cout << page;
  if (failure) std::cerr << failure.message() << "\n";
  return failure ? 1 : 0;
}
