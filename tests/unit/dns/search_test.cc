#include "core/dns/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Name name(std::string_view text) { return *Name::parse(text); }

ResolvConf parse(std::string_view text, std::string_view host = "box") {
  return parse_resolv_conf(
      {.text = text, .host_name = host, .local_domain = {}, .res_options = {}});
}

TEST(ResolvConf, WithoutAnythingThereIsNoSearchAndNdotsIsOne) {
  EXPECT_EQ(parse(""), (ResolvConf{{}, 1}));
  EXPECT_EQ(parse("nameserver 192.0.2.1\n"), (ResolvConf{{}, 1}));
}

// resolv.conf(5): "the local domain name ... everything after the first dot".
TEST(ResolvConf, DefaultsToTheDomainOfTheHostsName) {
  EXPECT_THAT(parse("", "box.corp.example").search,
              ElementsAre(name("corp.example")));
  EXPECT_THAT(parse("", "box.").search, IsEmpty());
  EXPECT_THAT(parse("search a\n", "box.corp").search, ElementsAre(name("a")));
}

// "If more than one instance of these keywords is present, the last wins".
TEST(ResolvConf, TheLastOfSearchAndDomainWins) {
  EXPECT_THAT(parse("search a b\ndomain c d\n").search, ElementsAre(name("c")));
  EXPECT_THAT(parse("domain c\nsearch a\tb  \n").search,
              ElementsAre(name("a"), name("b")));
  EXPECT_THAT(parse("search a\nsearch b").search, ElementsAre(name("b")));
}

TEST(ResolvConf, EmptyLinesOfAKeywordAreSkipped) {
  EXPECT_THAT(parse("search a\nsearch\nsearch  \ndomain \t\n").search,
              ElementsAre(name("a")));
}

TEST(ResolvConf, KeywordsStandAtTheBeginningOfALine) {
  EXPECT_THAT(
      parse(" search a\n;search b\n#search c\nsearching d\nsearch\ve").search,
      IsEmpty());
}

TEST(ResolvConf, MoreThanSixSearchDomainsAreAllowed) {
  EXPECT_EQ(parse("search a b c d e f g h\n").search.size(), 8u);
}

// res_search(3) of glibc stops there and tries the name as it is.
TEST(ResolvConf, AnElementThatIsNoNameEndsTheList) {
  EXPECT_THAT(parse("search good . a..b other\n").search,
              ElementsAre(name("good"), Name()));
}

TEST(ResolvConf, NdotsIsReadFromOptionsAndCappedAt15) {
  EXPECT_EQ(parse("options ndots:3\n").ndots, 3);
  EXPECT_EQ(parse("options rotate ndots:2 edns0\noptions debug\n").ndots, 2);
  EXPECT_EQ(parse("options ndots:0\n").ndots, 0);
  EXPECT_EQ(parse("options ndots:99999999999999999999\n").ndots, 15);
  EXPECT_EQ(parse("options ndots:x\n").ndots, 0);
  EXPECT_EQ(parse("options ndots 4\n").ndots, 1);
}

TEST(ResolvConf, EnvironmentOverridesTheFile) {
  const auto conf = parse_resolv_conf({.text = "search a\noptions ndots:2\n",
                                       .host_name = "box.corp",
                                       .local_domain = "x y\nz",
                                       .res_options = "rotate ndots:5"});
  EXPECT_EQ(conf, (ResolvConf{{name("x"), name("y")}, 5}));
}

TEST(ResolvConf, AnEmptyLocaldomainMeansNoSearchAtAll) {
  EXPECT_THAT(parse_resolv_conf({.text = "search a\n",
                                 .host_name = "box.corp",
                                 .local_domain = "",
                                 .res_options = {}})
                  .search,
              IsEmpty());
}

const ResolvConf kTwo{{name("a.example"), name("b.example")}, 1};

// resolv.conf(5), ndots: fewer dots than that, and the list goes first.
TEST(Expand, AShortNameIsTriedInTheListAndThenAsItIs) {
  EXPECT_EQ(
      expand("www", kTwo),
      (SearchList{{name("www.a.example"), name("www.b.example"), name("www")},
                  2}));
}

TEST(Expand, EnoughDotsPutTheNameItselfFirst) {
  EXPECT_EQ(expand("www.x", kTwo),
            (SearchList{{name("www.x"), name("www.x.a.example"),
                         name("www.x.b.example")},
                        0}));
  EXPECT_EQ(expand("www.x", {kTwo.search, 2}).as_is, 2u);
  EXPECT_EQ(expand("www", {kTwo.search, 0}).as_is, 0u);
}

TEST(Expand, AFinalDotMeansThisNameAlone) {
  EXPECT_EQ(expand("www.", kTwo), (SearchList{{name("www")}, 0}));
  EXPECT_EQ(expand("www.x.", kTwo), (SearchList{{name("www.x")}, 0}));
}

TEST(Expand, AnEscapedFinalDotIsPartOfTheLabel) {
  EXPECT_EQ(expand("www\\.", kTwo).names.size(), 3u);
  EXPECT_EQ(expand("www\\\\.", kTwo).names.size(), 1u);
}

TEST(Expand, WithoutAListTheNameStandsAlone) {
  EXPECT_EQ(expand("www", {}), (SearchList{{name("www")}, 0}));
}

// The root in the list is the name as it is, at that place and only there.
TEST(Expand, TheRootInTheListIsTheNameItself) {
  EXPECT_EQ(expand("www", {{Name(), name("a")}, 1}),
            (SearchList{{name("www"), name("www.a")}, 0}));
}

TEST(Expand, NoNameComesTwice) {
  EXPECT_EQ(expand("www", {{name("a"), name("A")}, 1}).names.size(), 2u);
}

TEST(Expand, AnExpansionOverTheLimitEndsTheList) {
  const std::string label(63, 'a');
  const std::string most = label + "." + label + "." + label;
  const auto list = expand(most, {{name("b"), name(label), name("c")}, 9});
  EXPECT_EQ(list, (SearchList{{name(most + ".b"), name(most)}, 1}));
}

TEST(Expand, WhatIsNoNameHasNoExpansion) {
  for (const char* text : {"", ".", "a..b", ".a"}) {
    EXPECT_EQ(expand(text, kTwo), SearchList{}) << text;
  }
}

}  // namespace
}  // namespace happy::dns
