-- infra::http::logins: what keeps a login alive. One row for each token ever given out for a login, so
-- that one used twice is known; the tokens themselves are nowhere (docs/adr/0014).
CREATE TABLE auth.refresh_tokens (
    -- SHA-256 of the token.
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    sid uuid NOT NULL REFERENCES auth.logins ON DELETE CASCADE,
    -- The token that this one was given for: a token has one successor.
    previous bytea UNIQUE,
    -- With the previous token itself, this makes the token again. Dropped when the token is used.
    salt bytea CHECK (length(salt) = 32),
    issued_at timestamptz NOT NULL,
    used_at timestamptz
);

-- For the cascade.
CREATE INDEX refresh_tokens_sid ON auth.refresh_tokens (sid);

GRANT SELECT, INSERT, UPDATE, DELETE ON auth.refresh_tokens TO ramen_app;
