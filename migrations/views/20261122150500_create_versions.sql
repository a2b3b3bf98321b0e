-- Owned by projector: room for another version of a view's table beside the one that is served.
--
-- A rebuild fills `views_next`, compares it, and moves the tables: live to `views_kept`, next to `views`,
-- in one transaction. Tables keep their names, and with them those of indexes and constraints, because each
-- schema has its own. Both schemas are empty while nothing is built and nothing is kept.

CREATE SCHEMA views_next;
CREATE SCHEMA views_kept;
GRANT USAGE ON SCHEMA views_next, views_kept TO ramen_projector, ramen_query, ramen_checker;

-- What is known of the versions of a view; a view without a row has never been rebuilt and is at version 1.
CREATE TABLE views.versions (
    view text PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),  -- of the table that is served
    swapped_at timestamptz NOT NULL,
    -- The table in views_kept, if there is one: everything up to this place is folded into it.
    kept_version integer CHECK (kept_version > 0),
    kept_position bigint CHECK (kept_position >= 0),
    kept_hash bytea CHECK (octet_length(kept_hash) = 32),
    CHECK ((kept_version IS NULL) = (kept_position IS NULL) AND (kept_version IS NULL) = (kept_hash IS NULL))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON views.versions TO ramen_projector;
GRANT SELECT ON views.versions TO ramen_query, ramen_checker;
