// Any Sec-WebSocket-Extensions as an offer and as a response: what is agreed to keeps to both sides' terms.
// SPDX-License-Identifier: MIT
#include <sockless/ws/deflate/negotiation.hpp>

#include "fuzz.hpp"

using namespace sockless;
using namespace sockless::fuzz;

namespace {

unsigned window(std::uint8_t bits) { return bits == 0 ? 15 : bits; }

ws::deflate_policy policy_from(input& from) {
    const unsigned flags = from.setting(), windows = from.setting();
    return {
        .wanted = {.server_no_context_takeover = (flags & 1U) != 0,
                   .client_no_context_takeover = (flags & 2U) != 0,
                   .server_max_window_bits = static_cast<std::uint8_t>((flags & 4U) != 0 ? 8 + windows % 8 : 0),
                   .client_max_window_bits = static_cast<std::uint8_t>((flags & 8U) != 0 ? 8 + windows / 8 % 8 : 0)},
        .decline_larger_window = (flags & 16U) != 0};
}

// The one field that holds `value`.
std::vector<field> fields_of(std::string_view value) { return {{"Sec-WebSocket-Extensions", value}}; }

void serve(std::string_view offered, const ws::deflate_policy& policy, unsigned smallest_window) {
    const ws::deflate_agreement chosen = ws::choose_deflate(fields_of(offered), policy, smallest_window);
    promise(chosen.error == ws::errc::none, "an offer is never an error");
    promise(!chosen.agreed || ws::has_extension(offered, "permessage-deflate"), "only what is offered is agreed to");
    if (!chosen.agreed) return;
    const ws::deflate_parameters& terms = chosen.parameters;
    promise(terms.server_no_context_takeover || !policy.wanted.server_no_context_takeover, "the server's wish holds");
    promise(terms.client_no_context_takeover || !policy.wanted.client_no_context_takeover, "so does this");
    promise(window(terms.server_max_window_bits) <= window(policy.wanted.server_max_window_bits), "and its window");
    promise(window(terms.server_max_window_bits) >= smallest_window, "no window that the compressor cannot do");
    promise(!policy.decline_larger_window ||
                window(terms.client_max_window_bits) <= window(policy.wanted.client_max_window_bits),
            "where that is wanted, the client's window too");

    // Written, it is what a client reads that offered all.
    char memory[ws::max_deflate_text];
    const std::string_view text = ws::write_deflate_response(memory, terms);
    promise(!text.empty() && ws::is_extension_list(text), "a response fits, and is well formed");
    const ws::deflate_agreement read = ws::check_deflate(fields_of(text), "permessage-deflate; client_max_window_bits");
    promise(read.agreed && read.parameters == terms, "a response is read as it was meant");
}

void ask(std::string_view answered, const ws::deflate_policy& policy) {
    const ws::deflate_parameters offer = ws::offer_of(policy);
    char memory[ws::max_deflate_text];
    const std::string_view offered = ws::write_deflate_offer(memory, offer);
    promise(ws::are_deflate_offers(offered), "an offer of ours is one");
    const ws::deflate_agreement found = ws::check_deflate(fields_of(answered), offered);
    promise(!found.agreed || found.error == ws::errc::none, "either it is agreed to, or there is an error");
    promise(found.agreed || found.error != ws::errc::none || !ws::has_extension(answered, "permessage-deflate"),
            "no answer is passed over");
    if (!found.agreed) return;
    const ws::deflate_parameters& terms = found.parameters;
    promise(terms.server_no_context_takeover || !offer.server_no_context_takeover, "what was asked for is granted");
    promise(window(terms.server_max_window_bits) <= window(offer.server_max_window_bits), "and the window");
    promise(terms.client_max_window_bits <= offer.client_max_window_bits, "and what is asked of the client");
}

// A server that wants nothing accepts the offer, and the client accepts the answer.
void meet(const ws::deflate_policy& client, const ws::deflate_policy& server, unsigned smallest_window) {
    char offer_memory[ws::max_deflate_text], response_memory[ws::max_deflate_text];
    const ws::deflate_parameters offer = ws::offer_of(client);
    const std::string_view offered = ws::write_deflate_offer(offer_memory, offer);
    const ws::deflate_agreement chosen = ws::choose_deflate(fields_of(offered), server, smallest_window);
    const bool possible = window(offer.server_max_window_bits) >= smallest_window &&
                          window(server.wanted.server_max_window_bits) >= smallest_window;
    promise(chosen.agreed == possible, "an offer of ours is accepted where the windows allow it");
    if (!chosen.agreed) return;
    const std::string_view answered = ws::write_deflate_response(response_memory, chosen.parameters);
    const ws::deflate_agreement found = ws::check_deflate(fields_of(answered), offered);
    promise(found.agreed && found.parameters == chosen.parameters, "both sides agree on the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input from(data, size, 5);
    const unsigned smallest_window = 8 + from.setting() % 2;
    const ws::deflate_policy one = policy_from(from), other = policy_from(from);
    const std::string text(text_of(from.stream()));
    serve(text, one, smallest_window);
    ask(text, one);
    meet(one, other, smallest_window);
    return 0;
}
