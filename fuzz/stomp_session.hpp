// A STOMP session under any peer and any caller, for the targets of both roles.
// SPDX-License-Identifier: MIT
#pragma once

#include <sockless/stomp/client_session.hpp>
#include <sockless/stomp/server_session.hpp>

#include <algorithm>
#include <utility>

#include "fuzz.hpp"

namespace sockless::fuzz {

/// How many bytes of settings a run takes.
inline constexpr std::size_t stomp_session_settings = 37;

/// Reads what a session sends, as its peer would.
class stomp_reader {
  public:
    explicit stomp_reader(role of)
        : of_(of),
          parser_(growing_buffer(UINT32_MAX),
                  {.line = UINT32_MAX, .headers = UINT32_MAX, .head = UINT32_MAX, .body = UINT64_MAX}) {}

    void take(cbytes piece) {
        const exact_copy copy(piece);
        bytes in = copy.get();
        while (const stomp::parser_event found = parser_.next(in)) {
            promise(found.kind != stomp::parser_kind::error, "what is sent breaks no rule");
            promise(!ended_, "nothing is sent after ERROR or DISCONNECT");
            if (found.kind == stomp::parser_kind::heart_beat)
                promise(begun_, "there are no heart-beats before the first frame");
            if (found.kind == stomp::parser_kind::head) begin(found);
            const bool ends = found.command == stomp::command::error || found.command == stomp::command::disconnect;
            ended_ = found.last && ends;
        }
    }

    void finish() { promise(parser_.finish() == stomp::errc::none, "frames are sent whole"); }

    /// The version of what follows CONNECT or CONNECTED.
    void set_version(stomp::version agreed) { parser_.set_version(agreed); }

    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] const std::vector<std::string>& receipts() const { return receipts_; }

  private:
    void begin(const stomp::parser_event& head) {
        promise(sender_of(head.command) == of_ && is_in(head.command, parser_.version()),
                "a frame is of its side and its version");
        const bool connects = head.command == stomp::command::connect || head.command == stomp::command::connected;
        const bool refuses = head.command == stomp::command::error;
        promise(begun_ ? !connects : connects || refuses, "the first frame connects or refuses, and no other connects");
        begun_ = true;
        if (head.command == stomp::command::connected) {
            const std::string_view named = head.headers.find("version");
            parser_.set_version(named.data() == nullptr ? stomp::version::v1_0 : stomp::version_of(named));
        }
        if (head.command == stomp::command::receipt) receipts_.emplace_back(head.headers.find("receipt-id"));
    }

    role of_;
    stomp::basic_parser<growing_buffer> parser_;
    std::vector<std::string> receipts_{};
    bool begun_ = false;
    bool ended_ = false;
};

/// One session and its caller, which does what the settings say: in step with the events, so that all must be the same
/// at every split (`in_step`), or at any time. Each role has its own events and verbs.
template <class Session>
class stomp_caller {
  public:
    using event = decltype(std::declval<Session&>().tick(0));
    using kind = decltype(event::kind);

    stomp_caller(const stomp::options& how, role own, std::vector<unsigned> script, bool in_step)
        : peer_(how), how_(how), reader_(own), script_(std::move(script)), in_step_(in_step) {}
    virtual ~stomp_caller() = default;

    void feed(bytes piece) {
        fed_ += piece.size();
        if (left_.empty()) {
            take(piece);
        } else {
            // Nobody took it, because a CONNECT waits for an answer.
            left_.insert(left_.end(), piece.begin(), piece.end());
        }
        if (in_step_) return;
        act(nullptr);
        if (left_.empty() || waits()) return;
        const exact_copy kept(left_);
        left_.clear();
        take(kept.get());
    }

    void finish() {
        if (const event last = peer_.finish()) note(last);
        drain(SIZE_MAX);
        promise(ended_, "after the end of the input all is over");
        promise(!peer_.finish() && !peer_.is_open() && peer_.state() == stomp::state::closed, "once");
        promise(peer_.done(), "and there is nothing left to do");
        reader_.finish();
        check_end();
    }

    [[nodiscard]] const std::string& log() const { return log_; }
    [[nodiscard]] const std::string& sent() const { return sent_; }

  protected:
    /// Looks at the part of an event that is not common to all.
    virtual void see(const event& what) = 0;
    /// The next step of the caller, in answer to an event if there is one.
    virtual void act(const event* what) = 0;
    /// Whether the session waits for an answer of its caller.
    [[nodiscard]] virtual bool waits() const { return false; }
    /// Checks the promises that hold at any time, and at the end.
    virtual void check() = 0;
    virtual void check_end() {}

    void line(std::string_view text) { log_.append(text).append("\x1E"); }
    void line(std::uint64_t number) { line(std::to_string(number)); }

    [[nodiscard]] unsigned next_step() { return script_.empty() ? 0 : script_[turn_++ % script_.size()]; }

    // Where the call fails the output is as it was.
    template <class Call>
    bool attempt(Call&& call) {
        const std::size_t waiting = peer_.waiting();
        const cbytes shown = peer_.output();
        const std::string before(text_of(shown));
        const error failed = call();
        promise(text_of(shown) == before && (shown.empty() || peer_.output().data() == shown.data()),
                "what was shown stays");
        promise(!failed || peer_.waiting() == waiting, "a call that fails writes nothing");
        promise(peer_.waiting() <= how_.output, "output is bounded");
        if (in_step_) line(failed.name());
        return !failed;
    }

