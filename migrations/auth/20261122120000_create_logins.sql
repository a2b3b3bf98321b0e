-- infra::http::logins: who is signed in. One row for each login; a token carries its version.
CREATE SCHEMA IF NOT EXISTS auth;

CREATE TABLE auth.logins (
    sid uuid PRIMARY KEY,
    principal uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('customer', 'owner', 'driver', 'ops', 'service')),
    restaurants uuid[] NOT NULL DEFAULT '{}',
    ver bigint NOT NULL CHECK (ver > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    revoked_at timestamptz
);

-- All logins of one person, to end them together.
CREATE INDEX logins_principal ON auth.logins (principal) WHERE revoked_at IS NULL;

GRANT USAGE ON SCHEMA auth TO ramen_app, ramen_query;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.logins TO ramen_app;
GRANT SELECT ON auth.logins TO ramen_query;
