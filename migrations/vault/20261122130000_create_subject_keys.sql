-- infra::vault: the key of each person and class, wrapped by a key-encryption key. Destroying a row's
-- wrapped key makes everything sealed with it unreadable; the row remains, so that no new key takes its
-- place and readers can say that the person was erased.
CREATE SCHEMA IF NOT EXISTS vault;

CREATE TABLE vault.subject_keys (
    subject uuid NOT NULL,
    class text NOT NULL CHECK (class ~ '^(identity|system-[0-9]{4}-[0-9]{2}|order-[0-9]{4}-[0-9]{2})$'),
    key_id uuid NOT NULL UNIQUE,
    wrapped_key bytea,
    kek_id text NOT NULL,
    created_at timestamptz NOT NULL,
    destroyed_at timestamptz,
    PRIMARY KEY (subject, class),
    CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL))
);

-- Keys still to be wrapped again after the wrapping key has changed.
CREATE INDEX subject_keys_kek ON vault.subject_keys (kek_id) WHERE destroyed_at IS NULL;

GRANT USAGE ON SCHEMA vault TO ramen_vault;
GRANT SELECT, INSERT, UPDATE ON vault.subject_keys TO ramen_vault;
