// happyctl doctor, as its users meet it: small ELF files made on the spot, the
// programs of the machine, and installations with something wrong.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/dot_server.h"
#include "tests/tools/command.h"

namespace happy::test {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A dynamically linked program of the library's own kind: header, loader's
// path, a note, dynamic section, strings, symbols and their hash, in one
// segment whose addresses are the places in the file.
struct ElfWish {
  std::string loader = "/lib64/ld-linux-x86-64.so.2";  // empty: none
  std::vector<std::string> needed = {};
  std::vector<std::string> imports = {"connect", "getaddrinfo"};
  std::string runpath = {};
  uint64_t flags_1 = DF_1_PIE;
  bool go_note = false;
};

class ElfMaker {
 public:
  explicit ElfMaker(const ElfWish& wish) : strings_(1, '\0') {
    file_.resize(sizeof(Elf64_Ehdr) + kSegments * sizeof(Elf64_Phdr));
    const uint64_t loader = append(wish.loader + '\0');
    const uint64_t loader_size =
        wish.loader.empty() ? 0 : file_.size() - loader;
    const uint64_t note =
        append(std::string("\4\0\0\0\4\0\0\0\4\0\0\0Go\0\0abcd", 20));
    std::vector<Elf64_Sym> symbols(1);
    for (const std::string& name : wish.imports) {
      Elf64_Sym symbol{};
      symbol.st_name = static_cast<uint32_t>(string(name));
      symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
      symbols.push_back(symbol);
    }
    std::vector<Elf64_Dyn> tags;
    const auto tag = [&tags](int64_t what, uint64_t value) {
      tags.push_back({what, {value}});
    };
    for (const std::string& name : wish.needed) tag(DT_NEEDED, string(name));
    if (!wish.runpath.empty()) tag(DT_RUNPATH, string(wish.runpath));
    const uint32_t hash[] = {1, static_cast<uint32_t>(symbols.size())};
    tag(DT_FLAGS_1, wish.flags_1);
    tag(DT_STRTAB, append(strings_));
    tag(DT_STRSZ, strings_.size());
    tag(DT_SYMTAB, append(octets(symbols.data(), symbols.size())));
    tag(DT_HASH, append(octets(hash, 2)));
    tag(DT_NULL, 0);
    const uint64_t dynamic = append(octets(tags.data(), tags.size()));
    segment(PT_LOAD, 0, file_.size());
    segment(PT_DYNAMIC, dynamic, file_.size() - dynamic);
    segment(loader_size == 0 ? PT_NULL : PT_INTERP, loader, loader_size);
    segment(wish.go_note ? PT_NOTE : PT_NULL, note, 20);
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = machine();
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = kSegments;
    std::memcpy(file_.data(), &header, sizeof header);
  }
  std::string file() const { return file_; }

 private:
  static constexpr size_t kSegments = 4;

  // That of this test, which is the library's.
  static uint16_t machine() {
    std::ifstream self("/proc/self/exe", std::ios::binary);
    Elf64_Ehdr header{};
    self.read(reinterpret_cast<char*>(&header), sizeof header);
    return header.e_machine;
  }
  template <typename T>
  static std::string octets(const T* data, size_t count) {
    return {reinterpret_cast<const char*>(data), count * sizeof(T)};
  }
  uint64_t append(const std::string& part) {
    file_.resize((file_.size() + 7) & ~size_t{7});
    file_ += part;
    return file_.size() - part.size();
  }
  uint64_t string(const std::string& text) {
    strings_ += text + '\0';
    return strings_.size() - text.size() - 1;
  }
  void segment(uint32_t type, uint64_t at, uint64_t size) {
    Elf64_Phdr out{};
    out.p_type = type;
    out.p_offset = out.p_vaddr = at;
    out.p_filesz = out.p_memsz = size;
    std::memcpy(file_.data() + sizeof(Elf64_Ehdr) + used_++ * sizeof out, &out,
                sizeof out);
  }