    void drain(std::size_t most) {
        while (most != 0 && !peer_.output().empty()) {
            const cbytes all = peer_.output();
            promise(peer_.waiting() <= how_.output, "output is bounded");
            const cbytes some = all.first(all.size() < most ? all.size() : most);
            sent_.append(text_of(some));
            reader_.take(some);
            most -= some.size();
            peer_.sent(some.size());
        }
    }

    void tick(unsigned amount) {
        now_ += std::uint64_t{amount} * amount * 20;
        const bool due = first_tick_ || now_ >= peer_.next_deadline();
        const std::size_t queued = peer_.waiting();
        const event found = peer_.tick(now_);
        promise(due || (!found && peer_.waiting() == queued), "before its deadline nothing happens");
        promise(found || peer_.next_deadline() > now_, "what was due is done");
        first_tick_ = false;
        if (found) note(found);
    }

    void move() {
        Session moved(std::move(peer_));
        peer_ = std::move(moved);
    }

    template <class Range>
    [[nodiscard]] static std::vector<std::string> names_of(const Range& range) {
        std::vector<std::string> names;
        for (const std::string_view each : range) names.emplace_back(each);
        return names;
    }

    Session peer_;
    stomp::options how_;
    stomp_reader reader_;
    bool ended_ = false;

  private:
    void take(bytes piece) {
        for (;;) {
            const std::size_t before = piece.size();
            const event found = peer_.next(piece);
            promise(piece.size() <= before, "input is taken from its front");
            promise(peer_.offset() <= fed_, "a place is in what came");
            if (found) {
                note(found);
            } else if (!piece.empty() && !waits()) {
                // A receipt waits for room.
                promise(peer_.waiting() != 0, "all input is used up");
                drain(SIZE_MAX);
            } else {
                break;
            }
        }
        left_.assign(piece.begin(), piece.end());
    }

    void note(const event& what) {
        promise(!ended_, "nothing follows the end");
        line(static_cast<unsigned>(what.kind));
        for (const stomp::header& each : what.headers) {
            line(each.name);
            line(each.value);
        }
        line(text_of(what.body));
        const bool lost = what.kind == kind::lost;
        ended_ = lost || what.kind == kind::closed;
        promise(lost == static_cast<bool>(what.error), "a loss has its reason, and nothing else has one");
        if (ended_) {
            line(what.error.name());
            line(peer_.offset());
            promise(peer_.error() == what.error && peer_.state() == stomp::state::closed, "the error stays");
        }
        see(what);
        check();
        act(&what);
        check();
    }

    std::vector<unsigned> script_;
    std::string log_{};
    std::string sent_{};
    std::vector<std::byte> left_{};
    std::size_t fed_ = 0;
    std::size_t turn_ = 0;
    sockless::instant now_ = 0;
    bool in_step_;
    bool first_tick_ = true;
};

/// The options that the settings ask for.
inline stomp::options stomp_options_from(input& from, unsigned flags) {
    using stomp::version;
    constexpr stomp::version_set versions[] = {
        stomp::version_set::all(), {version::v1_2}, {version::v1_1}, {version::v1_0}, {version::v1_0, version::v1_2}};
    constexpr std::uint32_t beats[] = {100, 0, 1, 4000, UINT32_MAX};
    constexpr std::uint32_t numbers[] = {8192, 0, 1, 5, 12, 40, 100};
    constexpr std::size_t outputs[] = {32 * 1024 * 1024, 0, 100, 600, 1000, 3000};
    constexpr std::size_t names[] = {512 * 1024, 0, 25, 60, 200};
    constexpr std::uint32_t counts[] = {1000, 0, 1, 2};
    constexpr std::uint32_t waits[] = {5000, 0, 1, sockless::never};
    stomp::options how;
    how.automatic_receipts = (flags & 2U) == 0;
    how.require_host = (flags & 4U) != 0;
    how.versions = from.one_of(versions);
    const unsigned beat = from.setting();
    how.heart_beat = {beats[beat % 5], beats[beat / 5 % 5]};
    how.limits.line = from.one_of(numbers);
    how.limits.headers = from.one_of(numbers);
    how.limits.head = from.one_of(numbers);
    how.limits.body = from.one_of(numbers);
    const unsigned before = from.setting();
    if (before != 0) how.limits_before = {.line = before, .headers = before % 8, .head = before, .body = before};
    how.output = from.one_of(outputs);
    how.names = from.one_of(names);
    how.subscriptions = from.one_of(counts);
    how.transactions = from.one_of(counts);
    how.unacknowledged = from.one_of(counts);
    how.receipts = from.one_of(counts);
    how.connect_timeout = from.one_of(waits);
    how.disconnect_timeout = from.one_of(waits);
    return how;
}

/// Runs an input of the fuzzer with callers of one kind.
template <class Caller>
void run_stomp_session(const std::uint8_t* data, std::size_t size) {
    input from(data, size, stomp_session_settings);
    const unsigned flags = from.setting();
    const stomp::options how = stomp_options_from(from, flags);
    const std::vector<unsigned> sizes = from.several(5);
    const std::vector<unsigned> script = from.several(16);

    const auto run = [&](const std::vector<unsigned>& cut, bool in_step) {
        Caller running(how, script, in_step);
        feed_cut(from.stream(), cut, [&](bytes piece) { running.feed(piece); });
        running.finish();
        return std::pair(running.log(), running.sent());
    };
    if ((flags & 1U) != 0) {
        run(sizes, false);
        return;
    }
    const auto whole = run({}, true);
    promise(run(sizes, true) == whole, "events and output are the same at any split");
    promise(run({1}, true) == whole, "events and output are the same in single bytes");
}

} // namespace sockless::fuzz
