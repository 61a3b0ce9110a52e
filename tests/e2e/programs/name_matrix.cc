// Prints what getaddrinfo(3) and the gethostbyname(3) family say to many
// combinations of node, service and hints, one a line: the question, a tab, and
// every field of the answer. Addresses are sorted, since their order is another
// matter; what belongs to one address keeps its order.
#include <arpa/inet.h>
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

const std::string kLongLabel(64, 'x');
const std::string kLong = [] {
  std::string out;
  while (out.size() < 300) out += "abcdefgh.";
  return out + "lab.test";
}();

// As long as names may be, and one more.
const std::string kFullLabel(63, 'y');
const std::string kFull = [] {
  const std::string label(61, 'z');
  return label + "." + label + "." + label + "." + std::string(58, 'z') +
         ".lab.test";
}();
const std::string kOverfull = "z" + kFull;

const char* const kNodes[] = {nullptr,
                              "",
                              "a.lab.test",
                              "aaaa.lab.test",
                              "both.lab.test",
                              "BOTH.lab.test",
                              "both.lab.test.",
                              "many.lab.test",
                              "both",
                              "a",
                              "alias.chain.lab.test",
                              "ALIAS.chain",
                              "farther.chain.lab.test",
                              "nowhere.chain.lab.test",
                              "noaddress.lab.test",
                              "b\303\274cher.lab.test",
                              "missing.lab.test",
                              "missing",
                              "hosts.lab.test",
                              "nick",
                              "localhost",
                              "xn--bcher-kva.lab.test",
                              "under_score.lab.test",
                              "-dash.lab.test",
                              "bad..lab.test",
                              ".lab.test",
                              "a b.lab.test",
                              "lab.test",
                              kLong.c_str(),
                              kLongLabel.c_str(),
                              kFullLabel.c_str(),
                              kFull.c_str(),
                              kOverfull.c_str(),
                              "198.51.100.7",
                              "127.1",
                              "0x7f.1",
                              "010.0.0.1",
                              "198.51.100.256",
                              "1.2.3.4.5",
                              "::1",
                              "2001:db8::7",
                              "fe80::1%lo",
                              "fe80::1%99",
                              "fe80::1%nowhere",
                              "::ffff:198.51.100.7",
                              "2001:db8:::7",
                              "*",
                              "x.invalid"};
const char* const kServices[] = {"80",     nullptr, "http", "domain", "tftp",
                                 "nosuch", "65536", "-1",   ""};
constexpr int kFamilies[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX};
struct Kind {
  int type, protocol;
};
constexpr Kind kKinds[] = {{SOCK_STREAM, 0},
                           {0, 0},
                           {SOCK_DGRAM, 0},
                           {SOCK_RAW, 0},
                           {SOCK_SEQPACKET, 0},
                           {SOCK_STREAM, IPPROTO_TCP},
                           {SOCK_STREAM, IPPROTO_UDP},
                           {0, IPPROTO_UDP},
                           {0, IPPROTO_TCP},
                           {SOCK_DGRAM, IPPROTO_UDP},
                           {SOCK_STREAM, IPPROTO_ICMP},
                           {99, 0}};
constexpr int kFlags[] = {0,
                          AI_PASSIVE,
                          AI_CANONNAME,
                          AI_NUMERICHOST,
                          AI_NUMERICSERV,
                          AI_V4MAPPED,
                          AI_V4MAPPED | AI_ALL,
                          AI_ADDRCONFIG,
                          AI_PASSIVE | AI_CANONNAME,
                          AI_CANONNAME | AI_ADDRCONFIG | AI_V4MAPPED,
                          AI_IDN,
                          AI_CANONIDN | AI_CANONNAME,
                          0x4000};

std::string shown(const char* text) {
  if (text == nullptr) return "NULL";
  const std::string all(text);
  return all.size() > 40 ? all.substr(0, 8) + "..." + std::to_string(all.size())
                         : "\"" + all + "\"";
}

std::string text_of(int family, const void* address) {
  char out[INET6_ADDRSTRLEN] = "?";
  inet_ntop(family, address, out, sizeof out);
  return out;
}

