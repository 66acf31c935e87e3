// permessage-deflate: the messages, rows of bare zlib, of our codec level, and of whole endpoints.
// SPDX-License-Identifier: MIT
#include "deflate.hpp"

#include <map>
#include <string_view>

namespace bench {
namespace {

using namespace sockless;

constexpr std::string_view people[] = {"minji.kim",    "jun.park",  "seoyeon.lee", "h.tanaka",
                                       "olga.ivanova", "a.mueller", "lucas.silva", "w.chen",
                                       "fatima.h",     "sam.jones", "e.rossi",     "nils.berg"};
constexpr std::string_view rooms[] = {"general", "ops", "release-42", "random", "help/desk", "design"};
constexpr std::string_view phrases[] = {"build is green again",
                                        "could you have a look?",
                                        "see you at the meeting",
                                        "which branch is that on",
                                        "done",
                                        "I will deploy after",
                                        "no idea, sorry",
                                        "the latency went up",
                                        "thanks a lot",
                                        "works on my machine",
                                        "rolled back to",
                                        "who is on call tonight"};

constexpr std::string_view stems[] = {
    "사람",   "시간",   "문제",     "우리",     "회의",     "서울",   "내일", "오늘",   "자료",   "일정",   "서버",
    "배포",   "버스",   "점심",     "저녁",     "친구",     "학교",   "회사", "이야기", "생각",   "마음",   "세계",
    "나라",   "도시",   "음악",     "영화",     "소식",     "가격",   "결과", "방법",   "이유",   "경우",   "정도",
    "사실",   "연락",   "전화",     "주소",     "번호",     "파일",   "화면", "버튼",   "설정",   "사용자", "관리자",
    "데이터", "메시지", "네트워크", "비밀번호", "업데이트", "한국어", "날씨", "여름",   "겨울",   "바다",   "하늘",
    "강아지", "고양이", "커피",     "선물",     "여행",     "기차",   "공항", "가족",   "어머니", "아버지", "동생"};
constexpr std::string_view particles[] = {"은", "는", "이",   "가",   "을",   "를",   "에", "에서", "으로", "와",
                                          "도", "만", "까지", "부터", "보다", "처럼", "의", "에게", "하고", "마다"};
constexpr std::string_view predicates[] = {
    "확인했습니다",   "보냈어요",    "바뀌었네요",       "괜찮을까요",      "시작합니다",    "끝났습니다",
    "모르겠어요",     "좋아요",      "부탁드립니다",     "기다리고 있어요", "다시 볼게요",   "필요합니다",
    "없는 것 같아요", "알려 주세요", "늦을 것 같습니다", "만났어요",        "생각해 봤는데", "고쳤습니다",
    "어떻게 할까요",  "가고 싶어요", "찾았습니다",       "아직이에요"};

template <std::size_t N>
std::string_view one_of(const std::string_view (&from)[N], numbers& chance) {
    return from[chance.below(N)];
}

std::string digits(std::uint64_t number, std::size_t width) {
    std::string text = std::to_string(number);
    return std::string(text.size() < width ? width - text.size() : 0, '0') + text;
}

std::string number_below(std::uint64_t limit, numbers& chance) { return std::to_string(chance.below(limit)); }

std::string quoted(std::string_view name, std::string_view value) {
    return ",\"" + std::string(name) + "\":\"" + std::string(value) + '"';
}

// An event of a chat, a map, a market, or a sensor, as applications send them.
std::string json_record(numbers& from) {
    static constexpr char hex[] = "0123456789abcdef";
    const std::string id = number_below(10'000'000, from);
    const std::string when = "2024-05-" + digits(1 + from.below(28), 2) + 'T' + digits(from.below(24), 2) + ':' +
                             digits(from.below(60), 2) + ':' + digits(from.below(60), 2) + '.' +
                             digits(from.below(1000), 3) + 'Z';
    std::string key;
    for (int i = 0; i != 16; ++i) key += hex[from.below(16)];
    switch (from.below(4)) {
    case 0:
        return R"({"type":"message","id":)" + id + quoted("user", one_of(people, from)) +
               quoted("room", one_of(rooms, from)) + quoted("sent", when) +
               quoted("text", std::string(one_of(phrases, from)) + ' ' + number_below(100, from) + ", " +
                                  std::string(one_of(phrases, from))) +
               R"(,"edited":)" + (from.below(8) == 0 ? "true" : "false") + R"(,"reactions":[]})";
    case 1:
        return R"({"type":"move","id":)" + id + R"(,"x":)" + number_below(2000, from) + '.' + number_below(100, from) +
               R"(,"y":)" + number_below(2000, from) + '.' + number_below(100, from) + R"(,"heading":)" +
               number_below(360, from) + quoted("key", key) + '}';
    case 2:
        return R"({"type":"quote","symbol":")" + std::string(1, static_cast<char>('A' + from.below(26))) +
               static_cast<char>('A' + from.below(26)) + static_cast<char>('A' + from.below(26)) + R"(","bid":)" +
               number_below(900, from) + '.' + digits(from.below(10000), 4) + R"(,"ask":)" + number_below(900, from) +
               '.' + digits(from.below(10000), 4) + R"(,"volume":)" + number_below(1'000'000, from) +
               quoted("time", when) + '}';
    default:
        return R"({"type":"presence")" + quoted("user", one_of(people, from)) +
               quoted("state", from.below(2) == 0 ? "online" : "away") + quoted("since", when) +
               R"(,"device":{"os":"android","app":"4.)" + number_below(20, from) + '.' + number_below(10, from) +
               quoted("session", key).insert(0, "\"") + "}}";
    }
}

