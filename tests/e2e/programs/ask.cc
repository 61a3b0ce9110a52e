// Asks for a name, or for the name of an address, by one function of libc:
// ask FUNCTION NAME. Exit status 0 where something was found, 1 where not.
// ADDRESS functions look NAME up by getaddrinfo() first.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <resolv.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <functional>
#include <map>
#include <string>

namespace {

using Answer = unsigned char[4096];
constexpr int kA = 1, kIn = 1;

addrinfo hints() {
  addrinfo out{};
  out.ai_socktype = SOCK_STREAM;
  return out;
}

bool by_getaddrinfo(const char* name) {
  addrinfo* list = nullptr;
  const addrinfo wish = hints();
  if (getaddrinfo(name, "80", &wish, &list) != 0) return false;
  freeaddrinfo(list);
  return true;
}

bool by_getaddrinfo_a(const char* name) {
  const addrinfo wish = hints();
  gaicb request{};
  request.ar_name = name;
  request.ar_service = "80";
  request.ar_request = &wish;
  gaicb* list[] = {&request};
  return getaddrinfo_a(GAI_WAIT, list, 1, nullptr) == 0 &&
         gai_error(&request) == 0;
}

bool by_gethostbyname_r(const char* name) {
  hostent entry{}, *result = nullptr;
  char buffer[4096];
  int error = 0;
  return gethostbyname_r(name, &entry, buffer, sizeof buffer, &result,
                         &error) == 0 &&
         result != nullptr;
}

bool by_gethostbyname2_r(const char* name) {
  hostent entry{}, *result = nullptr;
  char buffer[4096];
  int error = 0;
  return gethostbyname2_r(name, AF_INET, &entry, buffer, sizeof buffer, &result,
                          &error) == 0 &&
         result != nullptr;
}

// The address of a name, as the program was told it.
in_addr address_of(const char* name) {
  addrinfo* list = nullptr;
  addrinfo wish = hints();
  wish.ai_family = AF_INET;
  in_addr out{};
  if (getaddrinfo(name, "80", &wish, &list) != 0) return out;
  out = reinterpret_cast<sockaddr_in*>(list->ai_addr)->sin_addr;
  freeaddrinfo(list);
  return out;
}

bool by_getnameinfo(const char* name) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = address_of(name);
  char host[NI_MAXHOST];
  return getnameinfo(reinterpret_cast<sockaddr*>(&address), sizeof address,
                     host, sizeof host, nullptr, 0, NI_NAMEREQD) == 0;
}

bool by_gethostbyaddr(const char* name) {
  const in_addr address = address_of(name);
  return gethostbyaddr(&address, sizeof address, AF_INET) != nullptr;
}

bool by_gethostbyaddr_r(const char* name) {
  const in_addr address = address_of(name);
  hostent entry{}, *result = nullptr;
  char buffer[4096];
  int error = 0;
  return gethostbyaddr_r(&address, sizeof address, AF_INET, &entry, buffer,
                         sizeof buffer, &result, &error) == 0 &&
         result != nullptr;
}

std::string reverse_name(const char* name) {
  const in_addr address = address_of(name);
  unsigned char octets[4];
  memcpy(octets, &address, sizeof octets);
  std::string out;
  for (int i = 3; i >= 0; --i) out += std::to_string(octets[i]) + ".";
  return out + "in-addr.arpa";
}

int query(const char* name, int type, unsigned char* message, int room) {
  return res_mkquery(QUERY, name, kIn, type, nullptr, 0, nullptr, message,
                     room);
}

// One that programs linked against older libcs call by another name, too.
template <typename Function>
Function* named(const char* symbol) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, symbol));
}

// State of the program's own, as the res_n... functions want it.
res_state own_state() {
  static struct __res_state state;
  static const int made = res_ninit(&state);
  return made == 0 ? &state : nullptr;
}

bool by_query(decltype(res_query)* ask, const char* name, int type = kA) {
  Answer answer;
  return ask(name, kIn, type, answer, sizeof answer) > 0;
}

bool by_state_query(decltype(res_nquery)* ask, const char* name) {
  Answer answer;
  return ask(own_state(), name, kIn, kA, answer, sizeof answer) > 0;
}

// The name in two parts, which these functions join.
bool by_domain(decltype(res_querydomain)* ask, const char* name) {
  Answer answer;
  const std::string first(name, strcspn(name, "."));
  return ask(first.c_str(), name + first.size() + 1, kIn, kA, answer,
             sizeof answer) > 0;
}

bool by_state_domain(decltype(res_nquerydomain)* ask, const char* name) {
  Answer answer;
  const std::string first(name, strcspn(name, "."));
  return ask(own_state(), first.c_str(), name + first.size() + 1, kIn, kA,
             answer, sizeof answer) > 0;
}