std::string node_of(const addrinfo& one) {
  std::string out;
  if (one.ai_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(one.ai_addr);
    out = text_of(AF_INET, &in->sin_addr) + ":" +
          std::to_string(ntohs(in->sin_port));
  } else if (one.ai_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(one.ai_addr);
    out = "[" + text_of(AF_INET6, &in6->sin6_addr) + "%" +
          std::to_string(in6->sin6_scope_id) + "," +
          std::to_string(in6->sin6_flowinfo) +
          "]:" + std::to_string(ntohs(in6->sin6_port));
  }
  return out + " family " + std::to_string(one.ai_family) + "/" +
         std::to_string(one.ai_addr->sa_family) + " length " +
         std::to_string(one.ai_addrlen) + " flags " +
         std::to_string(one.ai_flags) + " type " +
         std::to_string(one.ai_socktype) + " protocol " +
         std::to_string(one.ai_protocol);
}

bool before(const addrinfo* a, const addrinfo* b) {
  if (a->ai_family != b->ai_family) return a->ai_family < b->ai_family;
  const bool v4 = a->ai_family == AF_INET;
  const size_t from =
      v4 ? offsetof(sockaddr_in, sin_addr) : offsetof(sockaddr_in6, sin6_addr);
  return memcmp(reinterpret_cast<const char*>(a->ai_addr) + from,
                reinterpret_cast<const char*>(b->ai_addr) + from,
                v4 ? 4 : 16) < 0;
}

void get_address_information(const char* node, const char* service, int family,
                             const Kind& kind, int flags,
                             bool with_hints = true) {
  addrinfo hints{}, *list = nullptr;
  hints.ai_family = family;
  hints.ai_socktype = kind.type;
  hints.ai_protocol = kind.protocol;
  hints.ai_flags = flags;
  errno = 0;
  const int error =
      getaddrinfo(node, service, with_hints ? &hints : nullptr, &list);
  std::printf("getaddrinfo %s %s family %d type %d/%d flags %#x%s\t",
              shown(node).c_str(), shown(service).c_str(), family, kind.type,
              kind.protocol, static_cast<unsigned>(flags),
              with_hints ? "" : " no hints");
  if (error != 0) {
    std::printf("%s%s\n", gai_strerror(error),
                error == EAI_SYSTEM ? strerror(errno) : "");
    return;
  }
  std::vector<const addrinfo*> all;
  std::string names;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    all.push_back(one);
    if (one->ai_canonname != nullptr)
      names += std::string(one == list ? "" : " late") + " name " +
               one->ai_canonname;
  }
  std::stable_sort(all.begin(), all.end(), before);
  std::printf("ok%s", names.c_str());
  for (const addrinfo* one : all) std::printf(" | %s", node_of(*one).c_str());
  std::printf("\n");
  freeaddrinfo(list);
}

std::string entry_of(const hostent* entry) {
  if (entry == nullptr) return "none";
  std::string out = std::string(entry->h_name) + " type " +
                    std::to_string(entry->h_addrtype) + " length " +
                    std::to_string(entry->h_length);
  std::vector<std::string> addresses;
  for (char** one = entry->h_addr_list; *one != nullptr; ++one)
    addresses.push_back(text_of(entry->h_addrtype, *one));
  std::sort(addresses.begin(), addresses.end());
  for (char** one = entry->h_aliases; *one != nullptr; ++one)
    out += std::string(" alias ") + *one;
  for (const auto& one : addresses) out += " " + one;
  return out;
}

void get_host_by_name(const char* node, int family) {
  h_errno = 0;
  const hostent* const entry =
      family == AF_UNSPEC ? gethostbyname(node) : gethostbyname2(node, family);
  const int error = h_errno;
  std::printf("gethostbyname%s %s family %d\t%s",
              family == AF_UNSPEC ? "" : "2", shown(node).c_str(), family,
              entry_of(entry).c_str());
  std::printf(entry == nullptr ? ", h_errno %d\n" : "\n", error);
}

constexpr size_t kSizes[] = {8, 40, 64, 1024};

void show_entry(const std::string& about, size_t size, int status,
                const hostent* result, int error) {
  std::printf("%s in %zu\t%s, %s", about.c_str(), size, strerror(status),
              entry_of(result).c_str());
  std::printf(result == nullptr ? ", h_errno %d\n" : "\n", error);
}

