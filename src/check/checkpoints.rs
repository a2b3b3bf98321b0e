//! Signed checkpoints of the log (I16): each says what the chain says, and one of the keys that the
//! caller names has signed it. Written from <https://c2sp.org/signed-note> alone.

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::report::{Invariant, Report};
use super::store::Store;

/// A key that checkpoints are verified with.
pub(super) struct Verifier {
    name: String,
    /// The standard's number of the algorithm, then the key.
    typed: Vec<u8>,
}

/// What a note says.
struct Said<'n> {
    position: i64,
    hash: Vec<u8>,
    /// The text that was signed.
    text: &'n str,
    signatures: &'n str,
}

/// Compares every checkpoint with the log, and its signature with `verifiers`.
///
/// # Errors
/// When a verifier does not read, or the database fails.
pub(super) async fn check(
    store: &mut Store,
    verifiers: &[String],
    report: &mut Report,
) -> anyhow::Result<()> {
    let verifiers = parse(verifiers)?;
    if verifiers.is_empty() {
        let why = "signatures of checkpoints: no key named (--verifiers)";
        report.not_run(Invariant::I16, why);
    }
    store
        .open_cursor(
            "SELECT c.position, c.note, l.hash FROM ops.checkpoints c
             LEFT JOIN es.event_log l USING (position) ORDER BY c.position",
        )
        .await?;
    loop {
        let rows = store.next_rows().await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            look(row, &verifiers, report)?;
        }
    }
}

/// Reads the keys as they are written for others.
///
/// # Errors
/// Names the first that does not read.
pub(super) fn parse(verifiers: &[String]) -> anyhow::Result<Vec<Verifier>> {
    let named = verifiers.iter().filter(|text| !text.is_empty());
    named
        .map(|text| Verifier::parse(text).with_context(|| format!("the verifier {text:?}")))
        .collect()
}

/// Compares one checkpoint (`position`, `note`) with the `hash` that the log has there.
///
/// # Errors
/// When a column is missing or of another type.
pub(super) fn look(row: &PgRow, verifiers: &[Verifier], report: &mut Report) -> anyhow::Result<()> {
    let position: i64 = row.try_get("position")?;
    let note: String = row.try_get("note")?;
    let stored: Option<Vec<u8>> = row.try_get("hash")?;
    let Some(said) = Said::parse(&note) else {
        let what = format!("the checkpoint at position {position} does not read");
        report.violated(Invariant::I16, what);
        return Ok(());
    };
    let lies_on_it = said.position == position && stored.is_some_and(|hash| hash == said.hash);
    report.expect(Invariant::I16, lies_on_it, || {
        format!("the checkpoint at position {position} does not lie on the chain")
    });
    if !verifiers.is_empty() {
        let signed = verifiers.iter().any(|verifier| verifier.accepts(&said));
        report.expect(Invariant::I16, signed, || {
            format!("the checkpoint at position {position} is signed by none of the keys")
        });
    }
    Ok(())
}

impl<'n> Said<'n> {
    fn parse(note: &'n str) -> Option<Self> {
        let end = note.find("\n\n")?;
        let (text, signatures) = (&note[..=end], &note[end + 2..]);
        let mut lines = text.lines().skip(1);
        Some(Self {
            position: lines.next()?.parse().ok()?,
            hash: STANDARD.decode(lines.next()?).ok()?,
            text,
            signatures,
        })
    }
}

impl Verifier {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().context("it is not name+id+key");
        let (name, id, key) = (part()?, part()?, part()?);
        let verifier = Self {
            name: name.to_owned(),
            typed: STANDARD.decode(key).context("its key is no base64")?,
        };
        anyhow::ensure!(
            matches!(verifier.typed.as_slice(), [1, key @ ..] if key.len() == 32),
            "it is no Ed25519 key"
        );
        anyhow::ensure!(
            hex::encode(verifier.id()) == id,
            "its id is not that of its key"
        );
        Ok(verifier)
    }

    fn id(&self) -> Vec<u8> {
        let named = [self.name.as_bytes(), b"\n", &self.typed].concat();
        digest(&SHA256, &named).as_ref()[..4].to_vec()
    }

    fn accepts(&self, said: &Said<'_>) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.typed[1..]);
        said.signatures
            .lines()
            .filter_map(|line| line.strip_prefix("\u{2014} ")?.split_once(' '))
            .filter(|(name, _)| *name == self.name)
            .filter_map(|(_, encoded)| STANDARD.decode(encoded).ok())
            .any(|bytes| {
                bytes.starts_with(&self.id())
                    && key.verify(said.text.as_bytes(), &bytes[4..]).is_ok()
            })
    }
}
