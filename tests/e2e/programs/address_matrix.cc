// Prints what gethostbyaddr(3), gethostbyaddr_r(3) and getnameinfo(3) say of
// the addresses of names, one call a line: the call, a tab, and every field.
#include <netdb.h>
#include <netinet/in.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kFlags[] = {0,
                          NI_NAMEREQD,
                          NI_NOFQDN,
                          NI_NUMERICHOST,
                          NI_NAMEREQD | NI_NOFQDN,
                          NI_NUMERICSERV,
                          1 << 20};
constexpr size_t kSizes[] = {4096, 64, 16};
constexpr socklen_t kRooms[] = {NI_MAXHOST, 8};

std::string entry_of(const hostent* entry, const void* bytes) {
  if (entry == nullptr) return "none";
  std::string out = entry->h_name;
  for (char** at = entry->h_aliases; *at != nullptr; ++at)
    out += std::string(" alias ") + *at;
  out += " family " + std::to_string(entry->h_addrtype);
  out += " length " + std::to_string(entry->h_length);
  const auto length = static_cast<size_t>(entry->h_length);
  const bool same = memcmp(entry->h_addr_list[0], bytes, length) == 0;
  return out + (same && entry->h_addr_list[1] == nullptr ? " same" : " other");
}

void show_entries(const char* name, const void* bytes, socklen_t length,
                  int family) {
  h_errno = 0;
  const hostent* const found = gethostbyaddr(bytes, length, family);
  const int said = found == nullptr ? h_errno : 0;
  std::printf("gethostbyaddr %s family %d\t%s h_errno %d\n", name, family,
              entry_of(found, bytes).c_str(), said);
  for (const size_t size : kSizes) {
    std::vector<char> buffer(size);
    hostent entry{}, *result = nullptr;
    int error = 0;
    const int status = gethostbyaddr_r(bytes, length, family, &entry,
                                       buffer.data(), size, &result, &error);
    std::printf("gethostbyaddr_r %s family %d in %zu\t%d %s h_errno %d\n", name,
                family, size, status, entry_of(result, bytes).c_str(),
                result == nullptr ? error : 0);
  }
}

void show_names(const char* name, const addrinfo& one) {
  for (const int flags : kFlags)
    for (const socklen_t room : kRooms) {
      char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";
      const int status = getnameinfo(one.ai_addr, one.ai_addrlen, host, room,
                                     service, sizeof service, flags);
      std::printf("getnameinfo %s family %d flags %d in %u\t%d %s %s\n", name,
                  one.ai_family, flags, room, status, status == 0 ? host : "",
                  status == 0 ? service : "");
    }
}

}  // namespace

int main(int, char** names) {
  while (*++names != nullptr) {
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(*names, "80", &hints, &list) != 0) return 1;
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
      const bool ipv4 = one->ai_family == AF_INET;
      const void* const bytes =
          ipv4 ? static_cast<const void*>(
                     &reinterpret_cast<sockaddr_in*>(one->ai_addr)->sin_addr)
               : &reinterpret_cast<sockaddr_in6*>(one->ai_addr)->sin6_addr;
      show_entries(*names, bytes, ipv4 ? 4 : 16, one->ai_family);
      show_names(*names, *one);
    }
    freeaddrinfo(list);
  }
}
