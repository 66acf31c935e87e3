// The faults that a caller can accept.
// SPDX-License-Identifier: MIT
#include <sockless/ws/opening/faults.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <iterator>

using namespace sockless;
using ws::errc;
using ws::opening_faults;

namespace {

opening_faults faults_of(std::initializer_list<error> all) {
    opening_faults faults;
    for (const error each : all) faults.add(each);
    return faults;
}

} // namespace

TEST_CASE("H2 H5 H6: faults are a set, and a caller can ask whether it holds any that it does not expect") {
    const opening_faults some = faults_of({errc::bad_key, errc::connection_upgrade_missing, errc::bad_key});
    CHECK(some.has(errc::bad_key));
    CHECK(some.has(errc::connection_upgrade_missing));
    CHECK_FALSE(some.has(errc::bad_host));
    CHECK_FALSE(some.has(http::errc::bare_lf));
    CHECK_FALSE(some.has(errc::none));
    CHECK_FALSE(some.other_than({errc::bad_key, errc::connection_upgrade_missing}));
    CHECK_FALSE(
        some.other_than({errc::bad_host, errc::connection_upgrade_missing, errc::bad_key, http::errc::bare_lf}));
    CHECK(some.other_than({errc::bad_key}) == errc::connection_upgrade_missing);
    CHECK(some.other_than({errc::connection_upgrade_missing, errc::bad_host}) == errc::bad_key);
    CHECK(some.other_than({}));
    CHECK_FALSE(faults_of({errc::bad_key, http::errc::bare_lf}).other_than({http::errc::bare_lf, errc::bad_key}));
    CHECK_FALSE(opening_faults().other_than({}));
    CHECK_FALSE(opening_faults().other_than({errc::bad_key}));
}

TEST_CASE("H7 H8 H16 H17: a rule that touches framing is no fault") {
    std::size_t acceptable = 0;
    const auto count = [&acceptable](error rule) {
        opening_faults faults;
        const bool added = faults.add(rule);
        CHECK(faults.has(rule) == added);
        CHECK(faults.empty() == !added);
        CHECK(faults_of({errc::bad_key}).other_than({rule}) == (rule == errc::bad_key ? error() : errc::bad_key));
        acceptable += added ? 1 : 0;
    };
    for (std::size_t i = 1; i != std::size(http::errc_rows); ++i) count(static_cast<http::errc>(i));
    for (std::size_t i = 1; i != std::size(ws::errc_rows); ++i) count(static_cast<errc>(i));
    CHECK(acceptable == std::size(ws::acceptable_faults));
    opening_faults none;
    for (const error rule :
         {error(errc::unexpected_body),       error(errc::bad_request_target),   error(errc::host_missing),
          error(errc::key_missing),           error(errc::repeated_origin),      error(errc::expectation_unknown),
          error(errc::upgrade_missing),       error(errc::version_unsupported),  error(errc::version_missing),
          error(errc::method_not_get),        error(errc::http_version_too_old), error(errc::bad_extensions),
          error(errc::extension_not_offered), error(errc::bad_deflate_response), error(errc::upgrade_not_confirmed),
          error(errc::accept_missing),        error(errc::accept_wrong),         error(errc::too_many_subprotocols),
          error(http::errc::bare_cr),         error(http::errc::obs_fold),       error(http::errc::space_in_name),
          error(http::errc::bad_value)}) {
        CHECK_FALSE(none.add(rule));
    }
    CHECK(none.empty());
}
