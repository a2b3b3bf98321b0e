//! Checkpoints as signed notes (<https://c2sp.org/signed-note>, <https://c2sp.org/tlog-checkpoint>):
//! three lines say which log, up to which position, and the chain's hash there; a line below them
//! holds an Ed25519 signature of the three. Where the standard has the root of a tree, we have the
//! hash of the chain.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use infra::config;
use infra::event_store::{ChainHash, Mark};

/// The standard's number for Ed25519.
const ED25519_NOTE: u8 = 1;
/// Begins a line of a signature.
const DASH: &str = "\u{2014} ";

/// A text that is no note of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It has not the lines of a checkpoint.
    #[error("the text is no checkpoint")]
    Form,
    /// It speaks of another log.
    #[error("the checkpoint is of another log")]
    Origin,
    /// No key of ours has signed it.
    #[error("no key of ours has signed the checkpoint")]
    Signature,
}

/// A key of the settings that is no Ed25519 seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("checkpoint key {0} cannot be used")]
pub struct KeyError(String);

/// Signs checkpoints of one log and reads them again.
pub struct Notary {
    origin: String,
    /// The first signs, all verify.
    keys: Vec<NoteKey>,
}

struct NoteKey {
    name: String,
    pair: Ed25519KeyPair,
}

impl Notary {
    /// Takes the keys of the settings.
    ///
    /// # Errors
    /// [`KeyError`] naming a key that cannot be used, or that there is none.
    pub fn new(settings: &config::Checkpoints) -> Result<Self, KeyError> {
        let keys: Vec<NoteKey> = settings
            .keys
            .iter()
            .map(NoteKey::new)
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(KeyError("(none)".to_owned()));
        }
        Ok(Self {
            origin: settings.origin.clone(),
            keys,
        })
    }

    /// The note that says where the chain stands, signed.
    ///
    /// # Panics
    /// Never: there is a key, as [`Notary::new`] has seen.
    pub fn sign(&self, checkpoint: &Mark) -> String {
        let key = self.keys.first().expect("there is a key");
        let hash = STANDARD.encode(checkpoint.hash.as_bytes());
        let text = format!("{}\n{}\n{hash}\n", self.origin, checkpoint.position);
        let mut signature = key.id().to_vec();
        signature.extend_from_slice(key.pair.sign(text.as_bytes()).as_ref());
        format!(
            "{text}\n{DASH}{} {}\n",
            key.name,
            STANDARD.encode(signature)
        )
    }

    /// What a note of ours says.
    ///
    /// # Errors
    /// [`NoteError`] when it is none.
    pub fn read(&self, note: &str) -> Result<Mark, NoteError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(NoteError::Form)?;
        let signed = format!("{text}\n");
        let mut lines = text.lines();
        let origin = lines.next().ok_or(NoteError::Form)?;
        let position = lines.next().and_then(|line| line.parse().ok());
        let hash = lines.next().and_then(|line| STANDARD.decode(line).ok());
        let checkpoint = position
            .zip(hash.and_then(|hash| ChainHash::try_from(hash).ok()))
            .map(|(position, hash)| Mark { position, hash })
            .ok_or(NoteError::Form)?;
        if origin != self.origin {
            return Err(NoteError::Origin);
        }
        let ours = |line: &str| self.keys.iter().any(|key| key.has_signed(line, &signed));
        if signatures.lines().any(ours) {
            Ok(checkpoint)
        } else {
            Err(NoteError::Signature)
        }
    }

    /// What others verify our notes with, one text a key: `name+id+key`, as the standard writes it.
    pub fn verifiers(&self) -> Vec<String> {
        self.keys.iter().map(NoteKey::verifier).collect()
    }
}

