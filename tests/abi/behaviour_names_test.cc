// Look-ups: every field and error of libc's functions. The host is an ordinary
// program that reads what netdb.h promises.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <thread>
#include <vector>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

using testing::ElementsAre;

struct Entry {
  std::string address;
  int type, protocol, port;
  bool operator==(const Entry&) const = default;
};
void PrintTo(const Entry& entry, std::ostream* out) {
  *out << entry.address << " " << entry.type << " " << entry.protocol << " "
       << entry.port;
}

struct Answer {
  int error = 0;
  std::vector<Entry> entries;
  std::vector<std::string> canonical_names;  // "" where there is none
};

Answer look_up(const char* node, const char* service, const addrinfo* hints) {
  Answer out;
  addrinfo* list = nullptr;
  out.error = getaddrinfo(node, service, hints, &list);
  if (out.error != 0) return out;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    char text[INET6_ADDRSTRLEN];
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(at->ai_addr);
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(at->ai_addr);
    EXPECT_EQ(at->ai_family, at->ai_addr->sa_family);
    const bool six = at->ai_family == AF_INET6;
    EXPECT_EQ(at->ai_addrlen, six ? sizeof *v6 : sizeof *v4);
    inet_ntop(at->ai_family,
              six ? static_cast<const void*>(&v6->sin6_addr) : &v4->sin_addr,
              text, sizeof text);
    out.entries.push_back({text, at->ai_socktype, at->ai_protocol,
                           ntohs(six ? v6->sin6_port : v4->sin_port)});
    out.canonical_names.emplace_back(at->ai_canonname ? at->ai_canonname : "");
  }
  freeaddrinfo(list);
  return out;
}

addrinfo hints_of(int family, int type, int flags) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = type;
  hints.ai_flags = flags;
  return hints;
}

Answer ask(const char* node, int flags = 0, int family = AF_UNSPEC,
           const char* service = nullptr) {
  const addrinfo hints = hints_of(family, SOCK_STREAM, flags);
  return look_up(node, service, &hints);
}

TEST(GetAddrInfo, WithoutHintsGivesThreeSocketTypesAnAddress) {
  EXPECT_THAT(look_up("one.lab.test", nullptr, nullptr).entries,
              ElementsAre(Entry{"127.0.90.1", SOCK_STREAM, IPPROTO_TCP, 0},
                          Entry{"127.0.90.1", SOCK_DGRAM, IPPROTO_UDP, 0},
                          Entry{"127.0.90.1", SOCK_RAW, 0, 0}));
}

TEST(GetAddrInfo, HasTheSameTypesAsForANumericAddress) {
  for (const char* service : {"http", "domain", "80"}) {
    const auto named = look_up("one.lab.test", service, nullptr);
    const auto numbered = look_up("127.0.90.1", service, nullptr);
    EXPECT_EQ(named.entries, numbered.entries) << service;
  }
}

TEST(GetAddrInfo, GivesAllAddressesInOrder) {
  EXPECT_THAT(ask("second.lab.test").entries,
              ElementsAre(Entry{"127.0.20.1", SOCK_STREAM, IPPROTO_TCP, 0},
                          Entry{"127.0.20.2", SOCK_STREAM, IPPROTO_TCP, 0}));
}

TEST(GetAddrInfo, IgnoresCaseAndTheFinalDot) {
  EXPECT_EQ(ask("ONE.Lab.Test.").entries, ask("one.lab.test").entries);
}

TEST(GetAddrInfo, AnswersAServiceByName) {
  EXPECT_EQ(ask("one.lab.test", 0, AF_INET, "https").entries.at(0).port, 443);
}

TEST(GetAddrInfo, AServiceThatDoesNotExistIsAnError) {
  EXPECT_EQ(ask("one.lab.test", 0, AF_INET, "no-such-thing").error,
            EAI_SERVICE);
}

TEST(GetAddrInfo, ANumericServiceFlagWantsANumber) {
  EXPECT_EQ(ask("one.lab.test", AI_NUMERICSERV, AF_INET, "http").error,
            EAI_NONAME);
  EXPECT_EQ(ask("one.lab.test", AI_NUMERICSERV, AF_INET, "80").error, 0);
}

TEST(GetAddrInfo, PassiveWithANodeChangesNothing) {
  EXPECT_EQ(ask("one.lab.test", AI_PASSIVE).entries,
            ask("one.lab.test").entries);
}

