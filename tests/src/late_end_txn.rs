//! An `EndTxn` that arrives during the next transaction of its producer (KIP-890). The connection of
//! the request is lost, and librdkafka repeats the request on another connection.

use abacus_testkit::{
    CaughtEndTxn, Cluster, EndTxnTrap, NewRecord, PATIENCE, Service, Stack, System, request,
    wait_until,
};

use crate::history::History;

/// Number of late requests. Each is due in a transaction of its own.
const ROUNDS: u64 = 5;

/// Writes requests to all partitions.
fn ask_some(system: &System, round: u64) {
    let record = |number: u64| {
        let n = (2 + 20 * round + number).to_string();
        let request = request("factorial", &[("n", &n)]);
        NewRecord {
            topic: system.topics.requested.clone(),
            key: request.request_id.clone().into_bytes(),
            payload: system.events.encode(&request),
            ..NewRecord::default()
        }
    };
    let records: Vec<NewRecord> = (0..20).map(record).collect();
    system.kafka.producer().produce_all(&records);
}

fn catch(trap: &EndTxnTrap) -> CaughtEndTxn {
    wait_until("an EndTxn", PATIENCE, || trap.take().ok_or_else(|| "none".to_owned()))
}

fn replaced(processor: &mut Service) -> u64 {
    processor.count("abacus_stream_producers_replaced_total", &[("stream", "main")])
}

#[test]
fn a_late_end_of_a_transaction_ends_no_later_transaction() {
    let stack = Stack::from_env();
    let cluster = Cluster::start(&stack, 1);
    let system = System::on(Stack { kafka: cluster.bootstrap(), ..stack });
    let proxied = system.processor().set("ABACUS_KAFKA_BOOTSTRAP", cluster.proxied_bootstrap());
    let mut processor = system.start(&proxied);
    let trap = cluster.end_txn_trap();
    for round in 0..ROUNDS {
        trap.set(format!("{}-", system.processor_group()));
        ask_some(&system, 2 * round);
        let late = catch(trap);
        late.lose_connection();
        trap.deliver_in_next_transaction(late);
        ask_some(&system, 2 * round + 1);
        let code = wait_until("the answer to the late request", PATIENCE, || {
            trap.answer().ok_or_else(|| "none".to_owned())
        });
        assert_ne!(code, 0, "the broker has ended a later transaction");
        History::complete(&system, PATIENCE).assert_right(&system);
    }
    assert!(replaced(&mut processor) >= ROUNDS);
}
