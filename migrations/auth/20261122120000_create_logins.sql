-- infra::http::logins: who is signed in. One row for each login; a token carries its version.
CREATE SCHEMA IF NOT EXISTS auth;

CREATE TABLE auth.logins (
    sid uuid PRIMARY KEY,
    principal uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('customer', 'owner', 'driver', 'ops', 'service')),
    restaurants uuid[] NOT NULL DEFAULT '{}',
    -- Whether what it does is a rehearsal, which analytics leave out.
    test boolean NOT NULL DEFAULT false,
    ver bigint NOT NULL CHECK (ver > 0),
    created_at timestamptz NOT NULL,
    -- When it was last refreshed.
    refreshed_at timestamptz,
    -- When it ends unless it is refreshed, and when it ends in any case.
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    ends_at timestamptz NOT NULL CHECK (ends_at >= expires_at),
    revoked_at timestamptz
);

-- All logins of one person, to end them together.
CREATE INDEX logins_principal ON auth.logins (principal) WHERE revoked_at IS NULL;
-- Those that have ended long ago, to be deleted.
CREATE INDEX logins_ended ON auth.logins (ends_at);

GRANT USAGE ON SCHEMA auth TO ramen_app, ramen_query;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.logins TO ramen_app;
GRANT SELECT ON auth.logins TO ramen_query;