// A sentence of a chat. Some words are names that nobody foresees.
std::string korean_sentence(numbers& from) {
    std::string text;
    for (std::uint64_t words = 2 + from.below(5); words-- != 0;) {
        if (from.below(8) < 3) {
            for (std::uint64_t syllables = 2 + from.below(2); syllables-- != 0;) {
                const std::uint64_t point = 0xAC00 + from.below(11172 / 28) * 28 + from.below(5) * 4;
                text += static_cast<char>(0xE0 | point >> 12U);
                text += static_cast<char>(0x80 | (point >> 6U & 0x3FU));
                text += static_cast<char>(0x80 | (point & 0x3FU));
            }
        } else {
            text += one_of(stems, from);
        }
        text += one_of(particles, from);
        text += ' ';
    }
    text += one_of(predicates, from);
    text += from.below(4) == 0 ? "? " : from.below(6) == 0 ? "! ㅎㅎ " : ". ";
    return text;
}

// Begins and ends anywhere between characters, as a compressor does not mind where records do, and small messages
// should not all have the same beginning of one.
octets make_message(words kind, std::size_t size, numbers& from) {
    std::string text;
    while (text.size() < size + 256) text += kind == words::json ? json_record(from) + ',' : korean_sentence(from);
    const auto cuts_character = [&text](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80;
    };
    std::size_t begin = from.below(128);
    while (cuts_character(begin)) ++begin;
    std::size_t end = begin + size;
    while (cuts_character(end)) --end;
    text.resize(end);
    text.resize(begin + size, '.');
    const auto* const data = reinterpret_cast<const std::byte*>(text.data());
    return {data + begin, data + text.size()};
}

// --- Bare zlib, as somebody writes it who takes care.

constexpr std::byte tail[] = {std::byte{0x00}, std::byte{0x00}, std::byte{0xFF}, std::byte{0xFF}};

template <class Sink>
class zlib_inflate {
  public:
    zlib_inflate(const deflate_workload& workload, Sink& sink)
        : sink_(sink), takeover_(workload.takeover), out_(room_for(workload)) {
        if (::inflateInit2(&stream_, -15) != Z_OK) std::abort();
    }
    zlib_inflate(const zlib_inflate&) = delete;
    zlib_inflate& operator=(const zlib_inflate&) = delete;
    ~zlib_inflate() { ::inflateEnd(&stream_); }

    static octets received(const octets& deflated) { return deflated; }

