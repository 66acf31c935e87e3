// The program that runs every test of the suite.
// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS // a crash is for the sanitizers to report
#include <doctest/doctest.h>
