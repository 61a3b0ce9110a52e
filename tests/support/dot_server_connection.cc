#include "tests/support/dot_server_connection.h"

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tests/support/dot_server.h"

namespace happy::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTick{10};  // how soon a stop is seen

struct Due {
  Clock::time_point at;
  Question question;
  ReplyFault fault;
};

class Connection {
 public:
  Connection(DotServer* server, int descriptor, int number)
      : server_(server), descriptor_(descriptor), number_(number) {
    const int on = server->script().no_delay;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Connection() {
    if (session_) gnutls_deinit(session_);
    close(descriptor_);
  }

  void run() {
    const DotScript& script = server_->script();
    if (script.plain) return speak_plainly();
    if (halts(Stage::kAccept)) return halt();
    if (halts(Stage::kClientHello)) {
      while (!server_->stopping() && !wait(kTick, POLLIN)) {
      }
      return halt();
    }
    if (!handshake()) return;
    if (halts(Stage::kHandshake)) return halt();
    last_traffic_ = Clock::now();
    if (!receive_early()) return;
    while (!server_->stopping() && turn()) {
    }
  }

 private:
  void speak_plainly() {
    const char text[] = "220 mail.example ESMTP\r\n";
    send(descriptor_, text, sizeof text - 1, MSG_NOSIGNAL);
    wait(milliseconds(50), POLLIN);
  }

  bool halts(Stage stage) const {
    const auto& wish = server_->script().halt;
    return wish && wish->after == stage &&
           (wish->connections == 0 || number_ <= wish->connections);
  }

  void halt() {
    switch (server_->script().halt->how) {
      case Ending::kSilence:
        return be_silent();
      case Ending::kClose:
        if (session_) say_goodbye();
        return drain_input();
      case Ending::kReset:
        reset();
        return;
    }
  }

  // Unread octets would turn the FIN of close() into a RST.
  void drain_input() const {
    char sink[4096];
    while (recv(descriptor_, sink, sizeof sink, MSG_DONTWAIT) > 0) {
    }
  }

  // Until the peer goes away or the server stops.
  void be_silent() {
    char sink[4096];
    while (!server_->stopping()) {
      if (!wait(kTick, POLLIN)) continue;
      if (session_ && gnutls_record_recv(session_, sink, sizeof sink) == 0)
        return;
      if (!session_ && recv(descriptor_, sink, sizeof sink, 0) == 0) return;
    }
  }

  bool wait(milliseconds how_long, short events) {
    pollfd one{descriptor_, events, 0};
    const int ms =
        static_cast<int>(std::max(how_long, milliseconds(0)).count());
    return poll(&one, 1, ms) > 0;
  }

  bool handshake() {
    const DotScript& script = server_->script();
    unsigned flags = GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
                     GNUTLS_NO_AUTO_SEND_TICKET;
    if (script.early_data > 0) flags |= GNUTLS_ENABLE_EARLY_DATA;
    gnutls_init(&session_, flags);
    if (script.early_data > 0) {
      gnutls_record_set_max_early_data_size(session_, script.early_data);
      gnutls_anti_replay_enable(session_, server_->replays());
    }
    if (script.tickets != Tickets::kNone)
      gnutls_session_ticket_enable_server(session_, &server_->ticket_key());
    const char* priorities =
        script.priorities.empty() ? "NORMAL" : script.priorities.c_str();
    if (gnutls_priority_set_direct(session_, priorities, nullptr) != 0)
      return false;
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE,
                           server_->credentials());
    unsigned char dot[] = {'d', 'o', 't'};
    const gnutls_datum_t alpn{dot, sizeof dot};
    if (script.offer_alpn) gnutls_alpn_set_protocols(session_, &alpn, 1, 0);
    gnutls_transport_set_int(session_, descriptor_);
    int result;
    while ((result = gnutls_handshake(session_)) != 0) {
      if (server_->stopping()) return false;
      if (gnutls_error_is_fatal(result)) {
        gnutls_alert_send_appropriate(session_, result);
        return false;
      }
      wait(kTick, gnutls_record_get_direction(session_) ? POLLOUT : POLLIN);
    }
    note_handshake();
    if (script.tickets == Tickets::kAtOnce) send_ticket();
    return true;
  }

  void send_ticket() {
    if (gnutls_protocol_get_version(session_) == GNUTLS_TLS1_3)
      gnutls_session_ticket_send(session_, 1, 0);
  }