void get_host_by_name_r(const char* node, int family, size_t size) {
  std::vector<char> buffer(size);
  hostent entry{}, *result = nullptr;
  int error = 0;
  const int status = gethostbyname2_r(node, family, &entry, buffer.data(),
                                      buffer.size(), &result, &error);
  show_entry(
      "gethostbyname2_r " + shown(node) + " family " + std::to_string(family),
      size, status, result, error);
}

void get_host_by_name_r(const char* node, size_t size) {
  std::vector<char> buffer(size);
  hostent entry{}, *result = nullptr;
  int error = 0;
  const int status = gethostbyname_r(node, &entry, buffer.data(), buffer.size(),
                                     &result, &error);
  show_entry("gethostbyname_r " + shown(node), size, status, result, error);
}

void get_host_by_address(const char* text, int family, socklen_t length) {
  unsigned char bytes[16] = {};
  inet_pton(family, text, bytes);
  h_errno = 0;
  const hostent* const entry = gethostbyaddr(bytes, length, family);
  const int error = h_errno;
  const std::string about = "gethostbyaddr " + shown(text) + " family " +
                            std::to_string(family) + " of " +
                            std::to_string(length);
  std::printf("%s\t%s", about.c_str(), entry_of(entry).c_str());
  std::printf(entry == nullptr ? ", h_errno %d\n" : "\n", error);
  for (const size_t size : kSizes) {
    std::vector<char> buffer(size);
    hostent filled{}, *result = nullptr;
    int told = 0;
    const int status = gethostbyaddr_r(bytes, length, family, &filled,
                                       buffer.data(), size, &result, &told);
    show_entry(about + " _r", size, status, result, told);
  }
}

template <typename T, size_t kSize>
const T& any(const T (&of)[kSize], std::minstd_rand& random) {
  return of[random() % kSize];
}

void ask_for_lists(const char* node) {
  for (const int family : kFamilies)
    for (const int flags : kFlags)
      get_address_information(node, kServices[0], family, kKinds[0], flags);
  for (const char* service : kServices)
    for (const Kind& kind : kKinds)
      get_address_information(node, service, AF_UNSPEC, kind, 0);
  for (const char* service : kServices)
    get_address_information(node, service, AF_UNSPEC, {0, 0}, 0, false);
  for (const char* locale : {"C", "C.UTF-8"}) {
    setlocale(LC_ALL, locale);
    for (const int idn : {AI_IDN, AI_IDN | AI_CANONIDN, AI_CANONIDN})
      get_address_information(node, "80", AF_INET, {SOCK_STREAM, 0},
                              idn | AI_CANONNAME);
  }
}

void ask_for_entries(const char* node) {
  for (const int family : {AF_UNSPEC, AF_INET, AF_INET6})
    get_host_by_name(node, family);
  for (const int family : {AF_INET, AF_INET6})
    for (const size_t size : kSizes) get_host_by_name_r(node, family, size);
  for (const size_t size : kSizes) get_host_by_name_r(node, size);
}

}  // namespace

int main() {
  for (const char* node : kNodes) {
    ask_for_lists(node);
    if (node != nullptr) ask_for_entries(node);
  }
  // Of the hosts file, with a name, without one, and of no family's length.
  get_host_by_address("192.0.2.77", AF_INET, 4);
  get_host_by_address("2001:db8:7::7", AF_INET6, 16);
  get_host_by_address("198.51.100.8", AF_INET, 4);
  get_host_by_address("198.51.100.9", AF_INET, 4);
  get_host_by_address("198.51.100.8", AF_INET, 3);
  get_host_by_address("198.51.100.8", AF_UNIX, 4);
  constexpr int kSample = 4000;
  std::minstd_rand random(9460);
  for (int i = 0; i < kSample; ++i) {
    const char* node = any(kNodes, random);
    const char* service = any(kServices, random);
    const int family = any(kFamilies, random);
    const Kind& kind = any(kKinds, random);
    get_address_information(node, service, family, kind, any(kFlags, random));
  }
}
