//! Sealing, opening, forgetting and rotating, over a real table of keys.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use chrono::DateTime;

use super::*;
use crate::clock::TestClock;
use crate::config::{NamedKey, Secret};
use crate::http::problem::{ApiError, Unavailable};
use crate::postgres::Role;
use crate::testing::TestDatabase;

fn settings(keys: &[(&str, u8)]) -> config::Vault {
    let key = |(id, byte): &(&str, u8)| NamedKey {
        id: (*id).to_owned(),
        key: Secret::new([*byte; 32]),
    };
    config::Vault {
        keys: keys.iter().map(key).collect(),
    }
}

struct Setup {
    database: TestDatabase,
    hand: TestClock,
    vault: Vault,
}

/// Another process with the same settings.
fn beside(database: &TestDatabase, hand: &TestClock) -> Vault {
    let pool = database.pool(Role::Vault);
    Vault::new(pool, &settings(&[("k1", 1)]), hand.clock()).unwrap()
}

async fn setup() -> Setup {
    let database = TestDatabase::create().await;
    let hand = TestClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
    let vault = beside(&database, &hand);
    Setup {
        database,
        hand,
        vault,
    }
}

fn origin(field: &str) -> Origin {
    Origin {
        kind: "ordering.cart".to_owned(),
        id: Uuid::from_u128(5),
        field: field.to_owned(),
    }
}

const HANA: Uuid = Uuid::from_u128(1);
const TARO: Uuid = Uuid::from_u128(2);

async fn sealed(vault: &Vault, subject: Uuid) -> Sealed<String> {
    vault
        .seal(subject, Class::Identity, origin("name"), &"花".to_owned())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_sealed_is_opened_also_by_another_process() {
    let Setup {
        database,
        hand,
        vault,
    } = setup().await;
    let envelope = sealed(&vault, HANA).await;
    assert!(!serde_json::to_string(&envelope).unwrap().contains('花'));
    assert_eq!(vault.open(&envelope).await.unwrap(), "花");
    let other = beside(&database, &hand);
    assert_eq!(other.open(&envelope).await.unwrap(), "花");
    let second = sealed(&other, HANA).await;
    assert_eq!(second.key_id(), envelope.key_id());
    assert_ne!(second.nonce(), envelope.nonce());
    assert_ne!(sealed(&vault, TARO).await.key_id(), envelope.key_id());
}

#[tokio::test]
async fn any_change_to_an_envelope_is_noticed() {
    let Setup {
        vault,
        database: _kept,
        ..
    } = setup().await;
    let good = sealed(&vault, HANA).await;
    let other = sealed(&vault, TARO).await;
    let parts = |envelope: &Sealed<String>| {
        (
            envelope.key_id(),
            envelope.nonce().to_owned(),
            envelope.ciphertext().to_owned(),
        )
    };
    let (id, nonce, text) = parts(&good);
    let (other_id, other_nonce, other_text) = parts(&other);
    let moved = |field: &str, kind: &str, of: u128| Origin {
        kind: kind.to_owned(),
        id: Uuid::from_u128(of),
        field: field.to_owned(),
    };
    let mut flipped = STANDARD.decode(&text).unwrap();
    flipped[0] ^= 1;
    let here = origin("name");
    for (key, nonce, text, origin) in [
        (id, nonce.clone(), STANDARD.encode(flipped), here.clone()),
        (
            id,
            nonce.clone(),
            text[..text.len() - 4].to_owned(),
            here.clone(),
        ),
        (id, nonce.clone(), String::new(), here.clone()),
        (id, nonce.clone(), "%".to_owned(), here.clone()),
        (id, other_nonce, text.clone(), here.clone()),
        (id, "AAAA".to_owned(), text.clone(), here.clone()),
        (id, nonce.clone(), other_text, here.clone()),
        (other_id, nonce.clone(), text.clone(), here),
        (
            id,
            nonce.clone(),
            text.clone(),
            moved("phone", "ordering.cart", 5),
        ),
        (
            id,
            nonce.clone(),
            text.clone(),
            moved("name", "ordering.order", 5),
        ),
        (
            id,
            nonce.clone(),
            text.clone(),
            moved("name", "ordering.cart", 6),
        ),
    ] {
        let changed: Sealed<String> = Sealed::from_parts(VERSION, key, nonce, text, origin);
        assert_eq!(vault.open(&changed).await, Err(VaultError::Tampered));
    }
    let version: Sealed<String> =
        Sealed::from_parts(2, id, nonce.clone(), text.clone(), origin("name"));
    assert_eq!(
        vault.open(&version).await,
        Err(VaultError::UnknownVersion(2))
    );
    let unknown: Sealed<String> =
        Sealed::from_parts(1, Uuid::from_u128(77), nonce, text, origin("name"));
    assert_eq!(
        vault.open(&unknown).await,
        Err(VaultError::UnknownKey(Uuid::from_u128(77)))
    );
}

#[tokio::test]
async fn destroying_a_persons_keys_erases_them_for_good() {
    let Setup {
        hand,
        vault,
        database,
    } = setup().await;
    let (name, other) = (sealed(&vault, HANA).await, sealed(&vault, TARO).await);
    let now = hand.clock().now();
    let address = vault
        .seal(HANA, Class::order(now), origin("address"), &1_u8)
        .await
        .unwrap();
    assert_eq!(vault.destroy(HANA).await.unwrap(), 2);
    assert_eq!(vault.open(&name).await, Err(VaultError::Erased));
    assert_eq!(vault.open(&address).await, Err(VaultError::Erased));
    assert_eq!(vault.open(&other).await.unwrap(), "花");
    assert_eq!(vault.destroy(HANA).await.unwrap(), 0);
    for class in [
        Class::Identity,
        Class::order(now),
        Class::order(now + chrono::TimeDelta::days(40)),
    ] {
        let again = vault.seal(HANA, class, origin("name"), &"花").await;
        assert_eq!(again, Err(VaultError::Erased), "{class}");
    }
    let wrapped: i64 = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM vault.subject_keys WHERE subject = $1 AND wrapped_key IS NOT NULL"#,
        HANA
    )
    .fetch_one(&database.owner())
    .await
    .unwrap();
    assert_eq!(wrapped, 0);
}

