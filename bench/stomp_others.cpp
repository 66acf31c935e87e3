// STOMP: the rows of what can be done with less, and of what people write.
// SPDX-License-Identifier: MIT
#include "stomp.hpp"

#include <array>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

namespace bench {
namespace {

// A bare walk with `memchr` from one delimiter to the next, in whatever pieces the input comes: nothing is stored or
// checked, and the size of the body is known beforehand.
template <class Sink>
class walk {
  public:
    static constexpr rendering headers = rendering::as_written;

    walk(const stomp_workload& workload, Sink& sink) : body_(workload.body), sink_(sink) {}

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) { feed(data, data + size); });
    }

  private:
    enum class place { between, command, name, value, body };

    void feed(const std::byte* at, const std::byte* end) {
        while (at != end) {
            switch (place_) {
            case place::between:
                if (*at == std::byte{'\n'})
                    ++at;
                else
                    place_ = place::command;
                break;
            case place::command: at = element_up_to('\n', at, end, place::name); break;
            case place::name:
                if (*at == std::byte{'\n'} && !begun_) {
                    ++at;
                    left_ = body_;
                    place_ = place::body;
                } else {
                    at = element_up_to(':', at, end, place::value);
                }
                break;
            case place::value: at = element_up_to('\n', at, end, place::name); break;
            case place::body: at = body(at, end);
            }
        }
    }

    const std::byte* element_up_to(char delimiter, const std::byte* at, const std::byte* end, place then) {
        const auto left = static_cast<std::size_t>(end - at);
        const auto* const found = static_cast<const std::byte*>(std::memchr(at, delimiter, left));
        begun_ = found == nullptr;
        sink_.piece(at, found == nullptr ? left : static_cast<std::size_t>(found - at), !begun_);
        if (begun_) return end;
        place_ = then;
        return found + 1;
    }

    const std::byte* body(const std::byte* at, const std::byte* end) {
        const std::size_t size = std::min(static_cast<std::size_t>(end - at), left_);
        const bool last = at + size != end; // the NUL is there
        if (size != 0 || last) sink_.piece(at, size, last);
        left_ -= size;
        if (last) place_ = place::between;
        return at + size + (last ? 1 : 0);
    }

    std::size_t body_;
    std::size_t left_ = 0;
    place place_ = place::between;
    bool begun_ = false; // the element; or where it ended
    Sink& sink_;
};

// The limit: whole heads as views in an array of fixed size, `content-length` found among them, no rule checked. A head
// that comes in pieces is collected, and each byte looked at once.
template <class Sink>
class limit_parser {
  public:
    static constexpr rendering headers = rendering::as_written;

    limit_parser(const stomp_workload&, Sink& sink) : sink_(sink) {}

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) {
            const char* const at = reinterpret_cast<const char*>(data);
            feed(at, at + size);
        });
    }

  private:
    // Places in the head, so that it can be moved.
    struct view {
        std::uint32_t begin, end;
    };

    void feed(const char* at, const char* end) {
        while (at != end) {
            if (in_body_) {
                at = body(at, end);
            } else if (held_size_ != 0) {
                at = collect(at, end);
            } else if (*at == '\n') {
                ++at;
            } else {
                const std::size_t size = head(at, static_cast<std::size_t>(end - at));
                if (!in_body_) hold(at, size);
                at += size;
            }
        }
    }

    void hold(const char* at, std::size_t size) {
        std::memcpy(held_.data() + held_size_, at, size);
        held_size_ += size;
    }

    const char* collect(const char* at, const char* end) {
        const std::size_t before = held_size_;
        hold(at, std::min({static_cast<std::size_t>(end - at), std::size_t{512}, held_.size() - before}));
        const std::size_t size = head(held_.data(), held_size_);
        if (in_body_) held_size_ = 0;
        return at + (size - before);
    }

    // Goes on where it stopped, up to the end of the head or of what there is; returns where.
    std::size_t head(const char* text, std::size_t size) {
        for (;;) {
            const bool name = count_ % 2 == 1;
            if (name && begin_ == stop_) {
                if (begin_ == size) return size;
                if (text[begin_] == '\n') return end_head(text);
            }
            const void* const found = std::memchr(text + stop_, name ? ':' : '\n', size - stop_);
            if (found == nullptr) {
                stop_ = size;
                return size;
            }
            const auto place = static_cast<std::size_t>(static_cast<const char*>(found) - text);
            if (count_ == views_.size()) std::abort();
            views_[count_++] = {static_cast<std::uint32_t>(begin_), static_cast<std::uint32_t>(place)};
            begin_ = stop_ = place + 1;
        }
    }

    std::size_t end_head(const char* text) {
        const auto view_of = [&](std::size_t i) {
            return std::string_view(text + views_[i].begin, views_[i].end - views_[i].begin);
        };
        element(sink_, view_of(0));
        for (std::size_t i = 1; i != count_; i += 2) {
            const std::string_view name = view_of(i);
            const std::string_view value = view_of(i + 1);
            if (name.size() == 14 && std::memcmp(name.data(), "content-length", 14) == 0) {
                left_ = 0;
                for (const char c : value) left_ = left_ * 10 + static_cast<std::size_t>(c - '0');
            }
            element(sink_, name);
            element(sink_, value);
        }
        const std::size_t size = begin_ + 1;
        begin_ = stop_ = count_ = 0;
        in_body_ = true;
        return size;
    }

    const char* body(const char* at, const char* end) {
        const std::size_t size = std::min(static_cast<std::size_t>(end - at), left_);
        const bool last = at + size != end; // the NUL is there
        sink_.piece(reinterpret_cast<const std::byte*>(at), size, last);
        left_ -= size;
        in_body_ = !last;
        return at + size + (last ? 1 : 0);
    }

    std::size_t begin_ = 0; // of the element that is being read
    std::size_t stop_ = 0;  // how far was looked
    std::size_t count_ = 0;
    std::size_t left_ = 0; // of the body
    bool in_body_ = false;
    std::array<view, 129> views_{};
    std::size_t held_size_ = 0;
    std::array<char, 8192> held_{};
    Sink& sink_;
};