  std::string file_, strings_;
  size_t used_ = 0;
};

class Doctor : public testing::Test {
 protected:
  Doctor() {
    std::string name = std::filesystem::temp_directory_path() / "doc.XXXXXX";
    home_ = mkdtemp(name.data());
    environment_ = {{"HOME", home_},
                    {"PATH", "/usr/bin:/bin"},
                    {"HAPPY_STATE", home_ / "state"},
                    {"ASAN_OPTIONS", "detect_leaks=0"}};
    const std::string runtime = HAPPY_SANITIZER_RUNTIME;
    if (!runtime.empty()) environment_["LD_PRELOAD"] = runtime;
  }
  ~Doctor() override { std::filesystem::remove_all(home_); }

  std::string write(const std::string& name, const std::string& content) {
    std::ofstream(home_ / name, std::ios::binary) << content;
    chmod((home_ / name).c_str(), 0700);
    return home_ / name;
  }
  Ended doctor(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {HAPPY_HAPPYCTL, "doctor"});
    return run(arguments, environment_);
  }
  json examine(const ElfWish& wish) {
    return json::parse(
        doctor({write("program", ElfMaker(wish).file()), "--json"}).out);
  }
  // The finding about `what`; null where there is none.
  json finding(const std::string& what,
               const std::vector<std::string>& options = {}) {
    std::vector<std::string> arguments = {"--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const json out = json::parse(doctor(arguments).out);
    for (const json& one : out["findings"])
      if (one["what"] == what) return one;
    return nullptr;
  }

  std::filesystem::path home_;
  std::map<std::string, std::string> environment_;
};

TEST_F(Doctor, ADynamicProgramWillBeIntercepted) {
  const std::string path = write("program", ElfMaker({}).file());
  const Ended ended = doctor({path});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out, StartsWith(path + ": will be intercepted\n"));
  EXPECT_THAT(ended.out, HasSubstr("program: connect, getaddrinfo\n"));
  EXPECT_THAT(ended.out, HasSubstr("libc          glibc\n"));
}

struct Refused {
  ElfWish wish;
  std::string why;
};

TEST_F(Doctor, WhatCannotBeInterceptedIsSaidWithItsReason) {
  const Refused refused[] = {
      {{.loader = ""}, "statically linked"},
      {{.loader = "/lib/ld-musl-x86_64.so.1"},
       "another C library (/lib/ld-musl-x86_64.so.1)"},
      {{.go_note = true}, "a Go program, which makes its system calls itself"},
      {{.loader = "", .flags_1 = 0},
       "it is no program (a library, an object file or a core)"}};
  for (const auto& [wish, why] : refused) {
    const std::string path = write("program", ElfMaker(wish).file());
    const Ended ended = doctor({path});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.out,
                StartsWith(path + ": will not be intercepted: " + why + "\n"));
  }
  EXPECT_EQ(doctor({HAPPY_STATIC_PROGRAM}).status, 1);
}

TEST_F(Doctor, AnotherArchitectureIsNamed) {
  std::string file = ElfMaker({}).file();
  file[offsetof(Elf64_Ehdr, e_machine)] = EM_S390;
  EXPECT_THAT(doctor({write("program", file)}).out,
              HasSubstr("will not be intercepted: another architecture\n"));
  file[EI_CLASS] = ELFCLASS32;
  EXPECT_THAT(doctor({write("program", file)}).out,
              HasSubstr("will not be intercepted: not a 64-bit program\n"));
}

// Each with what tells it apart from a plain program.
TEST_F(Doctor, WhatPassesTheLibraryByIsNamed) {
  const std::pair<ElfWish, std::string> programs[] = {
      {{.imports = {"ares_init_options", "connect"}}, "what it asks by c-ares"},
      {{.imports = {"connect", "evdns_base_new"}}, "libevent's evdns"},
      {{.imports = {"connect", "io_uring_queue_init"}}, "by io_uring is not"},
      {{.imports = {"getaddrinfo"}}, "neither it nor its libraries import"}};
  for (const auto& [wish, but] : programs) {
    const json out = examine(wish);
    EXPECT_EQ(out["intercepted"], true);
    EXPECT_THAT(out["but"].dump(), HasSubstr(but));
  }
  const json raw = examine({.imports = {"connect", "syscall"}});
  EXPECT_EQ(raw["but"], json::array());
  EXPECT_THAT(raw["facts"].dump(), HasSubstr("cannot be told from the file"));
}