impl NoteKey {
    fn new(named: &config::NamedKey) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(named.key.expose())
            .map_err(|_| KeyError(named.id.clone()))?;
        Ok(Self {
            name: named.id.clone(),
            pair,
        })
    }

    fn typed_key(&self) -> Vec<u8> {
        [&[ED25519_NOTE], self.pair.public_key().as_ref()].concat()
    }

    /// Four bytes that tell keys of one name apart.
    fn id(&self) -> [u8; 4] {
        let named = [self.name.as_bytes(), b"\n", &self.typed_key()].concat();
        let mut id = [0; 4];
        id.copy_from_slice(&digest(&SHA256, &named).as_ref()[..4]);
        id
    }

    fn verifier(&self) -> String {
        let (id, key) = (hex::encode(self.id()), STANDARD.encode(self.typed_key()));
        format!("{}+{id}+{key}", self.name)
    }

    fn has_signed(&self, line: &str, text: &str) -> bool {
        let encoded = line
            .strip_prefix(DASH)
            .and_then(|line| line.strip_prefix(self.name.as_str()))
            .and_then(|line| line.strip_prefix(' '));
        let Some(bytes) = encoded.and_then(|encoded| STANDARD.decode(encoded).ok()) else {
            return false;
        };
        let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
            return false;
        };
        let public = UnparsedPublicKey::new(&ED25519, self.pair.public_key());
        *id == self.id() && public.verify(text.as_bytes(), signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use infra::config::{NamedKey, Secret};

    use super::*;

    fn notary(origin: &str, seeds: &[u8]) -> Notary {
        let named = |seed: &u8| NamedKey {
            id: format!("key-{seed}"),
            key: Secret::new([*seed; 32]),
        };
        Notary::new(&config::Checkpoints {
            keys: seeds.iter().map(named).collect(),
            origin: origin.to_owned(),
        })
        .unwrap()
    }

    const AT: Mark = Mark {
        position: 1_234,
        hash: ChainHash::new([7; 32]),
    };

    #[test]
    fn a_note_is_read_by_whoever_has_the_key() {
        let note = notary("log", &[1]).sign(&AT);
        assert!(note.starts_with("log\n1234\nBwcH"));
        assert_eq!(notary("log", &[1]).read(&note), Ok(AT));
        // After a rotation the key before still verifies.
        assert_eq!(notary("log", &[2, 1]).read(&note), Ok(AT));
        assert_eq!(notary("log", &[2]).read(&note), Err(NoteError::Signature));
        assert_eq!(notary("other", &[1]).read(&note), Err(NoteError::Origin));
    }

    #[test]
    fn an_edited_note_is_none() {
        let ours = notary("log", &[1]);
        let note = ours.sign(&AT);
        let moved = note.replace("1234", "1235");
        assert_eq!(ours.read(&moved), Err(NoteError::Signature));
        let rehashed = note.replace("BwcH", "BwcI");
        assert_eq!(ours.read(&rehashed), Err(NoteError::Signature));
        for text in [
            "",
            "\n\n",
            "log\n1\n\n",
            "log\nx\nBwcH\n\n",
            "log\n1\nBwcH\n\n",
        ] {
            assert_eq!(ours.read(text), Err(NoteError::Form), "{text:?}");
        }
    }

    #[test]
    fn the_example_of_the_standard_has_this_key_id() {
        // The key of Go's `note` package documentation, PeterNeumann+c74f20a3+ARpc2QcU…
        let key = STANDARD
            .decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
            .unwrap();
        let named = [b"PeterNeumann\n".as_slice(), &key].concat();
        let id = hex::encode(&digest(&SHA256, &named).as_ref()[..4]);
        assert_eq!(id, "c74f20a3");
    }

    #[test]
    fn a_verifier_names_its_key() {
        let verifiers = notary("log", &[1, 2]).verifiers();
        let parts: Vec<&str> = verifiers[0].splitn(3, '+').collect();
        assert_eq!(parts[0], "key-1");
        assert_eq!(parts[1].len(), 8);
        assert_eq!(STANDARD.decode(parts[2]).unwrap().len(), 33);
        assert_eq!(verifiers.len(), 2);
    }
}
