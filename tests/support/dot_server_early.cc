// A connection that answers early data before the handshake is over, as a
// server of public resolvers would: by OpenSSL, since GnuTLS hands early data
// out only with the client's Finished. Of the script it knows zone,
// certificate, tickets and room.
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <stdexcept>

#include "tests/support/dot_server.h"
#include "tests/support/dot_server_connection.h"

namespace happy::test {
namespace {

constexpr int kTickMs = 10;  // how soon a stop is seen

using Context = std::shared_ptr<SSL_CTX>;

BIO* memory(const void* data, size_t size) {
  return BIO_new_mem_buf(data, static_cast<int>(size));
}

std::string key_pem(const Identity& identity) {
  gnutls_datum_t out{};
  if (gnutls_x509_privkey_export2(identity.key(), GNUTLS_X509_FMT_PEM, &out) !=
      0)
    throw std::runtime_error("the key cannot be exported");
  std::string text(reinterpret_cast<char*>(out.data), out.size);
  gnutls_free(out.data);
  return text;
}

void use_identity(SSL_CTX* context, const Identity& identity) {
  const std::string certificate = identity.certificate_pem();
  const std::string key = key_pem(identity);
  const std::unique_ptr<BIO, decltype(&BIO_free)> one(
      memory(certificate.data(), certificate.size()), BIO_free),
      other(memory(key.data(), key.size()), BIO_free);
  X509* const leaf = PEM_read_bio_X509(one.get(), nullptr, nullptr, nullptr);
  EVP_PKEY* const secret =
      PEM_read_bio_PrivateKey(other.get(), nullptr, nullptr, nullptr);
  const bool good = SSL_CTX_use_certificate(context, leaf) == 1 &&
                    SSL_CTX_use_PrivateKey(context, secret) == 1;
  X509_free(leaf);
  EVP_PKEY_free(secret);
  if (!good) throw std::runtime_error("OpenSSL refuses the certificate");
}

Context make_context(const DotScript& script) {
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  use_identity(context.get(), script.chain.at(0));
  SSL_CTX_set_max_early_data(context.get(), script.early_data);
  // Sessions in the ticket, not in a cache, and one ticket as GnuTLS sends.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_ANTI_REPLAY);
  SSL_CTX_set_num_tickets(context.get(),
                          script.tickets == Tickets::kNone ? 0 : 1);
  return context;
}

class Connection {
 public:
  Connection(DotServer* server, int descriptor, const Context& context)
      : server_(server),
        descriptor_(descriptor),
        ssl_(SSL_new(context.get()), SSL_free) {
    SSL_set_fd(ssl_.get(), descriptor);
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Connection() { close(descriptor_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void run() {
    if (!read_early() || !finish_handshake()) return;
    uint8_t data[4096];
    size_t count = 0;
    while (again(
        [&] { return SSL_read_ex(ssl_.get(), data, sizeof data, &count); })) {
      take(data, count);
    }
    SSL_shutdown(ssl_.get());
  }

 private:
  // Repeats a call that waits for the socket. False: it failed for good.
  template <typename Call>
  bool again(Call call) {
    for (;;) {
      ERR_clear_error();
      const int result = call();
      if (result > 0) return true;
      const int error = SSL_get_error(ssl_.get(), result);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        return false;
      pollfd one{
          descriptor_,
          static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT),
          0};
      poll(&one, 1, kTickMs);
      if (server_->stopping()) return false;
    }
  }

  bool read_early() {
    for (;;) {
      uint8_t data[4096];
      size_t count = 0;
      int result = SSL_READ_EARLY_DATA_ERROR;
      const bool good = again([&] {
        result = SSL_read_early_data(ssl_.get(), data, sizeof data, &count);
        return result == SSL_READ_EARLY_DATA_ERROR ? -1 : 1;
      });
      if (!good) return false;
      if (result == SSL_READ_EARLY_DATA_FINISH) return true;
      server_->note([](DotStatistics& it) { ++it.early; });
      is_early_ = true;
      take(data, count);
      is_early_ = false;
    }
  }

  bool finish_handshake() {
    if (!again([&] { return SSL_accept(ssl_.get()); })) return false;
    server_->note([&](DotStatistics& it) {
      ++it.handshakes;
      if (SSL_session_reused(ssl_.get()) == 1) ++it.resumed;
    });
    return true;
  }

  void take(const uint8_t* data, size_t count) {
    input_.insert(input_.end(), data, data + count);
    while (input_.size() >= 2) {
      const size_t size = 2 + (size_t{input_[0]} << 8 | input_[1]);
      if (input_.size() < size) return;
      const auto end = input_.begin() + static_cast<long>(size);
      const auto question = parse_query({input_.begin() + 2, end});
      input_.erase(input_.begin(), end);
      if (!question) continue;
      server_->note([&](DotStatistics& it) {
        ++it.queries;
        it.asked.push_back(*question);
      });
      write(server_->zone().reply(*question));
    }
  }

  void write(Octets message) {
    const auto size = static_cast<uint16_t>(message.size());
    message.insert(message.begin(), {static_cast<uint8_t>(size >> 8),
                                     static_cast<uint8_t>(size)});
    size_t count = 0;
    again([&] {
      return is_early_ ? SSL_write_early_data(ssl_.get(), message.data(),
                                              message.size(), &count)
                       : SSL_write_ex(ssl_.get(), message.data(),
                                      message.size(), &count);
    });
  }

  DotServer* const server_;
  const int descriptor_;
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool is_early_ = false;
  Octets input_;
};

}  // namespace

std::shared_ptr<void> make_early_context(const DotScript& script) {
  return make_context(script);
}

void serve_early_connection(DotServer* server, int descriptor) {
  sigset_t pipe;  // OpenSSL writes without MSG_NOSIGNAL; the thread ends here
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  Connection(server, descriptor,
             std::static_pointer_cast<SSL_CTX>(server->early_context()))
      .run();
}

}  // namespace happy::test