// By a run path with $ORIGIN, from one library to the next.
TEST_F(Doctor, LibrariesAreFollowed) {
  std::filesystem::create_directory(home_ / "lib");
  write("lib/libone.so", ElfMaker({.loader = "",
                                   .needed = {"libcares.so.2"},
                                   .imports = {"connect"},
                                   .runpath = "$ORIGIN",
                                   .flags_1 = 0})
                             .file());
  write(
      "lib/libcares.so.2",
      ElfMaker({.loader = "", .imports = {"epoll_ctl"}, .flags_1 = 0}).file());
  const json out = examine({.needed = {"libone.so", "libnowhere.so"},
                            .imports = {},
                            .runpath = "/nowhere:${ORIGIN}/lib"});
  EXPECT_THAT(out["but"].dump(), HasSubstr("c-ares"));
  EXPECT_THAT(out["but"].dump(), Not(HasSubstr("neither it nor")));
  EXPECT_THAT(out["facts"].dump(), HasSubstr("libnowhere.so"));
  ASSERT_EQ(out["imports"].size(), 2u);
  EXPECT_THAT(out["imports"][1]["functions"], Contains("epoll_ctl"));
}

// The library itself is the judge of what it stands in for, and the system's
// cache of libraries is read.
TEST_F(Doctor, TheProgramsOfTheMachineAreUnderstood) {
  const json out = json::parse(doctor({HAPPY_HAPPYCTL, "--json"}).out);
  EXPECT_EQ(out["intercepted"], true) << out;
  EXPECT_THAT(out["facts"].dump(), Not(HasSubstr("not found")));
  EXPECT_THAT(out["imports"][0]["functions"], Contains("getaddrinfo"));
  const json script =
      json::parse(doctor({write("script", "#!/bin/sh\nexit\n"), "--json"}).out);
  EXPECT_EQ(script["facts"][0]["text"], "/bin/sh");
}

TEST_F(Doctor, WrappersAreNoPrograms) {
  EXPECT_THAT(
      doctor({write("app", "#!/bin/sh\nexec /usr/bin/flatpak run a.b.C\n")})
          .out,
      HasSubstr("will not be intercepted: flatpak starts it"));
  EXPECT_THAT(doctor({write("data", std::string("\0\1\2", 3))}).out,
              HasSubstr("neither an ELF program nor a script"));
}

// Whatever the octets are: an answer, and not by a signal. Every octet of the
// headers in turn becomes what is likely to hurt.
TEST_F(Doctor, NoFileMakesItCrash) {
  const std::string good =
      ElfMaker({.needed = {"libc.so.6"}, .runpath = "$ORIGIN", .go_note = true})
          .file();
  std::mt19937 random(1);
  for (int round = 0; round < 150; ++round) {
    std::string bad = good;
    const size_t count = 1 + random() % 8;
    for (size_t i = 0; i < count; ++i)
      bad[EI_NIDENT + random() % (bad.size() - EI_NIDENT)] =
          static_cast<char>(random() % 3 == 0 ? 0xff : random());
    if (round % 5 == 0) bad.resize(random() % bad.size());
    const Ended ended = doctor({write("bad", bad)});
    ASSERT_THAT(ended.status, testing::AnyOf(0, 1)) << "round " << round;
  }
}

TEST_F(Doctor, ThePiecesOfTheInstallationFit) {
  const json library = finding("library");
  EXPECT_EQ(library["grade"], "ok") << library;
  EXPECT_EQ(finding("policy")["grade"], "ok");
  EXPECT_EQ(finding("clock")["next"].is_null(),
            finding("clock")["grade"] == "ok");
}

// A copy of the command beside other copies of the library.
TEST_F(Doctor, WhatIsMissingOfTheLibraryIsTold) {
  namespace fs = std::filesystem;
  const fs::path from = fs::path(HAPPY_HAPPYCTL).parent_path();
  for (const char* file : {"happyctl", "libhappy.so", "libhappy-tls.so"})
    fs::copy(from / file, home_ / file);
  const Ended ended = run({home_ / "happyctl", "doctor"}, environment_);
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("FAIL  library: "));
  EXPECT_THAT(ended.out, HasSubstr("cannot load the core"));
  EXPECT_THAT(ended.out, HasSubstr("; install libhappy again"));
}

