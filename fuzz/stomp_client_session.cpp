// A client session of STOMP under any server and any caller.
// SPDX-License-Identifier: MIT
#include "stomp_session.hpp"

using namespace sockless;
using fuzz::promise;
using stomp::client_kind;

namespace {

class caller final : public fuzz::stomp_caller<stomp::client_session> {
  public:
    caller(const stomp::options& how, const std::vector<unsigned>& script, bool in_step)
        : stomp_caller(how, role::client, script, in_step) {
        // A session that was never asked for is judged as well.
        const std::string_view host = script[0] == 0xFE ? "" : "h";
        if (script[0] != 0xFF) attempt([&] { return peer_.connect({.host = host, .login = "u", .passcode = "p:\\"}); });
    }

  private:
    using names = std::vector<std::string>;

    void see(const event& what) override {
        for (const std::string_view each : {what.server, what.session, what.subscription, what.message_id,
                                            what.destination, what.ack, what.receipt_id, what.message}) {
            line(each);
        }
        switch (what.kind) {
        case client_kind::connected:
            promise(!connected_ && peer_.is_open() && how_.versions.has(peer_.version()), "there is one CONNECTED");
            connected_ = true;
            reader_.set_version(peer_.version());
            break;
        case client_kind::message:
            promise(connected_, "no message comes before CONNECTED");
            promise(!what.message_id.empty(), "a message has a name");
            break;
        case client_kind::closed:
            promise(what.receipt_id == goodbye_ && !goodbye_.empty(), "the receipt for DISCONNECT ends the session");
            [[fallthrough]];
        case client_kind::receipt: promise(!what.receipt_id.empty(), "a receipt says what it is for"); [[fallthrough]];
        case client_kind::error: std::erase(receipts_, what.receipt_id); break;
        default: break;
        }
    }

    void check() override {
        promise(names_of(peer_.receipts()) == receipts_ && receipts_.size() <= how_.receipts, "receipts are known");
        promise(names_of(peer_.transactions()) == transactions_ && transactions_.size() <= how_.transactions,
                "transactions are known");
        names ids;
        std::size_t memory = 0;
        for (const auto& [id, named] : subscriptions_) {
            memory += 20 + id.size();
            if (named) ids.push_back(id);
        }
        promise(names_of(peer_.subscriptions()) == ids && subscriptions_.size() <= how_.subscriptions,
                "subscriptions are known");
        for (const names& list : {receipts_, transactions_}) {
            for (const std::string& each : list) memory += 20 + each.size();
        }
        promise(memory <= how_.names, "names are bounded");
    }

    // A verb that may ask for a receipt. True if its frame was queued.
    template <class Call>
    bool ask(std::string_view receipt, Call&& call) {
        const bool open = peer_.is_open();
        const bool done = attempt(call);
        promise(open || !done, "frames go out while the session is open");
        if (done && !receipt.empty()) {
            promise(std::count(receipts_.begin(), receipts_.end(), receipt) == 0, "a receipt is outstanding once");
            receipts_.emplace_back(receipt);
        }
        return done;
    }

    void subscribe(const stomp::subscribe_frame& frame) {
        if (!ask(frame.receipt, [&] { return peer_.subscribe(frame); })) return;
        const bool named = !frame.id.empty();
        promise(named || peer_.version() == stomp::version::v1_0, "a subscription has an id");
        const std::pair made(std::string(named ? frame.id : frame.destination), named);
        promise(std::count(subscriptions_.begin(), subscriptions_.end(), made) == 0, "ids are unique");
        subscriptions_.push_back(made);
    }

    void unsubscribe(const stomp::unsubscribe_frame& frame) {
        if (!ask(frame.receipt, [&] { return peer_.unsubscribe(frame); })) return;
        const bool named = !frame.id.empty();
        promise(std::erase(subscriptions_, std::pair(std::string(named ? frame.id : frame.destination), named)) == 1,
                "what ends was there");
    }

    void act_on_transaction(unsigned step, std::string_view name, std::string_view receipt) {
        const auto known = [&] { return std::count(transactions_.begin(), transactions_.end(), name); };
        if (step == 5) {
            if (!ask(receipt, [&] { return peer_.begin(name, receipt); })) return;
            promise(known() == 0, "names of transactions are unique");
            transactions_.emplace_back(name);
            return;
        }
        if (!ask(receipt, [&] { return step == 6 ? peer_.commit(name, receipt) : peer_.abort(name, receipt); })) return;
        promise(known() == 1, "what ends was open");
        std::erase(transactions_, name);
    }

