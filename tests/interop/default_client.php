<?php
// Debian's php-stomp as its users start it: with the address of the server, and with no other setting. Events are those
// of default_cases.py. It takes a frame for broken if the next one has come behind it without an end of line between
// them, as brokers write it: so the second text goes out when the first has come.
//   php default_client.php PORT DESTINATION BYTES
// SPDX-License-Identifier: MIT
[, $port, $destination, $bytes] = $argv;
$bodies = ["안녕하세요, 소켓 없이", str_repeat("é", $bytes / 2)];

function emit($event, $members = []) {
    echo json_encode(["event" => $event] + $members), "\n";
}

try {
    $connection = new Stomp("tcp://127.0.0.1:$port");
    emit("connected");
    $connection->subscribe($destination);
    foreach ($bodies as $body) {
        $connection->send($destination, $body);
        $frame = $connection->readFrame();
        if (!$frame) throw new StompException("no message");
        emit("message", ["bytes" => strlen($frame->body), "sha1" => sha1($frame->body)]);
        $connection->ack($frame);
    }
    unset($connection);
    emit("closed");
} catch (StompException $error) {
    emit("error", ["message" => $error->getMessage(), "details" => $error->getDetails()]);
}
