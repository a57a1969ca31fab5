//! The table of keys in Postgres. Times are Postgres' own, so that instances need no common clock.

use std::time::{Duration, SystemTime};

use abacus_schemas::Timestamp;
use anyhow::Context as _;
use deadpool_postgres::Pool;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Error;

/// How long a question may take, connecting included.
pub(super) const TIMEOUT: Duration = Duration::from_secs(3);
/// How many expired keys one statement deletes.
pub(super) const SWEEP: i64 = 1_000;
/// A key may be deleted between a claim that meets it and the look at it.
const ATTEMPTS: usize = 3;

/// A new key, one that has expired, or one whose lease is over without its request in any log.
const CLAIM: &str = "
    INSERT INTO idempotency_keys AS kept
           (requester, key, fingerprint, request_id, requested_at, leased_until, expires_at)
    VALUES ($1, $2, $3, $4, timestamptz 'epoch' + $5::bigint * interval '1 microsecond',
            now() + make_interval(secs => $6), now() + make_interval(secs => $7))
    ON CONFLICT (requester, key) DO UPDATE
       SET fingerprint = excluded.fingerprint,
           request_id = CASE WHEN kept.expires_at > now() THEN kept.request_id
                             ELSE excluded.request_id END,
           requested_at = CASE WHEN kept.expires_at > now() THEN kept.requested_at
                               ELSE excluded.requested_at END,
           expires_at = CASE WHEN kept.expires_at > now() THEN kept.expires_at
                             ELSE excluded.expires_at END,
           leased_until = excluded.leased_until,
           written_at = NULL
     WHERE kept.expires_at <= now()
        OR (kept.fingerprint = excluded.fingerprint
            AND kept.written_at IS NULL
            AND kept.leased_until <= now()
            AND NOT EXISTS (SELECT FROM request_log AS log WHERE log.request_id = kept.request_id))
    RETURNING request_id, fingerprint, expires_at, leased_until, true AS is_ours, false AS is_written,
              0::float8 AS lease_left, false AS is_expired,
              (extract(epoch FROM requested_at) * 1000000)::bigint AS requested_micros";

const LOOK: &str = "
    SELECT request_id, fingerprint, expires_at, leased_until, false AS is_ours,
           expires_at <= now() AS is_expired,
           written_at IS NOT NULL
               OR EXISTS (SELECT FROM request_log AS log WHERE log.request_id = kept.request_id)
               AS is_written,
           greatest(extract(epoch FROM leased_until - now()), 0)::float8 AS lease_left,
           (extract(epoch FROM requested_at) * 1000000)::bigint AS requested_micros
      FROM idempotency_keys AS kept
     WHERE requester = $1 AND key = $2";

const WRITTEN: &str = "UPDATE idempotency_keys SET written_at = now() WHERE request_id = ANY($1) AND written_at IS NULL";

/// A lease that has been taken over since is not ours to end.
const RELEASE: &str = "
    UPDATE idempotency_keys AS kept SET leased_until = now()
      FROM unnest($1::uuid[], $2::timestamptz[]) AS lease (request_id, leased_until)
     WHERE kept.request_id = lease.request_id
       AND kept.leased_until = lease.leased_until
       AND kept.written_at IS NULL";

/// A key may be claimed again between the search for it and its end; what another instance is deleting
/// is left to that.
const EXPIRE: &str = "
    DELETE FROM idempotency_keys
     WHERE (requester, key) IN (SELECT requester, key FROM idempotency_keys
                                 WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)
       AND expires_at <= now()";

/// The keys.
#[derive(Clone)]
pub(crate) struct Store {
    pub(super) pool: Pool,
    pub(super) lease: Duration,
    pub(super) lifetime: Duration,
}

/// What is to be computed under a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) requester: &'a str,
    pub(super) key: &'a str,
    pub(super) fingerprint: &'a [u8; 32],
    /// What the request is called if the key is new, and when it was made.
    pub(super) id: Uuid,
    pub(super) requested_at: Timestamp,
}

/// What a key stands for.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) requested_at: Timestamp,
    pub(super) expires_at: SystemTime,
    /// By when the request is to be written, by whoever claimed the key last.
    pub(super) leased_until: SystemTime,
    /// Whether it is the asker's to write the request now.
    pub(super) is_ours: bool,
    /// Whether the request is in the event log.
    pub(super) is_written: bool,
    /// How long another may still write it.
    pub(super) lease_left: Duration,
}

