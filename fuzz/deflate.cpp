// Compressed messages of any peer: whole, cut, and with little room they come to the same, within the limit.
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/zlib.hpp>

#include "fuzz.hpp"

using namespace sockless;
using namespace sockless::fuzz;

namespace {

struct settings {
    ws::message_type type = ws::message_type::text;
    std::uint64_t limit = 0;
    std::vector<unsigned> messages{}; // the sizes of the messages, in turn
};

// The result of a stream of messages.
struct outcome {
    std::vector<std::string> messages{};
    ws::errc error = ws::errc::none;

    friend bool operator==(const outcome&, const outcome&) = default;
};

class receiver {
  public:
    receiver(const settings& how, std::size_t room) : how_(how), message_(how.limit), room_(room) {}

    void begin() {
        message_.begin(how_.type);
        found_.messages.emplace_back();
        ended_ = false;
    }

    void feed(cbytes piece, bool last) {
        std::vector<std::byte> memory(room_);
        while (found_.error == ws::errc::none) {
            const ws::decoder::event event = message_.next(codec_, piece, last, memory);
            std::string& content = found_.messages.back();
            promise(event.kind != ws::decoder::kind::data || event.first == (content.empty() && !begun_),
                    "first is first");
            found_.error = event.error;
            if (event.kind == ws::decoder::kind::data) begun_ = !event.last;
            content += text_of(event.payload);
            promise(content.size() <= how_.limit && message_.size() == content.size(), "the limit holds");
            ended_ = event.last;
            if (!event || ended_) break;
        }
        promise(found_.error != ws::errc::none || piece.empty(), "all input is used up");
        promise(found_.error != ws::errc::none || ended_ == last, "a message ends with its data, or in an error");
    }

    [[nodiscard]] bool failed() const { return found_.error != ws::errc::none; }
    [[nodiscard]] const outcome& found() const { return found_; }

  private:
    const settings& how_;
    ws::message_inflater message_;
    ws::zlib_inflater codec_{};
    std::size_t room_;
    outcome found_{};
    bool begun_ = false;
    bool ended_ = false;
};

outcome run(cbytes stream, const std::vector<unsigned>& sizes, std::size_t room, const settings& how) {
    receiver receiving(how, room);
    std::size_t turn = 0;
    while (!stream.empty() && !receiving.failed()) {
        const std::size_t wanted = how.messages[turn++ % how.messages.size()];
        const std::size_t size = wanted < stream.size() ? wanted : stream.size();
        cbytes left = stream.first(size);
        stream = stream.subspan(size);
        receiving.begin();
        if (left.empty() && wanted == 0 && turn > 64) break; // nothing but empty messages
        feed_cut(left, sizes, [&](bytes piece) {
            left = left.subspan(piece.size());
            if (!receiving.failed()) receiving.feed(piece, left.empty());
        });
        if (size == 0) receiving.feed({}, true);
    }
    return receiving.found();
}

void check(const outcome& found, const settings& how) {
    if (how.type == ws::message_type::binary) return;
    for (const std::string& each : found.messages) {
        bool complete = false;
        promise(valid_utf8(bytes_of(std::string_view(each)), complete) == each.size(),
                "text is UTF-8 as far as it goes");
        promise(complete || &each == &found.messages.back(), "text ends between characters");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input from(data, size, 15);
    constexpr std::uint64_t limits[] = {100'000, 0, 1, 100, 1000, 65536};
    constexpr std::size_t rooms[] = {1, 2, 7, 100, 300, 5000};
    settings how;
    how.type = from.setting() % 2 == 0 ? ws::message_type::text : ws::message_type::binary;
    how.limit = from.one_of(limits);
    how.messages = from.several(4);
    how.messages.push_back(1'000'000);
    const std::size_t room = from.one_of(rooms);
    const std::vector<unsigned> sizes = from.several(6);

    const outcome whole = run(from.stream(), {}, how.limit, how);
    check(whole, how);
    promise(run(from.stream(), sizes, room, how) == whole, "messages are the same at any split, in any room");
    promise(run(from.stream(), {1}, 1, how) == whole, "messages are the same in single bytes");
    return 0;
}