  void note_handshake() {
    gnutls_datum_t protocol{};
    std::string alpn;
    if (gnutls_alpn_get_selected_protocol(session_, &protocol) == 0)
      alpn.assign(reinterpret_cast<char*>(protocol.data), protocol.size);
    char name[256] = "";
    size_t size = sizeof name;
    unsigned type = GNUTLS_NAME_DNS;
    if (gnutls_server_name_get(session_, name, &size, &type, 0) != 0)
      name[0] = '\0';
    server_->note([&](DotStatistics& it) {
      ++it.handshakes;
      if (gnutls_session_is_resumed(session_)) ++it.resumed;
      it.alpn = alpn;
      it.server_name = name;
    });
  }

  bool turn() {
    if (!send_due()) return false;
    if (gnutls_record_check_pending(session_) == 0 && !wait(patience(), POLLIN))
      return !idle_is_over() || say_goodbye();
    return receive();
  }

  milliseconds patience() const {
    milliseconds out = kTick;
    const auto now = Clock::now();
    for (const Due& due : due_)
      out = std::min(out, std::chrono::ceil<milliseconds>(due.at - now));
    return out;
  }

  bool idle_is_over() const {
    const auto limit = server_->script().idle_close;
    return limit && due_.empty() && Clock::now() - last_traffic_ >= *limit;
  }

  bool say_goodbye() {
    if (server_->script().close_notify) gnutls_bye(session_, GNUTLS_SHUT_WR);
    return false;
  }

  bool receive() {
    uint8_t data[16384];
    const ssize_t count = gnutls_record_recv(session_, data, sizeof data);
    if (count == 0) return false;
    if (count < 0) return !gnutls_error_is_fatal(static_cast<int>(count));
    last_traffic_ = Clock::now();
    input_.insert(input_.end(), data, data + count);
    return take_all();
  }

  bool take_all() {
    while (input_.size() >= 2) {
      const size_t size = size_t{input_[0]} << 8 | input_[1];
      if (input_.size() < 2 + size) break;
      const Octets message(input_.begin() + 2,
                           input_.begin() + 2 + static_cast<long>(size));
      input_.erase(input_.begin(),
                   input_.begin() + 2 + static_cast<long>(size));
      if (!take(message)) return false;
    }
    return true;
  }

  // What the client sent with its first flight.
  bool receive_early() {
    uint8_t data[16384];
    ssize_t count;
    while ((count =
                gnutls_record_recv_early_data(session_, data, sizeof data)) > 0)
      input_.insert(input_.end(), data, data + count);
    if (!input_.empty()) server_->note([](DotStatistics& it) { ++it.early; });
    return take_all();
  }

  bool take(const Octets& message) {
    const auto question = parse_query(message);
    if (!question) return false;
    const Zone zone = server_->zone();
    const Entry* entry = zone.find(question->name);
    const bool odd = entry && entry->is_odd_for(question->type);
    const auto delay = odd ? entry->delay_of(question->type) : milliseconds(0);
    if (!is_mute() && delay)
      due_.push_back({Clock::now() + *delay, *question,
                      odd ? entry->fault : ReplyFault::kNone});
    server_->note([&](DotStatistics& it) {
      ++it.queries;
      it.asked.push_back(*question);
      it.most_outstanding =
          std::max(it.most_outstanding, static_cast<int>(due_.size()));
    });
    if (halts(Stage::kQuery)) {
      halt();
      return false;
    }
    return number_ > server_->script().close_on_query_first;
  }

  bool is_mute() const {
    return replied_ && number_ <= server_->script().mute_first;
  }

  bool send_due() {
    std::stable_sort(due_.begin(), due_.end(),
                     [](const Due& a, const Due& b) { return a.at < b.at; });
    Octets together;
    while (!due_.empty() && due_.front().at <= Clock::now()) {
      const Due due = due_.front();
      due_.erase(due_.begin());
      last_traffic_ = Clock::now();
      if (!answer(due, &together)) return false;
    }
    return together.empty() || write(together);
  }

