# Debian's libnet-stomp-perl (Net::Stomp) as its users start it: with the address of the server, and with no other
# setting. Events are those of default_cases.py.
#   perl default_client.pl PORT DESTINATION BYTES
# SPDX-License-Identifier: MIT
use strict;
use warnings;
use Digest::SHA qw(sha1_hex);
use Net::Stomp;

my ($port, $destination, $bytes) = @ARGV;
my @bodies = ("안녕하세요, 소켓 없이", "é" x ($bytes / 2));    # as bytes
$| = 1;

my $connection = Net::Stomp->new({hostname => '127.0.0.1', port => $port});
my $answer = $connection->connect();
die "no CONNECTED\n" unless $answer && $answer->command eq 'CONNECTED';
print qq({"event":"connected"}\n);
$connection->subscribe({destination => $destination, ack => 'client'});
$connection->send({destination => $destination, body => $_}) for @bodies;
for (@bodies) {
    my $frame = $connection->receive_frame;
    die "no message\n" unless $frame && $frame->command eq 'MESSAGE';
    printf qq({"event":"message","bytes":%d,"sha1":"%s"}\n), length $frame->body, sha1_hex($frame->body);
    $connection->ack({frame => $frame});
}
$connection->disconnect;
print qq({"event":"closed"}\n);
