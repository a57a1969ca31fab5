//! The table of idempotency keys. All times come from Postgres, so instances need no common clock.

use std::time::{Duration, SystemTime};

use abacus_schemas::Timestamp;
use deadpool_postgres::Pool;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::query::within;

/// Time limit of one query, including the time to connect.
pub(crate) const KEY_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest number of expired keys deleted by one statement.
pub(crate) const DELETED_AT_ONCE: i64 = 1_000;
/// Attempts to claim a key. The key may be deleted between the claim and the read of the row.
const ATTEMPTS: usize = 3;

/// Claims a new key, an expired key, or a key with an ended lease and no request in the request
/// log. The request log of the claim has every request before `projected`: one statement sees one
/// state of the database.
const CLAIM: &str = "
    INSERT INTO idempotency_keys AS kept
           (requester, key, fingerprint, request_id, requested_at, leased_until, expires_at, partition)
    VALUES ($1, $2, $3, $4, timestamptz 'epoch' + $5::bigint * interval '1 microsecond',
            now() + make_interval(secs => $6), now() + make_interval(secs => $7), $8)
    ON CONFLICT (requester, key) DO UPDATE
       SET fingerprint = excluded.fingerprint,
           request_id = CASE WHEN kept.expires_at > now() THEN kept.request_id
                             ELSE excluded.request_id END,
           requested_at = CASE WHEN kept.expires_at > now() THEN kept.requested_at
                               ELSE excluded.requested_at END,
           expires_at = CASE WHEN kept.expires_at > now() THEN kept.expires_at
                             ELSE excluded.expires_at END,
           partition = CASE WHEN kept.expires_at > now()
                            THEN coalesce(kept.partition, excluded.partition)
                            ELSE excluded.partition END,
           leased_until = excluded.leased_until,
           written_at = NULL
     WHERE kept.expires_at <= now()
        OR (kept.fingerprint = excluded.fingerprint
            AND kept.written_at IS NULL
            AND kept.leased_until <= now()
            AND NOT EXISTS (SELECT FROM compute_requested AS log WHERE log.request_id = kept.request_id))
    RETURNING request_id, fingerprint, expires_at, leased_until, true AS is_ours, false AS is_written,
              0::float8 AS lease_left, false AS is_expired,
              (extract(epoch FROM requested_at) * 1000000)::bigint AS requested_micros,
              coalesce(partition, 0) AS partition,
              coalesce((SELECT projected.next_offset FROM projected_offsets AS projected
                         WHERE projected.topic = $9 AND projected.partition = kept.partition), 0)
                  AS projected";

/// Selects the request of a key.
const FIND: &str = "
    SELECT request_id, fingerprint, expires_at, leased_until, false AS is_ours,
           expires_at <= now() AS is_expired,
           written_at IS NOT NULL
               OR EXISTS (SELECT FROM compute_requested AS log WHERE log.request_id = kept.request_id)
               AS is_written,
           greatest(extract(epoch FROM leased_until - now()), 0)::float8 AS lease_left,
           (extract(epoch FROM requested_at) * 1000000)::bigint AS requested_micros,
           coalesce(partition, 0) AS partition, 0::bigint AS projected
      FROM idempotency_keys AS kept
     WHERE requester = $1 AND key = $2";

/// Marks requests as written to the event log.
const MARK_WRITTEN: &str = "UPDATE idempotency_keys SET written_at = now() WHERE request_id = ANY($1) AND written_at IS NULL";

/// Ends leases. A lease taken over by another instance meanwhile stays.
const RELEASE: &str = "
    UPDATE idempotency_keys AS kept SET leased_until = now()
      FROM unnest($1::uuid[], $2::timestamptz[]) AS lease (request_id, leased_until)
     WHERE kept.request_id = lease.request_id
       AND kept.leased_until = lease.leased_until
       AND kept.written_at IS NULL";

/// Deletes expired keys. The second condition spares a key claimed again meanwhile; `SKIP LOCKED`
/// skips rows under deletion by another instance.
const DELETE_EXPIRED: &str = "
    DELETE FROM idempotency_keys
     WHERE (requester, key) IN (SELECT requester, key FROM idempotency_keys
                                 WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)
       AND expires_at <= now()";

/// The idempotency keys of all requesters.
#[derive(Clone)]
pub(crate) struct IdempotencyKeys {
    pool: Pool,
    /// The topic of requests.
    topic: String,
    lease: Duration,
    lifetime: Duration,
}

/// A claim of a key for a computation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyClaim<'a> {
    pub(crate) requester: &'a str,
    pub(crate) key: &'a str,
    pub(crate) fingerprint: &'a [u8; 32],
    /// Request id for a new key.
    pub(crate) id: Uuid,
    /// Time of the request for a new key.
    pub(crate) requested_at: Timestamp,
    /// Partition of the request for a new key.
    pub(crate) partition: i32,
}

/// The request of a key.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyEntry {
    pub(crate) id: Uuid,
    pub(crate) requested_at: Timestamp,
    pub(crate) expires_at: SystemTime,
    /// End of the lease. The claiming instance publishes the request before this time.
    pub(crate) leased_until: SystemTime,
    /// `true` if this call holds the lease.
    pub(crate) is_ours: bool,
    /// `true` if the request is in the event log.
    pub(crate) is_written: bool,
    /// Time left for another instance to publish the request.
    pub(crate) lease_left: Duration,
    /// Partition of the request.
    pub(crate) partition: i32,
    /// At the time of the claim, the request log had every request of the partition before this
    /// offset.
    pub(crate) projected: i64,
}