TEST(GetAddrInfo, GivesACanonicalNameWithTheFirstEntryOnly) {
  EXPECT_THAT(ask("second.lab.test", AI_CANONNAME).canonical_names,
              ElementsAre("second.lab.test", ""));
  EXPECT_THAT(ask("second.lab.test").canonical_names, ElementsAre("", ""));
}

TEST(GetAddrInfo, OneFamilyGivesOnlyThat) {
  EXPECT_EQ(ask("dead6.lab.test", 0, AF_INET6).entries.at(0).address, "::1");
  EXPECT_EQ(ask("dead6.lab.test", 0, AF_INET6).entries.size(), 1u);
  EXPECT_EQ(ask("dead6.lab.test", 0, AF_INET).entries.at(0).address,
            "127.0.80.1");
}

TEST(GetAddrInfo, ANameWithoutTheFamilyHasNoAddress) {
  const int error = ask("one.lab.test", 0, AF_INET6).error;
  EXPECT_EQ(error, EAI_NODATA) << gai_strerror(error);
}

TEST(GetAddrInfo, MapsIpv4WhereThereIsNoIpv6) {
  EXPECT_EQ(ask("one.lab.test", AI_V4MAPPED, AF_INET6).entries.at(0).address,
            "::ffff:127.0.90.1");
  const auto both = ask("dead6.lab.test", AI_V4MAPPED, AF_INET6);
  EXPECT_EQ(both.entries.size(), 1u);
  // A family whose answer is late joins the next look-up.
  EXPECT_TRUE(eventually([] {
    return ask("dead6.lab.test", AI_V4MAPPED | AI_ALL, AF_INET6)
               .entries.size() == 2;
  }));
}

TEST(GetAddrInfo, AMissingNameIsNotKnown) {
  const int error = ask("missing.lab.test").error;
  EXPECT_EQ(error, EAI_NONAME) << gai_strerror(error);
}

TEST(GetAddrInfo, NumericHostsAskNobody) {
  EXPECT_EQ(ask("one.lab.test", AI_NUMERICHOST).error, EAI_NONAME);
  EXPECT_EQ(ask("127.1").entries.at(0).address, "127.0.0.1");
  EXPECT_EQ(ask("::1").entries.at(0).address, "::1");
  EXPECT_EQ(ask("fe80::1%lo").entries.at(0).address, "fe80::1");
}

TEST(GetAddrInfo, NullNodesAreLibcs) {
  EXPECT_EQ(look_up(nullptr, nullptr, nullptr).error, EAI_NONAME);
  const addrinfo passive = hints_of(AF_INET, SOCK_STREAM, AI_PASSIVE);
  EXPECT_EQ(look_up(nullptr, "80", &passive).entries.at(0).address, "0.0.0.0");
}

TEST(GetAddrInfo, UnknownFlagsFamiliesAndTypesAreErrors) {
  EXPECT_EQ(ask("one.lab.test", 1 << 20).error, EAI_BADFLAGS);
  EXPECT_EQ(ask("one.lab.test", 0, AF_UNIX).error, EAI_FAMILY);
  const addrinfo wrong = hints_of(AF_INET, 77, 0);
  EXPECT_EQ(look_up("one.lab.test", nullptr, &wrong).error, EAI_SOCKTYPE);
}

TEST(GetAddrInfo, LocalhostIsNeverSent) {
  const int before = traced("resolve_start");
  const auto answer = ask("localhost", 0, AF_INET);
  EXPECT_EQ(answer.entries.at(0).address, "127.0.0.1");
  EXPECT_EQ(traced("resolve_start"), before);
}

TEST(GetAddrInfo, LeavesErrnoOfASuccessAlone) {
  errno = 77;
  EXPECT_EQ(ask("one.lab.test").error, 0);
  EXPECT_EQ(errno, 77);
}

TEST(GetAddrInfo, ManyThreadsAtOnceAllGetTheirOwn) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([i] {
      const char* name = i % 2 != 0 ? "one.lab.test" : "closed.lab.test";
      const char* address = i % 2 != 0 ? "127.0.90.1" : "127.0.40.1";
      for (int j = 0; j < 50; ++j)
        EXPECT_EQ(ask(name).entries.at(0).address, address);
    });
  }
  for (auto& thread : threads) thread.join();
}