#[tokio::test]
async fn a_person_without_keys_can_be_erased_too() {
    let Setup {
        vault,
        database: _kept,
        ..
    } = setup().await;
    assert_eq!(vault.destroy(HANA).await.unwrap(), 0);
    let sealed = vault
        .seal(HANA, Class::Identity, origin("name"), &"花")
        .await;
    assert_eq!(sealed, Err(VaultError::Erased));
}

#[tokio::test]
async fn another_process_forgets_a_destroyed_key_within_its_life() {
    let Setup {
        database,
        hand,
        vault,
    } = setup().await;
    let other = beside(&database, &hand);
    let envelope = sealed(&vault, HANA).await;
    assert_eq!(other.open(&envelope).await.unwrap(), "花");
    vault.destroy(HANA).await.unwrap();
    assert_eq!(other.open(&envelope).await.unwrap(), "花");
    hand.advance(limits::SUBJECT_KEY_LIFE + Duration::from_micros(1));
    assert_eq!(other.open(&envelope).await, Err(VaultError::Erased));
}

#[tokio::test]
async fn a_months_data_is_forgotten_together() {
    let Setup {
        hand,
        vault,
        database: _kept,
    } = setup().await;
    let class = Class::order(hand.clock().now());
    let name = sealed(&vault, HANA).await;
    let address = vault
        .seal(HANA, class, origin("address"), &1_u8)
        .await
        .unwrap();
    let other = vault
        .seal(TARO, class, origin("address"), &2_u8)
        .await
        .unwrap();
    assert_eq!(vault.destroy_class(class).await.unwrap(), 2);
    let opened = vault.open_all(&[address, other]).await.unwrap();
    assert_eq!(opened, [Err(VaultError::Erased), Err(VaultError::Erased)]);
    assert_eq!(vault.open(&name).await.unwrap(), "花");
}