// What people write: all that came is kept in a string, and a frame is taken from it when it is there as a whole.
template <class Sink, class Frame>
class kept_in_string {
  public:
    explicit kept_in_string(Sink& sink) : sink_(sink) {}

    void round(socket& from) {
        from.read_all([this](std::byte* data, std::size_t size) {
            text_.append(reinterpret_cast<const char*>(data), size);
            std::size_t at = 0;
            while (take_frame(at)) {
            }
            text_.erase(0, at);
        });
    }

  private:
    bool take_frame(std::size_t& at) {
        while (at != text_.size() && text_[at] == '\n') ++at;
        const std::size_t end = text_.find("\n\n", at);
        if (end == std::string::npos) return false;
        const Frame frame(text_.substr(at, end + 1 - at));
        const std::size_t body = end + 2;
        if (text_.size() - body <= frame.length()) return false;
        element(sink_, frame.command);
        for (const auto& [name, value] : frame.headers) {
            element(sink_, name);
            element(sink_, value);
        }
        element(sink_, std::string_view(text_).substr(body, frame.length()));
        at = body + frame.length() + 1;
        return true;
    }

    std::string text_;
    Sink& sink_;
};

struct lines_frame {
    explicit lines_frame(const std::string& head) {
        std::istringstream in(head);
        std::getline(in, command);
        std::string line;
        while (std::getline(in, line)) {
            const std::size_t colon = line.find(':');
            headers[line.substr(0, colon)] = line.substr(colon + 1);
        }
    }

    [[nodiscard]] std::size_t length() const {
        const auto found = headers.find("content-length");
        return found == headers.end() ? 0 : std::stoul(found->second);
    }

    std::string command;
    std::map<std::string, std::string> headers;
};

struct vector_frame {
    explicit vector_frame(const std::string& head) {
        std::size_t end = head.find('\n');
        command = head.substr(0, end);
        for (std::size_t at = end + 1; at != head.size(); at = end + 1) {
            end = head.find('\n', at);
            const std::size_t colon = head.find(':', at);
            headers.emplace_back(head.substr(at, colon - at), head.substr(colon + 1, end - colon - 1));
        }
    }

    [[nodiscard]] std::size_t length() const {
        for (const auto& [name, value] : headers) {
            if (name == "content-length") return std::stoul(value);
        }
        return 0;
    }

    std::string command;
    std::vector<std::pair<std::string, std::string>> headers;
};

template <class Sink>
struct lines : kept_in_string<Sink, lines_frame> {
    static constexpr rendering headers = rendering::sorted;
    lines(const stomp_workload&, Sink& sink) : kept_in_string<Sink, lines_frame>(sink) {}
};

template <class Sink>
struct vector : kept_in_string<Sink, vector_frame> {
    static constexpr rendering headers = rendering::as_written;
    vector(const stomp_workload&, Sink& sink) : kept_in_string<Sink, vector_frame>(sink) {}
};

const bool added =
    add_stomp_parser<limit_parser>("limit", stomp_workloads) &&
    add_stomp_parser<limit_parser>("limit", stomp_read_workloads) && add_stomp_parser<walk>("walk", stomp_workloads) &&
    add_stomp_parser<walk>("walk", stomp_read_workloads) && add_stomp_parser<lines>("lines", stomp_workloads) &&
    add_stomp_parser<vector>("vector", stomp_workloads);

} // namespace
} // namespace bench
