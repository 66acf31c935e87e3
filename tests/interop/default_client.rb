# Debian's ruby-stomp as its users start it: with the address of the server, and with no other setting. Events are those
# of default_cases.py.
#   ruby default_client.rb PORT DESTINATION BYTES
# SPDX-License-Identifier: MIT
require "digest"
require "json"
require "stomp"

port, destination, bytes = ARGV
bodies = ["안녕하세요, 소켓 없이", "é" * (bytes.to_i / 2)]

def emit(event, **members)
  puts JSON.generate({ event: event, **members })
  $stdout.flush
end

connection = Stomp::Client.new("", "", "127.0.0.1", port.to_i)
emit("connected")
received = Queue.new
connection.subscribe(destination, ack: "client") { |message| received << message }
bodies.each { |body| connection.publish(destination, body) }
bodies.each do
  message = received.pop
  emit("message", bytes: message.body.bytesize, sha1: Digest::SHA1.hexdigest(message.body))
  connection.acknowledge(message)
end
connection.close
emit("closed")