    void take(std::byte* data, std::size_t size) {
        stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
        stream_.avail_out = static_cast<uInt>(out_.size());
        feed(data, size);
        feed(tail, sizeof tail);
        sink_.piece(out_.data(), out_.size() - stream_.avail_out, true);
        if (!takeover_) ::inflateReset(&stream_);
    }

  private:
    void feed(const std::byte* data, std::size_t size) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data));
        stream_.avail_in = static_cast<uInt>(size);
        if (::inflate(&stream_, Z_SYNC_FLUSH) != Z_OK || stream_.avail_in != 0) std::abort();
    }

    Sink& sink_;
    bool takeover_;
    z_stream stream_{};
    octets out_;
};

template <class Sink>
class zlib_deflate {
  public:
    zlib_deflate(const deflate_workload& workload, Sink& sink)
        : sink_(sink), takeover_(workload.takeover), out_(room_for(workload)) {
        if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            std::abort();
    }
    zlib_deflate(const zlib_deflate&) = delete;
    zlib_deflate& operator=(const zlib_deflate&) = delete;
    ~zlib_deflate() { ::deflateEnd(&stream_); }

    void give(const std::byte* data, std::size_t size) {
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data));
        stream_.avail_in = static_cast<uInt>(size);
        stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
        stream_.avail_out = static_cast<uInt>(out_.size());
        if (::deflate(&stream_, Z_SYNC_FLUSH) != Z_OK || stream_.avail_out == 0) std::abort();
        sink_.piece(out_.data(), out_.size() - stream_.avail_out - sizeof tail, true);
        if (!takeover_) ::deflateReset(&stream_);
    }

  private:
    Sink& sink_;
    bool takeover_;
    z_stream stream_{};
    octets out_;
};

// --- Our codec level.

template <class Sink>
class stage_inflate {
  public:
    stage_inflate(const deflate_workload& workload, Sink& sink)
        : sink_(sink), takeover_(workload.takeover), out_(room_for(workload)) {}

    static octets received(const octets& deflated) { return deflated; }

    void take(std::byte* data, std::size_t size) {
        messages_.begin(ws::message_type::binary);
        cbytes in(data, size);
        const ws::decoder::event found = messages_.next(codec_, in, true, out_);
        if (!found.last) std::abort();
        sink_.piece(found.payload.data(), found.payload.size(), true);
        if (!takeover_) codec_.reset();
    }

  private:
    Sink& sink_;
    bool takeover_;
    ws::zlib_inflater codec_{};
    ws::message_inflater messages_{};
    octets out_;
};

template <class Sink>
class stage_deflate {
  public:
    stage_deflate(const deflate_workload& workload, Sink& sink)
        : sink_(sink), takeover_(workload.takeover), out_(room_for(workload)) {}

    void give(const std::byte* data, std::size_t size) {
        cbytes in(data, size);
        const auto given = messages_.next(codec_, in, true, out_);
        if (!given) std::abort();
        sink_.piece(out_.data(), given.size, true);
        if (!takeover_) codec_.reset();
    }

  private:
    Sink& sink_;
    bool takeover_;
    ws::zlib_deflater codec_{15, {}};
    ws::message_deflater messages_{};
    octets out_;
};

// --- Whole endpoints.

ws::deflate_policy policy_of(bool takeover) {
    return {.wanted = {.server_no_context_takeover = !takeover, .client_no_context_takeover = !takeover}};
}

enum class memory { own, pool };

template <memory From>
class open_server {
  public:
    explicit open_server(bool takeover)
        : server_({}, ws::zlib_compression(policy_of(takeover), From == memory::pool ? &pool_ : nullptr)) {
        open(server_);
        if (!server_.compression().agreement().agreed) std::abort();
    }

    [[nodiscard]] ws::zlib_server& operator*() noexcept { return server_; }

  private:
    ws::zlib_pool pool_;
    ws::zlib_server server_;
};

template <class Sink, ws::message_type Type, memory From>
class endpoint_inflate {
  public:
    endpoint_inflate(const deflate_workload& workload, Sink& sink) : server_(workload.takeover), sink_(sink) {}

    static octets received(const octets& deflated) { return compressed_frame(Type, deflated); }

