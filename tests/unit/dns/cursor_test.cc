#include "core/dns/cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using testing::ElementsAre;

TEST(Reader, ReadsBigEndianAndMovesOn) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 0xff, 0xfe, 0xfd, 0xfc, 9};
  Reader reader(bytes);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0xfffefdfcu);
  EXPECT_THAT(*reader.take(1), ElementsAre(9));
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(Reader, AFailedReadDoesNotMove) {
  const std::vector<uint8_t> bytes = {1, 2, 3};
  Reader reader(bytes);
  EXPECT_FALSE(reader.u32().has_value());
  EXPECT_FALSE(reader.take(4).has_value());
  EXPECT_FALSE(reader.take(SIZE_MAX).has_value());
  EXPECT_FALSE(reader.seek(4));
  EXPECT_EQ(reader.offset(), 0u);
  EXPECT_TRUE(reader.seek(3));
  EXPECT_FALSE(reader.u8().has_value());
}

TEST(Reader, ALimitedReaderKeepsOffsetsButNotTheRest) {
  const std::vector<uint8_t> bytes = {1, 2, 3, 4};
  Reader reader(bytes);
  ASSERT_TRUE(reader.seek(2));
  auto part = reader.limited(3);
  ASSERT_TRUE(part.has_value());
  EXPECT_EQ(part->offset(), 2u);
  EXPECT_EQ(part->u8(), 3);
  EXPECT_FALSE(part->u8().has_value());
  EXPECT_TRUE(part->seek(0));
  EXPECT_FALSE(reader.limited(1).has_value());
  EXPECT_FALSE(reader.limited(5).has_value());
}

TEST(Writer, WritesBigEndianAndPatchesOnlyWhatIsThere) {
  Writer writer;
  writer.patch_u16(0, 0xffff);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.zeros(1);
  writer.patch_u16(1, 0x0a0b);
  writer.patch_u16(7, 0xffff);
  EXPECT_THAT(std::move(writer).finish(),
              ElementsAre(1, 0x0a, 0x0b, 4, 5, 6, 7, 0));
}

}  // namespace
}  // namespace happy::dns
