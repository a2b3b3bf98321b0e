//! What can go wrong on the way, and how it is written on a command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From who has connected.
    Request,
    /// To who has connected.
    Reply,
}

/// What goes wrong. Connections that are open when it is set are struck as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Nobody listens; what is open is reset.
    Refuse,
    /// Connections are taken and reset at once.
    Reset,
    /// Connections are taken, and nothing passes either way.
    BlackHole,
    /// Everything of one direction is late.
    Delay {
        /// Which.
        way: Way,
        /// By how much at least; up to a tenth more is drawn.
        by: Duration,
    },
    /// Both directions are slow.
    Slow {
        /// Bytes in a second.
        rate: u32,
    },
    /// What was written at once comes in pieces.
    Slice {
        /// The largest; sizes are drawn.
        bytes: usize,
    },
    /// The connection is reset in the middle of what one direction carries.
    Cut {
        /// Which.
        way: Way,
        /// After so many bytes of a connection.
        after: usize,
    },
    /// Requests pass, and at the first byte of a reply the connection is reset.
    LoseReply,
    /// The far side is closed and the near side is not told, for as long as it stays.
    HalfOpen,
    /// What is sent arrives twice, the second time over a connection of its own, whose replies nobody hears.
    Repeat,
}

impl Fault {
    /// Whether nobody is to listen.
    pub(super) fn refuses(self) -> bool {
        self == Self::Refuse
    }
}

impl FromStr for Way {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "request" => Ok(Self::Request),
            "reply" => Ok(Self::Reply),
            other => bail!("{other:?} is no direction: request or reply"),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Reply => "reply",
        })
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let fault = match parts.as_slice() {
            ["none"] => Self::None,
            ["refuse"] => Self::Refuse,
            ["reset"] => Self::Reset,
            ["black-hole"] => Self::BlackHole,
            ["delay", way, millis] => Self::Delay {
                way: way.parse()?,
                by: Duration::from_millis(millis.parse().context("milliseconds")?),
            },
            ["slow", rate] => Self::Slow {
                rate: rate.parse().context("bytes a second")?,
            },
            ["slice", bytes] => Self::Slice {
                bytes: bytes.parse().context("bytes")?,
            },
            ["cut", way, after] => Self::Cut {
                way: way.parse()?,
                after: after.parse().context("bytes")?,
            },
            ["lose-reply"] => Self::LoseReply,
            ["half-open"] => Self::HalfOpen,
            ["repeat"] => Self::Repeat,
            _ => bail!("{text:?} is no fault"),
        };
        Ok(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Refuse => f.write_str("refuse"),
            Self::Reset => f.write_str("reset"),
            Self::BlackHole => f.write_str("black-hole"),
            Self::Delay { way, by } => write!(f, "delay:{way}:{}", by.as_millis()),
            Self::Slow { rate } => write!(f, "slow:{rate}"),
            Self::Slice { bytes } => write!(f, "slice:{bytes}"),
            Self::Cut { way, after } => write!(f, "cut:{way}:{after}"),
            Self::LoseReply => f.write_str("lose-reply"),
            Self::HalfOpen => f.write_str("half-open"),
            Self::Repeat => f.write_str("repeat"),
        }
    }
}