  // False: the connection is to end.
  bool answer(const Due& due, Octets* together) {
    const Zone zone = server_->zone();
    Question question = due.question;
    if (due.fault == ReplyFault::kWrongId) question.id ^= 0x5555;
    // Without OPT the record that is cut short is one of the answer's.
    if (due.fault == ReplyFault::kShortRdata) question.edns = false;
    if (due.fault == ReplyFault::kWrongQuestion) question.raw[1] ^= 1;
    const Octets message = spoil(zone.reply(question), due.fault);
    const bool good = deliver(message, due, together);
    if (!std::exchange(replied_, true) &&
        server_->script().tickets == Tickets::kLate)
      send_ticket();
    return good;
  }

  // What is not about the message but about the stream.
  bool deliver(const Octets& message, const Due& due, Octets* together) {
    switch (due.fault) {
      case ReplyFault::kDrop:
        return true;
      case ReplyFault::kCloseBefore:
        return say_goodbye();
      case ReplyFault::kReset:
        return reset();
      case ReplyFault::kCloseInside:
        return write_half(message) && say_goodbye();
      case ReplyFault::kResetInside:
        return write_half(message) && pause() && reset();
      case ReplyFault::kTwice:
        return send_message(message, together) &&
               send_message(message, together);
      case ReplyFault::kUnsolicited:
        return send_message(unsolicited(due.question), together) &&
               send_message(message, together);
      case ReplyFault::kCloseAfter:
        return send_message(message, nullptr) && say_goodbye();
      case ReplyFault::kHalfClose:
        if (!send_message(message, nullptr)) return false;
        gnutls_bye(session_, GNUTLS_SHUT_WR);
        shutdown(descriptor_, SHUT_WR);
        be_silent();
        return false;
      case ReplyFault::kNone:
      case ReplyFault::kWrongId:
      case ReplyFault::kWrongQuestion:
      case ReplyFault::kTruncated:
      case ReplyFault::kShortRdata:
      case ReplyFault::kGarbage:
      case ReplyFault::kEmpty:
      case ReplyFault::kOneOctet:
      case ReplyFault::kLargest:
      case ReplyFault::kPointerLoop:
      case ReplyFault::kOffChain:
        return send_message(message, together);
    }
    return false;
  }

  static Octets unsolicited(Question question) {
    question.id ^= 0x5555;
    question.raw[1] ^= 1;
    return Zone{}.reply(question);
  }

  bool write_half(const Octets& message) {
    Octets half = {static_cast<uint8_t>(message.size() >> 8),
                   static_cast<uint8_t>(message.size())};
    half.insert(half.end(), message.begin(),
                message.begin() + static_cast<long>(message.size() / 2));
    return write(half);
  }

  bool reset() const {
    const linger now{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return false;
  }

  bool send_message(const Octets& message, Octets* together) {
    const DotScript& script = server_->script();
    if (script.key_update &&
        gnutls_protocol_get_version(session_) == GNUTLS_TLS1_3)
      gnutls_session_key_update(session_, GNUTLS_KU_PEER);
    const Octets prefix = {static_cast<uint8_t>(message.size() >> 8),
                           static_cast<uint8_t>(message.size())};
    if (script.split_prefix && !message.empty())
      return write({prefix[0]}) && pause() && write({prefix[1]}) && pause() &&
             write({message.begin(), message.begin() + 1}) && pause() &&
             write({message.begin() + 1, message.end()});
    Octets whole = prefix;
    whole.insert(whole.end(), message.begin(), message.end());
    if (!script.coalesce || !together) return write(whole);
    together->insert(together->end(), whole.begin(), whole.end());
    return true;
  }

  bool pause() {
    wait(milliseconds(5), 0);
    return true;
  }

  bool write(const Octets& data) {
    size_t sent = 0;
    while (sent < data.size() && !server_->stopping()) {
      const ssize_t count =
          gnutls_record_send(session_, data.data() + sent, data.size() - sent);
      if (count > 0) {
        sent += static_cast<size_t>(count);
      } else if (gnutls_error_is_fatal(static_cast<int>(count))) {
        return false;
      } else {
        wait(kTick, POLLOUT);
      }
    }
    return true;
  }

  DotServer* const server_;
  const int descriptor_;
  const int number_;
  gnutls_session_t session_ = nullptr;
  bool replied_ = false;
  Octets input_;
  std::vector<Due> due_;
  Clock::time_point last_traffic_;
};

}  // namespace

void serve_dot_connection(DotServer* server, int descriptor, int number) {
  Connection(server, descriptor, number).run();
}

}  // namespace happy::test
