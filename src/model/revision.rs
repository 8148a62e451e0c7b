//! The five revisions of the protocol, by date.

use std::fmt;
use std::str::FromStr;

/// A revision of MCP that hawkeye speaks. Ordered by date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: stdio and HTTP+SSE.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches.
    V2025_03_26,
    /// 2025-06-18: version header, structured output.
    V2025_06_18,
    /// 2025-11-25: the last with a handshake.
    V2025_11_25,
    /// 2026-07-28: stateless.
    V2026_07_28,
}

/// How a revision opens a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    /// `initialize`, then `notifications/initialized`.
    Handshake,
    /// Every request stands alone; `server/discover` is optional.
    Stateless,
}

impl Revision {
    /// All revisions, oldest first.
    pub const ALL: [Revision; 5] = [
        Revision::V2024_11_05,
        Revision::V2025_03_26,
        Revision::V2025_06_18,
        Revision::V2025_11_25,
        Revision::V2026_07_28,
    ];
    /// What `initialize` offers: the newest revision that has a handshake.
    pub const NEWEST_HANDSHAKE: Revision = Revision::V2025_11_25;
    /// What `server/discover` offers.
    pub const NEWEST: Revision = Revision::V2026_07_28;

    /// The date, as it stands on the wire.
    pub const fn date(self) -> &'static str {
        match self {
            Revision::V2024_11_05 => "2024-11-05",
            Revision::V2025_03_26 => "2025-03-26",
            Revision::V2025_06_18 => "2025-06-18",
            Revision::V2025_11_25 => "2025-11-25",
            Revision::V2026_07_28 => "2026-07-28",
        }
    }

    /// How this revision opens.
    pub const fn era(self) -> Era {
        match self {
            Revision::V2024_11_05 | Revision::V2025_03_26 | Revision::V2025_06_18 | Revision::V2025_11_25 => {
                Era::Handshake
            }
            Revision::V2026_07_28 => Era::Stateless,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.date())
    }
}

/// The text is not the date of a revision hawkeye speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRevision;

impl FromStr for Revision {
    type Err = UnknownRevision;
    fn from_str(s: &str) -> Result<Revision, UnknownRevision> {
        Revision::ALL.into_iter().find(|r| r.date() == s).ok_or(UnknownRevision)
    }
}

impl serde::Serialize for Revision {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.date())
    }
}

impl<'de> serde::Deserialize<'de> for Revision {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Revision, D::Error> {
        let date = String::deserialize(d)?;
        date.parse().map_err(|UnknownRevision| serde::de::Error::custom("no revision of the protocol"))
    }
}