std::vector<std::string> addresses_of(const hostent* entry) {
  std::vector<std::string> out;
  if (entry == nullptr) return out;
  for (char** at = entry->h_addr_list; *at != nullptr; ++at) {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(entry->h_addrtype, *at, text, sizeof text);
    out.emplace_back(text);
  }
  return out;
}

TEST(GetHostByName, GivesNameAndAddresses) {
  const hostent* entry = gethostbyname("second.lab.test");
  ASSERT_NE(entry, nullptr);
  EXPECT_STREQ(entry->h_name, "second.lab.test");
  EXPECT_EQ(entry->h_addrtype, AF_INET);
  EXPECT_EQ(entry->h_length, 4);
  EXPECT_EQ(entry->h_aliases[0], nullptr);
  EXPECT_THAT(addresses_of(entry), ElementsAre("127.0.20.1", "127.0.20.2"));
}

TEST(GetHostByName, OfOneFamilyGivesThat) {
  EXPECT_THAT(addresses_of(gethostbyname2("dead6.lab.test", AF_INET6)),
              ElementsAre("::1"));
  EXPECT_THAT(addresses_of(gethostbyname2("dead6.lab.test", AF_INET)),
              ElementsAre("127.0.80.1"));
}

TEST(GetHostByName, SetsTheHostError) {
  EXPECT_EQ(gethostbyname("missing.lab.test"), nullptr);
  EXPECT_EQ(h_errno, HOST_NOT_FOUND);
  EXPECT_EQ(gethostbyname2("one.lab.test", AF_INET6), nullptr);
  EXPECT_EQ(h_errno, NO_DATA);
}

TEST(GetHostByName, WithATooSmallBufferIsOutOfRange) {
  hostent entry{}, *result = &entry;
  int error = 0;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{20}, size_t{40}}) {
    std::vector<char> buffer(size + 1);
    EXPECT_EQ(gethostbyname_r("second.lab.test", &entry, buffer.data(), size,
                              &result, &error),
              ERANGE)
        << size;
    EXPECT_EQ(result, nullptr);
    EXPECT_EQ(error, NETDB_INTERNAL);
    EXPECT_EQ(gethostbyname2_r("second.lab.test", AF_INET, &entry,
                               buffer.data(), size, &result, &error),
              ERANGE);
  }
}

TEST(GetHostByName, GrowingTheBufferEndsInAnAnswer) {
  hostent entry{}, *result = nullptr;
  int error = 0;
  size_t size = 1;
  std::vector<char> buffer;
  int status = ERANGE;
  while (status == ERANGE && size < 10'000) {
    buffer.assign(size, 'x');
    status = gethostbyname2_r("second.lab.test", AF_INET, &entry, buffer.data(),
                              size, &result, &error);
    ++size;
  }
  ASSERT_EQ(status, 0);
  ASSERT_EQ(result, &entry);
  EXPECT_THAT(addresses_of(result), ElementsAre("127.0.20.1", "127.0.20.2"));
}

TEST(GetHostByName, OfAMissingNameHasNoResult) {
  hostent entry{}, *result = &entry;
  int error = 0;
  char buffer[1024];
  gethostbyname_r("missing.lab.test", &entry, buffer, sizeof buffer, &result,
                  &error);
  EXPECT_EQ(result, nullptr);
  EXPECT_EQ(error, HOST_NOT_FOUND);
}

TEST(GetHostByName, NumericNamesAreLibcs) {
  EXPECT_THAT(addresses_of(gethostbyname("127.0.0.9")),
              ElementsAre("127.0.0.9"));
}

// One address of two names: what a thread has looked up is what it means.
TEST(Threads, EachRacesWhatItHasLookedUpItself) {
  const Target target = resolve("second");
  std::thread other([] { resolve("closed"); });
  other.join();
  const Descriptor fd = tcp(AF_INET, 0);
  EXPECT_EQ(begin(fd, target), 0);
  EXPECT_EQ(peer_of(fd.get()), "127.0.20.2");
}

TEST(Threads, OneMayConnectToWhatAnotherLookedUp) {
  Target target;
  std::thread other([&] { target = resolve("second"); });
  other.join();
  const Descriptor fd = tcp(AF_INET, 0);
  EXPECT_EQ(begin(fd, target), 0);
  EXPECT_EQ(peer_of(fd.get()), "127.0.20.2");
}

}  // namespace
}  // namespace happy::behaviour