    void take(std::byte* data, std::size_t size) {
        bytes in(data, size);
        while (const ws::event found = (*server_).next(in)) {
            if (found.kind != ws::kind::message) std::abort();
            sink_.piece(found.payload.data(), found.payload.size(), true);
        }
    }

  private:
    open_server<From> server_;
    Sink& sink_;
};

template <class Sink, ws::message_type Type, memory From>
class endpoint_deflate {
  public:
    endpoint_deflate(const deflate_workload& workload, Sink& sink) : server_(workload.takeover), sink_(sink) {}

    void give(const std::byte* data, std::size_t size) {
        if ((*server_).send(Type, {data, size}, ws::compressed::always)) std::abort();
        const cbytes frame = (*server_).output();
        const std::size_t header = frame[1] == std::byte{126} ? 4 : frame[1] == std::byte{127} ? 10 : 2;
        sink_.piece(frame.data() + header, frame.size() - header, true);
        (*server_).sent(frame.size());
    }

  private:
    open_server<From> server_;
    Sink& sink_;
};

template <class Sink>
using binary_inflate = endpoint_inflate<Sink, ws::message_type::binary, memory::own>;
template <class Sink>
using pool_inflate = endpoint_inflate<Sink, ws::message_type::binary, memory::pool>;
template <class Sink>
using text_inflate = endpoint_inflate<Sink, ws::message_type::text, memory::own>;
template <class Sink>
using binary_deflate = endpoint_deflate<Sink, ws::message_type::binary, memory::own>;
template <class Sink>
using pool_deflate = endpoint_deflate<Sink, ws::message_type::binary, memory::pool>;
template <class Sink>
using text_deflate = endpoint_deflate<Sink, ws::message_type::text, memory::own>;

// Binary messages are what bare zlib does; those of text are checked to be UTF-8 as well.
const bool added = add_inflater<zlib_inflate>("zlib") && add_inflater<stage_inflate>("stage") &&
                   add_inflater<binary_inflate>("endpoint") && add_inflater<pool_inflate>("endpoint-pool", false) &&
                   add_inflater<text_inflate>("endpoint-text") && add_deflater<zlib_deflate>("zlib") &&
                   add_deflater<stage_deflate>("stage") && add_deflater<binary_deflate>("endpoint") &&
                   add_deflater<pool_deflate>("endpoint-pool", false) && add_deflater<text_deflate>("endpoint-text");

message_cycle make_cycle(const deflate_workload& workload) {
    message_cycle made;
    numbers from(workload.size + (workload.kind == words::json ? 0 : 1));
    hashing plain, deflated;
    // Takes what the deflater gives.
    struct keeping {
        message_cycle& to;
        void piece(const std::byte* data, std::size_t size, bool) { to.deflated.emplace_back(data, data + size); }
    } keep{made};
    zlib_deflate<keeping> deflater(workload, keep);
    for (; made.plain_bytes < 256 * 1024; made.plain_bytes += workload.size) {
        made.plain.push_back(make_message(workload.kind, workload.size, from));
        const octets& message = made.plain.back();
        plain.piece(message.data(), message.size(), true);
        deflater.give(message.data(), message.size());
        deflated.piece(made.deflated.back().data(), made.deflated.back().size(), true);
    }
    made.expected_plain = plain.result();
    made.expected_deflated = deflated.result();
    return made;
}

} // namespace

octets compressed_frame(ws::message_type type, const octets& deflated) {
    const ws::frame_header header{.opcode = static_cast<ws::opcode>(type),
                                  .rsv = ws::rsv::rsv1,
                                  .masked = true,
                                  .masking_key = {std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}}};
    octets frame(deflated.size() + ws::max_header_size);
    frame.resize(ws::encode(frame, header, deflated).size);
    return frame;
}

const message_cycle& cycle_of(const deflate_workload& workload) {
    static std::map<const deflate_workload*, message_cycle> made;
    const auto found = made.find(&workload);
    return found != made.end() ? found->second : made.emplace(&workload, make_cycle(workload)).first->second;
}

} // namespace bench