/// Reason why a key gives no entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(
        "the `Idempotency-Key` was used for another computation; use a new key for each computation"
    )]
    Reused,
    #[error("the keys cannot be read, and nothing was computed; try again with the same key")]
    Unavailable(#[source] anyhow::Error),
    /// The event log may have the request of a crashed instance.
    #[error(
        "an earlier call with the key was cut off, and its request cannot be searched for now; this \
         call computed nothing; try again with the same key"
    )]
    Unsearchable(#[source] anyhow::Error),
}

impl IdempotencyKeys {
    /// Creates the keys behind `pool`, for requests in `topic`. A key expires after `lifetime`, and
    /// a lease after `lease`.
    pub(crate) fn new(pool: Pool, topic: String, lease: Duration, lifetime: Duration) -> Self {
        Self { pool, topic, lease, lifetime }
    }

    /// Returns the duration of a lease.
    pub(crate) fn lease(&self) -> Duration {
        self.lease
    }

    /// Claims a key, or returns the request of a claimed key.
    pub(crate) async fn claim(&self, claim: KeyClaim<'_>) -> Result<IdempotencyEntry, KeyError> {
        let row =
            within(KEY_TIMEOUT, self.try_claim(claim)).await.map_err(KeyError::Unavailable)?;
        checked(&row, claim)
    }

    /// Returns the request of a key; `None` if the key can be claimed.
    pub(crate) async fn find(
        &self,
        claim: KeyClaim<'_>,
    ) -> Result<Option<IdempotencyEntry>, KeyError> {
        let row = within(KEY_TIMEOUT, self.try_find(claim)).await.map_err(KeyError::Unavailable)?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get("is_expired").map_err(unreadable)? {
            return Ok(None);
        }
        let entry = checked(&row, claim)?;
        Ok(Some(entry).filter(|entry| entry.is_written || !entry.lease_left.is_zero()))
    }

    async fn try_find(&self, claim: KeyClaim<'_>) -> anyhow::Result<Option<Row>> {
        let client = self.pool.get().await?;
        let find = client.prepare_cached(FIND).await?;
        Ok(client.query_opt(&find, &[&claim.requester, &claim.key]).await?)
    }

    async fn try_claim(&self, claimed: KeyClaim<'_>) -> anyhow::Result<Row> {
        let client = self.pool.get().await?;
        let (claim, find) = (client.prepare_cached(CLAIM), client.prepare_cached(FIND));
        let (claim, find) = futures_util::future::try_join(claim, find).await?;
        let KeyClaim { requester, key, fingerprint, id, requested_at, partition } = claimed;
        let (fingerprint, micros) = (fingerprint.as_slice(), requested_at.as_micros());
        let (lease, lifetime) = (self.lease.as_secs_f64(), self.lifetime.as_secs_f64());
        let values: [&(dyn ToSql + Sync); 9] = [
            &requester,
            &key,
            &fingerprint,
            &id,
            &micros,
            &lease,
            &lifetime,
            &partition,
            &self.topic,
        ];
        for _ in 0..ATTEMPTS {
            if let Some(row) = client.query_opt(&claim, &values).await? {
                return Ok(row);
            }
            if let Some(row) = client.query_opt(&find, &[&requester, &key]).await? {
                return Ok(row);
            }
        }
        anyhow::bail!("the key was deleted during every attempt to claim it")
    }

    /// Marks requests as written to the event log.
    pub(crate) async fn mark_written(&self, ids: &[Uuid]) -> anyhow::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.execute(MARK_WRITTEN, &[&ids]).await
    }

    /// Ends the leases of requests not published by this instance. `leases` holds the end of each
    /// lease.
    pub(crate) async fn release(&self, ids: &[Uuid], leases: &[SystemTime]) -> anyhow::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.execute(RELEASE, &[&ids, &leases]).await
    }

    async fn execute(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> anyhow::Result<()> {
        let query = async {
            let client = self.pool.get().await?;
            let statement = client.prepare_cached(statement).await?;
            client.execute(&statement, parameters).await?;
            Ok(())
        };
        within(KEY_TIMEOUT, query).await
    }

    /// Deletes up to [`DELETED_AT_ONCE`] expired keys. Returns the number of deleted keys.
    pub(crate) async fn delete_expired(&self) -> anyhow::Result<i64> {
        let query = async {
            let client = self.pool.get().await?;
            Ok(i64::try_from(client.execute(DELETE_EXPIRED, &[&DELETED_AT_ONCE]).await?)?)
        };
        within(KEY_TIMEOUT, query).await
    }
}

/// Reads an entry. An entry of another computation is an error.
fn checked(row: &Row, claim: KeyClaim<'_>) -> Result<IdempotencyEntry, KeyError> {
    let fingerprint: &[u8] = row.try_get("fingerprint").map_err(unreadable)?;
    if fingerprint != claim.fingerprint {
        return Err(KeyError::Reused);
    }
    read(row).map_err(unreadable)
}

fn read(row: &Row) -> Result<IdempotencyEntry, tokio_postgres::Error> {
    Ok(IdempotencyEntry {
        id: row.try_get("request_id")?,
        requested_at: Timestamp::from_micros(row.try_get("requested_micros")?),
        expires_at: row.try_get("expires_at")?,
        leased_until: row.try_get("leased_until")?,
        is_ours: row.try_get("is_ours")?,
        is_written: row.try_get("is_written")?,
        lease_left: Duration::try_from_secs_f64(row.try_get("lease_left")?).unwrap_or_default(),
        partition: row.try_get("partition")?,
        projected: row.try_get("projected")?,
    })
}

fn unreadable(error: tokio_postgres::Error) -> KeyError {
    KeyError::Unavailable(error.into())
}
