//! The reads, each over one connection in one read transaction.

use journal::tree::consistency_proof;
use journal::{Head, Receipt};
use model::{Entry, EntryHash, PayloadDigest, Salt, StreamName};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::lookup::Hint;
use super::nodes::{StoredNodes, TILE_WIDTH, tile};
use super::schema::{AS_OF_STEP, PAYLOADS_PER_ENTRY};
use crate::seal;
use crate::{Consistency, Direction, ReadError, Stored, StoredPayload};

type Read<T> = Result<T, ReadError>;

const HEAD: &str = "SELECT l.seq, l.recorded_ms, e.hash
    FROM stream s JOIN link l ON l.stream = s.id JOIN entry e ON e.idx = l.idx
    WHERE s.name = ?1 ORDER BY l.seq DESC LIMIT 1";
const FORWARD: &str = "SELECT e.idx, e.hash, e.header
    FROM stream s JOIN link l ON l.stream = s.id JOIN entry e ON e.idx = l.idx
    WHERE s.name = ?1 AND l.seq >= ?2 ORDER BY l.seq LIMIT ?3";
const BACKWARD: &str = "SELECT e.idx, e.hash, e.header
    FROM stream s JOIN link l ON l.stream = s.id JOIN entry e ON e.idx = l.idx
    WHERE s.name = ?1 AND l.seq <= ?2 ORDER BY l.seq DESC LIMIT ?3";
const MOMENT: &str = "SELECT seq FROM moment WHERE stream = ?1 AND era = ?2 AND recorded_ms <= ?3
    ORDER BY recorded_ms DESC, seq DESC LIMIT 1";
const PAYLOAD: &str =
    "SELECT salt, bytes FROM payload WHERE id >= ?1 AND id < ?2 AND digest = ?3 LIMIT 1";
const LIST: &str = "SELECT s.name, l.seq, l.recorded_ms, e.hash
    FROM stream s
    JOIN link l ON l.stream = s.id AND l.seq = (SELECT max(seq) FROM link WHERE stream = s.id)
    JOIN entry e ON e.idx = l.idx
    WHERE s.name >= ?1 AND s.name < ?2 AND s.name > ?3 ORDER BY s.name LIMIT ?4";

/// What is asked often, and must not take longer when the journal grows.
#[cfg(test)]
pub(super) const LOOK_UPS: [&str; 6] = [HEAD, FORWARD, BACKWARD, MOMENT, PAYLOAD, LIST];

pub(super) fn heads(connection: &Connection, streams: &[StreamName]) -> Read<Vec<Option<Head>>> {
    let mut statement = connection.prepare_cached(HEAD)?;
    let heads = streams
        .iter()
        .map(|stream| {
            statement
                .query_row([stream.as_str()], |row| head(row, 0))
                .optional()
        })
        .collect::<Result<_, _>>()?;
    Ok(heads)
}

pub(super) fn range(
    connection: &Connection,
    stream: &StreamName,
    from_seq: u64,
    limit: usize,
    direction: Direction,
) -> Read<Vec<Stored>> {
    let sql = match direction {
        Direction::Forward => FORWARD,
        Direction::Backward => BACKWARD,
    };
    let mut statement = connection.prepare_cached(sql)?;
    collect(statement.query((stream.as_str(), sql_integer(from_seq), sql_limit(limit)))?)
}

pub(super) fn entries(connection: &Connection, from_index: u64, limit: usize) -> Read<Vec<Stored>> {
    let mut statement = connection.prepare_cached(
        "SELECT idx, hash, header FROM entry WHERE idx >= ?1 ORDER BY idx LIMIT ?2",
    )?;
    collect(statement.query((sql_integer(from_index), sql_limit(limit)))?)
}

pub(super) fn entry_at(connection: &Connection, index: u64) -> Read<Stored> {
    entries(connection, index, 1)?
        .pop()
        .filter(|found| found.index == Some(index))
        .ok_or(ReadError::Corrupt("an entry is missing"))
}