bool by_send(decltype(res_send)* send, const char* name) {
  Answer message, answer;
  const int size = query(name, kA, message, sizeof message);
  return send(message, size, answer, sizeof answer) > 0;
}

bool by_state_send(decltype(res_nsend)* send, const char* name) {
  Answer message, answer;
  const int size = query(name, kA, message, sizeof message);
  return send(own_state(), message, size, answer, sizeof answer) > 0;
}

bool by_rcmd(const char* name) {
  std::string text = name;
  char* host = text.data();
  return rcmd(&host, 514, "me", "me", "true", nullptr) >= 0;
}

bool by_rcmd_af(const char* name) {
  std::string text = name;
  char* host = text.data();
  return rcmd_af(&host, 514, "me", "me", "true", nullptr, AF_INET) >= 0;
}

bool by_rexec(const char* name) {
  std::string text = name;
  char* host = text.data();
  return rexec(&host, htons(512), "me", "secret", "true", nullptr) >= 0;
}

bool by_rexec_af(const char* name) {
  std::string text = name;
  char* host = text.data();
  return rexec_af(&host, htons(512), "me", "secret", "true", nullptr,
                  AF_INET) >= 0;
}

using Function = std::function<bool(const char*)>;
const std::map<std::string, Function> kFunctions = {
    {"getaddrinfo", by_getaddrinfo},
    {"getaddrinfo_a", by_getaddrinfo_a},
    {"gethostbyname",
     [](const char* n) { return gethostbyname(n) != nullptr; }},
    {"gethostbyname2",
     [](const char* n) { return gethostbyname2(n, AF_INET) != nullptr; }},
    {"gethostbyname_r", by_gethostbyname_r},
    {"gethostbyname2_r", by_gethostbyname2_r},
    {"getnameinfo", by_getnameinfo},
    {"gethostbyaddr", by_gethostbyaddr},
    {"gethostbyaddr_r", by_gethostbyaddr_r},
    {"res_query", [](const char* n) { return by_query(res_query, n); }},
    {"__res_query",
     [](const char* n) {
       return by_query(named<decltype(res_query)>("__res_query"), n);
     }},
    {"res_search", [](const char* n) { return by_query(res_search, n); }},
    {"__res_search",
     [](const char* n) {
       return by_query(named<decltype(res_search)>("__res_search"), n);
     }},
    {"res_querydomain",
     [](const char* n) { return by_domain(res_querydomain, n); }},
    {"__res_querydomain",
     [](const char* n) {
       return by_domain(named<decltype(res_querydomain)>("__res_querydomain"),
                        n);
     }},
    {"res_nquery", [](const char* n) { return by_state_query(res_nquery, n); }},
    {"__res_nquery",
     [](const char* n) {
       return by_state_query(named<decltype(res_nquery)>("__res_nquery"), n);
     }},
    {"res_nsearch",
     [](const char* n) { return by_state_query(res_nsearch, n); }},
    {"__res_nsearch",
     [](const char* n) {
       return by_state_query(named<decltype(res_nsearch)>("__res_nsearch"), n);
     }},
    {"res_nquerydomain",
     [](const char* n) { return by_state_domain(res_nquerydomain, n); }},
    {"__res_nquerydomain",
     [](const char* n) {
       return by_state_domain(
           named<decltype(res_nquerydomain)>("__res_nquerydomain"), n);
     }},
    {"res_send", [](const char* n) { return by_send(res_send, n); }},
    {"__res_send",
     [](const char* n) {
       return by_send(named<decltype(res_send)>("__res_send"), n);
     }},
    {"res_nsend", [](const char* n) { return by_state_send(res_nsend, n); }},
    {"__res_nsend",
     [](const char* n) {
       return by_state_send(named<decltype(res_nsend)>("__res_nsend"), n);
     }},
    {"res_query_ptr",
     [](const char* n) {
       return by_query(res_query, reverse_name(n).c_str(), 12);
     }},
    {"rcmd", by_rcmd},
    {"rcmd_af", by_rcmd_af},
    {"rexec", by_rexec},
    {"rexec_af", by_rexec_af},
    {"ruserok", [](const char* n) { return ruserok(n, 1, "me", "root") == 0; }},
    {"ruserok_af",
     [](const char* n) {
       return ruserok_af(n, 1, "me", "root", AF_INET) == 0;
     }},
};

}  // namespace

int main(int, char** arguments) {
  const auto found = kFunctions.find(arguments[1]);
  if (found == kFunctions.end()) return 2;
  return found->second(arguments[2]) ? 0 : 1;
}