impl Store {
    /// Claims a key, or says what it stands for.
    pub(super) async fn claim(&self, wanted: Wanted<'_>) -> Result<Entry, Error> {
        let claimed = timeout(TIMEOUT, self.try_claim(wanted)).await.context("no answer in time");
        checked(&claimed.flatten().map_err(Error::Unavailable)?, wanted)
    }

    /// What a key stands for; `None` if it is to be claimed.
    pub(super) async fn look(&self, wanted: Wanted<'_>) -> Result<Option<Entry>, Error> {
        let looked = timeout(TIMEOUT, self.try_look(wanted)).await.context("no answer in time");
        let Some(row) = looked.flatten().map_err(Error::Unavailable)? else { return Ok(None) };
        if row.try_get("is_expired").map_err(unreadable)? {
            return Ok(None);
        }
        let entry = checked(&row, wanted)?;
        Ok(Some(entry).filter(|entry| entry.is_written || !entry.lease_left.is_zero()))
    }

    async fn try_look(&self, wanted: Wanted<'_>) -> anyhow::Result<Option<Row>> {
        let client = self.pool.get().await?;
        let look = client.prepare_cached(LOOK).await?;
        Ok(client.query_opt(&look, &[&wanted.requester, &wanted.key]).await?)
    }

    async fn try_claim(&self, wanted: Wanted<'_>) -> anyhow::Result<Row> {
        let client = self.pool.get().await?;
        let (claim, look) = (client.prepare_cached(CLAIM), client.prepare_cached(LOOK));
        let (claim, look) = futures_util::future::try_join(claim, look).await?;
        let Wanted { requester, key, fingerprint, id, requested_at } = wanted;
        let micros = requested_at.as_micros();
        let (lease, lifetime) = (self.lease.as_secs_f64(), self.lifetime.as_secs_f64());
        for _ in 0..ATTEMPTS {
            let fingerprint = fingerprint.as_slice();
            let row = client
                .query_opt(
                    &claim,
                    &[&requester, &key, &fingerprint, &id, &micros, &lease, &lifetime],
                )
                .await?;
            if let Some(row) = row {
                return Ok(row);
            }
            if let Some(row) = client.query_opt(&look, &[&requester, &key]).await? {
                return Ok(row);
            }
        }
        anyhow::bail!("the key comes and goes")
    }

    /// The requests are in the event log.
    pub(super) async fn mark_written(&self, ids: &[Uuid]) -> anyhow::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.execute(WRITTEN, &[&ids]).await
    }

    /// The requests will not be written by who claimed them, each with such a lease.
    pub(super) async fn release(&self, ids: &[Uuid], leases: &[SystemTime]) -> anyhow::Result<()> {
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
        let run = async {
            let client = self.pool.get().await?;
            let statement = client.prepare_cached(statement).await?;
            client.execute(&statement, parameters).await?;
            Ok(())
        };
        timeout(TIMEOUT, run).await.context("no answer in time")?
    }

    /// Deletes some expired keys: how many.
    pub(super) async fn expire(&self) -> anyhow::Result<i64> {
        let run = async {
            let client = self.pool.get().await?;
            Ok(i64::try_from(client.execute(EXPIRE, &[&SWEEP]).await?)?)
        };
        timeout(TIMEOUT, run).await.context("no answer in time")?
    }
}

/// The entry, if it is one for what is wanted.
fn checked(row: &Row, wanted: Wanted<'_>) -> Result<Entry, Error> {
    let fingerprint: &[u8] = row.try_get("fingerprint").map_err(unreadable)?;
    if fingerprint != wanted.fingerprint {
        return Err(Error::Reused);
    }
    read(row).map_err(unreadable)
}

fn read(row: &Row) -> Result<Entry, tokio_postgres::Error> {
    Ok(Entry {
        id: row.try_get("request_id")?,
        requested_at: Timestamp::from_micros(row.try_get("requested_micros")?),
        expires_at: row.try_get("expires_at")?,
        leased_until: row.try_get("leased_until")?,
        is_ours: row.try_get("is_ours")?,
        is_written: row.try_get("is_written")?,
        lease_left: Duration::try_from_secs_f64(row.try_get("lease_left")?).unwrap_or_default(),
    })
}

fn unreadable(error: tokio_postgres::Error) -> Error {
    Error::Unavailable(error.into())
}
