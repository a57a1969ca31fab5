use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::wait::{PATIENCE, wait_until};

const ADD_OFFSETS_TO_TXN: i16 = 25;
const END_TXN: i16 = 26;

/// A request of version 1 from the client "c".
fn request(kind: i16, correlation: i32, transactional_id: &str) -> Vec<u8> {
    let length = i16::try_from(transactional_id.len()).unwrap();
    let parts: [&[u8]; 6] = [
        &kind.to_be_bytes(),
        &1_i16.to_be_bytes(),
        &correlation.to_be_bytes(),
        b"\0\x01c",
        &length.to_be_bytes(),
        transactional_id.as_bytes(),
    ];
    framed(&parts.concat())
}

/// An answer with the error code 7.
fn answer(correlation: i32) -> Vec<u8> {
    framed(&[&correlation.to_be_bytes()[..], &[0; 4], &7_i16.to_be_bytes()].concat())
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// A broker that answers every request. Returns its address and the received correlation ids.
fn broker() -> (SocketAddr, Receiver<i32>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, received) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            thread::spawn(move || {
                while let Some(request) = Frame::read(&mut stream) {
                    let correlation = i32::from_be_bytes(request.correlation().unwrap());
                    sender.send(correlation).unwrap();
                    stream.write_all(&answer(correlation)).unwrap();
                }
            });
        }
    });
    (address, received)
}

fn ask(stream: &mut TcpStream, request: &[u8]) -> Option<Frame> {
    stream.write_all(request).unwrap();
    Frame::read(stream)
}

fn caught(trap: &EndTxnTrap) -> CaughtEndTxn {
    wait_until("an EndTxn", PATIENCE, || trap.take().ok_or_else(|| "none".to_owned()))
}

#[test]
fn requests_and_answers_pass_while_no_trap_is_set() {
    let (address, _received) = broker();
    let proxy = KafkaProxy::in_front_of(address, 0, &Arc::default());
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    let end = ask(&mut client, &request(END_TXN, 1, "one")).unwrap();
    assert_eq!(end.bytes(), answer(1));
    client.write_all(&[0xff; 8]).unwrap();
    assert_eq!(client.read(&mut [0; 8]).unwrap_or(0), 0, "a negative length closes the connection");
}

#[test]
fn a_late_end_of_a_transaction_arrives_during_the_next_one_of_its_producer() {
    let ((address, received), trap) = (broker(), Arc::<EndTxnTrap>::default());
    let proxy = KafkaProxy::in_front_of(address, 3, &trap);
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    ask(&mut client, &request(ADD_OFFSETS_TO_TXN, 1, "one")).unwrap();
    trap.set("o");
    ask(&mut client, &request(END_TXN, 9, "another")).unwrap();
    client.write_all(&request(END_TXN, 2, "one")).unwrap();
    let late = caught(&trap);
    assert_eq!(late.broker(), 3);
    late.lose_connection();
    assert_eq!(client.read(&mut [0; 8]).unwrap_or(0), 0, "the client has no connection");
    trap.deliver_in_next_transaction(late);

    let mut client = TcpStream::connect(proxy.address()).unwrap();
    for (kind, correlation, id) in [(END_TXN, 3, "one"), (ADD_OFFSETS_TO_TXN, 4, "another")] {
        ask(&mut client, &request(kind, correlation, id)).unwrap();
    }
    assert_eq!(trap.answer(), None);
    let added = ask(&mut client, &request(ADD_OFFSETS_TO_TXN, 5, "one")).unwrap();
    assert_eq!(added.bytes(), answer(5));
    assert_eq!(trap.answer(), Some(7));
    assert_eq!(received.try_iter().collect::<Vec<_>>(), [1, 9, 3, 4, 5, 2]);
}

#[test]
fn a_caught_request_is_answered_after_the_client_has_lost_its_connection() {
    let ((address, _received), trap) = (broker(), Arc::<EndTxnTrap>::default());
    let proxy = KafkaProxy::in_front_of(address, 0, &trap);
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    trap.set("one");
    client.write_all(&request(END_TXN, 1, "one")).unwrap();
    let caught = caught(&trap);
    caught.lose_connection();
    assert_eq!(caught.answer(Duration::ZERO), None);
    assert!(caught.send());
    assert_eq!(caught.answer(PATIENCE), Some(7));
}