    // Ends what there is by the session's own names.
    void give_back(std::string_view receipt) {
        if (!peer_.subscriptions().empty()) {
            const std::pair first(std::string(*peer_.subscriptions().begin()), true);
            const std::string_view own = *peer_.subscriptions().begin();
            if (ask(receipt, [&] { return peer_.unsubscribe({.id = own, .receipt = receipt}); })) {
                std::erase(subscriptions_, first);
            }
        } else if (!peer_.transactions().empty()) {
            const std::string first(*peer_.transactions().begin());
            const std::string_view own = *peer_.transactions().begin();
            if (ask(receipt, [&] { return peer_.abort(own, receipt); })) std::erase(transactions_, first);
        }
    }

    void send(std::string_view transaction, const stomp::send_frame& frame) {
        if (!ask(frame.receipt, [&] { return peer_.send(frame); })) return;
        promise(transaction.empty() || std::count(transactions_.begin(), transactions_.end(), transaction) == 1,
                "a transaction is known");
    }

    void disconnect(std::string_view receipt) {
        if (!ask(receipt, [&] { return peer_.disconnect(receipt); })) return;
        goodbye_ = receipt;
        promise(!peer_.is_open(), "after DISCONNECT nothing is sent");
    }

    void act(const event* what) override {
        constexpr std::string_view ids[] = {"0", "1", "", "a:\n"};
        constexpr std::string_view destinations[] = {"/a", "b:\\"};
        constexpr std::string_view receipts[] = {"", "r0", "r1", "r:\n"};
        constexpr std::string_view in[] = {"", "t", "u", ""};
        const unsigned step = next_step();
        const unsigned amount = step >> 4U;
        const cbytes some = bytes_of(std::string_view("hello \xE2\x82\xAC\0 and more", 20));
        const std::string_view id = ids[amount % 4];
        const std::string_view destination = destinations[amount % 2];
        const std::string_view receipt = receipts[amount / 4];
        const std::string_view transaction = in[amount % 4];
        const stomp::header odd[] = {{"a:b\n", "\\c\r"}, {"content-type", ""}};
        switch (step % 16) {
        case 0: drain(SIZE_MAX); break;
        case 1:
            if (what != nullptr && what->kind == client_kind::message) {
                ask({}, [&] { return amount < 8 ? peer_.ack(*what, transaction) : peer_.nack(*what, transaction); });
            }
            drain(SIZE_MAX);
            break;
        case 2:
            send(transaction, {.destination = destination,
                               .content_type = id,
                               .transaction = transaction,
                               .receipt = receipt,
                               .body = some.first(amount)});
            break;
        case 3:
            subscribe({.id = id,
                       .destination = destination,
                       .ack = static_cast<stomp::ack_mode>(amount % 3),
                       .receipt = receipt});
            break;
        case 4:
            if (amount == 15) {
                give_back(receipts[2]);
            } else {
                unsubscribe({.id = id, .destination = destination, .receipt = receipt});
            }
            break;
        case 5:
        case 6:
        case 7: act_on_transaction(step % 16, transaction, receipt); break;
        case 8:
            ask(receipt,
                [&] { return peer_.ack({.id = id, .message_id = id, .subscription = "0", .receipt = receipt}); });
            break;
        case 9: disconnect(amount < 4 ? "disconnect" : receipt); break;
        case 10: drain(amount); break;
        case 11: tick(amount); break;
        case 12: peer_.release_memory(); break;
        case 13: move(); break;
        case 14:
            send({}, {.destination = destination,
                      .receipt = receipt,
                      .headers = odd,
                      .body = std::vector<std::byte>(amount * 100)});
            break;
        case 15:
            promise(!attempt([&] { return peer_.connect({.host = "h"}); }) || !connected_, "one connects once");
            break;
        }
    }

    std::vector<std::pair<std::string, bool>> subscriptions_{}; // by id, or else by destination
    names transactions_{};
    names receipts_{};
    std::string goodbye_{};
    bool connected_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::run_stomp_session<caller>(data, size);
    return 0;
}
