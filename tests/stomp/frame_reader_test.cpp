// STOMP frames as a whole.
// SPDX-License-Identifier: MIT
#include <sockless/stomp/frame_reader.hpp>

#include <doctest/doctest.h>

#include <string>

#include "../support/split.hpp"

using namespace sockless;
using namespace sockless::test;
using stomp::command;
using stomp::errc;
using reader = stomp::detail::frame_reader<growing_buffer>;

namespace {

errc no_unsubscribe(command sent) { return sent == command::unsubscribe ? errc::unexpected_command : errc::none; }

// The results of a reader, one line each.
std::string read(reader& from, bytes in) {
    std::string log;
    for (;;) {
        const auto found = from.next(in, no_unsubscribe);
        if (found.heart_beat) {
            log += "beat\n";
        } else if (found.error != errc::none) {
            log += std::string(row_of(found.error).name) + " " + std::string(found.headers.find("receipt")) + " @" +
                   std::to_string(from.offset()) + "\n";
            return log;
        } else if (found.command != command::none) {
            log += std::string(text_of(found.command)) + " " + std::string(found.headers.find("destination")) + " " +
                   std::string(text_of(found.body)) + "\n";
        } else {
            CHECK(in.empty());
            return log;
        }
    }
}

} // namespace

TEST_CASE("S1 S4: frames and heart-beats come whole, the same at every split") {
    using namespace std::string_view_literals;
    const std::string stream("\nSEND\ndestination:/a\n\nbody\0\r\nSEND\ndestination:/b\ncontent-length:3\n\na\0c\0"
                             "ACK\nid:1\n\n\0UNSUBSCRIBE\nreceipt:7\n"
                             "\n"sv);
    const std::string expected("beat\nSEND /a body\nbeat\nSEND /b a\0c\nACK  \nunexpected_command 7 @82\n"sv);
    for_each_split(bytes_of(stream), [&](const auto& feed_all) {
        reader from(growing_buffer(1000), {});
        std::string log;
        feed_all([&](bytes piece) {
            if (log.find("unexpected") == std::string::npos) log += read(from, piece);
            for (std::byte& each : piece) each = std::byte{'#'};
        });
        REQUIRE(log == expected);
    });
}

TEST_CASE("S12: a frame in pieces takes no more than the memory, one that comes whole takes none") {
    std::string frame("SEND\ndestination:/a\n\n" + std::string(300, 'b') + '\0');
    for (const std::size_t limit : {std::size_t{0}, std::size_t{10}, std::size_t{200}, std::size_t{400}}) {
        reader whole(growing_buffer(limit), {});
        std::string copy = frame;
        CHECK(read(whole, bytes_of(copy.data(), copy.size())).starts_with("SEND /a bbb"));
        reader pieces(growing_buffer(limit), {});
        std::string log;
        copy = frame;
        for (char& each : copy) {
            if (log.empty()) log = read(pieces, bytes_of(&each, 1));
        }
        const std::string expected = limit < 22 ? "head_too_large" : limit < 322 ? "body_too_large" : "SEND /a bbbbbb";
        CHECK(log.substr(0, 14) == expected);
        // The same in two pieces, if the body is cut.
        for (std::size_t cut = 22; cut != frame.size(); ++cut) {
            reader two(growing_buffer(limit), {});
            copy = frame;
            log = read(two, bytes_of(copy.data(), cut));
            if (log.empty()) log = read(two, bytes_of(copy.data() + cut, copy.size() - cut));
            CHECK(log.substr(0, 14) == expected);
        }
    }
}