#[tokio::test]
async fn a_list_is_opened_each_with_its_own_outcome() {
    let Setup {
        vault,
        database: _kept,
        ..
    } = setup().await;
    let (hana, taro) = (sealed(&vault, HANA).await, sealed(&vault, TARO).await);
    vault.destroy(TARO).await.unwrap();
    let opened = vault.open_all(&[hana.clone(), taro, hana]).await.unwrap();
    assert_eq!(
        opened,
        [
            Ok("花".to_owned()),
            Err(VaultError::Erased),
            Ok("花".to_owned())
        ]
    );
}

#[tokio::test]
async fn wrapping_keys_rotate_without_losing_anything() {
    let Setup {
        database,
        hand,
        vault,
    } = setup().await;
    let (hana, taro) = (sealed(&vault, HANA).await, sealed(&vault, TARO).await);
    let with = |keys: &[(&str, u8)]| {
        Vault::new(database.pool(Role::Vault), &settings(keys), hand.clock()).unwrap()
    };
    let both = with(&[("k2", 2), ("k1", 1)]);
    assert_eq!(both.rewrap(1).await.unwrap(), 1);
    assert_eq!(both.rewrap(10).await.unwrap(), 1);
    assert_eq!(both.rewrap(10).await.unwrap(), 0);
    let only_new = with(&[("k2", 2)]);
    assert_eq!(only_new.open(&hana).await.unwrap(), "花");
    assert_eq!(only_new.open(&taro).await.unwrap(), "花");
    let only_old = with(&[("k1", 1)]);
    assert_eq!(
        only_old.open(&hana).await,
        Err(VaultError::Unwrappable(hana.key_id()))
    );
}

#[tokio::test]
async fn a_wrapped_key_belongs_to_its_row() {
    let Setup {
        database,
        hand,
        vault,
    } = setup().await;
    let hana = sealed(&vault, HANA).await;
    sealed(&vault, TARO).await;
    sqlx::query!(
        "UPDATE vault.subject_keys SET wrapped_key =
             (SELECT wrapped_key FROM vault.subject_keys WHERE subject = $1) WHERE subject = $2",
        TARO,
        HANA
    )
    .execute(&database.owner())
    .await
    .unwrap();
    let other = beside(&database, &hand);
    assert_eq!(
        other.open(&hana).await,
        Err(VaultError::Unwrappable(hana.key_id()))
    );
}

#[tokio::test]
async fn two_processes_make_one_key() {
    let Setup {
        database,
        hand,
        vault,
    } = setup().await;
    let other = beside(&database, &hand);
    let (first, second) = tokio::join!(sealed(&vault, HANA), sealed(&other, HANA));
    assert_eq!(first.key_id(), second.key_id());
    assert_eq!(vault.open(&second).await.unwrap(), "花");
}

#[tokio::test]
async fn a_vault_that_is_away_says_so() {
    let Setup {
        database,
        hand,
        vault,
    } = setup().await;
    let envelope = sealed(&vault, HANA).await;
    let pool = database.pool(Role::Vault);
    pool.close().await;
    let away = Vault::new(pool, &settings(&[("k1", 1)]), hand.clock()).unwrap();
    let error = away.open(&envelope).await.unwrap_err();
    assert!(matches!(error, VaultError::Away(Unavailable::Transient(_))));
    assert_eq!(ApiError::from(error).status(), 503);
}

#[test]
fn origins_do_not_run_into_each_other() {
    let of = |kind: &str, field: &str| {
        additional(
            HANA,
            &Origin {
                kind: kind.to_owned(),
                id: TARO,
                field: field.to_owned(),
            },
        )
    };
    assert_ne!(of("ab", "c"), of("a", "bc"));
}
