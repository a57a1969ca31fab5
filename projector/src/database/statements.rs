//! The SQL statements, prepared once for each connection. Each parameter is an array with the
//! values of a column, so a batch of any size needs a single statement for each table.

use tokio_postgres::{Client, Error, Statement};

/// Prepared statements of one connection.
pub(super) struct Statements {
    pub(super) next_offsets: Statement,
    pub(super) move_offsets: Statement,
    pub(super) requested: TableStatements,
    pub(super) completed: TableStatements,
    pub(super) insert_request_conflicts: Statement,
    pub(super) insert_rejected: Statement,
}

/// Statements of one of the two tables.
pub(super) struct TableStatements {
    /// Inserts all columns. Existing keys keep their rows.
    pub(super) insert: Statement,
    /// Takes the [compared columns](super::columns::Columns::compared). Returns the keys whose
    /// stored row has different content.
    pub(super) conflicts: Statement,
}

impl Statements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            next_offsets: client.prepare(NEXT_OFFSETS).await?,
            move_offsets: client.prepare(MOVE_OFFSETS).await?,
            requested: TableStatements {
                insert: client.prepare(INSERT_REQUESTED).await?,
                conflicts: client.prepare(REQUESTED_CONFLICTS).await?,
            },
            completed: TableStatements {
                insert: client.prepare(INSERT_COMPLETED).await?,
                conflicts: client.prepare(COMPLETED_CONFLICTS).await?,
            },
            insert_request_conflicts: client.prepare(INSERT_REQUEST_CONFLICTS).await?,
            insert_rejected: client.prepare(INSERT_REJECTED).await?,
        })
    }
}

const NEXT_OFFSETS: &str = "
SELECT stored.next_offset
FROM unnest($1::text[], $2::int4[]) WITH ORDINALITY AS wanted (topic, partition, ordinal)
LEFT JOIN projected_offsets AS stored USING (topic, partition)
ORDER BY wanted.ordinal";

/// Compare-and-set of next offsets. Returns the number of updated partitions.
const MOVE_OFFSETS: &str = "
WITH move AS (
    SELECT *
    FROM unnest($1::text[], $2::int4[], $3::int8[], $4::int8[], $5::timestamptz[])
        AS move (topic, partition, expected, next, newest)
), moved AS (
    UPDATE projected_offsets AS stored
    SET next_offset = move.next, newest_request = greatest(stored.newest_request, move.newest)
    FROM move
    WHERE stored.topic = move.topic AND stored.partition = move.partition
        AND stored.next_offset = move.expected
    RETURNING 1
), begun AS (
    INSERT INTO projected_offsets (topic, partition, next_offset, newest_request)
    SELECT topic, partition, next, newest FROM move WHERE expected IS NULL
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM moved) + (SELECT count(*) FROM begun)";

/// A signed request takes the place of an unsigned request with its id.
const INSERT_REQUESTED: &str = "
INSERT INTO compute_requested AS stored (request_id, operation, operands, requester, source,
    content_digest, requested_at, kafka_partition, kafka_offset, recorded_at, authenticated)
SELECT *
FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::bytea[],
    $7::timestamptz[], $8::int4[], $9::int8[], $10::timestamptz[], $11::bool[])
ON CONFLICT (request_id) DO UPDATE
SET operation = excluded.operation, operands = excluded.operands, requester = excluded.requester,
    source = excluded.source, requested_at = excluded.requested_at,
    kafka_partition = excluded.kafka_partition, kafka_offset = excluded.kafka_offset,
    recorded_at = excluded.recorded_at, content_digest = excluded.content_digest,
    authenticated = true
WHERE excluded.authenticated AND NOT stored.authenticated";

/// Rows of earlier versions have an empty digest, or none.
const REQUESTED_CONFLICTS: &str = "
SELECT request_id
FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::bytea[])
    AS sent (request_id, operation, operands, requester, source, content_digest)
JOIN compute_requested AS stored USING (request_id)
WHERE CASE WHEN stored.content_digest <> '' THEN sent.content_digest <> stored.content_digest
    ELSE (sent.operation, sent.operands, sent.requester, sent.source)
        IS DISTINCT FROM (stored.operation, stored.operands, stored.requester, stored.source)
    END";

const INSERT_COMPLETED: &str = "
INSERT INTO compute_completed (request_id, status, result, error_code, error_message,
    content_digest, digits, bits, completed_at, compute_micros, cache, processor, kafka_partition,
    kafka_offset)
SELECT *
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::int8[],
    $8::int8[], $9::timestamptz[], $10::int8[], $11::text[], $12::text[], $13::int4[], $14::int8[])
ON CONFLICT (request_id, content_digest) DO NOTHING";

const COMPLETED_CONFLICTS: &str = "
SELECT request_id
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
    AS sent (request_id, status, result, error_code, error_message, content_digest)
JOIN compute_completed AS stored USING (request_id, content_digest)
WHERE (sent.status, sent.result, sent.error_code, sent.error_message)
    IS DISTINCT FROM (stored.status, stored.result, stored.error_code, stored.error_message)";

const INSERT_REQUEST_CONFLICTS: &str = "
INSERT INTO request_conflicts (request_id, content_digest, kafka_partition, kafka_offset)
SELECT *
FROM unnest($1::uuid[], $2::bytea[], $3::int4[], $4::int8[])
ON CONFLICT DO NOTHING";

const INSERT_REJECTED: &str = "
INSERT INTO rejected_records (topic, kafka_partition, kafka_offset, request_id, reason, detail)
SELECT *
FROM unnest($1::text[], $2::int4[], $3::int8[], $4::uuid[], $5::text[], $6::text[])";