TEST_F(Doctor, ResolversAreReachedAndAuthenticated) {
  DotScript script;
  script.chain = {Identity::make({})};
  const DotServer server(script);
  json resolver = {{"addresses", {"127.0.0.1", "127.0.0.77"}},
                   {"port", server.port()},
                   {"pins", {script.chain[0].key_pin()}}};
  json wrong = resolver;
  wrong["pins"] = {Identity::make({}).key_pin()};
  const std::string policy = write(
      "p.json",
      json({{"version", 1}, {"resolvers", {{"own", resolver}, {"bad", wrong}}}})
          .dump());
  const Ended ended = doctor({"--policy", policy});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("ok    resolver own: 127.0.0.1: TLS1.3, "
                                   "authenticated by pin; connect "));
  EXPECT_THAT(ended.out, HasSubstr("note  resolver own: "));
  EXPECT_THAT(ended.out, HasSubstr("127.0.0.77"));
  EXPECT_THAT(ended.out, HasSubstr("FAIL  resolver bad: "));
  EXPECT_THAT(ended.out, HasSubstr("no pin matches"));
  EXPECT_THAT(ended.out,
              HasSubstr("; if its operator has announced a new key"));
}

// A clock that is wrong shows itself first by certificates.
TEST_F(Doctor, DatesThatFailAreAMatterOfTheClock) {
  const Identity ca = Identity::make({.common_name = "CA", .is_ca = true});
  DotScript script;
  script.chain = {Identity::make({.dns_names = {"dns.test"},
                                  .valid_from = time(nullptr) - 9000,
                                  .valid_until = time(nullptr) - 5000},
                                 &ca)};
  const DotServer server(script);
  const std::string pem = write("ca.pem", ca.certificate_pem());
  const std::string policy =
      write("p.json", json({{"version", 1},
                            {"resolvers",
                             {{"own",
                               {{"addresses", {"127.0.0.1"}},
                                {"port", server.port()},
                                {"auth_name", "dns.test"},
                                {"ca_file", pem}}}}}})
                          .dump());
  EXPECT_EQ(finding("clock", {"--policy", policy})["grade"], "FAIL");
  EXPECT_EQ(finding("CAs", {"--policy", policy})["grade"], "ok");
  unlink(pem.c_str());
  EXPECT_EQ(finding("CAs", {"--policy", policy})["grade"], "FAIL");
}

TEST_F(Doctor, ABrokenPolicyIsTold) {
  const std::string policy = write("p.json", "{ \"version\": 2, \"x\": 1 }");
  const json broken = finding("policy", {"--policy", policy});
  EXPECT_EQ(broken["grade"], "FAIL");
  EXPECT_EQ(broken["text"],
            policy + ":1:14: version: must be 1, not 2 (and 1 more)");
}

TEST_F(Doctor, TheStateFolderIsLookedAtAndNotMade) {
  const std::filesystem::path state = home_ / "state";
  EXPECT_THAT(finding("state")["text"], HasSubstr("is not there yet"));
  EXPECT_FALSE(std::filesystem::exists(state));
  std::filesystem::create_directory(state);
  chmod(state.c_str(), 0755);
  EXPECT_EQ(finding("state")["next"], "chmod 700 " + state.string());
  chmod(state.c_str(), 0700);
  write("state/some", std::string(2000, 'x'));
  EXPECT_EQ(finding("state")["text"], state.string() + ", 1 files, 2 KiB");
  std::filesystem::remove_all(state);
  write("state", "");
  EXPECT_EQ(finding("state")["grade"], "FAIL");
  environment_["HAPPY_STATE"] = home_ / "no/such";
  EXPECT_EQ(finding("state")["grade"], "FAIL");
  environment_["HAPPY_STATE"] = "off";
  EXPECT_EQ(finding("state")["grade"], "note");
}

}  // namespace
}  // namespace happy::test
