# The conformance program: rows of socket calls, played without and with the
# library. One entry a topic in ctest.
set(folder ${CMAKE_CURRENT_SOURCE_DIR}/abi/conformance)
file(GLOB player_sources CONFIGURE_DEPENDS ${folder}/steps_*.cc)
add_executable(conformance_player ${player_sources} ${folder}/player.cc
  ${folder}/stage.cc ${folder}/addresses.cc ${folder}/vocabulary.cc
  ${folder}/row.cc)
# An ordinary program; the library brings its sanitizer along.
target_compile_options(conformance_player PRIVATE -fno-sanitize=all)
target_link_options(conformance_player PRIVATE -fno-sanitize=all)

if(TARGET happy AND TARGET happy-core AND TARGET happy-tls)
  add_executable(conformance_test ${folder}/conformance_test.cc
    ${folder}/comparison.cc ${folder}/differences.cc ${folder}/row.cc)
  target_link_libraries(conformance_test PRIVATE happy_lab GTest::gmock
    GTest::gtest_main)
  target_compile_definitions(conformance_test PRIVATE
    HAPPY_SOURCE_FOLDER="${CMAKE_SOURCE_DIR}"
    HAPPY_PLAYER="$<TARGET_FILE:conformance_player>")
  add_dependencies(conformance_test conformance_player happy happy-core
    happy-tls)
  gtest_discover_tests(conformance_test TEST_PREFIX "abi."
    DISCOVERY_TIMEOUT 60 TEST_LIST conformance_tests
    PROPERTIES LABELS abi TIMEOUT 120 FIXTURES_REQUIRED nothing_left_behind)
endif()