pub(super) fn entry(
    connection: &Connection,
    hint: &Hint,
    hash: &EntryHash,
) -> Read<Option<Stored>> {
    for index in hint.candidates(connection)? {
        let found = entry_at(connection, index)?;
        if found.entry.hash() == *hash {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Finds the last entry of a stream that was recorded at a time or before.
///
/// Within an era, the time between two corrections of the clock, times rise with seqs, and every sixteenth entry and
/// the era's first are indexed by time: one seek there and a short walk, however long the stream.
pub(super) fn as_of(
    connection: &Connection,
    stream: &StreamName,
    recorded_ms: u64,
) -> Read<Option<u64>> {
    let id = connection
        .prepare_cached("SELECT id FROM stream WHERE name = ?1")?
        .query_row([stream.as_str()], |row| row.get::<_, u64>(0))
        .optional()?;
    let Some(id) = id else { return Ok(None) };
    let recorded_ms = sql_integer(recorded_ms);
    let corrections: Vec<u64> = connection
        .prepare_cached("SELECT idx FROM correction ORDER BY idx")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut end = i64::MAX.unsigned_abs();
    for era in (0..=corrections.len()).rev() {
        let start = connection
            .prepare_cached(MOMENT)?
            .query_row((id, era, recorded_ms), |row| row.get::<_, u64>(0))
            .optional()?;
        let start = start.or((era == 0).then_some(0));
        if let Some(start) = start {
            let last: Option<u64> = connection
                .prepare_cached(
                    "SELECT max(seq) FROM
                         (SELECT seq, idx, recorded_ms FROM link WHERE stream = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3)
                     WHERE idx < ?4 AND recorded_ms <= ?5",
                )?
                .query_row((id, start, AS_OF_STEP, end, recorded_ms), |row| row.get(0))?;
            if last.is_some() {
                return Ok(last);
            }
        }
        end = corrections.get(era.wrapping_sub(1)).copied().unwrap_or(end);
    }
    Ok(None)
}

pub(super) fn payload(
    connection: &Connection,
    hint: &Hint,
    digest: &PayloadDigest,
) -> Read<Option<StoredPayload>> {
    let found = payload_row(connection, hint, digest)?;
    Ok(found.and_then(|(salt, bytes)| bytes.map(|bytes| StoredPayload { salt, bytes })))
}

/// Returns the salt of a large payload.
pub(super) fn large_salt(
    connection: &Connection,
    hint: &Hint,
    digest: &PayloadDigest,
) -> Read<Option<Salt>> {
    let found = payload_row(connection, hint, digest)?;
    Ok(found.and_then(|(salt, bytes)| bytes.is_none().then_some(salt)))
}

fn payload_row(
    connection: &Connection,
    hint: &Hint,
    digest: &PayloadDigest,
) -> Read<Option<(Salt, Option<Vec<u8>>)>> {
    for index in hint.candidates(connection)? {
        let first = index * PAYLOADS_PER_ENTRY;
        let found = connection
            .prepare_cached(PAYLOAD)?
            .query_row((first, first + PAYLOADS_PER_ENTRY, &digest.0), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Returns size and text of the newest checkpoint.
pub(super) fn newest_checkpoint(connection: &Connection) -> Read<Option<(u64, String)>> {
    Ok(connection
        .prepare_cached("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

pub(super) fn receipt(
    connection: &Connection,
    hint: &Hint,
    hash: &EntryHash,
) -> Read<Option<Receipt>> {
    let Some(found) = entry(connection, hint, hash)? else {
        return Ok(None);
    };
    let newest = newest_checkpoint(connection)?;
    let index = found
        .index
        .ok_or(ReadError::Corrupt("an entry has no place"))?;
    prove(connection, index, *hash, newest).map(Some)
}

/// Returns the entry at an index with the receipt that was first handed out for it.
///
/// That one was against the checkpoint of the group that the entry was written with, the first that covers it.
pub(super) fn first_receipt(connection: &Connection, index: u64) -> Read<(Stored, Receipt)> {
    let stored = entry_at(connection, index)?;
    let first = connection
        .prepare_cached("SELECT size, note FROM checkpoint WHERE size > ?1 ORDER BY size LIMIT 1")?
        .query_row([index], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let receipt = prove(connection, index, stored.entry.hash(), first)?;
    Ok((stored, receipt))
}

fn prove(
    connection: &Connection,
    index: u64,
    hash: EntryHash,
    checkpoint: Option<(u64, String)>,
) -> Read<Receipt> {
    let (size, note) = checkpoint.ok_or(ReadError::Corrupt("a checkpoint is missing"))?;
    seal::receipt(&StoredNodes::new(connection), index, hash, size, &note)
        .ok_or(ReadError::Corrupt("a node of the tree is missing"))
}

pub(super) fn consistency(connection: &Connection, from: u64) -> Read<Option<Consistency>> {
    let (size, checkpoint) =
        newest_checkpoint(connection)?.ok_or(ReadError::Corrupt("a checkpoint is missing"))?;
    if from == 0 || from > size {
        return Ok(None);
    }
    let proof = consistency_proof(&StoredNodes::new(connection), from, size)
        .map_err(|_| ReadError::Corrupt("a node of the tree is missing"))?;
    Ok(Some(Consistency { checkpoint, proof }))
}

pub(super) fn tile_bytes(
    connection: &Connection,
    level: u8,
    index: u64,
    width: u16,
) -> Read<Option<Vec<u8>>> {
    let width = u64::from(width);
    let exists = level < 8 && (1..=TILE_WIDTH).contains(&width) && index < 1 << 45;
    if !exists {
        return Ok(None);
    }
    let hashes = tile(connection, level, index, width)?;
    let complete = hashes.len() as u64 == width;
    Ok(complete.then(|| hashes.iter().flat_map(|hash| hash.0).collect()))
}

pub(super) fn streams(
    connection: &Connection,
    prefix: &str,
    after: Option<&StreamName>,
    limit: usize,
) -> Read<Vec<(StreamName, Head)>> {
    // Names are ASCII, so everything that begins with the prefix sorts before the prefix and the last of its characters.
    let end = format!("{prefix}\u{7f}");
    let mut statement = connection.prepare_cached(LIST)?;
    let after = after.map_or("", StreamName::as_str);
    named_heads(statement.query((prefix, end, after, sql_limit(limit)))?)
}

pub(super) fn heads_at(connection: &Connection, size: u64) -> Read<Vec<(StreamName, Head)>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.name, l.seq, l.recorded_ms, e.hash
         FROM stream s
         JOIN link l ON l.stream = s.id AND l.seq =
             (SELECT seq FROM link WHERE stream = s.id AND idx < ?1 ORDER BY seq DESC LIMIT 1)
         JOIN entry e ON e.idx = l.idx
         ORDER BY s.name",
    )?;
    named_heads(statement.query([sql_integer(size)])?)
}

fn named_heads(mut rows: rusqlite::Rows<'_>) -> Read<Vec<(StreamName, Head)>> {
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        let name = row
            .get_ref(0)?
            .as_str()
            .ok()
            .and_then(|name| name.parse().ok())
            .ok_or(ReadError::Corrupt("a stream's name is none"))?;
        heads.push((name, head(row, 1)?));
    }
    Ok(heads)
}

fn head(row: &Row<'_>, first: usize) -> rusqlite::Result<Head> {
    Ok(Head {
        seq: row.get(first)?,
        recorded_ms: row.get(first + 1)?,
        hash: EntryHash(row.get(first + 2)?),
    })
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Read<Vec<Stored>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = row
            .get_ref(2)?
            .as_blob()
            .ok()
            .and_then(|bytes| Entry::parse(bytes).ok())
            .ok_or(ReadError::Corrupt("an entry is none"))?;
        if entry.hash().0 != row.get::<_, [u8; 32]>(1)? {
            return Err(ReadError::Corrupt("an entry is not what was recorded"));
        }
        found.push(Stored::at(row.get(0)?, entry));
    }
    Ok(found)
}

/// SQLite's integers end where no index, seq or time of ours comes near.
fn sql_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
