// The shared folder against what may be found in it, and against what may
// happen while it is written.
#include "core/state_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "tests/lab/temp_folder.h"

namespace happy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StateFolderTest : public ::testing::Test {
 protected:
  std::unique_ptr<StateFolder> open() {
    return StateFolder::open(path_, {}, &why_);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  lab::TempFolder base_;
  const std::string path_ = base_.file("libhappy");
  std::string why_;
};

TEST_F(StateFolderTest, WhatIsWrittenIsReadByOthers) {
  const mode_t before = umask(0777);
  EXPECT_TRUE(open()->write("one", "content"));
  umask(before);
  EXPECT_EQ(open()->read("one"), "content");
  EXPECT_EQ(open()->read("two"), std::nullopt);
  EXPECT_TRUE(open()->write("one", ""));
  EXPECT_EQ(open()->read("one"), "");
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  ASSERT_EQ(stat(file("one").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(StateFolderTest, IsNotUsedWhereOthersMayEnter) {
  ASSERT_EQ(mkdir(path_.c_str(), 0755), 0);
  EXPECT_EQ(open(), nullptr);
  EXPECT_THAT(why_, HasSubstr("is open to other users (it needs mode 0700)"));
}

TEST_F(StateFolderTest, IsNotUsedWhereItIsAnothersOrALink) {
  if (geteuid() == 0) {
    ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
    ASSERT_EQ(chown(path_.c_str(), 12345, 12345), 0);
    EXPECT_EQ(open(), nullptr);
    EXPECT_THAT(why_, HasSubstr("is another user's"));
    ASSERT_EQ(rmdir(path_.c_str()), 0);
  }
  ASSERT_EQ(mkdir(base_.file("elsewhere").c_str(), 0700), 0);
  ASSERT_EQ(symlink(base_.file("elsewhere").c_str(), path_.c_str()), 0);
  EXPECT_EQ(open(), nullptr);
}

TEST_F(StateFolderTest, OfAPlaceThatIsNotThereNothingIsSaid) {
  EXPECT_EQ(StateFolder::open(base_.file("no/such"), {}, &why_), nullptr);
  EXPECT_EQ(why_, "");
}

// Nothing of this may be read, waited for, or followed.
TEST_F(StateFolderTest, StrangeFilesAreNone) {
  const auto folder = open();
  ASSERT_TRUE(folder->write("good", "good"));
  ASSERT_EQ(symlink(file("good").c_str(), file("link").c_str()), 0);
  ASSERT_EQ(mkfifo(file("fifo").c_str(), 0600), 0);
  ASSERT_EQ(mkdir(file("folder").c_str(), 0700), 0);
  std::ofstream(file("giant"))
      << std::string(StateFolder::kMostOctets + 1, 'x');
  for (const char* name : {"link", "fifo", "folder", "giant"}) {
    EXPECT_EQ(folder->read(name), std::nullopt) << name;
    EXPECT_EQ(folder->take(name), std::nullopt) << name;
  }
  if (geteuid() == 0) {
    ASSERT_EQ(chown(file("good").c_str(), 12345, 12345), 0);
    EXPECT_EQ(folder->read("good"), std::nullopt);
  }
  EXPECT_FALSE(folder->write("long", std::string(65537, 'x')));
}

TEST_F(StateFolderTest, WhatIsSetAsideIsOutOfTheWay) {
  const auto folder = open();
  folder->write("one", "1");
  folder->write("two", "2");
  folder->set_aside("one");
  folder->set_aside("two");
  EXPECT_EQ(folder->read("one"), std::nullopt);
  EXPECT_THAT(folder->names(), IsEmpty());
  EXPECT_TRUE(folder->write("one", "1"));
  EXPECT_THAT(folder->names(), ElementsAre("one"));
}

TEST_F(StateFolderTest, OfManyThatTakeOneHasIt) {
  constexpr int kTakers = 8, kRounds = 200;
  const auto folder = open();
  std::atomic<int> had{0};
  for (int round = 0; round < kRounds; ++round) {
    folder->write("ticket", std::to_string(round));
    std::vector<std::thread> takers;
    for (int i = 0; i < kTakers; ++i)
      takers.emplace_back([&] { had += folder->take("ticket").has_value(); });
    for (auto& taker : takers) taker.join();
  }
  EXPECT_EQ(had, kRounds);
  EXPECT_THAT(folder->names(), IsEmpty());
}

// Readers see one whole content or another, whoever is killed while writing.
TEST_F(StateFolderTest, AKilledWriterLeavesWholeFiles) {
  const auto folder = open();
  const std::string a(20000, 'a'), b(30000, 'b');
  ASSERT_TRUE(folder->write("one", a));
  for (int i = 0; i < 50; ++i) {
    const pid_t writer = fork();
    if (writer == 0) {
      for (;;) {
        folder->write("one", a);
        folder->write("one", b);
      }
    }
    for (int k = 0; k < 20; ++k) {
      const auto seen = folder->read("one");
      ASSERT_TRUE(seen == a || seen == b);
      usleep(50);
    }
    kill(writer, SIGKILL);
    waitpid(writer, nullptr, 0);
  }
  EXPECT_THAT(folder->names(), ElementsAre("one"));
}

// The kernel's signal would kill the host: the helper thread has it blocked.
TEST_F(StateFolderTest, WhereNothingCanBeWrittenNothingIsLeft) {
  const auto folder = open();
  folder->write("one", "before");
  sigset_t too_large, before;
  sigemptyset(&too_large);
  sigaddset(&too_large, SIGXFSZ);
  pthread_sigmask(SIG_BLOCK, &too_large, &before);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit none{3, limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &none);
  EXPECT_FALSE(folder->write("one", "after"));
  setrlimit(RLIMIT_FSIZE, &limit);
  const timespec at_once{};
  sigtimedwait(&too_large, nullptr, &at_once);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(folder->read("one"), "before");
  EXPECT_THAT(folder->names(), ElementsAre("one"));
}

TEST_F(StateFolderTest, SweepingTakesWhatIsOldAndWhatIsTooMuch) {
  const auto folder = open();
  const auto age = [this](const std::string& name, time_t seconds) {
    const timespec then{time(nullptr) - seconds, 0};
    const timespec both[] = {then, then};
    utimensat(AT_FDCWD, file(name).c_str(), both, 0);
  };
  folder->write("new", "");
  folder->write("old", "");
  age("old", time_t{26} * 3600);
  std::ofstream(file(".new.1.2.3")) << "left behind";
  age(".new.1.2.3", 120);
  for (size_t i = 0; i < StateFolder::kMostFiles; ++i) {
    std::ofstream(file("x" + std::to_string(i))) << "";
    age("x" + std::to_string(i), 10 + static_cast<time_t>(i));
  }
  folder->sweep();
  const auto names = folder->names();
  EXPECT_EQ(names.size(), StateFolder::kMostFiles);
  EXPECT_THAT(names, ::testing::Contains("new"));
  EXPECT_THAT(names, ::testing::Contains("x0"));
  EXPECT_THAT(names, ::testing::Not(::testing::Contains(
                         "x" + std::to_string(StateFolder::kMostFiles - 1))));
  EXPECT_NE(access(file(".new.1.2.3").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace happy
