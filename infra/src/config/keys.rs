//! Keys of our own: those that sign access tokens and checkpoints, and those that wrap the vault's.

use super::fault::Refusals;
use super::secret::NamedKey;
use super::vars::Vars;

/// The development keys are in the source for all to see, which is why production refuses them.
const DEV_TOKEN_KEY: &[u8; 32] = b"ramen development token key, 32!";
const DEV_VAULT_KEY: &[u8; 32] = b"ramen development vault key, 32!";
const DEV_CHECKPOINT_KEY: &[u8; 32] = b"ramen development checkpoint key";

/// `RAMEN_TOKEN_KEYS` (`id:base64 of a 32-byte Ed25519 seed`, comma-separated: the first signs, all
/// verify), `RAMEN_TOKEN_ISSUER`, `RAMEN_TOKEN_AUDIENCE`.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Seeds by key id.
    pub keys: Vec<NamedKey>,
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
}

impl Tokens {
    pub(super) fn read(vars: &mut Vars<'_>) -> Self {
        Self {
            keys: vars.keys("RAMEN_TOKEN_KEYS", DEV_TOKEN_KEY),
            issuer: vars.text("RAMEN_TOKEN_ISSUER", "https://ramen.invalid"),
            audience: vars.text("RAMEN_TOKEN_AUDIENCE", "ramen"),
        }
    }

    pub(super) fn check(&self, refuse: &mut Refusals) {
        let public = holds(&self.keys, DEV_TOKEN_KEY);
        refuse.when(
            public,
            "RAMEN_TOKEN_KEYS",
            "production needs a key of its own",
        );
    }
}

/// `RAMEN_VAULT_KEYS` (`id:base64 of 32 bytes`, comma-separated: the first wraps, all unwrap).
#[derive(Clone, Debug)]
pub struct Vault {
    /// Key-encryption keys by id.
    pub keys: Vec<NamedKey>,
}

impl Vault {
    pub(super) fn read(vars: &mut Vars<'_>) -> Self {
        Self {
            keys: vars.keys("RAMEN_VAULT_KEYS", DEV_VAULT_KEY),
        }
    }

    pub(super) fn check(&self, refuse: &mut Refusals) {
        let public = holds(&self.keys, DEV_VAULT_KEY);
        refuse.when(
            public,
            "RAMEN_VAULT_KEYS",
            "production needs a key of its own",
        );
    }
}

/// `RAMEN_CHECKPOINT_KEYS` (`id:base64 of a 32-byte Ed25519 seed`, comma-separated: the first signs,
/// all verify), `RAMEN_CHECKPOINT_ORIGIN` (the log's name in its notes).
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// Seeds by key id.
    pub keys: Vec<NamedKey>,
    /// First line of each note.
    pub origin: String,
}

impl Checkpoints {
    pub(super) fn read(vars: &mut Vars<'_>) -> Self {
        Self {
            keys: vars.keys("RAMEN_CHECKPOINT_KEYS", DEV_CHECKPOINT_KEY),
            origin: vars.text("RAMEN_CHECKPOINT_ORIGIN", "ramen.invalid/log"),
        }
    }

    pub(super) fn check(&self, refuse: &mut Refusals) {
        let public = holds(&self.keys, DEV_CHECKPOINT_KEY);
        refuse.when(
            public,
            "RAMEN_CHECKPOINT_KEYS",
            "production needs a key of its own",
        );
    }
}

fn holds(keys: &[NamedKey], key: &[u8; 32]) -> bool {
    keys.iter().any(|named| named.key.expose() == key)
}
