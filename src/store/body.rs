//! Texts, each kept once under its hash.
//!
//! A long one goes in and out in place: handed over as a value, the database would make two more copies of it.

use ring::digest::{SHA256, digest};
use rusqlite::{OptionalExtension, Statement, Transaction, params};

use super::{Store, StoreError};

/// Bytes of the longest text that is kept: what one message may have.
pub(crate) const MOST: usize = 8 << 20;
/// Longer ones are written in place.
const LONG: usize = 128 << 10;

/// A text, and the hash it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// SHA-256.
    pub hash: [u8; 32],
    /// The text.
    pub bytes: Vec<u8>,
}

impl Text {
    /// `bytes` with their hash.
    pub(crate) fn new(bytes: Vec<u8>) -> Text {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        Text { hash, bytes }
    }
}

/// The texts, while something is changed.
pub(super) struct Bodies<'c> {
    change: &'c Transaction<'c>,
    find: Statement<'c>,
    put: Statement<'c>,
    make_room: Statement<'c>,
}

impl<'c> Bodies<'c> {
    /// Those of the database that `change` changes.
    pub(super) fn of(change: &'c Transaction<'c>) -> Result<Bodies<'c>, StoreError> {
        Ok(Bodies {
            change,
            find: change.prepare("SELECT number FROM body WHERE hash = ?1")?,
            put: change.prepare("INSERT INTO body (hash, text) VALUES (?1, ?2)")?,
            make_room: change.prepare("INSERT INTO body (hash, text) VALUES (?1, zeroblob(?2))")?,
        })
    }

    /// The number of the text with this hash.
    pub(super) fn find(&mut self, hash: &[u8; 32]) -> Result<Option<i64>, StoreError> {
        Ok(self.find.query_row([hash], |row| row.get(0)).optional()?)
    }

    /// The number of `text`, which is put there if it is not.
    pub(super) fn number(&mut self, text: &Text) -> Result<i64, StoreError> {
        if let Some(number) = self.find(&text.hash)? {
            return Ok(number);
        }
        if text.bytes.len() <= LONG {
            self.put.execute(params![text.hash, text.bytes])?;
            return Ok(self.change.last_insert_rowid());
        }
        let length = i64::try_from(text.bytes.len()).unwrap_or(i64::MAX);
        self.make_room.execute(params![text.hash, length])?;
        let number = self.change.last_insert_rowid();
        self.change.blob_open("main", "body", "text", number, false)?.write_at(&text.bytes, 0)?;
        Ok(number)
    }
}

/// The text of a body; nothing if it is gone, or longer than any that is kept.
pub(crate) fn text(store: &Store, number: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT length(text) FROM body WHERE number = ?1 AND typeof(text) = 'blob'";
    let length: Option<i64> = store.db.query_row(sql, [number], |row| row.get(0)).optional()?;
    let Some(length) = length.and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= MOST) else {
        return Ok(None);
    };
    let mut bytes = vec![0; length];
    store.db.blob_open("main", "body", "text", number, true)?.read_at_exact(&mut bytes, 0)?;
    Ok(Some(bytes))
}
